"""The exception hierarchy of Intarsia.

Every class inherits from `IntarsiaError` and from the closest builtin exception, and exposes its values as attributes.
`intarsia.server.calls.handler` builds the responses: it sends the text of a `RefusedError` to the client unchanged; the
text of any other exception stays on the server.
"""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, Self


class IntarsiaError(Exception):
    """Base class of all errors that Intarsia raises."""


class WidgetError(IntarsiaError, ValueError):
    """A widget's fields are invalid or inconsistent."""


class UnsupportedValueError(WidgetError):
    """A value that a widget cannot show. Its text is safe to show: it names the place and the rule, never the value.

    Args:
        reason: What is wrong and what to do, as the end of a sentence: "is a set. Give text or a number."
        place: Where the value is, such as "Table: row 2, column 'size'".
    """

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(f"{place or 'A value'} {reason}")
        self.reason = reason
        self.place = place

    def at(self, place: str) -> Self:
        """Return the error with its place, unless it has one."""
        if self.place:
            return self
        error = type(self)(self.reason, place)
        for note in getattr(self, "__notes__", ()):
            error.add_note(note)
        return error


class BindError(IntarsiaError, TypeError):
    """An action is bound to invalid arguments, or does not match the widget field that offers it."""


class ToolError(IntarsiaError, ValueError):
    """A function cannot become a tool, or its tool name is already in use."""


class SettingError(IntarsiaError, ValueError):
    """A setting or command-line value is invalid."""


class StoreError(IntarsiaError, RuntimeError):
    """The store cannot be opened, or is used while it is closed."""


class SaveError(StoreError):
    """A change could not be saved, such as on a full disk; it was rolled back. The same call may be sent again."""


class ArgumentError(IntarsiaError, ValueError):
    """The arguments of a call fail validation. The text is safe to show: it never contains a value."""


class ResultTooLargeError(IntarsiaError, ValueError):
    """Raised by Intarsia for a response that is larger than the budget, and that cannot be sent in windows.

    Args:
        what: What is too large, such as "TaskBoard of task_board: the item 'w-card-T-1'"; safe to show to the user.
        size: Its size in bytes.
        most: The budget in bytes.
        how_to_fix: One plain sentence that tells the developer what to do.
    """

    def __init__(self, what: str, size: int, most: int, how_to_fix: str) -> None:
        sizes = f"takes {size / 1000:,.1f} KB, and a result may have {most / 1000:,.1f} KB"
        super().__init__(f"{what} {sizes}. {how_to_fix}")
        self.size = size
        self.most = most


class RefusedError(IntarsiaError, PermissionError):
    """Raise this in an action, widget or tile to refuse a call. The user sees the reason.

    Args:
        reason: One or two plain sentences that are safe to show to the calling user.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ScopeError(RefusedError):
    """Raised by Intarsia for a call that requires scopes the user has not granted.

    Args:
        reason: One plain sentence that is safe to show to the user.
        missing_scopes: The scopes that would allow the call.
        how_to_fix: One plain sentence that tells the user how to allow the call.
    """

    def __init__(self, reason: str, missing_scopes: Collection[str], how_to_fix: str) -> None:
        super().__init__(reason)
        self.missing_scopes = frozenset(missing_scopes)
        self.how_to_fix = how_to_fix


class ConflictError(RefusedError):
    """Raise this in an action when the data changed since the caller read it (optimistic locking).

    Args:
        reason: What happened, such as "Ada moved it to Done."; safe to show to the user.
        current: The current state as JSON values, such as `{"column": "done", "version": 5}`. It is returned to the
            caller, so that the call can be retried against it.
    """

    def __init__(self, reason: str, *, current: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        # A copy, so that later changes of the caller's mapping do not reach the response.
        self.current = dict(current or {})


class BusyError(RefusedError):
    """Raised by Intarsia when a call waited too long. Nothing was changed, and the same call may be sent again.

    Args:
        reason: One or two plain sentences that are safe to show to the user.
        retry_after: The seconds after which the caller should send the call again.
    """

    def __init__(self, reason: str, retry_after: float) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


_MAX_NEAR_MISS = 100
"""Longer names get no suggestion: they come from a caller, and comparing them takes time."""


def near_miss(name: str, names: Collection[str]) -> str:
    """Return " Did you mean 'x'?" with the known name closest to `name`, or an empty string if none is close."""
    if len(name) > _MAX_NEAR_MISS:
        return ""
    close = get_close_matches(name, sorted(names), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
