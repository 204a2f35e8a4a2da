"""What an attacker or a broken client sends over real HTTP: each gets a clear, typed refusal, and nothing changes."""

import asyncio
import json
import logging
from typing import Any
from urllib.parse import urlsplit

import pytest

from intarsia.host import connection_limits
from intarsia.server.http import body_limits
from intarsia.ui_templates.text_markdown import paragraphs
from tests.interop.conftest import ERAS, MODERN, Served, answer_of

CANARY = "c4n4ryV4lue"
MOVE = '{{"project": "apollo", "card": "T-32", "column": {column}, "index": {index}, "version": {version}}}'
ADD = '{{"project": "apollo", "column": "todo", "title": {title}}}'


def move(column: str = '"review"', index: str = "0", version: str = "1") -> str:
    return MOVE.format(column=column, index=index, version=version)


def add(title: str) -> str:
    return ADD.format(title=title)


REFUSED_BY_TOOL = {
    "text for a number": ("move_card", move(index=f'"{CANARY}"'), "invalid", "index must be a whole number."),
    "half a place": ("move_card", move(index="1.5"), "invalid", "index must be a whole number."),
    "true for a number": ("move_card", move(version="true"), "invalid", "version must be a whole number."),
    "null for a number": ("move_card", move(version="null"), "invalid", "version must be a whole number."),
    "a list for text": ("move_card", move(column=f'["{CANARY}"]'), "invalid", "column must be text."),
    "an object for text": ("move_card", move(column=f'{{"$ne": "{CANARY}"}}'), "invalid", "column must be text."),
    "a negative place": ("move_card", move(index="-1"), "invalid", "index must be at least 0."),
    "an unknown column": ("move_card", move(column=f'"{CANARY}"'), "refused", "The columns are todo, doing"),
    "SQL for a column": ("move_card", move(column='"x\'; DROP TABLE cards; --"'), "refused", "no such column"),
    "a far version": ("move_card", move(version=str(2**63 - 1)), "conflict", ""),
    "100,000 characters": ("move_card", move(column=f'"{CANARY * 10_000}"'), "invalid", "at most 10,000 characters"),
    "a long title": ("add_card", add(f'"{CANARY * 10_000}"'), "invalid", "title must have at most 200 characters."),
    "only white space": ("add_card", add('" \\n\\t\\u2003 "'), "refused", "needs a title"),
    "an unknown argument": ("move_card", move()[:-1] + ', "colum": 1}', "invalid", "Did you mean 'column'?"),
    "a name like no name": ("move_card", move()[:-1] + f', "{CANARY} <b>": 1}}', "invalid", "no argument of that name"),
    "a key of 100,000": ("move_card", move()[:-1] + f', "{CANARY * 10_000}": 1}}', "invalid", "of that name"),
    "a reserved name": ("move_card", move()[:-1] + ', "__proto__": {"x": 1}}', "invalid", "There is no argument"),
    "20,000 keys": (
        "move_card",
        json.dumps({f"{CANARY[:2]}{n}": 1 for n in range(16_000)}),
        "invalid",
        "more are unknown too",
    ),
    "no arguments": ("move_card", "{}", "invalid", "project is missing."),
    "an unknown tool": (CANARY, "{}", "unknown_tool", "There is no such tool."),
    "a bad page": ("task_board", '{"project": "apollo", "text_page": 1.5}', "invalid", "text_page must be"),
    "a bad key": (
        "move_card",
        move()[:-1] + f', "_intarsia": {{"id": "{CANARY}!"}}}}',
        "invalid",
        "The key of an action",
    ),
    "a bad draft": (
        "intarsia_draft",
        f'{{"tool": ["{CANARY}"], "arguments": 1, "values": 3}}',
        "unknown_tool",
        "no such",
    ),
    "a bad handle": ("intarsia_draft", f'{{"_intarsia": {{"view": "{CANARY * 1_000}"}}}}', "unknown_tool", "no such"),
}

