"""Builds the text response of a widget: one page of its text form, and a reference to the call that shows it.

A text with few items is rendered whole and cut into pages. Of long lists, a page has some items only, and only those
are decided and rendered (decision 0040).
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from intarsia.server.rendering.windows import WHOLE_LISTS, ListSizes, ShownList, cut_to_windows, fair_maximum
from intarsia.ui_templates import render_text
from intarsia.widgets import Widget
from intarsia.widgets.windows import Window, Windows

MAX_CHARACTERS = 4_000
"""The approximate length of one page."""

MAX_PAGE_CHARACTERS = 8_000
"""The maximum length of one page. Of a longer one, the longest lines are cut."""

MAX_WHOLE_ITEMS = 200
"""The maximum number of items of a text that is rendered whole."""

ITEMS_PER_PAGE = (100, 50, 20, 10, 5, 2, 1)
"""The numbers of items that a page of a longer text can have. Few, so that changes of the data rarely change it."""


class Finished(Protocol):
    """A widget that is ready to be rendered."""

    @property
    def widget(self) -> Widget:
        """The widget."""
        ...


class Listed(Finished, Protocol):
    """A widget with the sizes of its lists."""

    @property
    def sizes(self) -> ListSizes:
        """The sizes of its lists."""
        ...


Finish = Callable[[Windows], Awaitable[Finished]]
"""Decides about the controls of a widget, cut to windows."""


async def text_answer(data: Listed, tool: str, arguments: Mapping[str, Any], page: int, finish: Finish) -> str:
    """Return one page of a widget's text form, with the calls that return the next page and the widget.

    Args:
        data: The whole widget, redacted.
        tool: The name of the widget tool.
        arguments: The arguments of the call, without defaults.
        page: The number of the page, from 1. Numbers beyond the last page return the last one.
        finish: Decides about the controls of the widget, cut to windows.
    """
    lists = [] if data.sizes.items <= MAX_WHOLE_ITEMS else cut_to_windows(data.widget, WHOLE_LISTS)[1]
    if sum(each.total for each in lists if not each.holds_lists) <= MAX_WHOLE_ITEMS:
        pages = _pages(render_text((await finish(WHOLE_LISTS)).widget))
        page, last = min(page, len(pages)), len(pages)
        text, items = pages[page - 1], ""
    else:
        text, page, last, items = await _LongText(lists, finish).page(page)
    lines = [_bounded(text)]
    if page < last:
        more = _call(tool, {**arguments, "text_page": page + 1})
        lines.append(f"Page {page:,} of {last:,} of this text{items}. The next: {more}")
    elif items:
        lines.append(f"Page {page:,} of {last:,} of this text{items}.")
    return "\n\n".join([*lines, f"View: {_call(tool, arguments)}"])


class _LongText:
    """The text form of a widget with long lists. Its pages go through the lists, one list after the other.

    Args:
        lists: The lists of the widget.
        finish: Decides about the controls of the widget, cut to windows.
    """

    def __init__(self, lists: Sequence[ShownList], finish: Finish) -> None:
        self._inner = [each for each in lists if not each.holds_lists]
        self._outer = [each for each in lists if each.holds_lists]
        self._total = sum(each.total for each in self._inner)
        self._finish = finish

    async def page(self, page: int) -> tuple[str, int, int, str]:
        """Return a page with its number, the number of pages, and which items it has as a part of a sentence."""
        most = await self._items_per_page()
        beginning = _pages(await self._text(0, most))
        # What stands beside the lists is on the first pages only, with the first items.
        last = len(beginning) - 1 + -(-self._total // most)
        page = min(page, last)
        at = max(0, page - len(beginning)) * most
        text = beginning[page - 1] if page <= len(beginning) else await self._text(at, most)
        return text, page, last, self._named(at, min(at + most, self._total))

    async def _items_per_page(self) -> int:
        most = ITEMS_PER_PAGE[0]
        length = len(await self._text(0, most)) - len(await self._text(0, 0))
        fitting = (count for count in ITEMS_PER_PAGE if count * length <= MAX_CHARACTERS * most)
        return next(fitting, ITEMS_PER_PAGE[-1])

    async def _text(self, start: int, count: int) -> str:
        windows = dict(self._windows(start, start + count))
        if start:
            windows |= self._outer_windows(windows)
        else:
            windows |= {each.place: Window(0, each.total) for each in self._outer}
        return render_text((await self._finish(windows)).widget).strip()

    def _windows(self, start: int, end: int) -> dict[str, Window]:
        windows: dict[str, Window] = {}
        for each in self._inner:
            first, after = (min(max(at, 0), each.total) for at in (start, end))
            windows[each.place] = Window(first, after - first) if after > first else Window(0, 0)
            start, end = start - each.total, end - each.total
        return windows

    def _outer_windows(self, windows: Windows) -> dict[str, Window]:
        """Return windows of lists of lists, with only the items that hold a window."""
        holding: dict[str, list[int]] = {each.place: [] for each in self._outer}
        for each in self._inner:
            for place, index in each.above if windows[each.place].length else ():
                holding[place].append(index)
        spans = {place: (min(found), max(found) + 1) if found else (0, 0) for place, found in holding.items()}
        return {place: Window(first, after - first) for place, (first, after) in spans.items()}

    def _named(self, start: int, end: int) -> str:
        nouns = {each.noun for each in self._inner if each.total}
        noun = nouns.pop() if len(nouns) == 1 else "items"
        return f", with {noun} {start + 1:,} to {end:,} of {self._total:,}"


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


def _bounded(page: str) -> str:
    """Return a page with its longest lines cut. They are not split: a line that begins with data could be Markdown."""
    if len(page) <= MAX_PAGE_CHARACTERS:
        return page
    lines = page.split("\n")
    most = fair_maximum([len(line) + 2 for line in lines], MAX_PAGE_CHARACTERS / (len(page) + 2 * len(lines)))
    return "\n".join(line if len(line) <= most else f"{line[:most]}…" for line in lines)
