from typing import Any

import pytest
from playwright.async_api import Locator, expect

from intarsia.ui_templates import render_text
from intarsia.widgets import BoundAction, Checkbox, ColorField, DesignPanel, Option, Select, Slider
from intarsia.widgets.action import Parameter
from tests.widgets.conftest import Stage, make_result
from tests.widgets.markup import find, find_all

SAVE = BoundAction(
    "save_tokens",
    "Save",
    {"brand": "northwind"},
    {
        "values": Parameter(required=True, json_types=frozenset({"object"})),
        "version": Parameter(required=True, json_types=frozenset({"integer"})),
    },
)
TOKENS = [
    ColorField("accent", value="#2f6feb", swatches=["#2f6feb", "#b45309"]),
    Slider("radius", label="Corner radius", min=0, max=24, value=8, unit="px"),
    Select("font", options=[Option("system", "System"), Option("serif", "Serif")], value="system"),
    Checkbox("shadow", value=True),
]
SAVED = {"accent": "#2f6feb", "radius": 8, "font": "system", "shadow": True}


def panel(**fields: Any) -> DesignPanel:
    return DesignPanel.model_validate(
        {"tokens": TOKENS, "title": "Northwind", "draft": True, "version": 3, "on_save": SAVE, **fields}
    )


def light(stage: Stage) -> Locator:
    return stage.view.locator(".intarsia-preview[data-mode=light]")


async def drawn(figure: Locator, name: str) -> str:
    value: str = await figure.evaluate("(figure, name) => getComputedStyle(figure).getPropertyValue(name)", name)
    return value.strip()


async def drag(stage: Stage, share: float) -> None:
    """Take the slider's thumb to a share of its way, and hold it there."""
    box = await stage.view.get_by_role("slider").bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    await stage.page.mouse.move(box["x"] + 8 + (box["width"] - 16) / 3, middle)
    await stage.page.mouse.down()
    await stage.page.mouse.move(box["x"] + 8 + (box["width"] - 16) * share, middle, steps=8)


async def test_the_preview_follows_a_slider_and_no_tool_is_called_until_it_is_released(stage: Stage) -> None:
    await stage.show(panel())

    await drag(stage, 1)
    await expect(stage.view.get_by_role("spinbutton")).to_have_value("24")
    assert await drawn(light(stage), "--radius") == "24px"
    assert await stage.page.evaluate("calls") == []
    await stage.page.mouse.up()

    await stage.page.wait_for_function("calls.length > 0")
    (draft,) = await stage.calls("intarsia_draft")
    assert draft["values"] == {"radius": 24}


async def test_saving_sends_all_values_with_the_version_and_then_nothing_is_left_to_save(stage: Stage) -> None:
    saved = [TOKENS[0], TOKENS[1].model_copy(update={"value": 9.0}), *TOKENS[2:]]
    done = {"dev.intarsia/done": {"message": "Saved Northwind."}, "dev.intarsia/via": "meta"}
    await stage.show(panel())
    await stage.answer("save_tokens", make_result(panel(tokens=saved, version=4), stage.revision + 900, **done))
    save = stage.view.get_by_role("button", name="Save")
    await expect(save).to_be_disabled()

    await stage.view.get_by_role("slider").press("ArrowRight")
    await save.click()

    await expect(stage.view.get_by_text("Saved Northwind.")).to_be_visible()
    await expect(save).to_be_disabled()
    assert await stage.calls("save_tokens") == [{"brand": "northwind", "version": 3, "values": {**SAVED, "radius": 9}}]


async def test_a_change_is_marked_with_what_was_before_and_can_be_brought_back_alone(stage: Stage) -> None:
    await stage.show(panel())
    await stage.view.get_by_role("slider").press("ArrowRight")
    await stage.view.get_by_role("combobox", name="Font").select_option("serif")
    await expect(stage.view.get_by_text("was 8 px")).to_be_visible()
    await expect(stage.view.get_by_text("was System")).to_be_visible()
    await expect(stage.view.get_by_text("2 changes")).to_be_visible()

    await stage.view.get_by_role("button", name="Reset Corner radius").click()

    await expect(stage.view.get_by_text("was 8 px")).to_be_hidden()
    await expect(stage.view.get_by_role("slider")).to_have_value("8")
    await expect(stage.view.get_by_role("slider")).to_be_focused()
    await expect(stage.view.get_by_text("1 change", exact=True)).to_be_visible()


async def test_discarding_brings_everything_back_and_forgets_the_draft(stage: Stage) -> None:
    await stage.show(panel(unsaved={"radius": 16.0, "shadow": False}))
    await expect(stage.view.get_by_role("slider")).to_have_value("16")
    await expect(stage.view.get_by_text("2 changes")).to_be_visible()

    await stage.view.get_by_role("button", name="Discard changes").click()

    await expect(stage.view.get_by_role("slider")).to_have_value("8")
    await expect(stage.view.get_by_role("checkbox", name="Shadow")).to_be_checked()
    await expect(stage.view.get_by_role("button", name="Save")).to_be_disabled()
    await stage.page.wait_for_function("calls.length > 0")
    (draft,) = await stage.calls("intarsia_draft")
    assert draft["values"] is None


