"""Asking once for what many want at the same moment, and remembering what was learned for a while."""

import asyncio
import contextvars
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from time import monotonic
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight:
    """Runs one piece of work for all who ask for it while it runs."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def join(self, name: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Return what the work gives, or raise what it raises; start it if nobody has.

        Args:
            name: What is asked for.
            work: Finds it out. It runs on when those who wait go away, for those who come.
        """
        return await asyncio.shield(self.start(name, work))

    def start(self, name: Hashable, work: Callable[[], Awaitable[T]]) -> "asyncio.Task[T]":
        """Start the work, if nobody has, without waiting for it."""
        task = self._running.get(name)
        if task is None:
            # A context of its own: the work is for everybody, and belongs to no request.
            task = asyncio.create_task(_run(work), context=contextvars.Context())
            self._running[name] = task
            task.add_done_callback(lambda done: self._land(name, done))
        return task

    def _land(self, name: Hashable, task: "asyncio.Task[Any]") -> None:
        del self._running[name]
        if not task.cancelled():
            task.exception()  # asked for, so that nobody complains when all who waited have gone

    async def stop(self) -> None:
        """End what is running."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


class TtlCache(Generic[T]):
    """Remembers a bounded number of things, each until its time; the one unused for longest goes first.

    Args:
        most: How many it remembers.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, name: Hashable) -> T | None:
        """Return what is remembered, unless its time has come."""
        found = self._known.get(name)
        if found is None:
            return None
        until, value = found
        if until <= monotonic():
            del self._known[name]
            return None
        self._known.move_to_end(name)
        return value

    def take(self, name: Hashable) -> T | None:
        """Return what is remembered, unless its time has come, and remember it no longer."""
        until, value = self._known.pop(name, (0.0, None))
        return value if until > monotonic() else None

    def clear(self) -> None:
        """Remember nothing any more."""
        self._known.clear()

    def keep(self, name: Hashable, value: T, until: float) -> None:
        """Remember something until a time of the monotonic clock, in seconds."""
        self._known[name] = (until, value)
        self._known.move_to_end(name)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
