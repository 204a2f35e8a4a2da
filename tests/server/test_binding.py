"""`partial(action, ...)` and the bare action stand wherever a widget offers an action."""

from functools import partial
from typing import Any, cast

import pytest

from intarsia import BoundAction, Connector, Done, Grant
from intarsia.errors import BindError
from intarsia.widgets import BoardColumn, Button, Card, TaskBoard

app = Connector("Cards")
COLUMNS = [BoardColumn("todo", "To do", [Card("T-1", "Write")])]


@app.action
async def move_card(project: str, card: str, column: str, index: int) -> Done:
    """Move a card."""
    return Done(f"{project}{card}{column}{index}")


@app.action
def sort_cards(grant: Grant, project: str, times: int = 1) -> Done:
    """Sort the cards."""
    return Done(f"{grant.subject}{project}{times}")


@app.action
async def ring() -> Done:
    """Ring."""
    return Done("Rang.")


def on_move(value: Any) -> BoundAction | None:
    return TaskBoard(columns=COLUMNS, on_move=value).on_move


def on_click(value: Any) -> BoundAction:
    return Button("Press", on_click=value).on_click


def test_a_partial_is_what_bind_makes() -> None:
    assert on_move(partial(move_card, project="apollo")) == move_card.bind(project="apollo")
    assert on_click(ring) == ring.bind()


def test_values_by_position_and_partials_of_partials_are_bound_by_name() -> None:
    bound = move_card.bind(project="apollo")

    assert on_move(partial(move_card, "apollo")) == bound
    assert on_move(partial(partial(move_card, "x"))) != bound
    assert on_click(partial(partial(sort_cards, project="x", times=2), project="apollo")).arguments == {
        "project": "apollo",
        "times": 2,
    }


def test_an_undo_is_a_partial_with_all_arguments() -> None:
    undo = Done("Moved.", undo=partial(move_card, project="a", card="b", column="c", index=0)).undo

    assert undo is not None
    assert undo.arguments == {"project": "a", "card": "b", "column": "c", "index": 0}
    with pytest.raises(BindError, match=r"Done\.undo: the action 'move_card' still needs card, column, index"):
        Done("Moved.", undo=partial(move_card, project="a"))


def test_who_calls_is_never_bound() -> None:
    assert on_click(partial(sort_cards, project="apollo")).parameters.keys() == {"times"}
    with pytest.raises(BindError, match="cannot bind 'grant', which the server sets"):
        on_click(partial(sort_cards, grant=Grant("root"), project="apollo"))
    with pytest.raises(BindError, match="cannot bind 'grant'"):
        on_click(partial(sort_cards, cast("Any", "apollo")))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            partial(move_card, **cast("Any", {"projct": "x"})),
            "TaskBoard.on_move: partial(move_card, ...) has no argument 'projct'. Did you mean 'project'?",
        ),
        (
            partial(move_card, project=cast("Any", 3)),
            "TaskBoard.on_move: partial(move_card, project=3): Input should be a valid string.",
        ),
        (
            partial(move_card, cast("Any", 3)),
            "TaskBoard.on_move: partial(move_card, project=3): Input should be a valid string.",
        ),
        (
            partial(cast("Any", move_card), 1, 2, 3, 4, 5),
            (
                "TaskBoard.on_move: partial(move_card, ...) binds 5 values by position, and move_card takes 4: "
                "project, card, column, index."
            ),
        ),
        (
            partial(cast("Any", ring), 1),
            "TaskBoard.on_move: partial(ring, ...) binds 1 values by position, and ring takes no arguments.",
        ),
        (
            partial(cast("Any", move_card), "x", project="y"),
            "TaskBoard.on_move: partial(move_card, ...) binds 'project' twice, by position and by name.",
        ),
        (
            partial(print, "x"),
            (
                "TaskBoard.on_move: partial(print, ...) does not bind an action. "
                "Decorate 'print' with `@connector.action`."
            ),
        ),
        (
            partial(move_card, card="T-1"),
            (
                "TaskBoard.on_move sends card, column, index, version, but the action 'move_card' leaves project, "
                "column, index unbound: bind 'project', which is never sent."
            ),
        ),
    ],
)
def test_a_wrong_partial_says_what_where_and_the_near_miss(wrong: Any, said: str) -> None:
    with pytest.raises(BindError) as caught:
        on_move(wrong)
    assert str(caught.value) == said
