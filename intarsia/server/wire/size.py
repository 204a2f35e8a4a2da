"""Measures responses against the budget: hosts cut or refuse results that are larger."""

import json
from collections.abc import Mapping
from typing import Any

DEFAULT_MAX_RESULT_BYTES = 130_000
"""The default size of a tool result at most: hosts accept about 130 KB."""

MIN_MAX_RESULT_BYTES = 20_000
"""The smallest budget that a connector can set."""

ENVELOPE_BYTES = 500
"""What the protocol adds to a result."""


def json_bytes(value: object) -> int:
    """Return the size of a value as ASCII JSON, the longest form in which it is sent."""
    return len(json.dumps(value, separators=(",", ":"), default=str))


def result_bytes(text: str, structured: Mapping[str, Any] | None, meta: Mapping[str, Any]) -> int:
    """Return the size of a tool result in bytes."""
    return json_bytes([text, structured, dict(meta)]) + ENVELOPE_BYTES
