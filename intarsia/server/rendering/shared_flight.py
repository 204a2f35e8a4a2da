"""Coalesces concurrent reads of the same data, and caches each result for a moment.

A caller states how new the read must be. A running or recently finished read that is new enough is shared; otherwise a
new one is started. This module handles keys and tasks only; `shared_renders.py` decides which requests share a key.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from intarsia.server.changes.change_log import REVISIONS, RevisionClock

KEEP_SECONDS = 1.0
"""How long a finished read is shared with later callers, from its start."""

JOIN_SECONDS = 3.0
"""How long further callers may join a running read, from its start, so that one that hangs does not block them all."""

MAX_KEPT = 1_000
MAX_BYTES = 32 * 1024 * 1024

MAX_RENDER_SECONDS = 0.3
"""How long the response of an action waits for the updated widget."""

KEEP_PENDING_SECONDS = 30
"""How long such a read is kept for the next request of its View."""


T = TypeVar("T")


@dataclass(eq=False)
class _Flight(Generic[T]):
    """One read."""

    key: Hashable
    revision: int
    tiles: frozenset[str] | None
    begun: float
    task: asyncio.Task[T]
    size: int = 0

    @property
    def has_result(self) -> bool:
        """Whether the read has finished without an error."""
        return self.task.done() and not self.task.cancelled() and self.task.exception() is None

    def serves(self, after: int, tiles: frozenset[str] | None, now: float) -> bool:
        """Return whether the read can be shared with a request.

        Args:
            after: The read must be newer than this revision.
            tiles: The tiles that it must include, or `None` for all.
            now: The current time of the event loop.
        """
        if self.revision <= after:
            return False
        if not self.task.done():
            return tiles == self.tiles and now - self.begun <= JOIN_SECONDS
        if not self.has_result:
            return False
        has_all = self.tiles is None or (tiles is not None and tiles <= self.tiles)
        return has_all and now - self.begun <= KEEP_SECONDS


class SharedFlights(Generic[T]):
    """Shares reads with the same key, while they run and for a moment after.

    Args:
        size_of: Returns the approximate size of a result in bytes.
        clock: Creates revisions.
    """

    def __init__(self, size_of: Callable[[T], int], clock: RevisionClock = REVISIONS) -> None:
        self._size_of = size_of
        self._clock = clock
        self._by_key: dict[Hashable, list[_Flight[T]]] = {}
        self._kept: OrderedDict[_Flight[T], None] = OrderedDict()
        self._bytes = 0

    @property
    def count(self) -> int:
        """The number of running and cached reads."""
        return sum(map(len, self._by_key.values()))

    async def read(
        self,
        key: Hashable,
        after: int,
        tiles: frozenset[str] | None,
        begin: Callable[[int], Coroutine[Any, Any, T]],
        context: Context,
    ) -> T:
        """Return the result of a shared read, or start a new one.

        Args:
            key: Identifies the data and the permissions.
            after: The read must be newer than this revision.
            tiles: The tiles that it must include, or `None` for all.
            begin: Starts the read. Its argument is the revision, which is created before the read.
            context: The context variables of the read. They must contain nothing of the current request.

        Returns:
            The result. An exception of the read is raised in every caller that waits for it.
        """
        now = asyncio.get_running_loop().time()
        flights = self._by_key.get(key, ())
        flight = next((each for each in reversed(flights) if each.serves(after, tiles, now)), None)
        if flight is None:
            flight = self._begin(key, tiles, begin, context.copy())
        # Shielded: the cancellation of one caller must not cancel the read for the others.
        return await asyncio.shield(flight.task)

    def latest(self, key: Hashable, at_least: int) -> T | None:
        """Return a cached result of this revision or a later one, or `None`."""
        flights = reversed(self._by_key.get(key, ()))
        return next((each.task.result() for each in flights if each.revision >= at_least and each.has_result), None)

    def _begin(
        self,
        key: Hashable,
        tiles: frozenset[str] | None,
        begin: Callable[[int], Coroutine[Any, Any, T]],
        context: Context,
    ) -> _Flight[T]:
        loop, revision = asyncio.get_running_loop(), self._clock.next()
        task = loop.create_task(begin(revision), context=context)
        flight = _Flight(key, revision, tiles, loop.time(), task)
        self._by_key.setdefault(key, []).append(flight)
        task.add_done_callback(lambda _task: self._keep(flight))
        return flight

    def _keep(self, flight: _Flight[T]) -> None:
        """Cache the result of a finished read. Failures are not cached: only callers that waited get the exception."""
        if not flight.has_result:
            self._forget(flight)
            return
        flight.size = self._size_of(flight.task.result())
        self._bytes += flight.size
        self._kept[flight] = None
        loop = flight.task.get_loop()
        loop.call_at(flight.begun + KEEP_SECONDS, self._drop, flight)
        while self._kept and (len(self._kept) > MAX_KEPT or self._bytes > MAX_BYTES):
            self._drop(next(iter(self._kept)))

    def _drop(self, flight: _Flight[T]) -> None:
        # The limits may have evicted it before its timer ran.
        if flight in self._kept:
            del self._kept[flight]
            self._bytes -= flight.size
            self._forget(flight)

    def _forget(self, flight: _Flight[T]) -> None:
        flights = self._by_key[flight.key]
        flights.remove(flight)
        if not flights:
            del self._by_key[flight.key]


class PendingRenders(Generic[T]):
    """Reads that continue in the background after the response that started them."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[Hashable, asyncio.Task[T | None]] = OrderedDict()

    @property
    def count(self) -> int:
        """The number of reads whose result was not taken yet."""
        return len(self._tasks)

    async def read(self, key: Hashable | None, reading: Coroutine[Any, Any, T | None]) -> tuple[T | None, bool]:
        """Wait for a read, for at most `MAX_RENDER_SECONDS`.

        Args:
            key: The key for `take`, which must identify the user; `None` waits until the read ends.
            reading: The read. It must raise nothing.

        Returns:
            The result, and whether the read still runs.
        """
        if key is None:
            return await reading, False
        task = asyncio.create_task(reading)
        self._leave(key, task)  # before the wait: a cancelled call is retried, and takes it too
        await asyncio.wait({task}, timeout=MAX_RENDER_SECONDS)
        if not task.done():
            return None, True
        self._drop(key, task)
        return task.result(), False

    async def take(self, key: Hashable) -> T | None:
        """Wait for the background read with a key, and return its result; `None` if there is none."""
        task = self._tasks.pop(key, None)
        return None if task is None else await asyncio.shield(task)

    def _leave(self, key: Hashable, task: "asyncio.Task[T | None]") -> None:
        self._tasks[key] = task
        self._tasks.move_to_end(key)
        task.get_loop().call_later(KEEP_PENDING_SECONDS, self._drop, key, task)
        while len(self._tasks) > MAX_KEPT:
            self._tasks.popitem(last=False)

    def _drop(self, key: Hashable, task: "asyncio.Task[T | None]") -> None:
        # A later action may have replaced the task under the same key.
        if self._tasks.get(key) is task:
            del self._tasks[key]
