"""Strict JSON: accepts only what every parser reads the same way and every database can store.

Python's parser and the SDK accept NaN, infinite numbers, lone surrogates and duplicate keys.
"""

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

MAX_LEVELS = 64
"""The deepest nesting of objects and lists."""

JSON = "intarsia.json"
"""The key of the parsed body in the ASGI scope of a request."""


PARSE_ERROR, INVALID_REQUEST = -32700, -32600

_LARGE_NUMBER = re.compile(rb"[0-9]{19}|[0-9][eE]")
"""What a number has that is infinite or longer than 64 bits. Texts can have it too."""

_BROKEN = re.compile("[\0\ud800-\udfff]")
_MAX_DIGITS = 20
_WHOLE = range(-(2**63), 2**63)

RequestId = str | int | None

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
"""The types of ASGI, defined here so that this module depends on no framework."""


class BodyError(ValueError):
    """The body is not valid. The message says why, and quotes nothing of the body.

    Args:
        message: What is wrong.
        code: The code of the JSON-RPC error.
        request: The id of the request, when it could be read.
    """

    def __init__(self, message: str, code: int = PARSE_ERROR, request: RequestId = None) -> None:
        super().__init__(message)
        self.code, self.request = code, request


def read_json(body: bytes, max_levels: int = MAX_LEVELS) -> object:
    """Read one JSON value.

    Args:
        body: The JSON text, in UTF-8.
        max_levels: The deepest nesting of objects and lists.

    Raises:
        BodyError: The body is not JSON, or contains something that parsers read differently.
    """
    # Numbers are checked one by one only where one can be too large: that is slow for a list of 100,000.
    has_large = _LARGE_NUMBER.search(body) is not None
    try:
        tree: object = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_without_twins,
            parse_constant=_no_constant,
            parse_float=_finite if has_large else None,
            parse_int=_whole if has_large else None,
        )
    except BodyError:
        raise
    except UnicodeDecodeError:
        message = "The body is not UTF-8."
        raise BodyError(message) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        message = "The body is not JSON."
        raise BodyError(message) from None
    # The UTF-8 decoder has refused lone surrogates, so only `\u` escapes can still produce broken characters.
    _check_tree(tree, max_levels, holds_escapes=b"\\u" in body)
    return tree


def check_message(tree: object) -> None:
    """Check that a JSON value is one message of JSON-RPC 2.0. MCP has no batches, and no request without an id.

    Raises:
        BodyError: The value is not a valid message.
    """
    if not isinstance(tree, dict):
        message = "The body must be one JSON-RPC message."
        raise BodyError(message, INVALID_REQUEST)
    fields = cast("dict[str, Any]", tree)
    has_id, request = "id" in fields, fields.get("id")
    if has_id and (not isinstance(request, str | int) or isinstance(request, bool)):
        message = "The id of a JSON-RPC message must be text or a whole number."
        raise BodyError(message, INVALID_REQUEST)
    if fields.get("jsonrpc") != "2.0":
        message = 'The body must be a JSON-RPC message with "jsonrpc": "2.0".'
        raise BodyError(message, INVALID_REQUEST, request)
    if "method" not in fields:
        if has_id and ("result" in fields) != ("error" in fields):
            return
        message = "A JSON-RPC message needs a method."
        raise BodyError(message, INVALID_REQUEST, request)
    if not isinstance(fields["method"], str):
        message = "The method of a JSON-RPC message must be text."
        raise BodyError(message, INVALID_REQUEST, request)
    if not isinstance(fields.get("params"), dict | None):
        message = "The params of a JSON-RPC message must be an object."
        raise BodyError(message, INVALID_REQUEST, request)


def object_of(value: object) -> dict[str, Any]:
    """Return a JSON object unchanged, and an empty object for any other value."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _check_tree(tree: object, max_levels: int, *, holds_escapes: bool) -> None:
    # Level by level and not recursive, so that deep nesting cannot exhaust the stack.
    level: list[object] = [tree]
    for _ in range(max_levels + 1):
        below: list[object] = []
        has_below = False
        for item in level:
            if isinstance(item, str):
                if holds_escapes and (found := _BROKEN.search(item)):
                    raise _broken(found)
            elif isinstance(item, dict):
                fields = cast("dict[object, object]", item)
                below += fields
                below += fields.values()
                has_below = True
            elif isinstance(item, list):
                below += cast("list[object]", item)
                has_below = True
        if not has_below:
            return
        level = below
    raise _too_deep()


def _broken(found: re.Match[str]) -> BodyError:
    is_nothing = found[0] == "\0"
    message = "The body holds " + (
        "the character U+0000, which text does not have." if is_nothing else "half a character (a lone surrogate)."
    )
    return BodyError(message)


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        message = "The body has a key twice in one object."
        raise BodyError(message)
    return found


def _no_constant(_name: str) -> None:
    message = "The body holds NaN or an infinite number, which JSON does not have."
    raise BodyError(message)


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        message = "The body holds a number that is too large."
        raise BodyError(message)
    return number


def _whole(digits: str) -> int:
    # The length first: converting a long string of digits takes quadratic time.
    if len(digits) > _MAX_DIGITS or int(digits) not in _WHOLE:
        message = "The body holds a whole number of more than 64 bits."
        raise BodyError(message)
    return int(digits)


def _too_deep() -> BodyError:
    return BodyError(f"The body is nested too deeply: {MAX_LEVELS} levels are enough.")


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that first delivers a body that was already read, and then further messages."""
    is_sent = False

    async def replayed() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
