"""A single-flight helper, which coalesces concurrent requests, and a bounded cache with expiry times."""

import asyncio
import contextvars
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from time import monotonic
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight:
    """Coalesces concurrent calls with the same key into one task."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def join(self, name: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Wait for the running task with a key, or start one.

        Args:
            name: The key.
            work: The function to run. The cancellation of a caller does not cancel it.

        Returns:
            The result of the task. An exception of the task is raised in every caller that waits for it.
        """
        return await asyncio.shield(self.start(name, work))

    def start(self, name: Hashable, work: Callable[[], Awaitable[T]]) -> "asyncio.Task[T]":
        """Return the running task with a key, or start one, without waiting for it."""
        task = self._running.get(name)
        if task is None:
            # An empty context: the result is shared, so the task must not see variables of one request.
            task = asyncio.create_task(_run(work), context=contextvars.Context())
            self._running[name] = task
            task.add_done_callback(lambda done: self._land(name, done))
        return task

    def _land(self, name: Hashable, task: "asyncio.Task[Any]") -> None:
        del self._running[name]
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio logs no warning if all callers were cancelled

    async def stop(self) -> None:
        """Cancel all running tasks and wait until they end."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


class TtlCache(Generic[T]):
    """A cache with a maximum size and an expiry time for each entry. It evicts the least recently used entry.

    Args:
        most: The maximum number of entries.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, name: Hashable) -> T | None:
        """Return the value of a key, or `None` if there is none or it has expired."""
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
        """Remove a key and return its value, or `None` if there was none or it has expired."""
        until, value = self._known.pop(name, (0.0, None))
        return value if until > monotonic() else None

    def clear(self) -> None:
        """Remove all entries."""
        self._known.clear()

    def keep(self, name: Hashable, value: T, until: float) -> None:
        """Store a value until a time of the monotonic clock, in seconds."""
        self._known[name] = (until, value)
        self._known.move_to_end(name)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
