"""What a developer reads who builds a widget of the wrong things."""

from collections.abc import Callable
from typing import Any

import pytest

from intarsia import Connector, Done
from intarsia.errors import WidgetError
from intarsia.widgets import (
    BoardColumn,
    Button,
    Card,
    ColorField,
    Dashboard,
    Metric,
    Select,
    Slider,
    Sparkline,
    Stack,
    Table,
    TableColumn,
    TaskBoard,
    Text,
    Tile,
    Widget,
)

app = Connector("Mistakes")


def any_value(value: object) -> Any:
    """Keep type checkers from seeing the mistake first."""
    return value


@app.action
async def restart() -> Done:
    """Restart."""
    return Done("Restarted.")


@app.tile
async def cpu() -> Metric:
    """Read."""
    return Metric("CPU", 1)


CELL = TableColumn("a", "A")
MISTAKES: dict[str, tuple[Callable[[], Widget], str]] = {
    "a function that is no action": (
        lambda: Button("Restart", on_click=any_value(restart.function)),
        (
            "Button cannot be built: on_click must be a BoundAction, not function. "
            "Offer a function that `@connector.action` decorates, or `partial(...)` of one."
        ),
    ),
    "a tile that was not called": (
        lambda: Dashboard(title="x", tiles=[any_value(cpu)]),
        (
            "Dashboard cannot be built: tiles.0 must be a Tile or a PendingTile, not TileFunction. "
            "Call the function that reads the tile."
        ),
    ),
    "a widget where a tile belongs": (
        lambda: Dashboard(title="x", tiles=[any_value(Metric("x", 1))]),
        "Dashboard cannot be built: tiles.0 must be a Tile or a PendingTile, not Metric.",
    ),
    "a misspelled field": (
        lambda: Metric("x", 1, **any_value({"units": "percent"})),
        "Metric cannot be built: units is not one of its fields. Did you mean 'unit'?",
    ),
    "a field that nothing is like": (
        lambda: Text("x", **any_value({"zzz": 1})),
        "Text cannot be built: zzz is not one of its fields.",
    ),
    "a missing field": (
        lambda: BoardColumn("todo", **any_value({"title": "To do"})),
        "BoardColumn cannot be built: cards is missing.",
    ),
    "a text where a card belongs": (
        lambda: BoardColumn("todo", "To do", [Card("T-1", "x"), any_value("T-2")]),
        "BoardColumn cannot be built: cards.1 must be a Card, not 'T-2'.",
    ),
    "an object that lacks a field": (
        lambda: TaskBoard(columns=any_value([{"id": "todo", "title": "To do"}])),
        "BoardColumn cannot be built: cards is missing.",
    ),
    "a generator where a list belongs": (
        lambda: Stack(any_value(Text("x") for _ in "ab")),
        "Stack cannot be built: children must be a list, not generator.",
    ),
    "pairs where options belong": (
        lambda: Select("a", options=[any_value(("a", "b"))]),
        "Select cannot be built: options.0 must be an Option or a string, not ('a', 'b').",
    ),
    "a value that no cell shows": (
        lambda: Table(columns=[CELL], rows=[{"a": any_value(object())}], row_key="a", caption="x"),
        (
            "Table: row 1, column 'a' has the type object, which people have no way to write. Give text, a number, a "
            "date, a time, a duration, Money, or None."
        ),
    ),
    "a color by its name": (
        lambda: ColorField("accent", value="red"),
        "ColorField cannot be built: value must match pattern '^#[0-9a-fA-F]{6}$', not 'red'.",
    ),
    "a number that is none": (
        lambda: Slider("x", min=0, max=1, value=float("nan")),
        "Slider.value is not known. A control needs a number.",
    ),
    "a line of words": (
        lambda: Sparkline([1, any_value("x")], label="x"),
        "Sparkline.values has a value at index 1 that has the type str. Give a number, or None.",
    ),
    "a rule of ours": (
        lambda: Tile("cpu", title="CPU"),
        "Tile 'cpu' needs either content or a problem, and not both.",
    ),
    "a text without an end": (
        lambda: Metric("x", 1, unit=any_value("x" * 1_000)),
        "Metric cannot be built: unit must be 'percent'",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_place_and_what_to_do(name: str) -> None:
    build, words = MISTAKES[name]

    with pytest.raises(WidgetError) as caught:
        build()

    assert str(caught.value).startswith(words)
    assert len(str(caught.value)) < 500


def test_no_more_than_three_wrong_fields_are_named() -> None:
    with pytest.raises(WidgetError) as caught:
        Stack(any_value([1, 2, 3, 4, 5]))

    assert str(caught.value).count("must be a Widget") == 3


def test_a_field_that_comes_twice_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Text got 'text' twice, by position and by name\."):
        Text("a", **any_value({"text": "b"}))
