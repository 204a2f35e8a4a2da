"""Notices in `intarsia dev` when a function blocks the event loop, and says which.

A thread asks the event loop for a sign of life. When none comes, it looks at what the loop's thread is doing: if a
function of the connector is in its stack, that function blocks. Without a watch nothing of this runs.
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
"""How long the event loop may be held up before it is said."""

_BLOCKS = (
    "%s blocks the event loop at %s: for more than %g seconds nobody else was answered. Await what it waits for, or "
    "make it `def` instead of `async def`, so that it runs in a thread."
)

RELOAD_SECONDS = 0.05
"""How long the watch rests between two looks."""


@asynccontextmanager
async def watching(
    connector: "Connector", blocking_seconds: float = BLOCKING_SECONDS, look_seconds: float = RELOAD_SECONDS
) -> AsyncGenerator[None]:
    """Watch the running event loop while the block runs.

    Args:
        connector: Whose functions are looked for.
        blocking_seconds: How long the event loop may be held up before it is said.
        look_seconds: How long the watch rests between two looks.
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
    """Return the code of a function and of those that decorators have wrapped, with its name."""
    wrapped: Any = function
    while wrapped is not None:
        code = getattr(wrapped, "__code__", None)
        if isinstance(code, CodeType):
            yield code, getattr(function, "__qualname__", code.co_name)
        wrapped = getattr(wrapped, "__wrapped__", None)
