"""Functions become tools, and an action must fit where it is offered."""

from typing import Any, Literal, cast

import pytest

from inlay import Connector, Done
from inlay.errors import BindError, ToolError
from inlay.widgets import Button, Card, Checkbox, Column, Dashboard, Metric, Table, TableColumn, TaskBoard


@pytest.fixture
def app() -> Connector:
    return Connector("Things")


def test_a_bound_action_keeps_what_is_left(app: Connector) -> None:
    @app.action
    async def move(project: str, card: str, index: int = 0) -> Done:
        """Move."""
        return Done(f"{project}{card}{index}")

    bound = move.bind(project="apollo")

    assert bound.arguments == {"project": "apollo"}
    assert {name: parameter.required for name, parameter in bound.parameters.items()} == {"card": True, "index": False}


def test_binding_what_does_not_exist_names_the_near_miss(app: Connector) -> None:
    @app.action
    async def move(project: str) -> Done:
        """Move."""
        return Done(project)

    with pytest.raises(BindError, match=r"move\.bind\(\) has no argument 'projct'\. Did you mean 'project'\?"):
        move.bind(projct="x")
    with pytest.raises(BindError, match=r"move\.bind\(project=3\)"):
        move.bind(project=3)


def test_what_a_widget_never_sends_must_be_bound_and_both_are_named(app: Connector) -> None:
    @app.action
    async def move(project: str, card: str, column: str, index: int) -> Done:
        """Move."""
        return Done(f"{project}{card}{column}{index}")

    expected = (
        "TaskBoard.on_move sends card, column, index, version, but the action 'move' leaves "
        "project, card, column, index unbound: bind 'project', which is never sent."
    )
    with pytest.raises(BindError) as caught:
        TaskBoard(columns=[Column("a", "A", [])], on_move=move.bind())
    assert str(caught.value) == expected
    assert TaskBoard(columns=[Column("a", "A", [])], on_move=move.bind(project="x")).on_move is not None


def test_what_a_widget_sends_must_be_taken_with_its_type(app: Connector) -> None:
    @app.action
    async def rename(card: str) -> Done:
        """Rename."""
        return Done(card)

    @app.action
    async def place(card: str, column: str, index: str) -> Done:
        """Place."""
        return Done(card + column + index)

    @app.action
    async def scale(value: int) -> Done:
        """Scale."""
        return Done(str(value))

    columns = [Column("a", "A", [Card("T-1", "x")])]
    with pytest.raises(BindError, match="must take 'column'"):
        TaskBoard(columns=columns, on_move=rename.bind())
    with pytest.raises(BindError, match="'index' is sent as integer and taken as string"):
        TaskBoard(columns=columns, on_move=place.bind())
    with pytest.raises(BindError, match="'value' is sent as boolean and taken as integer"):
        Checkbox("x", on_change=scale.bind())
    with pytest.raises(BindError, match=r"Button\.on_press sends nothing.*leaves card unbound"):
        Button("Rename", on_press=rename.bind())


def test_an_undo_must_be_fully_bound(app: Connector) -> None:
    @app.action
    async def rename(card: str) -> Done:
        """Rename."""
        return Done(card)

    with pytest.raises(BindError, match="The undo 'rename' still needs card"):
        Done("Renamed.", undo=rename.bind())


def test_an_undo_that_was_not_bound_says_so(app: Connector) -> None:
    @app.action
    async def restore() -> Done:
        """Restore."""
        return Done("Restored.")

    with pytest.raises(BindError, match=r"from `\.bind\(\.\.\.\)`, not ActionTool"):
        Done("Archived.", undo=cast("Any", restore))


def test_a_function_that_cannot_be_a_tool_is_refused_when_it_is_decorated(app: Connector) -> None:
    async def silent() -> Metric:
        return Metric("x", 1)

    async def other() -> str:
        """Return text."""
        return ""

    def slow() -> Metric:
        """Not async."""
        return Metric("x", 1)

    functions: list[tuple[Any, str]] = [
        (silent, "needs a docstring"),
        (other, "returns a widget"),
        (slow, "must be `async def`"),
    ]
    for function, part in functions:
        with pytest.raises(ToolError, match=part):
            app.widget(function)


def test_two_tools_need_two_names(app: Connector) -> None:
    @app.widget
    async def numbers() -> Metric:
        """Show."""
        return Metric("x", 1)

    with pytest.raises(ToolError, match="'numbers' is taken"):
        app.widget(numbers.function)
    other = Connector("Other")
    other.widget(numbers.function)
    with pytest.raises(ToolError, match="'numbers' is taken"):
        app.include(other)


def test_a_filter_named_only_takes_its_options_from_the_literal(app: Connector) -> None:
    @app.widget
    async def health(period: Literal["1h", "one_day"] = "1h", service: str = "a") -> Dashboard:
        """Show."""
        return Dashboard(title=service, tiles=[], filters=[period])

    assert [option.label for option in health.select_for("period").choices] == ["1h", "One day"]
    with pytest.raises(ToolError, match="'service' needs options"):
        health.select_for("service")
    with pytest.raises(ToolError, match=r"no parameter 'perod'.*Did you mean 'period'"):
        health.select_for("perod")


def test_a_decorated_function_can_still_be_called(app: Connector) -> None:
    @app.widget()
    async def numbers(rows: int) -> Table:
        """Show."""
        return Table(columns=[TableColumn("n", "N")], rows=[{"n": n} for n in range(rows)], row_key="n", caption="N")

    assert numbers.title == "Numbers"
    assert numbers.schema["properties"]["text_page"]["minimum"] == 1