REFUSED_BY_GATE = {
    "NaN": (move(index="NaN"), 400, "holds NaN"),
    "an infinite number": (move(index="-Infinity"), 400, "holds NaN or an infinite number"),
    "a number past all floats": (move(index="1e400"), 400, "a number that is too large"),
    "a number of 65 bits": (move(version=str(2**63)), 400, "more than 64 bits"),
    "a number of 4,000 digits": (move(version="9" * 4_000), 400, "more than 64 bits"),
    "a number of 100,000 digits": (move(version="9" * 100_000), 400, "more than 64 bits"),
    "half a character": (add('"a\\ud800b"'), 400, "lone surrogate"),
    "half a character in a name": (add('"a", "\\udfff": 1'), 400, "lone surrogate"),
    "a character that ends text": (add('"a\\u0000b"'), 400, "U+0000"),
    "a key twice": (add(f'"a", "title": "{CANARY}"'), 400, "a key twice"),
    "deep lists": (add("[" * 500 + "]" * 500), 400, "nested too deeply"),
    "deeper objects": (add('{"a":' * 20_000 + "1" + "}" * 20_000), 400, "nested too deeply"),
    "deepest lists, unclosed": (add("[" * 100_000), 400, "nested too deeply"),
    "not JSON": (add("undefined"), 400, "is not JSON"),
    "100,000 keys": (json.dumps({f"key{n}": n for n in range(100_000)}), 413, "larger than 256 KB"),
    "5 MB": (add(f'"{"x" * 5_000_000}"'), 413, "larger than 256 KB"),
}

WRONG_PARAMETERS: list[tuple[str, dict[str, Any]]] = [
    ("tools/call", {"name": "move_card", "arguments": [CANARY]}),
    ("tools/call", {"name": "move_card", "arguments": CANARY}),
    ("tools/call", {"name": [CANARY]}),
    ("tools/call", {"arguments": {}}),
    ("tools/call", {"name": "move_card", "task": CANARY}),
    ("tools/list", {"cursor": [CANARY]}),
    ("resources/read", {"uri": [CANARY]}),
    ("resources/read", {"uri": f"ui://{CANARY}"}),
    ("resources/read", {"uri": f"file:///etc/{CANARY}"}),
    ("prompts/get", {"name": CANARY}),
    ("completion/complete", {"ref": CANARY}),
    (CANARY, {}),
]


@pytest.mark.parametrize("era", ERAS)
async def test_what_a_tool_cannot_take_is_refused_with_its_kind(served: Served, era: str) -> None:
    before = await served.rows()
    for what, (tool, arguments, kind, words) in REFUSED_BY_TOOL.items():
        response = await served.call(tool, arguments, era)

        result = answer_of(response)["result"]
        problem = result["_meta"]["dev.intarsia/problem"]
        assert (response.status_code, result["isError"], problem["kind"]) == (200, True, kind), what
        assert words in problem["message"], what
        assert result["content"][0]["text"].startswith(paragraphs(problem["message"])), what
        assert_says_nothing(response.text, what)
        assert await served.rows() == before, what


@pytest.mark.parametrize("era", ERAS)
async def test_what_is_no_strict_json_does_not_pass_the_gate(
    served: Served, era: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = await served.rows()
    for what, (arguments, status, words) in REFUSED_BY_GATE.items():
        response = await served.call("move_card", arguments, era)

        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (status, -32700 if status == 400 else -32600), what
        assert words in error["message"], what
        assert_says_nothing(response.text, what)
        assert await served.rows() == before, what
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "raw", [b'{"jsonrpc": "\xff"}', b'"\xed\xa0\x80"', b"\xef\xbb\xbf{}", b"\x00", b"", "{}".encode("utf-16")]
)
async def test_bytes_that_are_no_text_are_refused(served: Served, era: str, raw: bytes) -> None:
    response = await served.post(raw, era)

    assert response.status_code == 400
    assert response.json()["error"]["code"] == -32700


