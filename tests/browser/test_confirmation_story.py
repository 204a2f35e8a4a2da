"""Deleting a card: the View asks in place, by mouse, keyboard and finger, and on hosts that drop and lose things."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from examples.team_tasks import connector as team_tasks
from intarsia import Connector
from intarsia.testing import View
from intarsia.testing.fixtures import OpenHost
from tests.browser.story_support import SANDBOXES, Board, served, server_order

CARD = "T-32"
QUESTION = f"Delete {CARD} for good?"

FAULTS: dict[str, dict[str, Any]] = {
    "drops request metadata": {"faults": {"strip_request_meta": True}},
    "strips what it pushes": {"faults": {"strip_result_meta": True}},
}


@pytest.fixture
async def tasks(tmp_path: Path) -> AsyncIterator[Connector]:
    async with served(team_tasks, tmp_path) as connector:
        yield connector


async def ask(board: Board) -> View:
    """Press Delete among the steps of a card, and wait for the question."""
    await board.handle(CARD).click()
    await board.card(CARD).get_by_role("button", name="Delete").click()
    await expect(board.view.locator(".intarsia-status__message")).to_have_text(QUESTION)
    await expect(board.view.locator(".intarsia-status").get_by_role("button", name="Cancel")).to_be_focused()
    return board.view


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "settings", [{"sandbox": sandbox} for sandbox in SANDBOXES] + list(FAULTS.values()), ids=[*SANDBOXES, *FAULTS]
)
async def test_a_card_is_kept_and_then_deleted(tasks: Connector, open_host: OpenHost, settings: dict[str, Any]) -> None:
    host = open_host(tasks.app())
    await host.open(**settings)
    board = Board(await host.call("task_board", project="apollo"))
    before = await server_order(tasks, "todo")

    view = await ask(board)
    await view.press("Cancel")
    await expect(board.handle(CARD)).to_be_focused()
    assert await server_order(tasks, "todo") == before

    await ask(board)
    await view.press("Delete card")
    await expect(view.locator(".intarsia-status__message")).to_have_text(f"Deleted {CARD}.")
    await expect(board.card(CARD)).to_have_count(0)
    assert await server_order(tasks, "todo") == [card for card in before if card != CARD]


async def test_a_yes_whose_answer_was_lost_is_applied_once(tasks: Connector, open_host: OpenHost) -> None:
    host = open_host(tasks.app())
    board = Board(await host.call("task_board", project="apollo"))
    view = await ask(board)
    await host.set(faults={"lose_answers": "error", "only": ["delete_card"]})
    await view.press("Delete card")
    await expect(view.locator(".intarsia-status__message")).to_have_text("The server did not respond.")
    assert CARD not in await server_order(tasks, "todo")

    await host.set(faults={"lose_answers": False})
    await view.press("Try again")

    await expect(view.locator(".intarsia-status__message")).to_have_text(f"Deleted {CARD}.")
    await expect(board.card(CARD)).to_have_count(0)


async def test_escape_keeps_it_and_the_keyboard_is_enough(tasks: Connector, open_host: OpenHost) -> None:
    host = open_host(tasks.app())
    board = Board(await host.call("task_board", project="apollo"))
    keyboard = host.page.keyboard

    await ask(board)
    await keyboard.press("Escape")
    await expect(board.handle(CARD)).to_be_focused()
    await expect(board.view.locator(".intarsia-status__message")).to_be_empty()
    assert CARD in await server_order(tasks, "todo")

    await keyboard.press("Enter")
    await board.card(CARD).get_by_role("button", name="Delete").focus()
    await keyboard.press("Enter")
    await expect(board.view.locator(".intarsia-status").get_by_role("button", name="Cancel")).to_be_focused()
    await keyboard.press("Shift+Tab")
    await keyboard.press("Enter")
    await expect(board.card(CARD)).to_have_count(0)
    assert QUESTION in (await board.view.settled()).announcements


async def test_a_view_that_is_made_anew_has_forgotten_the_question(tasks: Connector, open_host: OpenHost) -> None:
    host = open_host(tasks.app())
    board = Board(await host.call("task_board", project="apollo"))
    await ask(board)

    await board.view.recreate()

    await expect(board.card(CARD)).to_be_visible()
    await expect(board.view.locator(".intarsia-status")).not_to_contain_text(QUESTION)
    assert CARD in await server_order(tasks, "todo")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", ["320", "760"])
async def test_the_question_fits(tasks: Connector, open_host: OpenHost, tmp_path: Path, theme: str, width: str) -> None:
    host = open_host(tasks.app())
    await host.open(theme=theme, touch=width == "320")
    await host.set(width=width)
    board = Board(await host.call("task_board", project="apollo"))
    pictures = Path(os.environ.get("INTARSIA_PICTURES", tmp_path))
    await board.handle(CARD).click()
    await board.view.screenshot(pictures / f"steps-{width}-{theme}.png")
    await board.handle(CARD).press("Escape")
    await ask(board)
    await board.view.screenshot(pictures / f"question-{width}-{theme}.png")

    scrolled = await board.view.frame.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not scrolled
    for button in await board.view.locator(".intarsia-status button").all():
        box = await button.bounding_box()
        assert box
        assert box["height"] >= (44 if width == "320" else 24)
    await board.view.press("Delete card")
    await expect(board.card(CARD)).to_have_count(0)
