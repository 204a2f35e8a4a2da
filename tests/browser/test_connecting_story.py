"""A connector is added by its address, signed in to, used, widened and withdrawn, all in a browser."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.async_api import Browser, expect

from intarsia.testing import assert_fits_inline
from tests.authorization_server.browser import PASSWORD
from tests.browser.connected_host import NAME, Desk, Stopwatch, running_connected_host
from tests.browser.story_support import server_order
from tests.security.issuer import make_keys, running_issuer

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


@pytest.fixture
async def desk(browser: Browser, tmp_path: Path) -> AsyncIterator[Desk]:
    async with running_connected_host(browser, tmp_path) as opened:
        yield opened


@pytest.fixture
def watch(request: pytest.FixtureRequest) -> Stopwatch:
    """What each step took stands in the report (`--junitxml`)."""
    node = cast("Any", request).node  # pytest does not say what it is

    def note(step: str, seconds: object) -> None:
        node.user_properties.append((step, seconds))

    return Stopwatch(note)


async def test_the_whole_story(desk: Desk, watch: Stopwatch) -> None:
    await desk.whole_story(watch)


async def test_the_whole_story_with_an_issuer_that_is_not_ours(
    browser: Browser, tmp_path: Path, watch: Stopwatch
) -> None:
    async with (
        running_issuer(make_keys("story")) as issuer,
        running_connected_host(browser, tmp_path, issuer=issuer) as desk,
    ):
        await desk.whole_story(watch)


async def test_the_whole_story_on_a_phone(browser: Browser, tmp_path: Path, watch: Stopwatch) -> None:
    async with running_connected_host(browser, tmp_path, size=(320, 640), has_touch=True) as desk:
        board = await desk.whole_story(watch)
        await assert_fits_inline(board.view)


async def test_who_disconnects_connects_again_and_removes(desk: Desk) -> None:
    await desk.open_pane()
    await desk.add(f"{desk.remote}/mcp")
    await desk.connect()
    board = await desk.board()
    await desk.card().get_by_role("button", name="Disconnect").click()
    await expect(desk.page.get_by_text(f"Disconnected {NAME}.", exact=True)).to_be_visible()
    await expect(board.view.locator("body")).to_contain_text("You disconnected this connector.")
    apps = await desk.context.new_page()
    await apps.goto(f"{desk.remote}/apps")
    await expect(apps.get_by_text("No connected apps.")).to_be_visible()  # it was told, too
    await apps.close()

    tab = await desk.new_tab(desk.card().get_by_role("button", name="Connect", exact=True))
    await desk.consent(tab, signs_in=False)
    await expect(board.view.locator('[id^="w-card-"]').first).to_be_visible()

    await desk.card().get_by_role("button", name="Remove").click()
    await expect(desk.page.get_by_text(f"Removed {NAME}.", exact=True)).to_be_visible()
    await expect(desk.page.locator('#tool-list [data-tool="task_board"]')).to_have_count(0)
    await desk.add(f"{desk.remote}/mcp")
    await expect(desk.card()).to_contain_text("Not connected")


async def test_who_grants_nothing_is_not_connected_and_may_try_again(desk: Desk) -> None:
    await desk.open_pane()
    await desk.add(f"{desk.remote}/mcp")
    connect = desk.card().get_by_role("button", name="Connect", exact=True)
    tab = await desk.new_tab(connect)
    await desk.page.get_by_role("group", name=f"Sign in to {NAME}").get_by_role("button", name="Cancel").click()
    await expect(desk.page.get_by_text("The sign-in was canceled.")).to_be_visible()
    await tab.close()

    tab = await desk.new_tab(connect)
    await tab.get_by_label("Name").fill("ada")
    await tab.get_by_label("Password").fill(PASSWORD)
    await tab.get_by_role("button", name="Sign in").click()
    await tab.get_by_role("button", name="Cancel").click()
    await expect(tab.get_by_role("heading", name="Not connected")).to_be_visible()
    await expect(desk.page.get_by_text("Nothing was granted.")).to_be_visible()
    await expect(desk.card()).to_contain_text("Not connected")


async def test_rules_of_tools_hold_for_the_model_and_for_widgets(desk: Desk) -> None:
    await desk.open_pane()
    await desk.add(f"{desk.remote}/mcp")
    await desk.connect()
    board = await desk.board()
    todo, review = await server_order(desk.connector, "todo"), await server_order(desk.connector, "review")
    await desk.card().locator("summary").click()
    rule = desk.card().get_by_label("Move card")

    await rule.select_option("Blocked")
    await board.drag(todo[0], onto=review[0])
    await expect(board.view.locator("body")).to_contain_text("You blocked “Move card” in the connector's tools.")
    assert await server_order(desk.connector, "todo") == todo
    listed = desk.page.locator('#tool-list [data-tool="move_card"]')
    await expect(listed).to_have_count(0)

    await rule.select_option("Ask")
    await expect(listed).to_have_count(1)
    await board.drag(todo[0], onto=review[0])
    await desk.page.get_by_role("group", name="Allow “Move card”?").get_by_role("button", name="Allow").click()
    await board.expect_order("review", [todo[0], review[0]])

    await desk.card().get_by_label("Task board").select_option("Ask")
    await desk.host.start("task_board", {"project": "apollo"})
    await desk.page.get_by_role("group", name="Allow “Task board”?").get_by_role("button", name="Deny").click()
    await expect(desk.page.locator(".turn").last.locator(".failure")).to_have_text("The user declined this call.")


async def test_a_connector_can_be_left_out_of_one_conversation(desk: Desk) -> None:
    await desk.open_pane()
    await desk.add(f"{desk.remote}/mcp")
    await desk.connect()
    board = await desk.board()
    switch = desk.card().get_by_role("switch")
    await switch.uncheck()
    await expect(desk.page.locator('#tool-list [data-tool="task_board"]')).to_have_count(0)
    await expect(board.view.locator("body")).to_contain_text("This connector is turned off in this conversation.")
    await switch.check()
    await expect(desk.page.locator('#tool-list [data-tool="task_board"]')).to_have_count(1)
    await expect(board.view.locator('[id^="w-card-"]').first).to_be_visible()


async def test_what_an_owner_blocks_is_blocked_on_every_page(desk: Desk) -> None:
    await desk.open_pane()
    await desk.add(f"{desk.remote}/mcp")
    await desk.connect()
    board = await desk.board()
    other = await desk.context.new_page()
    await other.goto(desk.host.addresses.page)
    await expect(other.locator('#tool-list [data-tool="task_board"]')).to_have_count(1)

    block = desk.page.get_by_role("region", name="Organization").get_by_label("Block Task board")
    await block.check()
    await expect(desk.page.get_by_text("Task board is blocked for everyone.")).to_be_visible()
    await expect(board.view.locator("body")).to_contain_text("blocked for everyone by an owner of this organization")
    for page in (desk.page, other):
        await expect(page.locator('#tool-list [data-tool="task_board"]')).to_have_count(0)
    await block.uncheck()
    await expect(board.view.locator('[id^="w-card-"]').first).to_be_visible()
