"""Every result fits the budget, in markup and in text; what cannot be smaller is refused with the sizes."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.client import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser

from intarsia import Connector
from intarsia.errors import SettingError
from intarsia.server.mcp_server.server import build_server
from intarsia.server.wire.diff import difference
from intarsia.server.wire.size import DEFAULT_MAX_RESULT_BYTES, json_bytes
from intarsia.testing.tools import Tools
from intarsia.testing.users import access_token
from intarsia.ui_templates import render_widget
from intarsia.ui_templates.render import hash_of
from intarsia.widgets import BoardColumn, Card, Heading, Metric, Stack, Table, TableColumn, TaskBoard, Text, Widget
from tests.server.long_lists import CARDS, COLUMNS, READER, Lists, keys_in, size_of, walked


@pytest.fixture
async def lists(tmp_path: Path) -> AsyncIterator[Lists]:
    made = Lists(tmp_path / "lists.db")
    async with made.connector.running():
        yield made


@pytest.fixture
def tools(lists: Lists) -> Tools:
    return Tools(lists.connector, READER, [])


@pytest.mark.parametrize("tool", ["board", "table", "moving"])
async def test_what_is_sent_over_mcp_fits_the_budget(lists: Lists, tool: str) -> None:
    signed_in = auth_context_var.set(AuthenticatedUser(access_token(READER)))
    try:
        apps = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})
        async with Client(build_server(lists.connector.catalog), extensions=[apps]) as client:
            result = await client.call_tool(tool, {})
    finally:
        auth_context_var.reset(signed_in)

    assert result.meta is not None
    assert "dev.intarsia/parts" in result.meta
    assert 10_000 < len(result.model_dump_json(by_alias=True).encode()) <= DEFAULT_MAX_RESULT_BYTES


async def test_a_model_reaches_every_card_by_text_pages(tools: Tools) -> None:
    found, stated = list[str](), None
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

    assert stated is not None
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


async def test_rows_that_are_far_too_long_are_not_rendered_to_find_out(
    lists: Lists, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"c{number}" for number in range(50)]
    lists.any = Table(
        columns=[TableColumn(name, name) for name in names],
        rows=[{"id": number, **dict.fromkeys(names, "y" * 1_900)} for number in range(500)],
        row_key="id",
        caption="Wide and long",
    )
    rendered: list[int] = []

    def counted(html: str) -> str:
        rendered.append(len(html))
        return hash_of(html)

    monkeypatch.setattr("intarsia.ui_templates.render.hash_of", counted)
    reply = await tools.call("anything")

    assert keys_in(reply, "w-row-") == {"0"}
    assert reply.totals == {"rows": 500}
    assert size_of(reply) <= DEFAULT_MAX_RESULT_BYTES
    assert sum(rendered) < 3_000_000  # all of its first window would be 5,000,000


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


@given(shape=_SHAPES)
@settings(max_examples=60, deadline=None)
def test_the_bound_that_saves_measuring_is_never_too_small(shape: Any) -> None:
    widget = _made(shape, _numbers())
    rendering = render_widget(widget)
    sent = difference(rendering, None)

    names = [[name, each.prefix, '{"order":[],"items":{}}'] for name, each in rendering.lists.items()]
    assert json_bytes(sent) <= rendering.max_json_bytes + json_bytes(names)


@given(title=st.text(st.characters(codec="utf-8", categories=["Cc", "L", "So", "P"]), min_size=1, max_size=60))
def test_the_bound_holds_for_any_characters(title: str) -> None:
    rendering = render_widget(Stack([Heading(title), TaskBoard(title=title, columns=[BoardColumn("a", title, [])])]))

    assert json_bytes(difference(rendering, None)) <= rendering.max_json_bytes + 500
