"""What a waiting call may still do: permissions that are withdrawn end the wait, and the widget with it."""

from contextvars import ContextVar
from typing import Protocol

from intarsia.permissions import Grant


class AccessWatch(Protocol):
    """The caller's access while a call waits."""

    async def changed(self) -> Grant | None:
        """Wait until the caller may do something else than when the call began.

        Returns:
            What they granted now; `None` when their access ended.
        """
        ...


ACCESS_WATCH: ContextVar[AccessWatch | None] = ContextVar("intarsia_access", default=None)
"""The access of the call that runs; nothing where nobody signs in, or where the connector does not see the token."""
