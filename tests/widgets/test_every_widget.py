"""What every widget promises, for every one of its examples: adding a widget adds its tests."""

import pytest

from intarsia.errors import WidgetError
from intarsia.testing import assert_widget
from intarsia.testing.widget_checks import PROMISES, complaints_about_class
from intarsia.ui_templates import render_text, render_widget
from intarsia.widgets import WIDGETS, PendingTile, Text, Widget

EXAMPLES = [
    pytest.param(example, id=f"{widget.kind}, {name}")
    for widget in WIDGETS
    for name, example in widget.examples().items()
]


@pytest.mark.parametrize("widget", WIDGETS)
def test_a_widget_has_a_default_example_and_its_templates(widget: type[Widget]) -> None:
    assert complaints_about_class(widget) == []


@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("widget", EXAMPLES)
def test_an_example_keeps_the_promise(widget: Widget, promise: str) -> None:
    assert list(PROMISES[promise](widget)) == []


def test_all_of_it_is_one_assert() -> None:
    assert_widget(Text)


def test_a_dashboard_whose_tiles_were_not_read_is_no_empty_one() -> None:
    async def never() -> Widget:
        raise AssertionError

    dashboard = next(widget for widget in WIDGETS if widget.kind == "dashboard").examples()["no tiles"]
    waiting = dashboard.model_copy(update={"tiles": [PendingTile("cpu", "CPU", never)]})

    for render in (render_text, render_widget):
        with pytest.raises(WidgetError, match="has tiles that are not loaded"):
            render(waiting)
