"""A context manager that several users share: the first one opens it, and the last one closes it.

Servers run their lifespan once for each process or once for each connection, and connections end in any order. The
shared context runs in a task of its own, because some contexts must be left in the task that entered them.
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
    """Keeps a context open as long as it has users.

    Args:
        name: Its name, for error messages.
        opening: Makes the context manager.
    """

    def __init__(self, name: str, opening: Opening) -> None:
        self._name = name
        self._opening = opening
        self._current: _Run | None = None
        self._ending: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def shared(self) -> AsyncGenerator[None]:
        """Use the context: open it for the first user, and close it after the last one.

        Raises:
            StoreError: It is open in another event loop of this process. Event loops cannot share it.
        """
        run = self._current or self._begin()
        run = self._begin() if run.loop.is_closed() else run
        if run.loop is not asyncio.get_running_loop():
            message = f"{self._name} is running in another event loop of this process. Run its servers in one loop."
            raise StoreError(message)
        run.users += 1
        try:
            # A cancelled user must not cancel the opening for the others.
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
        if not run.opened.done():  # its users stopped waiting
            run.task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([run.task])
        if not run.task.cancelled():
            run.task.result()


class _Run:
    """One period in which the context is open."""

    def __init__(self, opening: Opening, previous: "asyncio.Task[None] | None") -> None:
        self.loop = asyncio.get_running_loop()
        self.users = 0
        self.opened: asyncio.Future[None] = self.loop.create_future()
        self.unused = asyncio.Event()
        self.task = asyncio.create_task(self._keep_open(opening, previous))

    async def _keep_open(self, opening: Opening, previous: "asyncio.Task[None] | None") -> None:
        # The previous period must end before the same resources are opened again.
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
    """Run a coroutine in the background of a block, and cancel it at the end."""
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
        SettingError: It is not a function, or does not accept the connector as its only argument.
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
        message = (
            f"The lifespan {name!r} returned {type(made).__name__}, not an async context manager. {_LIFESPAN_FORM}"
        )
        raise SettingError(message)
    return cast("AbstractAsyncContextManager[object]", made)
