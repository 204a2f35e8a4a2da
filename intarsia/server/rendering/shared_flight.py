"""Readings that are under way, and those of a moment ago, for everybody who waits for the same.

Whoever asks says how new the reading must be. One that is under way or was just done and is new enough is theirs too;
else another begins. Knows keys and tasks, and nothing of widgets: what may share a key is decided in `sharing.py`.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from intarsia.server.changes.change_log import REVISIONS, RevisionClock

KEEP_SECONDS = 1.0
"""How old a reading may be, from its beginning, that is given to somebody who came later."""

JOIN_SECONDS = 3.0
"""For how long others join a reading that is under way; one that hangs does not take everybody with it."""

MAX_KEPT = 1_000
MAX_BYTES = 32 * 1024 * 1024

MAX_RENDER_SECONDS = 0.3
"""How long the answer of an action waits for the widget as it is after it."""

KEEP_PENDING_SECONDS = 30
"""How long such a widget waits for the View that asks for it next."""


T = TypeVar("T")


@dataclass(eq=False)
class _Flight(Generic[T]):
    """One reading."""

    key: Hashable
    revision: int
    tiles: frozenset[str] | None
    begun: float
    task: asyncio.Task[T]
    size: int = 0

    @property
    def has_result(self) -> bool:
        """Whether it is done and brought something."""
        return self.task.done() and not self.task.cancelled() and self.task.exception() is None

    def serves(self, after: int, tiles: frozenset[str] | None, now: float) -> bool:
        """Say whether it is what somebody asks for."""
        if self.revision <= after:
            return False
        if not self.task.done():
            return tiles == self.tiles and now - self.begun <= JOIN_SECONDS
        if not self.has_result:
            return False
        has_all = self.tiles is None or (tiles is not None and tiles <= self.tiles)
        return has_all and now - self.begun <= KEEP_SECONDS


class SharedFlights(Generic[T]):
    """Readings by what they are of.

    Args:
        size_of: How many bytes a result holds, about.
        clock: Makes revisions.
    """

    def __init__(self, size_of: Callable[[T], int], clock: RevisionClock = REVISIONS) -> None:
        self._size_of = size_of
        self._clock = clock
        self._by_key: dict[Hashable, list[_Flight[T]]] = {}
        self._kept: OrderedDict[_Flight[T], None] = OrderedDict()
        self._bytes = 0

    @property
    def count(self) -> int:
        """How many are under way or kept."""
        return sum(map(len, self._by_key.values()))

    async def read(
        self,
        key: Hashable,
        after: int,
        tiles: frozenset[str] | None,
        begin: Callable[[int], Coroutine[Any, Any, T]],
        context: Context,
    ) -> T:
        """Return a reading, begun for this or shared with others.

        Args:
            key: What it is of, and for what permissions.
            after: It must be newer than this revision.
            tiles: The tiles that it must hold, or `None` for all.
            begin: Reads, and is told the revision that was made before.
            context: What the reading sees of the world around; nothing of who asks.
        """
        now = asyncio.get_running_loop().time()
        flights = self._by_key.get(key, ())
        flight = next((each for each in reversed(flights) if each.serves(after, tiles, now)), None)
        if flight is None:
            flight = self._begin(key, tiles, begin, context.copy())
        # Whoever goes away leaves it to the others.
        return await asyncio.shield(flight.task)

    def latest(self, key: Hashable, at_least: int) -> T | None:
        """Return a reading that is done and kept, of this revision or a later one, if there is one."""
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
        """Keep for a moment what was read; what failed failed for those alone who waited for it."""
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
    """Readings that go on without those who began them."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[Hashable, asyncio.Task[T | None]] = OrderedDict()

    @property
    def count(self) -> int:
        """How many nobody has asked for yet."""
        return len(self._tasks)

    async def read(self, key: Hashable | None, reading: Coroutine[Any, Any, T | None]) -> tuple[T | None, bool]:
        """Wait for a reading, but not for long.

        Args:
            key: Who may take it afterwards; nothing waits for as long as it takes.
            reading: Reads, and raises nothing.

        Returns:
            What it brought, and whether it is still under way.
        """
        if key is None:
            return await reading, False
        task = asyncio.create_task(reading)
        self._leave(key, task)  # whoever is cancelled meanwhile asks again, too
        await asyncio.wait({task}, timeout=MAX_RENDER_SECONDS)
        if not task.done():
            return None, True
        self._drop(key, task)
        return task.result(), False

    async def take(self, key: Hashable) -> T | None:
        """Wait for a reading that was left under way, if there is one."""
        task = self._tasks.pop(key, None)
        return None if task is None else await asyncio.shield(task)

    def _leave(self, key: Hashable, task: "asyncio.Task[T | None]") -> None:
        self._tasks[key] = task
        self._tasks.move_to_end(key)
        task.get_loop().call_later(KEEP_PENDING_SECONDS, self._drop, key, task)
        while len(self._tasks) > MAX_KEPT:
            self._tasks.popitem(last=False)

    def _drop(self, key: Hashable, task: "asyncio.Task[T | None]") -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
