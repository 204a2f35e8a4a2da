from playwright.async_api import expect

from intarsia.ui_templates import render_text
from intarsia.widgets import Checkbox
from tests.widgets.conftest import Stage
from tests.widgets.markup import find


async def test_a_tick_calls_the_action_with_a_truth_value(stage: Stage) -> None:
    await stage.show(Checkbox.examples()["calls an action"])

    await stage.view.get_by_label("Urgent").click()

    await expect(stage.view.get_by_text("Done.")).to_be_visible()
    assert await stage.calls("mark_card") == [{"card": "T-12", "value": True}]


def test_it_stands_as_it_is_and_cannot_be_used_when_it_calls_nothing() -> None:
    box = find(Checkbox("shadow", value=True), ".//input")

    assert "checked" in box.attrib
    assert "disabled" in box.attrib


def test_the_text_form_says_yes_or_no_and_what_to_call() -> None:
    assert render_text(Checkbox("shadow", label="Soft shadow", value=True)) == "**Soft shadow**: yes\n"
    assert "call `mark_card` with `value` true or false" in render_text(Checkbox.examples()["calls an action"])
