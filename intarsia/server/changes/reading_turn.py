"""The turn of an open View's read: waiting for a change costs nothing, but reading the widget then takes a turn."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar


@asynccontextmanager
async def _at_once() -> AsyncGenerator[None]:
    yield


READING_TURN: ContextVar[Callable[[], AbstractAsyncContextManager[None]]] = ContextVar(
    "intarsia_reading_turn", default=_at_once
)
"""Waits for the turn of a read in the current request, and keeps it while the block runs; raises `BusyError`.

Without the call limits of the HTTP application, each read begins at once.
"""
