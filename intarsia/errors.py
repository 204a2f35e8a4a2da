"""The exceptions of Intarsia, all in one tree.

Every class inherits `IntarsiaError` and the builtin that it resembles, and carries its values as attributes.
What goes to a client is written elsewhere (`intarsia.server.calls.handler`): the text of a `RefusedError` is shown
to people as it is; that of every other exception never leaves the server.
"""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any


class IntarsiaError(Exception):
    """Any error that Intarsia raises on purpose."""


class WidgetError(IntarsiaError, ValueError):
    """A widget that cannot be built: its data contradict each other."""


class BindError(IntarsiaError, TypeError):
    """An action that does not fit what it is bound to, or where it is offered."""


class ToolError(IntarsiaError, ValueError):
    """A function that cannot become a tool, or a tool name that is taken."""


class SettingError(IntarsiaError, ValueError):
    """A setting or command line value that cannot work."""


class StoreError(IntarsiaError, RuntimeError):
    """The store cannot be opened, or is used outside its lifetime."""


class ArgumentError(IntarsiaError, ValueError):
    """Arguments of a call that the tool does not take. The text is safe to show: it never holds a value."""


class RefusedError(IntarsiaError, PermissionError):
    """Raise it in an action, widget or tile to refuse, with a reason that people will read.

    Args:
        reason: One or two plain sentences, safe to show to the person who acted.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ScopeError(RefusedError):
    """Raised by Intarsia for a call that needs more than its caller granted.

    Args:
        reason: What is missing, safe to show.
        missing_scopes: The scopes that would allow the call.
        how_to_fix: What the person can do about it.
    """

    def __init__(self, reason: str, missing_scopes: Collection[str], how_to_fix: str) -> None:
        super().__init__(reason)
        self.missing_scopes = frozenset(missing_scopes)
        self.how_to_fix = how_to_fix


class ConflictError(RefusedError):
    """Raise it in an action when somebody else was faster.

    Args:
        reason: What happened, such as "Ada moved it to Done.", safe to show.
        current: What is true now, such as `{"column": "done", "version": 5}`, told to whoever acted so that
            they can try again from there.
    """

    def __init__(self, reason: str, *, current: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.current = dict(current or {})


def near_miss(name: str, names: Collection[str]) -> str:
    """Return " Did you mean 'x'?" for the name closest to a wrong one, or an empty text."""
    close = get_close_matches(name, sorted(names), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
