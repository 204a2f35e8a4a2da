"""Long lists are sent in windows: every answer fits the budget, and every item is reached under the caller's rights."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intarsia import Connector, Done, Grant
from intarsia.errors import SettingError
from intarsia.server.wire.size import DEFAULT_MAX_RESULT_BYTES, result_bytes
from intarsia.testing.tools import Reply, Tools
from intarsia.widgets import BoardColumn, Card, Heading, Metric, Stack, Table, TableColumn, TaskBoard, Text, Widget

CANARY = "canary-4711"
READER = Grant("ada", "chat", {"read"})
INSIDER = Grant("grace", "chat", {"read", "secret"})
ROWS, COLUMNS, CARDS = 50_000, 5, 1_000


class Lists:
    """A connector with long lists, which tests change."""

    def __init__(self, path: Path, most: int = DEFAULT_MAX_RESULT_BYTES) -> None:
        self.connector = Connector("Lists", store=path, max_result_bytes=most, scopes={"secret"})
        self.cards = [Card(f"T-{number}", f"Task {number}") for number in range(120)]
        self.board, self.table = _board(), _table()
        self.any: Widget = Stack([])
        self.asked = 0
        self._add_tools()

    def _add_tools(self) -> None:
        @self.connector.widget(scopes={"read"})
        async def board() -> TaskBoard:
            """Show all cards."""
            return self.board

        @self.connector.widget(scopes={"read"})
        async def table() -> Table:
            """Show all files."""
            return self.table

        @self.connector.widget(scopes={"read"})
        async def anything(of: str = "us") -> Widget:
            """Show what the test wants."""
            return self.any if of else Stack([])

        async def may_move(grant: Grant, arguments: Any) -> bool | str:
            assert grant == READER
            self.asked += 1
            return not arguments["card"].endswith("7") or f"{arguments['card']} stays."

        @self.connector.action(scopes={"read"}, allow=may_move)
        async def move(card: str, column: str, index: int) -> Done:
            """Move a card."""
            assert column == "todo"
            moved = next(each for each in self.cards if each.id == card)
            self.cards = [each for each in self.cards if each.id != card]
            self.cards.insert(index, moved)
            return Done(f"Moved {card}.")

        @self.connector.action(scopes={"read"})
        async def tell(length: int) -> Done:
            """Say much."""
            return Done("x" * length)

        @self.connector.widget(scopes={"read"})
        async def moving() -> TaskBoard:
            """Show cards that can be moved."""
            return TaskBoard(columns=[BoardColumn("todo", "To do", self.cards)], on_move=move)


@cache
def _board() -> TaskBoard:
    columns = [
        BoardColumn(f"c{at}", f"Stage {at}", [_card(at, number) for number in range(CARDS)]) for at in range(COLUMNS)
    ]
    return TaskBoard(columns=columns)


@cache
def _table() -> Table:
    return Table(
        columns=[TableColumn("name", "Name"), TableColumn("size", "Size", type="number")],
        rows=[{"id": number, "name": f"file {number}", "size": number / 2} for number in range(ROWS)],
        row_key="id",
        caption="Files",
    )


def _card(at: int, number: int) -> Card:
    # One in ten is secret.
    secret = number % 10 == 3
    title = f"{CANARY} {number}" if secret else f"Task {number}"
    return Card(f"T-{at}-{number}", title, scopes={"secret"} if secret else set())


@pytest.fixture
async def lists(tmp_path: Path) -> AsyncIterator[Lists]:
    made = Lists(tmp_path / "lists.db")
    async with made.connector.running():
        yield made


@pytest.fixture
def tools(lists: Lists) -> Tools:
    return Tools(lists.connector, READER, [])


def size_of(reply: Reply) -> int:
    return result_bytes(reply.text, reply.structured, reply.meta)


def keys_in(reply: Reply, prefix: str) -> set[str]:
    return {name.removeprefix(prefix) for name in reply.parts if name.startswith(prefix)}


async def walked(tools: Tools, reply: Reply, place: str, prefix: str) -> set[str]:
    """Show more of a list until there is no more, and return the keys of all items that were shown."""
    found = keys_in(reply, prefix)
    while place in reply.more:
        reply = await tools.more(reply, place)
        assert not reply.is_error, reply.text
        assert size_of(reply) <= DEFAULT_MAX_RESULT_BYTES
        found |= keys_in(reply, prefix)
    return found


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


async def test_a_model_reaches_every_card_by_text_pages(tools: Tools) -> None:
    found = list[str]()
    for page in count(1):
        reply = await tools.call("board", text_page=page)
        assert size_of(reply) <= DEFAULT_MAX_RESULT_BYTES
        found += re.findall(r"^- `(T-\S+)`", reply.text, re.MULTILINE)
        stated = re.search(r"Page (\d+) of (\d+) of this text, with cards ([\d,]+) to ([\d,]+) of 4,500\.", reply.text)
        assert stated is not None
        assert stated[1] == str(page)
        assert int(stated[4].replace(",", "")) == len(found)
        if f'"text_page":{page + 1}' not in reply.text:
            break

    assert stated[1] == stated[2]
    assert found == [f"T-{at}-{number}" for at in range(COLUMNS) for number in range(CARDS) if number % 10 != 3]


async def test_a_model_reaches_every_row_by_text_pages(tools: Tools) -> None:
    last = 500
    for page in (1, 2, 3, *range(50, last, 75), last, last + 1, 10**9):
        reply = await tools.call("table", text_page=page)
        rows = [int(key) for key in re.findall(r"^\| `(\d+)`", reply.text, re.MULTILINE)]
        at = min(page, last) - 1
        assert rows == list(range(at * 100, at * 100 + 100))
        assert len(reply.text) < 8_000


async def test_what_stands_beside_a_long_list_is_on_the_first_pages_of_the_text(lists: Lists, tools: Tools) -> None:
    words = [Text(f"Paragraph {number}. " + "word " * 300) for number in range(8)]
    lists.any = Stack([*words, lists.table.model_copy(update={"rows": lists.table.rows[:450]}), Heading("The end")])
    pages = [(await tools.call("anything", text_page=page)).text for page in range(1, 12)]
    last = int(re.findall(r"Page 1 of (\d+) of", pages[0])[0])
    texts = "\n".join(pages[:last])

    assert [f"Paragraph {number}." in texts for number in range(8)] == [True] * 8
    assert texts.count("The end") == 1
    assert re.findall(r"^\| `(\d+)`", texts, re.MULTILINE) == [str(number) for number in range(450)]


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


async def test_an_item_that_alone_exceeds_the_budget_is_refused_with_the_sizes(lists: Lists, tools: Tools) -> None:
    rows = [{"id": number, "name": "x" * (150_000 if number == 60 else 10)} for number in range(100)]
    lists.any = lists.table.model_copy(update={"rows": rows})
    first = await tools.call("anything")
    assert len(keys_in(first, "w-row-")) == 50

    up_to_it = refused = first
    while not refused.is_error:
        up_to_it, refused = refused, await tools.more(refused)

    assert len(keys_in(up_to_it, "w-row-")) == 60
    assert refused.is_error
    assert refused.problem is not None
    assert refused.problem["kind"] == "too_large"
    assert refused.problem["size"] > 150_000
    assert refused.problem["max_size"] <= DEFAULT_MAX_RESULT_BYTES
    assert re.fullmatch(
        r"Table of anything: the item w-row-60 alone takes 15\d\.\d KB, and a result may have 12\d\.\d KB\. "
        r"Shorten its values, or show it with a tool of its own\.",
        refused.text,
    )
    behind = await tools.more(up_to_it, window=(61, 39))
    assert "w-row-99" in behind.parts


async def test_a_widget_without_lists_that_exceeds_the_budget_is_refused_and_can_be_read(
    lists: Lists, tools: Tools
) -> None:
    lists.any = Text("word " * 40_000)

    reply = await tools.call("anything")

    assert reply.is_error
    assert reply.problem is not None
    assert reply.problem["kind"] == "too_large"
    assert reply.text.startswith("Text of anything: what is left when each list shows one item takes 200.")
    assert "word word" in reply.text
    assert size_of(reply) <= DEFAULT_MAX_RESULT_BYTES


async def test_a_table_within_its_limits_that_would_take_megabytes_fits(lists: Lists, tools: Tools) -> None:
    names = [f"c{number}" for number in range(50)]
    lists.any = Table(
        columns=[TableColumn(name, name) for name in names],
        rows=[{"id": number, **dict.fromkeys(names, "y" * 200)} for number in range(60)],
        row_key="id",
        caption="Wide",
    )
    first = await tools.call("anything")

    assert DEFAULT_MAX_RESULT_BYTES / 2 < size_of(first) <= DEFAULT_MAX_RESULT_BYTES
    assert await walked(tools, first, "rows", "w-row-") == {str(number) for number in range(60)}


async def test_a_done_action_stays_done_when_its_answer_is_too_large(tools: Tools) -> None:
    reply = await tools.call("moving")

    after = await tools.act(reply, "tell", length=200_000)

    assert not after.is_error
    assert after.message.startswith("xxx")
    assert len(after.message) == 1_000
    assert after.meta["dev.intarsia/later"] is True
    assert size_of(after) <= DEFAULT_MAX_RESULT_BYTES


async def test_arguments_that_are_too_large_to_be_repeated_are_refused(lists: Lists, tools: Tools) -> None:
    lists.any = Heading("Small")
    reply = await tools.call("anything", of="ü" * 10_000)

    assert reply.problem is not None
    assert reply.problem["kind"] == "too_large"
    assert size_of(reply) <= DEFAULT_MAX_RESULT_BYTES


def test_a_budget_that_is_too_small_is_a_setting_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="max_result_bytes must be at least 20,000, not 500"):
        Connector("Small", store=tmp_path / "small.db", max_result_bytes=500)


def _numbers() -> Callable[[], int]:
    made: Iterator[int] = count()
    return lambda: next(made)


def _made(shape: Any, number: Callable[[], int]) -> Widget:
    kind, sizes = shape
    if kind == "stack":
        return Stack([_made(each, number) for each in sizes])
    if kind == "table":
        rows = [{"id": at, "name": "ß" * size} for at, size in enumerate(sizes)]
        return Table(columns=[TableColumn("name", "Name")], rows=rows, row_key="id", caption="Sizes")
    if kind == "board":
        cards = [Card(f"T-{number()}", "z" * size + " ") for size in sizes]
        return TaskBoard(columns=[BoardColumn("a", "A", cards[::2]), BoardColumn("b", "B", cards[1::2])])
    return Metric("Sizes", len(sizes))


_SIZES = st.lists(st.sampled_from([1, 10, 100, 1_000, 4_000]), max_size=40)
_LEAVES = st.tuples(st.sampled_from(["table", "board", "metric"]), _SIZES)
_SHAPES = st.recursive(_LEAVES, lambda inner: st.tuples(st.just("stack"), st.lists(inner, max_size=12)), max_leaves=24)


@given(shape=_SHAPES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_the_sizes_every_answer_fits_and_more_leads_to_the_end(tmp_path: Path, shape: Any) -> None:
    most = 24_000
    lists = _SMALL.get(tmp_path) or _SMALL.setdefault(tmp_path, Lists(tmp_path / "small.db", most))
    lists.any = _made(shape, _numbers())
    async with lists.connector.running():
        tools = Tools(lists.connector, READER, [])
        reply = await tools.call("anything")
        assert size_of(reply) <= most
        clicks = 0
        while reply.more and clicks < 12:
            after = await tools.more(reply, sorted(reply.more)[clicks % len(reply.more)])
            assert size_of(after) <= most
            assert after.problem is None or after.problem["kind"] == "too_large"
            reply = after if after.problem is None else reply
            clicks += 1
        texts = [await tools.call("anything", text_page=page) for page in (1, 2, 50)]
        assert all(size_of(text) <= most for text in texts)


_SMALL: dict[Path, Lists] = {}