async def test_a_refused_save_says_why_and_keeps_what_the_person_did(stage: Stage) -> None:
    await stage.show(panel())
    problem = {
        "dev.intarsia/problem": {"kind": "conflict", "message": "Ada saved it before."},
        "dev.intarsia/via": "meta",
    }
    theirs = [TOKENS[0], TOKENS[1].model_copy(update={"value": 4.0}), *TOKENS[2:]]
    now = panel(tokens=theirs, version=4, unsaved={"radius": 9.0})
    await stage.answer("save_tokens", {**make_result(now, stage.revision + 900, **problem), "isError": True})

    await stage.view.get_by_role("slider").press("ArrowRight")
    await stage.view.get_by_role("button", name="Save").click()

    await expect(stage.view.get_by_text("Ada saved it before.")).to_be_visible()
    await expect(stage.view.get_by_role("slider")).to_have_value("9")
    await expect(stage.view.get_by_text("was 4 px")).to_be_visible()
    await expect(stage.view.get_by_role("button", name="Save")).to_be_enabled()


@pytest.mark.parametrize(
    ("accent", "button", "words"),
    [
        ("#2f6feb", "#ffffff", "4.5:1 passes"),
        ("#ffe45c", "#000000", "1.2:1 fails"),
        ("#000000", "#ffffff", "21:1 passes"),
    ],
)
async def test_contrast_is_counted_as_wcag_does_and_told_in_words(
    stage: Stage, accent: str, button: str, words: str
) -> None:
    await stage.show(panel())

    await stage.view.get_by_label("Accent, hex").fill(accent)

    await expect(light(stage).locator("[data-pair=link] dd")).to_have_text(words)
    assert await drawn(light(stage), "--accent") == accent
    assert await drawn(light(stage), "--on-accent") == button


async def test_the_font_and_the_shadow_reach_the_preview(stage: Stage) -> None:
    await stage.show(panel())

    await stage.view.get_by_role("combobox", name="Font").select_option("serif")
    await stage.view.get_by_role("checkbox", name="Shadow").uncheck()

    await expect(light(stage)).to_have_attribute("data-font", "serif")
    await expect(light(stage)).not_to_have_attribute("data-shadow", "")


@pytest.mark.parametrize(("width", "touch"), [(760, False), (480, False), (320, True)])
async def test_inline_it_is_never_higher_than_500_pixels_and_every_control_can_be_reached(
    stage: Stage,
    width: int,
    touch: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    many = [*TOKENS, *(Slider(f"token_{n}", min=0, max=10, value=5) for n in range(10))]
    await stage.show(panel(tokens=many), width=width, deviceCapabilities={"touch": touch})
    following = stage.view.get_by_role("button", name="Next controls")
    seen = await stage.view.locator(".intarsia-token:visible").count()
    assert await stage.height() <= 500

    while await following.is_enabled():
        await following.click()
        seen += await stage.view.locator(".intarsia-token:visible").count()

    assert seen == len(many)
    assert await stage.height() <= 500


async def test_what_does_not_change_is_not_asked_to_be_saved_when_it_is_only_read(stage: Stage) -> None:
    await stage.show(panel(on_save=None))

    await expect(stage.view.get_by_role("slider")).to_be_disabled()
    await expect(stage.view.get_by_text("These values are read-only.")).to_be_visible()
    await expect(stage.view.get_by_role("button", name="Save")).to_have_count(0)


def test_proposing_is_offered_beside_saving_and_only_one_of_them_is_primary() -> None:
    both = panel(on_propose=SAVE)
    looks = [button.attrib["data-variant"] for button in find_all(both, ".//footer/button")]

    assert looks == ["primary", "secondary", "quiet"]
    assert (
        find(panel(on_save=None, on_propose=SAVE), ".//button[@data-do='propose']").attrib["data-variant"] == "primary"
    )


def test_the_text_form_lists_each_token_with_what_it_takes_and_how_to_save() -> None:
    assert render_text(panel(unsaved={"radius": 16.0})) == (
        "## Northwind\n\n"
        "- `accent`, **Accent**: `#2f6feb` (six hexadecimal digits after `#`)\n"
        "- `radius`, **Corner radius**: **8px** (from 0 to 24, in steps of 1); not saved yet: 16\n"
        "- `font`, **Font**: `system` (choices: `system`, `serif`)\n"
        "- `shadow`, **Shadow**: yes (true or false)\n\n"
        "To save, call `save_tokens` with `values` (an object from token name to value), `version` `3` "
        'and `{"brand":"northwind"}`.\n'
    )


async def test_values_that_are_no_colors_never_become_styles(stage: Stage) -> None:
    await stage.show(panel(unsaved={"font": "serif; background: url(x)", "accent": "red; background: url(//x)"}))

    assert await drawn(light(stage), "--accent") in {"#000000", "#2f6feb", "#2456c9"}
    assert await light(stage).get_attribute("data-font") in {"system", ""}
