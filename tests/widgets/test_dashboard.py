import pytest
from playwright.async_api import expect

from intarsia.ui_templates import render_text, render_widget
from intarsia.widgets import Dashboard, Metric, Select, Text, Tile
from tests.widgets.conftest import Stage
from tests.widgets.markup import find_all, words


def machine(tiles: int, **fields: object) -> Dashboard:
    content = [
        Tile(f"t{n}", title=f"Tile {n}", content=Metric(f"Number {n}", n, detail="of 16 GB"))
        for n in range(1, tiles + 1)
    ]
    return Dashboard.model_validate({"title": "This machine", "tiles": content, **fields})


def test_each_tile_is_a_part_so_that_it_is_redrawn_alone() -> None:
    assert list(render_widget(machine(2)).parts) == ["w-head", "w-tile-t1", "w-tile-t2"]


def test_tiles_of_the_summary_come_first() -> None:
    titles = find_all(machine(3, summary=["t3", "t1"]), ".//h3")

    assert [words(title) for title in titles] == ["Tile 3", "Tile 1", "Tile 2"]


def test_one_failed_tile_leaves_the_others_alive() -> None:
    tiles = [Tile("cpu", title="CPU", content=Metric("CPU", 1)), Tile("gpu", title="GPU", problem="There is no GPU.")]
    text = render_text(Dashboard(title="This machine", tiles=tiles))

    assert "### CPU (`cpu`)\n\n**CPU**: **1**" in text
    assert "### GPU (`gpu`)\n\n*Unavailable:* There is no GPU." in text


def test_the_text_form_names_the_filters_as_arguments() -> None:
    period = Select("period", options=["1h", "24h"], value="1h", placeholder="")

    assert "Filters (arguments of this tool): `period` = **1h** (choices: `1h`, `24h`).\n" in render_text(
        machine(1, filters=[period])
    )


async def test_a_filter_calls_the_widgets_own_tool_with_the_argument_changed(stage: Stage) -> None:
    await stage.show(machine(1, filters=[Select("period", options=["1h", "24h"])]))

    await stage.view.get_by_label("Period").select_option("24h")

    await stage.page.wait_for_function("calls.some(({tool}) => tool === 'show_it')")
    assert await stage.calls("show_it") == [{"period": "24h"}]


@pytest.mark.parametrize(("width", "touch"), [(760, False), (480, False), (320, True)])
async def test_inline_it_is_never_higher_than_500_pixels_whatever_it_holds(
    stage: Stage,
    width: int,
    touch: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    await stage.show(machine(30), width=width, deviceCapabilities={"touch": touch})
    await expect(stage.view.locator(".intarsia-pager")).to_be_visible()

    assert await stage.height() <= 500
    assert await stage.page.frames[1].evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_every_tile_can_be_paged_to_and_the_page_says_where_it_is(stage: Stage) -> None:
    await stage.show(machine(24))
    place, following = stage.view.locator(".intarsia-pager__place"), stage.view.get_by_role("button", name="Next tiles")
    seen: list[str] = await stage.view.locator(".intarsia-tile:visible h3").all_inner_texts()
    await expect(place).to_have_text(f"1\u2013{len(seen)} of 24")

    while await following.is_enabled():
        await following.click()
        seen += await stage.view.locator(".intarsia-tile:visible h3").all_inner_texts()

    assert seen == [f"Tile {n}" for n in range(1, 25)]
    await expect(following).to_be_focused()


async def test_turning_the_page_moves_nothing(stage: Stage) -> None:
    await stage.show(machine(24))
    following = stage.view.get_by_role("button", name="Next tiles")
    before = await following.bounding_box()

    await following.click()

    assert await following.bounding_box() == before


async def test_a_refresh_stays_on_the_page_that_is_open(stage: Stage) -> None:
    await stage.show(machine(24))
    await stage.view.get_by_role("button", name="Next tiles").click()
    place = await stage.view.locator(".intarsia-pager__place").inner_text()

    changed = Tile("t24", title="Tile 24", content=Text("Read anew."))
    await stage.push(machine(24).model_copy(update={"tiles": [*machine(23).tiles, changed]}))

    await expect(stage.view.get_by_text("Read anew.")).to_be_attached()
    await expect(stage.view.locator(".intarsia-pager__place")).to_have_text(place)
    await expect(stage.view.get_by_role("heading", name="Tile 1", exact=True)).to_be_hidden()


async def test_the_full_view_is_offered_where_the_host_has_one_and_shows_all(stage: Stage) -> None:
    await stage.show(machine(30), availableDisplayModes=["inline", "fullscreen"])

    await stage.view.get_by_role("button", name="Open full view").click()

    await expect(stage.view.get_by_role("heading", name="Tile 30")).to_be_visible()
    await expect(stage.view.locator(".intarsia-pager")).to_be_hidden()


async def test_the_full_view_is_not_offered_where_there_is_none(stage: Stage) -> None:
    await stage.show(machine(30))

    await expect(stage.view.get_by_role("button", name="Next tiles")).to_be_visible()
    await expect(stage.view.get_by_role("button", name="Open full view")).to_be_hidden()


async def test_what_fits_is_not_paged(stage: Stage) -> None:
    await stage.show(machine(3))

    await expect(stage.view.get_by_role("heading", name="Tile 3")).to_be_visible()
    await expect(stage.view.locator(".intarsia-pager")).to_be_hidden()


async def test_two_filters_fold_behind_one_button_where_it_is_narrow(stage: Stage) -> None:
    filters = [Select("period", options=["1h", "24h"]), Select("service", options=["shop", "mail"])]
    await stage.show(machine(1, filters=filters), width=320)
    fold, period = stage.view.get_by_role("button", name="Filters"), stage.view.get_by_label("Period")
    await expect(period).to_be_hidden()

    await fold.press("Enter")
    await expect(fold).to_have_attribute("aria-expanded", "true")
    await expect(period).to_be_visible()

    await stage.push(machine(2, title="Another machine", filters=filters))
    await expect(stage.view.get_by_text("Another machine")).to_be_visible()
    await expect(period).to_be_visible()

    await fold.click()
    await expect(period).to_be_hidden()


async def test_filters_are_not_folded_where_there_is_room(stage: Stage) -> None:
    await stage.show(machine(1, filters=[Select("period", options=["1h"]), Select("service", options=["shop"])]))

    await expect(stage.view.get_by_label("Period")).to_be_visible()
    await expect(stage.view.get_by_role("button", name="Filters")).to_be_hidden()
