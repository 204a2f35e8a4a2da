"""The team's tasks, called as a host would call them: what is kept, what is refused, and where cards go."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from examples.team_tasks.tables import CARDS
from examples.team_tasks.tools import task_board
from intarsia import Connector, Grant
from intarsia.server.wire.messages import CallResponse
from intarsia.widgets import Card, TaskBoard
from tests.examples.conftest import call

Board = dict[str, list[dict[str, Any]]]

BAD_CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("move_card", {"project": "apolo"}, "Did you mean 'apollo'?"),
    ("move_card", {"column": "reviews"}, "Did you mean 'review'?"),
    ("move_card", {"column": "<b>x</b>"}, "The columns are todo, doing, review, done."),
    ("move_card", {"card": "t-32"}, "Did you mean 'T-32'?"),
    ("move_card", {"card": "T-61"}, "There is no such card in this project."),
    ("move_card", {"index": -1}, "index must be at least 0."),
    ("move_card", {"index": 1.5}, "index must be a whole number."),
    ("move_card", {"index": "first"}, "index must be a whole number."),
    ("move_card", {"version": None}, "version must be a whole number."),
    ("move_card", {"colum": "done"}, "Did you mean 'column'?"),
    ("complete_card", {"done": "yes"}, "done must be true or false."),
    ("add_card", {"title": "   "}, "A card needs a title."),
    ("add_card", {"title": ""}, "title must have at least 1 character"),
    ("add_card", {"title": "x" * 100_000}, "title must have at most 200 characters."),
    ("add_card", {"title": "Fine", "assignee": "Hanna Kowalski"}, "Did you mean 'Hanna Kowalska'?"),
    ("restore_card", {}, "T-32 is not archived."),
]

GOOD_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("move_card", {"card": "T-32", "column": "review", "index": 3}),
    ("move_card", {"card": "T-32", "column": "todo", "index": 5}),
    ("move_card", {"card": "T-60", "column": "todo", "index": 0}),
    ("move_card", {"card": "T-5", "column": "doing", "index": 99}),
    ("complete_card", {"card": "T-27", "done": True}),
    ("complete_card", {"card": "T-9", "done": False}),
    ("archive_card", {"card": "T-40"}),
    ("add_card", {"column": "doing", "title": "Write to the bank"}),
]

DEFAULTS: dict[str, dict[str, Any]] = {
    "move_card": {"project": "apollo", "card": "T-32", "column": "review", "index": 0, "version": 1},
    "complete_card": {"project": "apollo", "card": "T-32", "done": True, "version": 1},
    "archive_card": {"project": "apollo", "card": "T-32", "version": 1},
    "restore_card": {"project": "apollo", "card": "T-32", "version": 1},
    "add_card": {"project": "apollo", "column": "todo", "title": "Write to the bank"},
}


async def act(tasks: Connector, name: str, meta: Mapping[str, Any] | None = None, **changes: Any) -> CallResponse:
    return await call(tasks, name, meta, **{**DEFAULTS[name], **changes})


async def ids_in(column: str, assignee: str | None = None) -> list[str]:
    board = await task_board("apollo", assignee)
    return [card.id for card in next(each for each in board.columns if each.id == column).cards]


async def card_of(name: str) -> Card:
    board = await task_board("apollo")
    return next(card for column in board.columns for card in column.cards if card.id == name)


def without_versions(board: TaskBoard) -> Board:
    return {column.id: [card.model_dump(exclude={"version"}) for card in column.cards] for column in board.columns}


async def assert_dense(connector: Connector) -> None:
    wanted = select(CARDS.c.project, CARDS.c.column, CARDS.c.position).where(~CARDS.c.is_archived)
    places: dict[tuple[str, str], list[int]] = {}
    async with connector.read() as connection:
        for row in await connection.execute(wanted):
            places.setdefault((row.project, row.column), []).append(row.position)
    assert places
    for found in places.values():
        assert sorted(found) == list(range(len(found)))


async def test_a_new_database_holds_three_projects_at_work(tasks: Connector) -> None:
    text = (await call(tasks, "project_list")).text
    board = await task_board("apollo")

    assert all(name in text for name in ("apollo", "website", "onboarding", "Website relaunch"))
    assert board.card_count == 60
    assert [column.id for column in board.columns] == ["todo", "doing", "review", "done"]
    assert [column.limit for column in board.columns] == [None, 9, None, None]
    assert {card.priority for column in board.columns for card in column.cards} == {"low", "normal", "high", "urgent"}
    assert any(card.overdue for column in board.columns[:3] for card in column.cards)


async def test_every_card_is_named_somewhere_in_the_pages_of_the_text(tasks: Connector) -> None:
    first = await call(tasks, "task_board", project="apollo")
    second = await call(tasks, "task_board", project="apollo", text_page=2)

    assert 'task_board {"project":"apollo","text_page":2}' in first.text
    assert all(f"`T-{number}`" in first.text + second.text for number in range(1, 61))


async def test_a_model_moves_a_card_with_nothing_but_what_the_text_says(tasks: Connector) -> None:
    text = (await call(tasks, "task_board", project="website", assignee="Tom Becker")).text
    found = re.search(r"`(T-\d+)` .*\bv(\d+)\)", text)
    assert found
    assert "`review`" in text

    answer = await call(
        tasks, "move_card", project="website", card=found[1], column="review", index=0, version=int(found[2])
    )

    assert not answer.is_error, answer.text
    assert (await task_board("website")).columns[2].cards[0].id == found[1]


async def test_a_move_is_kept_when_the_connector_is_started_again(stopped_tasks: Connector) -> None:
    async with stopped_tasks.running():
        await act(stopped_tasks, "move_card")
        before = await task_board("apollo")
    async with stopped_tasks.running():
        assert await task_board("apollo") == before

    assert before.columns[2].cards[0].id == "T-32"


async def test_a_move_puts_the_card_there_and_leaves_the_order_of_the_others(tasks: Connector) -> None:
    review, todo = await ids_in("review"), await ids_in("todo")

    answer = await act(tasks, "move_card", index=2)

    assert answer.text == "Moved T-32 to Review."
    assert await ids_in("review") == [*review[:2], "T-32", *review[2:]]
    assert await ids_in("todo") == todo[1:]
    await assert_dense(tasks)


async def test_a_move_within_a_column_counts_without_the_card_itself(tasks: Connector) -> None:
    todo = await ids_in("todo")

    answer = await act(tasks, "move_card", column="todo", index=2)

    assert answer.text == "Moved T-32 to place 3 in To do."
    assert await ids_in("todo") == [todo[1], todo[2], "T-32", *todo[3:]]


async def test_an_index_past_the_end_is_the_end(tasks: Connector) -> None:
    await act(tasks, "move_card", index=10**12)

    assert (await ids_in("review"))[-1] == "T-32"


async def test_completing_puts_a_card_on_top_of_done_and_reopening_on_top_of_the_first_column(
    tasks: Connector,
) -> None:
    await act(tasks, "complete_card")
    completed = await card_of("T-32")
    assert (await ids_in("done"))[0] == "T-32"
    assert completed.done

    await act(tasks, "complete_card", done=False, version=completed.version)

    assert (await ids_in("todo"))[0] == "T-32"
    assert not (await card_of("T-32")).done


@pytest.mark.parametrize(("name", "changes"), GOOD_CALLS)
async def test_undo_brings_back_exactly_the_board_before(tasks: Connector, name: str, changes: dict[str, Any]) -> None:
    before = without_versions(await task_board("apollo"))

    done = await act(tasks, name, **changes)
    assert without_versions(await task_board("apollo")) != before
    undo = done.meta["dev.intarsia/done"]["undo"]
    undone = await call(tasks, undo["tool"], None, **undo["arguments"])

    assert not undone.is_error, undone.text
    assert without_versions(await task_board("apollo")) == before
    await assert_dense(tasks)


@pytest.mark.parametrize(("name", "changes"), GOOD_CALLS)
async def test_undoing_the_undo_does_it_again(tasks: Connector, name: str, changes: dict[str, Any]) -> None:
    answer = await act(tasks, name, **changes)
    after = without_versions(await task_board("apollo"))

    for _ in range(2):
        undo = answer.meta["dev.intarsia/done"]["undo"]
        answer = await call(tasks, undo["tool"], None, **undo["arguments"])

    assert without_versions(await task_board("apollo")) == after


async def test_a_stale_move_changes_nothing_and_says_who_was_faster(
    tasks: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM_TASKS_PERSON", "Ada Lovelace")
    await act(tasks, "move_card", column="done")
    before = await task_board("apollo")

    stale = await act(tasks, "move_card")

    problem = stale.meta["dev.intarsia/problem"]
    assert stale.is_error
    assert problem["kind"] == "conflict"
    assert problem["message"] == "Ada Lovelace moved it to Done."
    assert problem["current"] == {"column": "done", "index": 0, "version": 2}
    assert await task_board("apollo") == before
    again = await act(tasks, "move_card", version=problem["current"]["version"])
    assert not again.is_error


async def test_who_signed_in_is_named_to_whoever_was_slower(tasks: Connector) -> None:
    edda = Grant("u-1", scopes={"tasks:write"}, claims={"name": "Edda Lindqvist"}, issuer="https://id.example")
    given = {"project": "apollo", "card": "T-32", "version": 1}
    moved = await tasks.calls.answer("move_card", {**given, "column": "done", "index": 0}, {}, edda)
    assert not moved.is_error

    for tool, arguments in (("archive_card", {}), ("complete_card", {"done": True})):
        stale = await tasks.calls.answer(tool, {**given, **arguments}, {}, replace(edda, claims={}, subject="amir"))
        assert stale.meta["dev.intarsia/problem"]["message"] == "Edda Lindqvist moved it to Done."


async def test_an_archived_card_is_off_the_board_and_cannot_be_moved(tasks: Connector) -> None:
    await act(tasks, "archive_card")

    stale = await act(tasks, "move_card")
    fresh = await act(tasks, "move_card", version=2)

    assert "T-32" not in await ids_in("todo")
    assert stale.meta["dev.intarsia/problem"]["message"] == "Somebody archived it."
    assert fresh.text == "T-32 is archived; restore it first."


async def test_the_same_call_sent_twice_is_applied_once(tasks: Connector) -> None:
    key = {"dev.intarsia/id": "0123456789abcdef"}

    first = await act(tasks, "add_card", key)
    second = await act(tasks, "add_card", key)

    assert second.text == first.text == "Added T-95 to To do."
    assert second.meta["dev.intarsia/done"]["replayed"]
    assert (await ids_in("todo"))[-2:] == ["T-60", "T-95"]


async def test_twenty_moves_at_once_leave_every_card_in_one_place(tasks: Connector) -> None:
    before = [card.id for column in (await task_board("apollo")).columns for card in column.cards]
    columns = ["doing", "review", "done", "todo"]

    answers = await asyncio.gather(
        *(
            call(tasks, "move_card", project="apollo", card=f"T-{n}", column=columns[n % 4], index=n % 5, version=1)
            for n in range(21, 41)
        )
    )

    assert [answer.text for answer in answers if answer.is_error] == []
    after = [card.id for column in (await task_board("apollo")).columns for card in column.cards]
    assert sorted(after) == sorted(before)
    assert "T-21" in await ids_in("review")
    await assert_dense(tasks)


async def test_of_twenty_moves_of_one_card_at_once_one_wins(tasks: Connector) -> None:
    columns = ["doing", "review", "done"]

    answers = await asyncio.gather(*(act(tasks, "move_card", column=columns[n % 3]) for n in range(20)))

    assert sum(not answer.is_error for answer in answers) == 1
    assert {answer.meta["dev.intarsia/problem"]["kind"] for answer in answers if answer.is_error} == {"conflict"}
    assert (await card_of("T-32")).version == 2
    await assert_dense(tasks)


async def test_on_a_filtered_board_a_card_goes_right_below_the_visible_one_above_it(tasks: Connector) -> None:
    hanna, everybody = await ids_in("todo", "Hanna Kowalska"), await ids_in("todo")
    moved, above = hanna[0], hanna[2]

    await call(
        tasks, "move_card", project="apollo", card=moved, column="todo", index=2, version=1, assignee="Hanna Kowalska"
    )

    others = [card for card in everybody if card != moved]
    place = others.index(above) + 1
    assert await ids_in("todo") == [*others[:place], moved, *others[place:]]
    assert await ids_in("todo", "Hanna Kowalska") == [*hanna[1:3], moved, *hanna[3:]]


async def test_on_a_filtered_board_the_top_is_right_above_the_first_visible_card(tasks: Connector) -> None:
    hanna, everybody = await ids_in("todo", "Hanna Kowalska"), await ids_in("todo")
    moved = hanna[-1]
    assert everybody[0] != hanna[0]

    await call(
        tasks, "move_card", project="apollo", card=moved, column="todo", index=0, version=1, assignee="Hanna Kowalska"
    )

    others = [card for card in everybody if card != moved]
    place = others.index(hanna[0])
    assert await ids_in("todo") == [*others[:place], moved, *others[place:]]


async def test_on_a_filtered_board_dropping_a_card_where_it_was_moves_nothing(tasks: Connector) -> None:
    hanna, everybody = await ids_in("todo", "Hanna Kowalska"), await ids_in("todo")
    place = everybody.index(hanna[2])
    assert everybody[place - 1] != hanna[1]

    answer = await call(
        tasks, "move_card", project="apollo", card=hanna[2], column="todo", index=2, version=1,
        assignee="Hanna Kowalska",
    )  # fmt: skip

    assert answer.text == f"{hanna[2]} is there already."
    assert await ids_in("todo") == everybody
    assert (await card_of(hanna[2])).version == 1


async def test_on_a_filtered_board_a_column_without_visible_cards_takes_one_at_its_end(tasks: Connector) -> None:
    hanna, review = await ids_in("todo", "Hanna Kowalska"), await ids_in("review")
    assert await ids_in("review", "Hanna Kowalska") == []

    await call(
        tasks, "move_card", project="apollo", card=hanna[0], column="review", index=0, version=1,
        assignee="Hanna Kowalska",
    )  # fmt: skip

    assert await ids_in("review") == [*review, hanna[0]]


async def test_what_is_added_to_a_filtered_board_is_visible_there(tasks: Connector) -> None:
    board = await task_board("apollo", "Hanna Kowalska")
    assert board.on_add

    await act(tasks, "add_card", **board.on_add.arguments, title="Call the bank")

    assert (await ids_in("todo", "Hanna Kowalska"))[-1] == "T-95"


async def test_somebody_from_another_project_has_no_cards_here_and_a_stranger_is_refused(tasks: Connector) -> None:
    assert (await task_board("onboarding", "Kenji Watanabe")).card_count == 0

    stranger = await call(tasks, "task_board", project="apollo", assignee="Ada")

    assert stranger.is_error
    assert "The people are Amara Okafor," in stranger.text


async def test_a_move_over_the_limit_is_done_and_said(tasks: Connector) -> None:
    await act(tasks, "move_card", column="doing")

    answer = await act(tasks, "move_card", card="T-33", column="doing")

    assert answer.text == "Moved T-33 to In progress. In progress is over its limit of 9."
    assert (await task_board("apollo")).columns[1].is_over_limit


@pytest.mark.parametrize(("name", "changes", "reason"), BAD_CALLS)
async def test_bad_input_is_refused_with_a_reason_and_changes_nothing(
    tasks: Connector, name: str, changes: dict[str, Any], reason: str
) -> None:
    before = await task_board("apollo")

    answer = await act(tasks, name, **changes)

    assert answer.is_error
    assert reason in answer.text
    assert await task_board("apollo") == before


async def test_markup_in_a_title_is_kept_and_shown_as_text(tasks: Connector) -> None:
    hostile = '<img src=x onerror="alert(1)"> {{ 7 * 7 }} <!--intarsia:w-head-->'

    added = await call(tasks, "add_card", project="apollo", column="todo", title=hostile)
    shown = await call(tasks, "task_board", project="apollo")

    assert added.text == "Added T-95 to To do."
    assert (await card_of("T-95")).title == hostile
    html = str(shown.meta["dev.intarsia/parts"])
    assert "<img" not in html
    assert "&lt;img src=x" in html
    assert "{{ 7 * 7 }} &lt;!--intarsia:w-head--&gt;" in html
