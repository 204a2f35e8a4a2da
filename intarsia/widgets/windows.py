"""Windows: the part of a long list that one rendering contains, with the total.

A field marked with `Windowed` may hold more items than one answer can carry. When the widget is read, the list is
cut to a window, and the widget notes which (`Widget.list_windows`). Decisions, markup and text are then made for the
window only; counts use the total. Hidden items are removed before, so they are in no window and in no total (decision
0040).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

MAX_WINDOW_ITEMS = 200
"""The maximum number of items of a list that one View shows at once. Beyond it, the window moves on."""

MAX_LIST_ITEMS = 1_000_000
"""The maximum start of a window that a request may name."""


@dataclass(frozen=True)
class Windowed:
    """Marks a field that holds a list of any length, of which one window at a time is sent.

    Args:
        noun: The singular noun for an item, such as "card".
        first: The number of items in the first window. Each further one adds as many.
    """

    noun: str
    first: int = 50

    @property
    def nouns(self) -> str:
        """The plural of the noun."""
        return f"{self.noun}s"


class Window(NamedTuple):
    """A window of a list, as a View asks for it."""

    start: int
    """The index of the first item, from 0."""
    length: int
    """The number of items at most."""


Windows = Mapping[str, Window]
"""The windows that are asked for, by the place of the list. Other lists are shown from their start."""


class ListWindow(NamedTuple):
    """The window of a list that a widget holds. The list has only the items of the window."""

    field: str
    """The name of the field."""
    place: str
    """Where the list is in the widget that the tool returned, such as `todo/cards`."""
    start: int
    """The index of the first item in the whole list, from 0."""
    length: int
    """The number of items."""
    total: int
    """The number of items of the whole list, without hidden ones."""
    noun: str
    """The plural noun for the items, such as "cards"."""
    step: int
    """The number of items that a further window adds."""

    @property
    def end(self) -> int:
        """The index after the last item."""
        return self.start + self.length

    @property
    def after(self) -> tuple[Window, int]:
        """The window that shows the next items too, and how many they are; 0 at the end of the list."""
        more = min(self.step, self.total - self.end)
        length = min(self.length + more, MAX_WINDOW_ITEMS)
        return Window(self.end + more - length, length), more

    @property
    def before(self) -> tuple[Window, int]:
        """The window that shows the items before it too, and how many they are; 0 at the start of the list."""
        more = min(self.step, self.start)
        return Window(self.start - more, min(self.length + more, MAX_WINDOW_ITEMS)), more


def cut(items: Sequence[object], window: Window) -> tuple[Sequence[object], int]:
    """Return the items of a window, and its start.

    Args:
        items: The whole list.
        window: The window. If it starts behind the end of a list that became shorter, the last items are returned.
    """
    start = min(window.start, max(0, len(items) - window.length))
    return items[start : start + window.length], start
