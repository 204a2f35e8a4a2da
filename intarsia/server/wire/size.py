"""Measures responses against the budget: hosts cut or refuse results that are larger."""

import json
from collections.abc import Mapping
from typing import Any, cast

DEFAULT_MAX_RESULT_BYTES = 130_000
"""The default size of a tool result at most: hosts accept about 130 KB."""

MIN_MAX_RESULT_BYTES = 20_000
"""The smallest budget that a connector can set."""

_ESCAPED_BYTES = 6
"""The most bytes that one UTF-16 unit of a text takes in JSON, as `\\uXXXX`."""

ENVELOPE_BYTES = 500
"""What the protocol adds to a result."""


def json_bytes(value: object) -> int:
    """Return the size of a value as ASCII JSON, the longest form in which it is sent."""
    return len(json.dumps(value, separators=(",", ":"), default=str))


def fits(value: object, most: int) -> bool:
    """Return whether the JSON of a value has at most `most` bytes. Small values are not serialized for it."""
    return 2 * _ESCAPED_BYTES * _characters(value) <= most or json_bytes(value) <= most


def result_bytes(text: str, structured: Mapping[str, Any] | None, meta: Mapping[str, Any]) -> int:
    """Return the size of a tool result in bytes."""
    return json_bytes([text, structured, dict(meta)]) + ENVELOPE_BYTES


def kilobytes(size: int) -> str:
    """Return a size for an error message, such as "152.4 KB"."""
    return f"{size / 1000:,.1f} KB"


def _characters(value: object) -> int:
    """Return an upper bound of the number of characters of a JSON value, with its punctuation."""
    if isinstance(value, str):
        return len(value) + 3
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value).items()
        return 2 + sum([_characters(key) + _characters(item) + 1 for key, item in entries])
    if isinstance(value, list | tuple):
        return 2 + sum(map(_characters, cast("list[object]", value)))
    return 30
