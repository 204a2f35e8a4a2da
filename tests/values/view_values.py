"""What users read: values as the server sends them, formatted by the View's own module in Node."""

import atexit
import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from scripts.conformance import NODE
from tests.view.conftest import bundle

NOW = "2026-07-01T12:00:00Z"


@dataclass(frozen=True)
class Sent:
    """A value as the View gets it, and who reads it."""

    element: str
    value: str
    format: dict[str, Any]
    locale: str = "en-US"
    timeZone: str = "UTC"  # noqa: N815  # as the script calls it  # as the script calls it
    now: str = NOW


def format_in_view(values: Sequence[Sent]) -> list[str | None]:
    """Return what the View shows for each value; `None` where it keeps the server's text."""
    node = _node()
    assert node.stdin is not None
    assert node.stdout is not None
    node.stdin.write(json.dumps([asdict(value) for value in values]) + "\n")
    node.stdin.flush()
    line = node.stdout.readline()
    assert line, "Node ended; its error is above."
    read: list[str | None] = json.loads(line)
    return read


@cache
def _node() -> "subprocess.Popen[str]":
    """Start one process for all tests; it ends with them, when its input is closed."""
    script = bundle(Path(__file__).with_suffix(".ts"), "--platform=node")
    node = subprocess.Popen([NODE, "--eval", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
    atexit.register(_end, node)
    return node


def _end(node: "subprocess.Popen[str]") -> None:
    with node:  # closes its input, and waits
        pass


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.element = ""
        self.attributes: dict[str, str | None] = {}
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.element, self.attributes = tag, dict(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def sent_in(markup: str, **reader: str) -> tuple[Sent | None, str]:
    """Return what the server sends in an element, or `None` for plain text; and the text in it."""
    found = _Reader()
    found.feed(markup)
    if found.element not in ("data", "time"):
        return None, found.text
    value = found.attributes["value" if found.element == "data" else "datetime"]
    style = found.attributes["data-format"]
    assert value is not None
    assert style is not None
    return Sent(found.element, value, json.loads(style), **reader), found.text
