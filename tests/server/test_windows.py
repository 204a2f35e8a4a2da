"""Long lists are sent in windows: every item is reached, under the rights that the caller has then."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from intarsia import Grant
from intarsia.errors import WidgetError
from intarsia.server.wire.size import DEFAULT_MAX_RESULT_BYTES
from intarsia.testing.tools import Tools
from intarsia.ui_templates import Rendering
from intarsia.widgets import Card
from tests.server.long_lists import CANARY, CARDS, COLUMNS, INSIDER, READER, ROWS, Lists, keys_in, size_of, walked


@pytest.fixture
async def lists(tmp_path: Path) -> AsyncIterator[Lists]:
    made = Lists(tmp_path / "lists.db")
    async with made.connector.running():
        yield made


@pytest.fixture
def tools(lists: Lists) -> Tools:
    return Tools(lists.connector, READER, [])


@pytest.mark.parametrize("column", [3, *(pytest.param(at, marks=pytest.mark.slow) for at in (0, 1, 2, 4))])
async def test_a_person_reaches_every_card_that_they_may_see_of_a_board_of_5_000(tools: Tools, column: int) -> None:
    first = await tools.call("board")
    assert size_of(first) <= DEFAULT_MAX_RESULT_BYTES
    assert first.totals == {f"c{at}/cards": CARDS * 9 // 10 for at in range(COLUMNS)}

    found = await walked(tools, first, f"c{column}/cards", f"w-card-T-{column}-")

    assert found == {str(number) for number in range(CARDS) if number % 10 != 3}


@pytest.mark.parametrize("step", [5_000, pytest.param(200, marks=pytest.mark.slow)])
async def test_a_person_reaches_every_row_of_a_table_of_50_000(tools: Tools, step: int) -> None:
    reply = await tools.call("table")
    for start in range(0, ROWS, step):
        reply = await tools.more(reply, "rows", window=(start, 200))
        assert size_of(reply) <= DEFAULT_MAX_RESULT_BYTES
        assert keys_in(reply, "w-row-") == {str(number) for number in range(start, start + 200)}

    assert (await tools.more(reply, "rows", window=(ROWS - 200, 200))).more == {}


@pytest.mark.parametrize("place", ["c0/cards", "c4/cards"])
async def test_hidden_cards_are_in_no_window_and_in_no_total(tools: Tools, place: str) -> None:
    reply = await tools.call("board")
    for _click in range(6):
        reply = await tools.more(reply, place)
        assert CANARY not in json.dumps([reply.text, reply.meta])

    assert reply.totals[place] == CARDS * 9 // 10


async def test_each_window_is_decided_for_the_rights_that_its_caller_has_then(tools: Tools) -> None:
    before = await tools.call("board", as_=INSIDER)
    assert CANARY in json.dumps(before.meta)
    assert before.totals["c0/cards"] == CARDS
    lowered = Grant(INSIDER.subject, INSIDER.client, READER.scopes)

    after = await tools.more(before, "c0/cards", as_=lowered)

    assert CANARY not in json.dumps(after.meta)
    assert CANARY not in after.html
    assert after.totals["c0/cards"] == CARDS * 9 // 10


async def test_no_window_is_read_without_the_scope_of_the_tool(tools: Tools) -> None:
    before = await tools.call("board")

    after = await tools.more(before, "c0/cards", as_=Grant("ada", "chat"))

    assert after.is_error
    assert after.problem is not None
    assert after.problem["kind"] == "refused"
    assert "Task" not in json.dumps([after.text, after.meta])


async def test_rules_are_asked_about_the_cards_of_the_window_and_no_others(lists: Lists, tools: Tools) -> None:
    reply = await tools.more(await tools.call("moving"))

    assert "T-97 stays." in reply.parts["w-card-T-97"]
    lists.asked, lists.cards = 0, [Card(f"T-{number}", "Task") for number in range(5_000)]
    await tools.call("moving")
    assert lists.asked <= 150


HOSTILE: list[Any] = [
    {"list": "todo/cards", "start": -1, "count": 10},
    {"list": "todo/cards", "start": 0, "count": 0},
    {"list": "todo/cards", "start": 0, "count": -5},
    {"list": "todo/cards", "start": 0, "count": 201},
    {"list": "todo/cards", "start": 10**12, "count": 10},
    {"list": "todo/cards", "start": 10**400, "count": 10},
    {"list": "todo/cards", "start": "0", "count": 10},
    {"list": "todo/cards", "start": 0.5, "count": 10},
    {"list": "todo/cards", "start": True, "count": True},
    {"list": "todo/cards", "start": None, "count": 10},
    {"list": "rows", "start": 0, "count": 10},
    {"list": "todo/hidden", "start": 0, "count": 10},
    {"list": "scopes", "start": 0, "count": 10},
    {"list": "__class__", "start": 0, "count": 10},
    {"list": "", "start": 0, "count": 10},
    {"list": "x" * 5_000, "start": 0, "count": 10},
    {"list": ["todo/cards"], "start": 0, "count": 10},
    {"list": "todo/cards", "start": 0},
    {"list": "todo/cards", "start": 0, "count": 10, "total": 5},
    [["todo/cards", 0, 10]],
    "todo/cards",
    7,
]


@pytest.mark.parametrize("carried", ["meta", "argument"])
async def test_a_hostile_window_is_refused_with_a_sentence(lists: Lists, tools: Tools, carried: str) -> None:
    reply = await tools.call("moving")
    assert reply.shown is not None
    for window in HOSTILE:
        values = {"seen": reply.shown.seen(), "view": reply.handle, "window": window}
        meta = {f"dev.intarsia/{name}": value for name, value in values.items()} if carried == "meta" else {}
        arguments = {} if carried == "meta" else {"_intarsia": values}

        answer = await lists.connector.calls.answer("moving", arguments, meta, READER)

        assert answer.is_error, window
        assert answer.meta["dev.intarsia/problem"]["kind"] == "invalid"
        assert re.match(r"window|There is no such list", answer.text), answer.text
        assert "dev.intarsia/parts" not in answer.meta


HOSTILE_SHOWN: list[Any] = [
    {"todo/cards": [-1, 5]},
    {"todo/cards": [0, 10**9]},
    {"todo/cards": "all"},
    {"todo/cards": [0]},
    {"todo/cards": [0, 5, 5]},
    {f"l{number}": [0, 5] for number in range(501)},
    [["todo/cards", 0, 5]],
    "all",
]


async def test_hostile_windows_of_what_is_shown_are_refused_and_stop_no_action(lists: Lists, tools: Tools) -> None:
    reply = await tools.call("moving")
    assert reply.shown is not None
    for windows in HOSTILE_SHOWN:
        meta = {"dev.intarsia/seen": {**reply.shown.seen(), "windows": windows}, "dev.intarsia/view": reply.handle}

        read = await lists.connector.calls.answer("moving", {}, meta, READER)
        move = {"card": lists.cards[1].id, "column": "todo", "index": 0}
        done = await lists.connector.calls.answer("move", move, meta, READER)

        assert read.meta["dev.intarsia/problem"]["kind"] == "invalid", windows
        assert done.meta["dev.intarsia/done"]["message"] == f"Moved {move['card']}."
        assert lists.cards[0].id == move["card"]


async def test_windows_of_lists_that_are_gone_and_of_other_widgets_are_ignored(lists: Lists, tools: Tools) -> None:
    reply = await tools.call("moving")
    assert reply.shown is not None
    seen = {**reply.shown.seen(), "windows": {"todo/cards": [50, 50], "old/cards": [50, 50], "rows": [5, 5]}}
    meta = {"dev.intarsia/seen": seen, "dev.intarsia/view": reply.handle}

    same = await lists.connector.calls.answer("moving", {}, meta, READER)
    other = await lists.connector.calls.answer("table", {}, meta, READER)

    assert same.meta["dev.intarsia/parts"]["windows"] == {"todo/cards": [50, 50, 120]}
    assert other.meta["dev.intarsia/parts"]["windows"] == {"rows": [0, 50, ROWS]}


async def test_a_change_keeps_the_window(lists: Lists, tools: Tools) -> None:
    grown = await tools.more(await tools.call("moving"))
    assert len(keys_in(grown, "w-card-")) == 100
    lists.cards = [Card("T-new", "New"), *lists.cards[:60], *lists.cards[61:]]

    after = await tools.act(grown, "tell", length=3)

    shown = keys_in(after, "w-card-")
    assert len(shown) == 100
    assert "T-new" in shown
    assert "T-60" not in shown
    assert after.more == {"todo/cards": (0, 120)}


async def test_a_poll_keeps_the_window(lists: Lists, tools: Tools) -> None:
    grown = await tools.more(await tools.call("moving"))
    lists.cards = [Card("T-new", "New"), *lists.cards]
    lists.connector.changed("cards")

    after = await tools.act(grown, "intarsia_view", wait_seconds=0)

    assert set(after.changed) == {"w-head", "w-top-todo", "w-more-todo", "w-card-T-new"}
    assert len(keys_in(after, "w-card-")) == 100
    assert after.totals == {"todo/cards": 121}


async def test_other_arguments_begin_with_the_first_window(lists: Lists, tools: Tools) -> None:
    lists.any = lists.table
    grown = await tools.more(await tools.call("anything"))
    assert grown.shown is not None
    meta = {"dev.intarsia/seen": grown.shown.seen(), "dev.intarsia/view": grown.handle}

    same = await lists.connector.calls.answer("anything", {"of": "us"}, meta, READER)
    other = await lists.connector.calls.answer("anything", {"of": "them"}, meta, READER)

    assert same.meta["dev.intarsia/parts"]["windows"] == {"rows": [0, 100, ROWS]}
    assert other.meta["dev.intarsia/parts"]["windows"] == {"rows": [0, 50, ROWS]}


async def test_a_template_without_the_buttons_is_an_error(lists: Lists, tools: Tools) -> None:
    lists.any = lists.table
    reply = await tools.call("anything")
    assert reply.shown is not None

    with pytest.raises(WidgetError, match="The list 'rows' is too long to be sent whole, and its template renders no"):
        Rendering(reply.shown.rendering.frame, {}, reply.shown.rendering.lists).check_places(["rows"])


async def test_a_list_that_became_short_is_shown_whole(lists: Lists, tools: Tools) -> None:
    moved_on = await tools.more(await tools.call("moving"), window=(100, 20))
    assert keys_in(moved_on, "w-card-") == {f"T-{number}" for number in range(100, 120)}
    lists.cards = lists.cards[:5]

    after = await tools.act(moved_on, "tell", length=3)

    assert keys_in(after, "w-card-") == {f"T-{number}" for number in range(5)}
    assert after.more == {}


async def test_a_whole_list_that_grew_is_still_shown_whole(lists: Lists, tools: Tools) -> None:
    reply = await tools.more(await tools.more(await tools.call("moving")))
    assert reply.more == {}
    lists.cards = [*lists.cards, Card("T-last", "Last")]

    after = await tools.act(reply, "tell", length=3)

    assert after.totals == {"todo/cards": 121}
    assert after.more == {"todo/cards": (0, 121)}


async def test_a_moved_card_lands_at_the_index_in_the_whole_column(lists: Lists, tools: Tools) -> None:
    reply = await tools.more(await tools.call("moving"), window=(100, 10))

    after = await tools.act(reply, "move", card="T-101", column="todo", index=105)

    assert [card.id for card in lists.cards].index("T-101") == 105
    assert "w-card-T-101" in after.parts


async def test_a_window_that_reached_its_maximum_moves_on_and_comes_back(lists: Lists, tools: Tools) -> None:
    lists.cards = [Card(f"T-{number}", f"Task {number}") for number in range(400)]
    reply = await tools.call("moving")
    for _click in range(4):
        reply = await tools.more(reply)
    assert keys_in(reply, "w-card-") == {f"T-{number}" for number in range(50, 250)}

    assert 'data-window="[0,200]"' in reply.html
    back = await tools.more(reply, window=(0, 200))
    assert keys_in(back, "w-card-") == {f"T-{number}" for number in range(200)}