@pytest.mark.parametrize("era", ERAS)
async def test_what_is_no_request_is_refused_without_a_trace(served: Served, era: str) -> None:
    before = await served.rows()
    wrong: list[object] = [
        [], [{"jsonrpc": "2.0", "id": 1, "method": "ping"}], 5, CANARY, {}, {CANARY: CANARY},
        {"jsonrpc": CANARY, "id": 1, "method": "ping"}, {"jsonrpc": "2.0", "id": [CANARY], "method": "ping"},
        {"jsonrpc": "2.0", "id": None, "method": "tools/call"}, {"jsonrpc": "2.0", "id": 1, "method": [CANARY]},
        {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": CANARY},
    ]  # fmt: skip
    for body in wrong:
        response = await served.post(json.dumps(body), era)

        assert (response.status_code, response.json()["error"]["code"]) == (400, -32600), body
        assert_says_nothing(response.text, str(body))
    assert await served.rows() == before


@pytest.mark.parametrize("era", ERAS)
async def test_wrong_parameters_of_the_protocol_are_refused_without_a_trace(served: Served, era: str) -> None:
    before = await served.rows()
    for method, params in WRONG_PARAMETERS:
        response = await served.request(method, params, era)

        assert answer_of(response)["error"]["code"] in {-32601, -32602, -32020}, (method, params)
        assert_says_nothing(response.text, method)
    assert await served.rows() == before


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "seen",
    [
        CANARY,
        [CANARY],
        {"tool": 1, "arguments": [], "frame": {}, "parts": [], "lists": {"a": [1, None]}, "tiles": "x"},
        {"tool": "intarsia_draft", "arguments": {}, "frame": "", "parts": {}, "lists": {}},
        {"tool": "move_card", "arguments": {}, "frame": "a", "parts": {"w": "a"}, "lists": {}},
        {"tool": "task_board", "arguments": {"project": [CANARY]}, "frame": "a", "parts": {}, "lists": {}},
    ],
)
async def test_a_false_memory_gets_the_true_widget(served: Served, era: str, seen: object) -> None:
    arguments = json.dumps({"project": "apollo", "_intarsia": {"seen": seen}})

    response = await served.call("task_board", arguments, era)

    parts = answer_of(response)["result"]["_meta"]["dev.intarsia/parts"]
    assert "T-32" in json.dumps(parts)
    assert_says_nothing(response.text, str(seen))


@pytest.mark.parametrize("era", ERAS)
async def test_after_all_that_a_good_call_still_works(served: Served, era: str) -> None:
    for arguments, *_ in REFUSED_BY_GATE.values():
        await served.call("move_card", arguments, era)
    before = await served.rows()

    result = answer_of(await served.call("move_card", move(), era))["result"]

    assert result["isError"] is False
    assert await served.rows() != before


async def test_headers_that_never_end_close_only_their_own_connection(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_limits, "HEADER_SECONDS", 0.2)
    silent = await connect(served)
    begun = await connect(served, b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    second = await connect(served, b"GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert b"404" in await asyncio.wait_for(second[0].readuntil(b"\r\n"), 5)
    second[1].write(b"GET /nothing HTTP/1.1\r\n")

    assert (await served.call("task_board", '{"project": "apollo"}', MODERN)).status_code == 200
    for reader, writer in (silent, begun, second):
        await asyncio.wait_for(reader.read(), 5)
        assert reader.at_eof()
        writer.close()


async def test_a_body_that_never_ends_is_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limits, "BODY_SECONDS", 0.2)
    head = (
        b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: 1000\r\n\r\n" + b'{"jsonrpc": '
    )
    reader, writer = await connect(served, head)

    answer = await asyncio.wait_for(reader.read(), 5)

    assert answer.startswith(b"HTTP/1.1 408")
    assert b"The body took longer" in answer
    writer.close()


async def connect(served: Served, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = urlsplit(served.address).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    await writer.drain()
    return reader, writer


def assert_says_nothing(text: str, what: str) -> None:
    for hint in (CANARY, "Traceback", 'File "', "pydantic", "validation error", "sqlite", "site-packages"):
        assert hint not in text, (what, hint)
