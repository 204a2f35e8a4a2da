from playwright.async_api import expect

from intarsia.ui_templates import render_text
from intarsia.widgets import Slider
from tests.widgets.conftest import Stage
from tests.widgets.markup import find

VOLUME = Slider.examples()["calls an action"]


def test_numbers_are_written_without_a_needless_fraction() -> None:
    whole = find(Slider("radius", min=0, max=24, value=8), ".//input[@type='range']")
    fine = find(Slider("scale", min=1, max=1.6, step=0.05, value=1.2), ".//input[@type='range']")

    assert [whole.attrib[name] for name in ("min", "max", "step", "value")] == ["0", "24", "1", "8"]
    assert [fine.attrib[name] for name in ("min", "max", "step", "value")] == ["1", "1.6", "0.05", "1.2"]


async def test_a_release_calls_the_action_and_the_way_there_does_not(stage: Stage) -> None:
    await stage.show(VOLUME)
    slider = stage.view.get_by_role("slider", name="Volume")
    box = await slider.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2

    await stage.page.mouse.move(box["x"] + box["width"] * 0.4, middle)
    await stage.page.mouse.down()
    await stage.page.mouse.move(box["x"] + box["width"] - 2, middle, steps=8)
    await expect(stage.view.get_by_role("spinbutton")).to_have_value("100")
    assert await stage.calls("set_volume") == []
    await stage.page.mouse.up()

    await expect(stage.view.get_by_text("Done.")).to_be_visible()
    assert await stage.calls("set_volume") == [{"room": "hall", "value": 100}]


async def test_a_number_can_be_typed_and_is_brought_between_the_ends(stage: Stage) -> None:
    await stage.show(VOLUME)
    number = stage.view.get_by_role("spinbutton", name="Volume, as a number")

    await number.fill("640")
    await number.press("Enter")

    await expect(stage.view.get_by_text("Done.")).to_be_visible()
    await expect(number).to_have_value("100")
    assert await stage.calls("set_volume") == [{"room": "hall", "value": 100}]


async def test_a_screen_reader_hears_the_unit(stage: Stage) -> None:
    await stage.show(VOLUME)
    slider = stage.view.get_by_role("slider")

    await slider.press("ArrowRight")

    await expect(slider).to_have_attribute("aria-valuetext", "41 %")


def test_the_text_form_says_where_it_stands_and_what_it_takes() -> None:
    assert (
        render_text(Slider("radius", min=0, max=24, value=8, unit="px"))
        == "**Radius**: **8px** (from 0 to 24, in steps of 1)\n"
    )
