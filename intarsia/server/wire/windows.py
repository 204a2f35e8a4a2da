"""Parses the windows of lists that a View asks for (`docs/on-the-wire.md`). They are checked strictly, and bounded."""

from collections.abc import Mapping
from typing import NamedTuple, cast

from intarsia.errors import ArgumentError
from intarsia.widgets.windows import MAX_LIST_ITEMS, MAX_WINDOW_ITEMS, Window

MAX_WINDOWS = 500
"""The maximum number of lists of which a View may name the window."""

MAX_PLACE_CHARACTERS = 2_000

_RULE = (
    f"start must be a whole number from 0 to {MAX_LIST_ITEMS:,}, and count one from 1 to {MAX_WINDOW_ITEMS}; the list "
    "must be named as the server named it."
)


class WantedWindow(NamedTuple):
    """A window that the user of a View asks for."""

    place: str
    """The place of the list."""
    window: Window


def parse_windows(value: object) -> dict[str, Window]:
    """Parse `seen.windows`: the windows that a View shows, by the place of the list.

    Raises:
        ArgumentError: The value is malformed, or a number is out of range.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping) or len(cast("Mapping[object, object]", value)) > MAX_WINDOWS:
        message = f"windows must be an object with at most {MAX_WINDOWS} lists."
        raise ArgumentError(message)
    return {_place(place): _window(given) for place, given in cast("Mapping[object, object]", value).items()}


def parse_wanted(value: object) -> WantedWindow | None:
    """Parse `window`: another window that the user asks for; `None` if there is none.

    Raises:
        ArgumentError: The value is malformed, or a number is out of range.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping) or set(cast("Mapping[object, object]", value)) != {"list", "start", "count"}:
        message = f"window must have list, start and count: {_RULE}"
        raise ArgumentError(message)
    given = cast("Mapping[str, object]", value)
    return WantedWindow(_place(given["list"]), _window([given["start"], given["count"]]))


def _place(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_PLACE_CHARACTERS:
        message = f"window: {_RULE}"
        raise ArgumentError(message)
    return value


def _window(value: object) -> Window:
    numbers = cast("list[object]", value) if isinstance(value, list) else []
    if len(numbers) == 2 and all(isinstance(each, int) and not isinstance(each, bool) for each in numbers):
        window = Window(*cast("list[int]", numbers))
        if 0 <= window.start <= MAX_LIST_ITEMS and 1 <= window.length <= MAX_WINDOW_ITEMS:
            return window
    message = f"window: {_RULE}"
    raise ArgumentError(message)
