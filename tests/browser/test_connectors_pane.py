"""The pane of connectors is there for everybody: narrow, wide, light, dark, with the keyboard, for a screen reader."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.connected_host import NAME, Desk, running_connected_host
from tests.browser.view_scripts import ROOT

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


@pytest.fixture
async def desk(browser: Browser, tmp_path: Path) -> AsyncIterator[Desk]:
    async with running_connected_host(browser, tmp_path) as opened:
        yield opened


async def test_nobody_meets_a_barrier_in_the_pane(desk: Desk) -> None:
    await desk.open_pane()
    await desk.add(f"{desk.remote}/mcp")
    await desk.connect()
    pane = desk.page.locator("#connectors")
    for summary in await pane.locator("summary").all():
        await summary.click()
    await desk.page.evaluate((ROOT / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8"))
    barriers = "async () => (await axe.run()).violations.map(({ id, nodes }) => [id, nodes[0].html])"
    for theme in ("light", "dark"):
        await desk.host.set({"theme": theme})
        for width in (320, 760, 1200):
            await desk.page.set_viewport_size({"width": width, "height": 800})
            assert await desk.page.evaluate(barriers) == [], f"{theme}, {width} px"
            wider = "(pane) => pane.scrollWidth - pane.clientWidth"
            assert await pane.evaluate(wider) <= 0, f"{theme}, {width} px"


async def test_everything_can_be_done_with_the_keyboard(desk: Desk) -> None:
    keyboard, page = desk.page.keyboard, desk.page
    await page.locator("#show-connectors").focus()
    await keyboard.press("Enter")
    await expect(page.locator("#connectors").get_by_role("button", name="Close")).to_be_focused()
    await page.get_by_text("Add custom connector").focus()
    await keyboard.press("Enter")
    await keyboard.press("Tab")
    await keyboard.type(NAME)
    await keyboard.press("Tab")
    await keyboard.type("http://tasks.example.com/mcp")
    await keyboard.press("Enter")
    problem = "must use https; http is allowed only for this machine's loopback addresses"
    await expect(page.get_by_text(problem)).to_be_visible()
    await page.get_by_label("Address").fill(f"{desk.remote}/mcp")
    await page.get_by_label("Address").press("Enter")
    await expect(desk.card().get_by_role("button", name="Connect", exact=True)).to_be_focused()
    await keyboard.press("Tab")
    await keyboard.press("Enter")
    await expect(page.get_by_text(f"Removed {NAME}.", exact=True)).to_be_visible()
    await expect(page.locator("#connectors").get_by_role("button", name="Close")).to_be_focused()
    await keyboard.press("Escape")
    await expect(page.locator("#connectors")).to_be_hidden()
    await expect(page.locator("#show-connectors")).to_be_focused()


async def test_what_is_not_there_or_lets_nobody_in_is_said(desk: Desk) -> None:
    await desk.open_pane()
    await desk.add(f"{desk.host.addresses.page}nothing")
    await desk.card().get_by_role("button", name="Connect", exact=True).click()
    await expect(desk.page.locator(".connectors-said.is-error")).to_contain_text("Check the address.")
    await expect(desk.card()).to_contain_text("Not connected")
