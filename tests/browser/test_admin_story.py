"""An admin turns a tool off in one browser while somebody has its widget open in another."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from intarsia.server.admin.access import ADMIN
from tests.authorization_server.accounts import with_account
from tests.authorization_server.browser import PASSWORD
from tests.browser.connected_host import NAME, Desk, Stopwatch, running_connected_host
from tests.browser.test_connecting_story import watch as watch  # noqa: PLC0414 - a fixture

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

FOLLOWS_MS = 2_000


@pytest.fixture
async def desk(browser: Browser, tmp_path: Path) -> AsyncIterator[Desk]:
    await with_account(tmp_path / "accounts.db", "root", roles=[ADMIN])
    async with running_connected_host(browser, tmp_path) as opened:
        yield opened


@pytest.fixture
async def admin(browser: Browser, desk: Desk) -> AsyncIterator[Page]:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{desk.remote}/admin")
    await page.get_by_label("Name").fill("root")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Switches").wait_for()
    yield page
    await context.close()


async def turn(admin: Page, position: str, tool: str = "Task board") -> float:
    """Press a position, wait until the page says so, and return when that was."""
    group = admin.get_by_role("group", name=tool, exact=True)
    await group.get_by_role("button", name=position, exact=True).click()
    await expect(admin.get_by_role("status")).to_have_text(f"{tool}: {position.lower()}.")
    return time.monotonic()


async def test_an_open_board_follows_what_an_admin_presses(desk: Desk, admin: Page, watch: Stopwatch) -> None:
    await desk.open_pane()
    await desk.add(f"{desk.remote}/mcp")
    await desk.connect()
    await desk.close_pane()
    board = await desk.board()
    body, card = board.view.locator("body"), board.view.locator('[id^="w-card-"]').first
    await board.view.until(lambda: [call.state for call in board.view.calls_of("intarsia_view")][-1:] == ["waiting"])
    watch.lap("board is open")

    await turn(admin, "Text only")
    await expect(body).to_contain_text("Ask in the chat for its text version.", timeout=FOLLOWS_MS)
    watch.lap("text only")
    await turn(admin, "Off")
    await expect(body).to_contain_text("Turned off by an admin", timeout=FOLLOWS_MS)
    watch.lap("off")
    await expect(card).not_to_be_attached()
    await desk.host.start("task_board", {"project": "apollo"})  # from the list that this page has
    await expect(desk.page.locator(".turn").last).to_contain_text("There is no such tool")

    fresh = await desk.context.new_page()
    await fresh.goto(desk.host.addresses.page)
    await expect(fresh.locator('#tool-list [data-tool="add_card"]')).to_have_count(1)
    await expect(fresh.locator('#tool-list [data-tool="task_board"]')).to_have_count(0)
    await fresh.close()

    await turn(admin, "On")
    await expect(card).to_be_visible(timeout=FOLLOWS_MS)
    watch.lap("on")
    await admin.get_by_role("link", name="Audit log").click()
    for position in ("text_only", "off", "on"):
        await expect(admin.get_by_role("cell", name=position, exact=True).first).to_be_visible()


async def test_an_admin_withdraws_what_somebody_granted_and_the_open_board_stops(desk: Desk, admin: Page) -> None:
    await desk.open_pane()
    await desk.add(f"{desk.remote}/mcp")
    await desk.connect()
    await desk.close_pane()
    board = await desk.board()

    await admin.get_by_role("link", name="People").click()
    await admin.get_by_role("button", name="Remove access of").click()

    await expect(admin.get_by_role("status")).to_contain_text("Access removed.")
    await expect(board.view.locator('[id^="w-card-"]').first).not_to_be_attached(timeout=5_000)
    await desk.open_pane()
    await expect(desk.card(NAME)).to_contain_text("Sign in again")
