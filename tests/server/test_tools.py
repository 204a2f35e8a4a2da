"""Functions become tools, and an action must fit where it is offered."""

import warnings
from collections.abc import Iterator
from typing import Annotated, Any, Literal, cast

import pytest
from pydantic import Field

from intarsia import Connector, Done
from intarsia.errors import BindError, SettingError, ToolError
from intarsia.widgets import BoardColumn, Button, Card, Checkbox, Dashboard, Metric, Table, TableColumn, TaskBoard
from intarsia.widgets.filters import select_for


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
        TaskBoard(columns=[BoardColumn("a", "A", [])], on_move=move.bind())
    assert str(caught.value) == expected
    assert TaskBoard(columns=[BoardColumn("a", "A", [])], on_move=move.bind(project="x")).on_move is not None


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

    columns = [BoardColumn("a", "A", [Card("T-1", "x")])]
    with pytest.raises(BindError, match="must take 'column'"):
        TaskBoard(columns=columns, on_move=rename.bind())
    with pytest.raises(BindError, match="'index' is sent as integer and taken as string"):
        TaskBoard(columns=columns, on_move=place.bind())
    with pytest.raises(BindError, match="'value' is sent as boolean and taken as integer"):
        Checkbox("x", on_change=scale.bind())
    with pytest.raises(BindError, match=r"Button\.on_click sends nothing.*leaves card unbound"):
        Button("Rename", on_click=rename.bind())


def test_an_undo_must_be_fully_bound(app: Connector) -> None:
    @app.action
    async def rename(card: str) -> Done:
        """Rename."""
        return Done(card)

    with pytest.raises(BindError, match=r"Done\.undo: the action 'rename' still needs card"):
        Done("Renamed.", undo=rename.bind())


def test_an_undo_that_is_no_action_says_so(app: Connector) -> None:
    @app.action
    async def restore() -> Done:
        """Restore."""
        return Done("Restored.")

    with pytest.raises(BindError, match=r"as partial\(action, \.\.\.\), not function"):
        Done("Archived.", undo=cast("Any", restore.function))
    undo = Done("Archived.", undo=restore).undo
    assert undo is not None
    assert undo.tool == "restore"


def test_a_function_that_cannot_be_a_tool_is_refused_when_it_is_decorated(app: Connector) -> None:
    async def silent() -> Metric:
        return Metric("x", 1)

    async def other() -> str:
        """Return text."""
        return ""

    def many() -> Iterator[Metric]:
        """Yield."""
        yield Metric("x", 1)

    functions: list[tuple[Any, str]] = [
        ("Team board", "not from str 'Team board'. Pass options by name"),
        (silent, "needs a docstring"),
        (other, "returns a widget"),
        (many, "must return once"),
    ]
    for function, part in functions:
        with pytest.raises(ToolError, match=part):
            app.widget(function)


def test_a_function_that_no_call_could_reach_is_refused_when_it_is_decorated(app: Connector) -> None:
    async def show_card() -> Card:
        """Show a card."""
        return Card("T-1", "x")

    async def forget_none(person: str = cast("Any", None)) -> Metric:
        """Forget that None is another type."""
        return Metric(person, 1)

    async def take_object(other: Connector) -> Metric:
        """Take what no host can send."""
        return Metric(other.name, 1)

    async def take_method(model_dump: str) -> Metric:
        """Take a name of Pydantic's."""
        return Metric(model_dump, 1)

    functions: list[tuple[Any, str]] = [
        (show_card, "returns Card, which has no template of its own"),
        (forget_none, r"\(person\): the default None is not of its type, str. Write `str \| None`."),
        (take_object, r"\(other\): .*Connector cannot be sent as JSON"),
        (take_method, r"\(model_dump\): the name is reserved"),
    ]
    for function, words in functions:
        with pytest.raises(ToolError, match=words):
            app.widget(function)


def test_names_that_only_look_reserved_are_free(app: Connector) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        @app.widget
        async def models(model_name: str, schema: str = "public", copy: bool = False) -> Metric:  # noqa: FBT001, FBT002  # a tool's
            """Show."""
            return Metric(f"{model_name} {schema} {copy}", 1)

    assert set(models.parameters) == {"model_name", "schema", "copy"}


def test_what_is_bound_keeps_the_rules_of_its_parameter(app: Connector) -> None:
    @app.action
    async def move(index: Annotated[int, Field(ge=0)]) -> Done:
        """Move."""
        return Done(str(index))

    with pytest.raises(BindError, match=r"index=-1\): Input should be greater than or equal to 0"):
        move.bind(index=-1)


@pytest.mark.parametrize("store", [":memory:", "sqlite:///tasks.db", "file:tasks.db", "postgresql://here/tasks"])
def test_a_store_must_be_a_file(store: str) -> None:
    with pytest.raises(SettingError, match="must be the path of a file"):
        Connector("Tasks", store=store)


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

    assert [option.label for option in select_for(health, "period").choices] == ["1h", "One day"]
    with pytest.raises(ToolError, match="'service' needs options"):
        select_for(health, "service")
    with pytest.raises(ToolError, match=r"no parameter 'perod'.*Did you mean 'period'"):
        select_for(health, "perod")


def test_a_decorated_function_can_still_be_called(app: Connector) -> None:
    @app.widget()
    async def numbers(rows: int) -> Table:
        """Show."""
        return Table(columns=[TableColumn("n", "N")], rows=[{"n": n} for n in range(rows)], row_key="n", caption="N")

    assert numbers.title == "Numbers"
    assert numbers.schema["properties"]["text_page"]["minimum"] == 1
