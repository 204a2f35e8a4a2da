"""The text form of a widget as an answer: its page, and the reference to read it again."""

import json
from collections.abc import Mapping
from typing import Any

from intarsia.ui_templates import render_text
from intarsia.widgets import Widget

MAX_CHARACTERS = 4_000
"""About how long one page of a text form may be."""


def text_answer(widget: Widget, tool: str, arguments: Mapping[str, Any], page: int = 1) -> str:
    """Return one page of a widget's text form, what is left out, and how to get it.

    Args:
        widget: What is shown.
        tool: The tool that shows it.
        arguments: What the tool was called with, without defaults.
        page: Which page, from 1.
    """
    pages = _pages(render_text(widget))
    page = min(page, len(pages))
    lines = [pages[page - 1]]
    if page < len(pages):
        more = _call(tool, {**arguments, "text_page": page + 1})
        lines.append(f"Page {page} of {len(pages)} of this text. The next: {more}")
    return "\n\n".join([*lines, f"View: {_call(tool, arguments)}"])


def _call(tool: str, arguments: Mapping[str, Any]) -> str:
    # In JSON a backtick can be written as an escape, and then no value ends the code that it stands in.
    shown = json.dumps(dict(arguments), separators=(",", ":"), ensure_ascii=True).replace("`", "\\u0060")
    return f"`{tool} {shown}`"


def _pages(text: str) -> list[str]:
    pages, current = [""], 0
    for line in text.strip().split("\n"):
        if current and current + len(line) > MAX_CHARACTERS:
            pages.append("")
            current = 0
        pages[-1] += line + "\n"
        current += len(line) + 1
    return [page.strip("\n") for page in pages]
