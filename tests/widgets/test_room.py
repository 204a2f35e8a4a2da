"""The height that widgets take in the conversation: what the host allows or fixed, and what the connector wants."""

from typing import Any

import pytest
from playwright.async_api import expect

from intarsia import Connector
from intarsia.errors import SettingError
from intarsia.ui_templates import load_document
from intarsia.widgets import Dashboard, Metric, TaskBoard, Tile, Widget
from tests.widgets.conftest import Stage

BOARD = TaskBoard.examples()["sixty cards"]
DASHBOARD = Dashboard(title="Plant", tiles=[Tile(f"t{n}", title=f"T {n}", content=Metric("N", n)) for n in range(60)])


@pytest.mark.parametrize(("limit", "most"), [({"maxHeight": 400}, 400), ({"maxHeight": 720}, 720), ({}, 500)])
@pytest.mark.parametrize("widget", [BOARD, DASHBOARD], ids=["board", "dashboard"])
async def test_a_widget_fills_what_the_host_allows(
    stage: Stage, widget: Widget, limit: dict[str, Any], most: int
) -> None:
    await stage.show(widget, width=720, containerDimensions={"width": 720, **limit})
    await expect(stage.view.locator(".intarsia-pager").first).to_be_visible()

    assert most - 130 < await stage.height() <= most


async def test_a_host_without_end_gets_no_more_than_800(stage: Stage) -> None:
    await stage.show(DASHBOARD, width=720, containerDimensions={"maxHeight": 5000})
    await expect(stage.view.locator(".intarsia-pager")).to_be_visible()

    assert 670 < await stage.height() <= 800


async def test_a_host_that_fixed_the_height_and_does_not_grow_sees_no_cut_widget(stage: Stage) -> None:
    await stage.page.add_style_tag(content="iframe { block-size: 400px !important; }")
    await stage.show(BOARD, width=720, containerDimensions={"width": 720, "height": 400})

    await stage.page.wait_for_function("heights.at(-1) <= 400")
    reported: int = await stage.page.evaluate("heights.length")
    await expect(stage.view.locator(".intarsia-pager").first).to_be_visible()
    assert await stage.page.frames[-1].evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert reported <= 4


async def test_a_host_that_fixed_the_height_and_grows_shows_more(stage: Stage) -> None:
    await stage.show(BOARD, width=720, containerDimensions={"width": 720, "height": 300})

    await stage.page.wait_for_function("heights.at(-1) > 400")
    assert await stage.page.frames[-1].evaluate("document.documentElement.scrollHeight <= innerHeight")


@pytest.mark.parametrize(("value", "pixels"), [("directory", 500), (640, 640)])
def test_a_connector_names_a_height_of_its_own(value: Any, pixels: int) -> None:
    height = Connector("Tasks", inline_height=value).catalog.inline_height

    assert height == pixels
    assert f'<html lang="en" data-inline-height="{pixels}">' in load_document("Tasks", height).html


def test_by_default_the_host_decides() -> None:
    assert Connector("Tasks").catalog.inline_height is None
    assert '<html lang="en">' in load_document("Tasks").html


@pytest.mark.parametrize("value", ["500px", 239, 801, True, None])
def test_a_height_that_cannot_be_is_refused(value: Any) -> None:
    with pytest.raises(SettingError, match="inline_height must be 'host', 'directory' or a number of pixels"):
        Connector("Tasks", inline_height=value)


async def test_the_height_of_a_connector_holds_in_a_host_that_allows_more(stage: Stage) -> None:
    await stage.show(DASHBOARD, width=720, containerDimensions={"maxHeight": 800})
    await stage.page.frames[-1].evaluate("document.documentElement.dataset.inlineHeight = '500'")
    await stage.push(DASHBOARD)

    await stage.page.wait_for_function("heights.at(-1) <= 500")
