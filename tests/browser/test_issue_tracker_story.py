"""A board whose truth is in another service: connecting an account, losing a right, and an answer that got lost."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from playwright.async_api import expect
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.routing import Mount

from examples.issue_tracker import tools
from examples.issue_tracker.connecting import LINKS
from examples.issue_tracker.service.app import Tracker
from examples.issue_tracker.service.seed import PASSWORD
from intarsia import Connector
from intarsia.host.server import running_server
from intarsia.testing import Grant, Host, View, assert_accessible, assert_fits_inline
from tests.browser.story_support import SANDBOXES, drag_to
from tests.examples.tracker_system import SCOPES, World, nothing, running_tracker_system

EMIL = Grant("emil@here", scopes=SCOPES, claims={"name": "Emil"})
FOLLOWS_MS = 12_000
"""An open board asks again every five seconds."""


@pytest.fixture
async def tracker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[World]:
    async with running_tracker_system(tmp_path, monkeypatch) as world:
        yield world


@pytest.fixture
def connector(tracker: World) -> Connector:
    return tracker.connector


class Board:
    """The board in the widget, below what is told about it."""

    def __init__(self, view: View) -> None:
        self.view = view

    async def move(self, card: str, onto: str) -> None:
        """Drag a card to the upper half of another, so that it comes before it."""
        cards = [self.view.locator(f'li[id$="-card-{name}"]') for name in (card, onto)]
        await drag_to(self.view, cards[0].locator("p").first, cards[1], share=0.2)

    async def column_of(self, card: str) -> str:
        """Return the id of the column's list in which a card is."""
        held = self.view.locator(f'ol:has(> [id$="-card-{card}"])')
        return str(await held.get_attribute("id")).rpartition("-")[2]


@asynccontextmanager
async def served_pages(service: Tracker, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[str]:
    """Serve the tracker, and the pages by which people connect, for browsers: each at an address of its own."""
    pages, running = Starlette(routes=tools.connecting.routes), Starlette(routes=[Mount("/", service)])
    async with running_server(running) as tracker, running_server(pages) as here:
        monkeypatch.setattr(tools.connecting, "settings", replace(tools.settings, tracker=tracker, public=here))
        yield here


async def test_a_person_connects_in_the_browser_uses_the_board_and_loses_the_right_while_it_is_open(
    host: Host, tracker: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served_pages(tracker.service, monkeypatch) as here:
        view = await host.call("issue_board", as_=EMIL, project="webshop")
        await view.until("Connect your tracker account")
        link = next(word for word in view.text.split() if word.startswith(here))

        page = await (await host.page_of(EMIL)).page.context.new_page()
        await page.goto(link)
        await page.get_by_role("button").click()
        await page.get_by_label("E-mail").fill("emil@example.com")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in and allow").click()
        await expect(page.get_by_role("status")).to_contain_text("connected as Emil Sørensen")
        await page.close()

    board = Board(view)
    await expect(view.locator("li[id*=-card-]").first).to_be_visible(timeout=FOLLOWS_MS)
    await board.move("WEB-8", onto="WEB-11")
    await view.until("Moved WEB-8 to In review.")
    assert (await tracker.issue("WEB-8"))["changed_by"] == "Emil Sørensen"

    await tracker.seat("emil", "guest")
    move = view.body.get_by_role("button", name="Move").first
    await expect(move).not_to_be_attached(timeout=FOLLOWS_MS)
    await view.until("a guest cannot move issues.")
    assert await board.column_of("WEB-8") == "review"

    await tracker.seat("emil", None)
    await expect(view.locator("li[id*=-card-]").first).not_to_be_attached(timeout=FOLLOWS_MS)
    await view.until("you are not in it.")


async def connected(host: Host, tracker: World) -> View:
    """Return the board of a person who is connected already."""
    view = await host.call("tracker_account", as_=EMIL)
    link = next(word for word in view.text.split() if word.startswith(tools.settings.public))
    async with tools.issues.read() as connection:
        person = (await connection.execute(select(LINKS.c.person))).scalar_one()
    assert link.startswith(f"{tools.settings.public}/connect/tracker?ticket=")
    await tracker.connect(EMIL, person)
    return await host.call("issue_board", as_=EMIL, project="webshop")


@pytest.mark.parametrize("sandbox", SANDBOXES)
async def test_a_move_goes_back_when_the_tracker_refuses_it_and_the_board_says_why(
    host: Host, tracker: World, sandbox: str
) -> None:
    await host.set(sandbox=sandbox)
    view = await connected(host, tracker)
    board = Board(view)
    tracker.wire.before = lambda request: (
        httpx2.Response(429, json={}, headers={"Retry-After": "12"}) if request.method == "PATCH" else None
    )
    await board.move("WEB-8", onto="WEB-11")
    await view.settled()

    assert "The tracker asks for a pause. Nothing was changed; try again in 12 seconds." in view.problem
    assert await board.column_of("WEB-8") == "doing"


async def test_a_change_whose_answer_was_lost_is_checked_before_the_persons_eyes_until_it_is_known(
    host: Host, tracker: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.issue_tracker.outcomes.MAX_RENDER_SECONDS", 0.2)
    view = await connected(host, tracker)
    board = Board(view)
    tracker.wire.after = lambda request: httpx2.ReadTimeout("lost") if request.method == "PATCH" else None
    await board.move("WEB-8", onto="WEB-11")
    await view.until("Move WEB-8 to review: no answer yet. Checking whether it was done.")

    tracker.wire.after = nothing
    await view.until("Move WEB-8 to review: it was done.")
    assert (await tracker.issue("WEB-8"))["version"] == 2
    assert await board.column_of("WEB-8") == "review"


async def test_on_a_phone_the_board_keeps_its_tabs_when_what_stands_above_it_changes(
    host: Host, tracker: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.issue_tracker.outcomes.MAX_RENDER_SECONDS", 0.2)
    await host.open(touch=True)
    await host.set(width="320")
    view = await connected(host, tracker)
    tracker.wire.after = lambda request: httpx2.ReadTimeout("lost") if request.method == "PATCH" else None
    await view.frame.get_by_role("tab", name="In progress").tap()
    await view.locator('li[id$="-card-WEB-8"]').get_by_role("button", name="Move").first.tap()
    await view.frame.get_by_role("button", name="To In review").last.tap()
    await view.frame.get_by_role("button", name="Drop", exact=True).tap()

    for sentence in ("Checking whether it was done.", "it was done."):
        await view.until(sentence)
        tracker.wire.after = nothing
        await expect(view.locator(".intarsia-task-board")).to_have_attribute("data-tabs", "one")
        await assert_fits_inline(view)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("width", ["320", "760"])
async def test_every_state_fits_into_the_chat_of_a_phone_and_can_be_used_by_everybody(
    host: Host, tracker: World, width: str
) -> None:
    await host.open(touch=width == "320")
    await host.set(width=width)
    unconnected = await host.call("issue_board", as_=EMIL, project="webshop")
    await assert_accessible(unconnected)
    await assert_fits_inline(unconnected)
    board = await connected(host, tracker)
    await assert_accessible(board)
    await assert_fits_inline(board)
    details = await host.call("issue_details", as_=EMIL, project="webshop", issue="WEB-8")
    await assert_accessible(details)
    await details.fill("Add a card", "It is fixed in the next release.", enter=True)
    await details.until("It is fixed in the next release.")
    await details.choose("Assignee", "Lucía Romero")
    await details.until("Emil Sørensen gave it to Lucía Romero.")
    await tracker.seat("emil", "guest")
    await details.until("a guest cannot comment.")
    await assert_accessible(details)
