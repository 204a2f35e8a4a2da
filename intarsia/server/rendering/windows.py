"""Cuts the lists of a widget to windows, and makes the windows smaller until an answer fits its budget.

This runs after redaction and before decisions and rendering: hidden items are in no window and in no total, and nothing
is decided or rendered for items outside of the windows (decision 0040).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple, cast
from urllib.parse import quote

from intarsia.widgets import Widget
from intarsia.widgets.places import Held, Place
from intarsia.widgets.tree import map_children, may_hold, walk
from intarsia.widgets.windows import MAX_LIST_ITEMS, ListWindow, Window, Windowed, Windows, cut


@dataclass(frozen=True)
class ShownList:
    """A list of a widget, and the window of it that is shown."""

    place: str
    """Where the list is in the widget, such as `todo/cards`."""
    window: Window
    """The window that was asked for, or that the list begins with."""
    start: int
    """The index of the first item that is shown."""
    count: int
    """The number of items that are shown."""
    total: int
    """The number of items of the whole list, without hidden ones."""
    is_first: bool
    """Whether no View asked for another window than the first."""
    holds_lists: bool
    """Whether its items may hold lists themselves."""
    noun: str
    """The plural noun for its items."""
    above: tuple[tuple[str, int], ...] = ()
    """The lists that it is in, from the outermost: the place of each, and the index of the item."""

    @property
    def end(self) -> int:
        """The index after the last item that is shown."""
        return self.start + self.count

    @property
    def is_whole(self) -> bool:
        """Whether all items are shown."""
        return self.count == self.total


FIRST_WINDOWS: Windows = MappingProxyType({})
"""No View asked for other windows than the first ones."""


class _Whole(Mapping[str, Window]):
    """Windows that contain whole lists."""

    def __getitem__(self, place: str) -> Window:
        return Window(0, MAX_LIST_ITEMS)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


WHOLE_LISTS: Windows = _Whole()
"""Every list is shown whole."""


def has_windows(found: type) -> bool:
    """Return whether widgets of a class have fields with lists of any length."""
    return issubclass(found, Widget) and bool(found.windowed_fields())


class ListSizes(NamedTuple):
    """The sizes of the lists of a widget, at any depth."""

    items: int
    """The number of items of all lists."""
    has_long_lists: bool
    """Whether any list is longer than its first window."""


NO_LISTS = ListSizes(0, has_long_lists=False)
"""The widget has no lists of any length."""


def list_sizes(widget: Widget) -> ListSizes:
    """Measure the lists of a widget."""
    if not may_hold(type(widget), has_windows):
        return NO_LISTS
    parts = [part for part in walk(widget, has_windows) if isinstance(part, Widget)]
    sizes = [(len(getattr(part, field)), mark.first) for part in parts for field, mark in type(part).windowed_fields()]
    return ListSizes(sum(size for size, _first in sizes), any(size > first for size, first in sizes))


def cut_to_windows(widget: Widget, windows: Windows) -> tuple[Widget, list[ShownList]]:
    """Cut the lists of a widget, at any depth, to windows.

    Args:
        widget: The redacted widget.
        windows: The windows by place; lists without one get their first window.

    Returns:
        The widget, or the same one if all lists are whole; and its lists. Lists in items outside of the windows are not
        among them.
    """
    if not may_hold(type(widget), has_windows):
        return widget, []
    return _Cutter(windows).apply(widget)


class _Cutter:
    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._lists: list[ShownList] = []

    def apply(self, widget: Widget) -> tuple[Widget, list[ShownList]]:
        return self._cut(widget, "", ()), self._lists

    def _cut(self, widget: Widget, path: str, above: tuple[tuple[str, int], ...]) -> Widget:
        marks = type(widget).windowed_fields()
        shown = self._with_windows(widget, marks, path, above) if marks else widget
        outer = next((field for field, _mark in marks if _holds_lists(cast("Any", type(widget)), field)), None)
        names = _Names(shown.start_of(outer) if outer else 0)

        def visit(part: Held, _place: Place) -> Held | None:
            name, index = names.name(part)
            inside = (*above, (path + outer, index)) if outer else above
            return self._cut(part, f"{path}{name}/", inside) if isinstance(part, Widget) else part

        inside = map_children(shown, visit, has_windows)
        assert inside is not None  # noqa: S101 # nothing is left out
        return inside

    def _with_windows(
        self, widget: Widget, marks: Iterable[tuple[str, Windowed]], path: str, above: tuple[tuple[str, int], ...]
    ) -> Widget:
        changes: dict[str, Any] = {}
        noted: list[ListWindow] = []
        for field, mark in marks:
            items, place = widget.items_of(field), path + field
            first = Window(0, mark.first)
            window = self._windows.get(place, first)
            kept, start = cut(items, window)
            total, holds_lists = len(items), _holds_lists(cast("Any", type(widget)), field)
            shown = ShownList(place, window, start, len(kept), total, window == first, holds_lists, mark.nouns, above)
            self._lists.append(shown)
            if len(kept) < total:
                changes[field] = kept
                step = min(mark.first, max(1, len(kept)))
                noted.append(ListWindow(field, place, start, len(kept), total, mark.nouns, step))
        return widget.model_copy(update={**changes, "list_windows": tuple(noted)}) if changes else widget


class _Names:
    """Names the children of one widget for the places of lists in them.

    Args:
        start: The index of the first child, for children without a name.
    """

    def __init__(self, start: int) -> None:
        self._index = start
        self._taken: set[str] = set()

    def name(self, part: Held) -> tuple[str, int]:
        """Return a name that no other child has, and the index of the child."""
        own = getattr(part, "id", None) or getattr(part, "name", None)
        name = quote(own, safe="") if isinstance(own, str) else f":{self._index}"
        if name in self._taken:
            name = f":{self._index}"
        self._taken.add(name)
        self._index += 1
        return name, self._index - 1


@cache
def _holds_lists(found: type[Widget], field: str) -> bool:
    place = dict(found.find_places()).get(field)
    return place is not None and any(may_hold(held, has_windows) for held in _held(place))


def _held(place: Place) -> list[type[Held]]:
    inner = [each for each in (place.items, place.values) if each]
    return [*place.held, *(found for each in inner for found in _held(each))]


@dataclass(frozen=True)
class Wanted:
    """The list of which a View asks for another window."""

    place: str
    shown: Window
    """The window that the View shows; its items are not sent again."""


def smaller(lists: Sequence[ShownList], wanted: Wanted | None, share: float) -> dict[str, Window] | None:
    """Return smaller windows for an answer that is too large, or `None` if they cannot be smaller.

    Of a list of which another window is wanted, new items are left out. Otherwise the longest lists become shorter, and
    lists that hold other lists keep their items until those show one item each.

    Args:
        lists: The lists as they were rendered.
        wanted: The list of which another window is wanted.
        share: The share of the size that the answer may have.
    """
    grown = next((each for each in lists if wanted and each.place == wanted.place), None)
    if grown and wanted and wanted.shown.length and (new := _new_items(grown, wanted.shown)):
        return None if new == 1 else _all(lists, {grown.place: _with_fewer_new(grown, wanted.shown, new, share)})
    for level in (False, True):
        inner = [each for each in lists if each.holds_lists is level and each.count > 1]
        if inner:
            most = fair_maximum([each.count for each in inner], share)
            return _all(lists, {each.place: Window(each.start, min(each.count, most)) for each in inner})
    return None


def _new_items(shown: ShownList, before: Window) -> int:
    above = max(0, min(before.start, shown.end) - shown.start)
    return above + max(0, shown.end - max(before.start + before.length, shown.start))


def _with_fewer_new(shown: ShownList, before: Window, new: int, share: float) -> Window:
    left_out = new - max(1, min(new - 1, int(new * share)))
    start = shown.start + left_out if shown.start < before.start else shown.start
    return Window(start, shown.count - left_out)


def fair_maximum(counts: Sequence[int], share: float) -> int:
    """Return the maximum that reduces the sum of counts to a share, so that small ones stay as they are.

    Args:
        counts: The counts.
        share: The share of their sum that is left.
    """
    left, most = int(sum(counts) * share), max(counts) - 1
    for at, count in enumerate(sorted(counts)):
        fair = left // (len(counts) - at)
        if count > fair:
            return max(1, min(most, fair))
        left -= count
    return max(1, most)


def _all(lists: Iterable[ShownList], changed: Mapping[str, Window]) -> dict[str, Window]:
    return {each.place: changed.get(each.place, each.window) for each in lists}
