"""Builds the text response of a widget: one page of its text form, and a reference to the call that shows it."""

import json
from collections.abc import Mapping
from typing import Any

from intarsia.ui_templates import render_text
from intarsia.widgets import Widget

MAX_CHARACTERS = 4_000
"""The approximate length of one page. A longer line is not split."""


def text_answer(widget: Widget, tool: str, arguments: Mapping[str, Any], page: int = 1) -> str:
    """Return one page of a widget's text form, with the calls that return the next page and the widget.

    Args:
        widget: The redacted widget.
        tool: The name of the widget tool.
        arguments: The arguments of the call, without defaults.
        page: The number of the page, from 1. Numbers beyond the last page return the last one.
    """
    pages = _pages(render_text(widget))
    page = min(page, len(pages))
    lines = [pages[page - 1]]
    if page < len(pages):
        more = _call(tool, {**arguments, "text_page": page + 1})
        lines.append(f"Page {page} of {len(pages)} of this text. The next: {more}")
    return "\n\n".join([*lines, f"View: {_call(tool, arguments)}"])


def _call(tool: str, arguments: Mapping[str, Any]) -> str:
    # Backticks are escaped, so that no value can end the Markdown code span around the call.
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
