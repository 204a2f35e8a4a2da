import json

from playwright.async_api import expect

from intarsia.ui_templates import render_text
from intarsia.widgets import BoundAction, Button
from tests.widgets.conftest import Stage
from tests.widgets.markup import find

RESTART = BoundAction("restart", "Restart", {"service": "checkout"})


def test_a_button_calls_its_action_with_what_was_bound() -> None:
    button = find(Button("Restart", on_click=RESTART, variant="primary"), ".//button")

    assert button.attrib["hx-post"] == "tool:restart"
    assert json.loads(button.attrib["data-args"]) == {"service": "checkout"}
    assert button.attrib["data-variant"] == "primary"
    assert (
        render_text(Button("Restart", on_click=RESTART))
        == '**Restart**: call `restart` with `{"service":"checkout"}`\n'
    )


async def test_pressing_it_runs_the_action_once(stage: Stage) -> None:
    await stage.show(Button("Restart", on_click=RESTART))

    await stage.view.get_by_role("button", name="Restart").click()

    await expect(stage.view.get_by_text("Done.")).to_be_visible()
    assert await stage.calls("restart") == [{"service": "checkout"}]


async def test_a_disabled_button_says_why_to_eyes_and_ears(stage: Stage) -> None:
    await stage.show(Button("Restart", on_click=RESTART, disabled_reason="A restart is running."))
    button = stage.view.get_by_role("button", name="Restart")

    await expect(button).to_be_disabled()
    await expect(button).to_have_accessible_description("A restart is running.")
    await expect(stage.view.get_by_text("A restart is running.")).to_be_visible()


def test_a_disabled_button_offers_no_call_to_a_model() -> None:
    disabled = Button("Restart", on_click=RESTART, disabled_reason="A restart is running.")

    assert render_text(disabled) == "**Restart**: unavailable. A restart is running.\n"
