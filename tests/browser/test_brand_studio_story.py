"""The design panel in a real host: the preview follows at once, and nothing is called until something is let go."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from examples.brand_studio import connector as brand_studio
from intarsia import Connector
from intarsia.testing.fixtures import OpenHost
from tests.browser.story_support import SANDBOXES, call, served

RADIUS = "() => getComputedStyle(document.querySelector('.intarsia-preview__card')).borderTopLeftRadius"


@pytest.fixture
async def brands(tmp_path: Path) -> AsyncIterator[Connector]:
    async with served(brand_studio, tmp_path) as connector:
        yield connector


@pytest.mark.parametrize("sandbox", SANDBOXES)
async def test_a_slider_previews_is_kept_as_a_draft_and_saved(
    brands: Connector, open_host: OpenHost, sandbox: str
) -> None:
    host = open_host(brands.app())
    await host.open(sandbox=sandbox)
    view = await host.call("brand_panel", brand="northwind")
    slider, save = view.locator('input[type=range][name="radius"]'), view.locator('[data-do="save"]')
    before = await view.frame.evaluate(RADIUS)
    await expect(save).to_be_disabled()

    await slider.hover()
    box = await slider.bounding_box()
    assert box
    await host.page.mouse.down()
    await host.page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2, steps=10)
    value = await slider.input_value()
    assert await view.frame.evaluate(RADIUS) != before
    assert (await view.settled()).calls == []
    await host.page.mouse.up()

    [draft] = await view.wait_for_calls(1)
    assert (draft.name, draft.arguments["values"]) == ("intarsia_draft", {"radius": float(value)})
    again = await host.call("brand_panel", brand="northwind")
    await expect(again.locator('input[type=range][name="radius"]')).to_have_value(value)

    await again.locator('[data-do="save"]').click()
    await expect(again.locator(".intarsia-status")).to_contain_text("Saved radius of Northwind.")
    await expect(again.locator('[data-do="save"]')).to_be_disabled()
    saved = await call(brands, "brand_panel", brand="northwind")
    assert f"{int(float(value))}px" in saved.text

    await again.locator(".intarsia-status__undo").click()
    await expect(again.locator(".intarsia-status")).to_contain_text("Saved radius")
    await again.wait_for_calls(2, "save_tokens")
    assert await again.frame.evaluate(RADIUS) == before


async def test_a_stale_save_says_who_was_faster(brands: Connector, open_host: OpenHost) -> None:
    host = open_host(brands.app())
    await host.open()
    view = await host.call("brand_panel", brand="juniper")
    await call(brands, "save_tokens", brand="juniper", values={"radius": 3}, version=1)

    await view.locator('input[type=checkbox][name="shadow"]').click()
    await view.locator('[data-do="save"]').click()

    await expect(view.locator(".intarsia-status")).to_contain_text("saved other values meanwhile")
    await expect(view.locator('input[type=range][name="radius"]')).to_have_value("3")
