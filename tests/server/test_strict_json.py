"""What counts as JSON, and as a message of the protocol."""

import json
from typing import Any

import pytest

from intarsia.server.wire.strict_json import MAX_LEVELS, BodyError, check_message, read_json


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("NaN", "holds NaN"),
        ('{"a": [-Infinity]}', "an infinite number"),
        ("1e400", "a number that is too large"),
        ("-1e400", "a number that is too large"),
        (str(2**63), "more than 64 bits"),
        (str(-(2**63) - 1), "more than 64 bits"),
        ("1" * 100_000, "more than 64 bits"),
        ('{"a": 1, "b": {"c": 1, "c": 1}}', "a key twice"),
        ('["\\ud800"]', "lone surrogate"),
        ('{"\\udfff": 1}', "lone surrogate"),
        ('["\\udfff\\ud800"]', "lone surrogate"),
        ('["a\\u0000b"]', "U+0000"),
        ("[" * (MAX_LEVELS + 1) + "]" * (MAX_LEVELS + 1), "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("", "is not JSON"),
        ("{} {}", "is not JSON"),
        ('["\t"]', "is not JSON"),
    ],
)
def test_what_parsers_disagree_about_is_no_json(body: str, words: str) -> None:
    with pytest.raises(BodyError, match=words.replace("+", r"\+")):
        read_json(body.encode())


@pytest.mark.parametrize("body", [b"\xff", b'"\xed\xa0\x80"', b"\xef\xbb\xbf{}", '"ä"'.encode("latin-1")])
def test_what_is_not_utf_8_is_no_json(body: bytes) -> None:
    with pytest.raises(BodyError, match="is not"):
        read_json(body)


def values_that_every_parser_reads_alike() -> list[object]:
    return [
        None,
        {"number": 2**63 - 1, "least": -(2**63), "float": 1e308, "tiny": 1e-400},
        {"text": "😀 äß \\u0000 \\ud800 ' \" \n"},
        [[[]], [{}], {"": ""}],
    ]


@pytest.mark.parametrize("value", values_that_every_parser_reads_alike())
def test_what_every_parser_reads_alike_is_read(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


def test_the_deepest_body_that_may_be_is_read() -> None:
    assert read_json(b"[" * MAX_LEVELS + b"1" + b"]" * MAX_LEVELS)


CALL: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {}}


@pytest.mark.parametrize(
    ("message", "words", "request_id"),
    [
        ([CALL], "one JSON-RPC message", None),
        ("text", "one JSON-RPC message", None),
        ({}, '"jsonrpc": "2.0"', None),
        ({**CALL, "jsonrpc": "1.0"}, '"jsonrpc": "2.0"', 1),
        ({**CALL, "id": None}, "The id", None),
        ({**CALL, "id": 1.5}, "The id", None),
        ({**CALL, "id": True}, "The id", None),
        ({**CALL, "id": ["a"]}, "The id", None),
        ({**CALL, "method": ["a"]}, "The method", 1),
        ({"jsonrpc": "2.0", "id": "a"}, "needs a method", "a"),
        ({"jsonrpc": "2.0", "result": {}}, "needs a method", None),
        ({"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}}, "needs a method", 1),
        ({**CALL, "params": [1]}, "The params", 1),
        ({**CALL, "params": "a"}, "The params", 1),
    ],
)
def test_what_is_no_message_is_refused_under_its_id(message: object, words: str, request_id: object) -> None:
    with pytest.raises(BodyError, match=words) as caught:
        check_message(message)

    assert caught.value.request == request_id


@pytest.mark.parametrize(
    "message",
    [
        CALL,
        {**CALL, "id": "a"},
        {**CALL, "params": None},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": 1, "error": {}},
    ],
)
def test_requests_notifications_and_answers_are_messages(message: object) -> None:
    check_message(message)
