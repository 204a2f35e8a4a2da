"""Detects functions that block the event loop, for `intarsia dev`.

A thread regularly schedules a callback in the event loop. If it does not run in time, the thread inspects the stack
of the loop's thread: a function of the connector in it blocks the loop.
"""

import asyncio
import logging
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from intarsia.server.connector import Connector

logger = logging.getLogger(__name__)

BLOCKING_SECONDS = 0.1
"""The time after which a blocked event loop is logged."""

_BLOCKS = (
    "%s blocks the event loop at %s: no other request was handled for more than %g seconds. Await its "
    "slow calls, or use `def` instead of `async def`, so that it runs in a thread."
)

RELOAD_SECONDS = 0.05
"""The interval between two checks."""


@asynccontextmanager
async def watching(
    connector: "Connector", blocking_seconds: float = BLOCKING_SECONDS, look_seconds: float = RELOAD_SECONDS
) -> AsyncGenerator[None]:
    """Watch the running event loop while the block runs.

    Args:
        connector: The connector whose functions are reported.
        blocking_seconds: The time after which a blocked event loop is logged.
        look_seconds: The interval between two checks.
    """
    ended = threading.Event()
    loop, thread = asyncio.get_running_loop(), threading.get_ident()

    def watch() -> None:
        while not ended.wait(look_seconds):
            alive = threading.Event()
            try:
                loop.call_soon_threadsafe(alive.set)
            except RuntimeError:  # the loop is closed
                return
            if not alive.wait(blocking_seconds):
                _say(connector, sys._current_frames().get(thread), blocking_seconds)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # documented
                while not (alive.wait(look_seconds) or ended.is_set()):
                    pass

    watcher = threading.Thread(target=watch, name="intarsia-loop-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()


def _say(connector: "Connector", frame: FrameType | None, seconds: float) -> None:
    names = {code: name for function in _functions(connector) for code, name in _codes(function)}
    while frame is not None:
        name = names.get(frame.f_code)
        if name is not None:
            place = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
            logger.warning(_BLOCKS, name, place, seconds)
            return
        frame = frame.f_back


def _functions(connector: "Connector") -> Iterator[Callable[..., Any]]:
    for tool in connector.tools.values():
        yield tool.function
        if tool.allow is not None:
            yield tool.allow
    for tile in connector.catalog.tiles:
        yield tile.function


def _codes(function: Callable[..., Any]) -> Iterator[tuple[CodeType, str]]:
    """Yield the code objects of a function and of the functions that it wraps, with its name."""
    wrapped: Any = function
    while wrapped is not None:
        code = getattr(wrapped, "__code__", None)
        if isinstance(code, CodeType):
            yield code, getattr(function, "__qualname__", code.co_name)
        wrapped = getattr(wrapped, "__wrapped__", None)
