"""Watching the caller's access during a long poll, so that revoking it ends the wait and removes the widget."""

from contextvars import ContextVar
from typing import Protocol

from intarsia.permissions import Grant


class AccessWatch(Protocol):
    """The caller's access while a call waits."""

    async def changed(self) -> Grant | None:
        """Wait until the caller's access differs from what it was when the call began.

        Returns:
            The new grant, or `None` if the access was revoked or expired.
        """
        ...


ACCESS_WATCH: ContextVar[AccessWatch | None] = ContextVar("intarsia_access", default=None)
"""The watch of the current call; `None` without sign-in, or if the connector does not see the access token."""
