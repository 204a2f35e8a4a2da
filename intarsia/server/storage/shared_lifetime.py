"""One lifetime for everybody who uses a connector.

Servers run their lifespan once for each process, or once for each connection, and connections end in any order. What
a connector opens is opened by the first of them and closed after the last, in a task of its own: what is entered in
one task may have to be left in the same.
"""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar, cast

import anyio

from intarsia.errors import SettingError, StoreError

Lifespan = TypeVar("Lifespan")

Opening = Callable[[], AbstractAsyncContextManager[object]]


class SharedLifetime:
    """Keeps something open as long as somebody uses it.

    Args:
        name: What it is, for errors.
        opening: Makes the context that opens and closes it.
    """

    def __init__(self, name: str, opening: Opening) -> None:
        self._name = name
        self._opening = opening
        self._current: _Run | None = None
        self._ending: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def shared(self) -> AsyncGenerator[None]:
        """Use it: opened when this is the first use, closed when it was the last.

        Raises:
            StoreError: It is open in another event loop of this process, which nothing can share.
        """
        run = self._current or self._begin()
        run = self._begin() if run.loop.is_closed() else run
        if run.loop is not asyncio.get_running_loop():
            message = f"{self._name} is running in another event loop of this process; run its servers in one loop."
            raise StoreError(message)
        run.users += 1
        try:
            await asyncio.shield(run.opened)
            yield
        finally:
            run.users -= 1
            if not run.users:
                await self._end(run)

    def _begin(self) -> "_Run":
        self._current = run = _Run(self._opening, self._ending)
        return run

    async def _end(self, run: "_Run") -> None:
        self._current, self._ending = None, run.task
        run.unused.set()
        if not run.opened.done():  # whoever waited for it gave up
            run.task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([run.task])
        if not run.task.cancelled():
            run.task.result()


class _Run:
    """One time that it is open."""

    def __init__(self, opening: Opening, previous: "asyncio.Task[None] | None") -> None:
        self.loop = asyncio.get_running_loop()
        self.users = 0
        self.opened: asyncio.Future[None] = self.loop.create_future()
        self.unused = asyncio.Event()
        self.task = asyncio.create_task(self._keep_open(opening, previous))

    async def _keep_open(self, opening: Opening, previous: "asyncio.Task[None] | None") -> None:
        if previous is not None and previous.get_loop() is self.loop:
            await asyncio.wait([previous])
        try:
            async with opening():
                self.opened.set_result(None)
                await self.unused.wait()
        except asyncio.CancelledError:
            self.opened.cancel()
            raise
        except Exception as error:
            if self.opened.done():
                raise
            self.opened.set_exception(error)


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Do something beside a block, and end it with the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


_LIFESPAN_FORM = "Write `@asynccontextmanager async def lifespan(connector): ...`, as for a Starlette application."


def checked_lifespan(lifespan: Lifespan) -> Lifespan:
    """Check that a lifespan takes the connector.

    Raises:
        SettingError: It is no function, or takes something else.
    """
    if lifespan is None:
        return lifespan
    if not callable(lifespan):
        message = f"lifespan must be a function of the connector, not {type(lifespan).__name__}. {_LIFESPAN_FORM}"
        raise SettingError(message)
    try:
        inspect.signature(lifespan).bind(object())
    except TypeError:
        name = getattr(lifespan, "__name__", "lifespan")
        message = f"The lifespan {name}{inspect.signature(lifespan)} must take the connector. {_LIFESPAN_FORM}"
        raise SettingError(message) from None
    return lifespan


def entered_lifespan(lifespan: Callable[[Any], object], connector: object) -> AbstractAsyncContextManager[object]:
    """Call a lifespan.

    Raises:
        SettingError: It does not return an async context manager.
    """
    made = lifespan(connector)
    if not (hasattr(made, "__aenter__") and hasattr(made, "__aexit__")):
        name = getattr(lifespan, "__name__", "lifespan")
        message = f"The lifespan {name!r} returned {type(made).__name__}, no async context manager. {_LIFESPAN_FORM}"
        raise SettingError(message)
    return cast("AbstractAsyncContextManager[object]", made)
