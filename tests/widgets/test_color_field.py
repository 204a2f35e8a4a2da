import pytest
from playwright.async_api import expect

from intarsia.ui_templates import render_text
from intarsia.widgets import ColorField
from tests.widgets.conftest import Stage

ACCENT = ColorField.examples()["calls an action"]


@pytest.mark.parametrize("typed", ["#1D4ED8", "1d4ed8", " #1d4ed8 "])
async def test_a_color_can_be_typed_in_any_usual_way(stage: Stage, typed: str) -> None:
    await stage.show(ACCENT)
    text = stage.view.get_by_label("Accent, hex")

    await text.fill(typed)
    await text.press("Tab")

    await expect(stage.view.get_by_text("Done.")).to_be_visible()
    await expect(text).to_have_value("#1d4ed8")
    assert await stage.calls("paint_label") == [{"label": "bug", "value": "#1d4ed8"}]


async def test_what_is_no_color_is_marked_explained_and_not_sent(stage: Stage) -> None:
    await stage.show(ACCENT)
    text = stage.view.get_by_label("Accent, hex")

    await text.fill("#12")
    await text.press("Tab")

    await expect(text).to_have_attribute("aria-invalid", "true")
    await expect(stage.view.get_by_text("Enter six hexadecimal digits after #, such as #2f6feb.")).to_be_visible()
    assert await stage.calls("paint_label") == []

    await text.fill("#fff")
    await expect(text).not_to_have_attribute("aria-invalid", "true")


async def test_a_swatch_is_chosen_by_one_press_and_says_that_it_is(stage: Stage) -> None:
    await stage.show(ACCENT)
    swatch = stage.view.get_by_role("button", name="#b45309")

    await swatch.click()

    await expect(stage.view.get_by_text("Done.")).to_be_visible()
    await expect(swatch).to_have_attribute("aria-pressed", "true")
    await expect(stage.view.get_by_label("Accent, hex")).to_have_value("#b45309")
    assert await stage.calls("paint_label") == [{"label": "bug", "value": "#b45309"}]


def test_the_text_form_lists_the_color_and_the_swatches() -> None:
    field = ColorField("accent", value="#0F766E", swatches=["#0f766e", "#b45309"])

    assert render_text(field) == "**Accent**: `#0F766E` (swatches: `#0f766e`, `#b45309`)\n"
