"""When topics last changed, and who waits for the next change.

A reading has a revision that was made before its data were read, so a change with a greater one may be missing from
it. What was forgotten, or happened before this process began, counts as changed: that costs one reading too much, and
never one too few.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from inlay.server.clock import CLOCK, Clock
from inlay.server.live.bus import ChangeBus, Listener, LocalBus

MOST_TOPICS = 10_000
"""How many topics are remembered with the time of their last change."""


@dataclass(eq=False)
class _Waiter:
    """One call that waits, in its event loop."""

    loop: asyncio.AbstractEventLoop
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        self.loop.call_soon_threadsafe(self.woken.set)


class Changes:
    """Remembers changes that a bus tells of, and lets calls wait for them.

    Args:
        bus: Tells of them.
        clock: Makes their revisions: the one that makes those of readings.
    """

    def __init__(self, bus: ChangeBus, clock: Clock = CLOCK) -> None:
        self._bus = bus
        self._clock = clock
        self._at: OrderedDict[str, int] = OrderedDict()
        self._forgotten_at = clock.next()
        self._everybody: set[_Waiter] = set()
        self._waiters: dict[str, set[_Waiter]] = {}
        self._lock = Lock()
        self._end = bus.subscribe(self._note)

    @property
    def waiting(self) -> int:
        """How many calls wait; some of them for no topic, but for what else may end it."""
        return len(self._everybody)

    def publish(self, topics: frozenset[str]) -> None:
        """Say that these changed, to everybody on the bus. Any thread may call it."""
        if topics:
            self._bus.publish(topics)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener of every change from now on; return what ends that."""
        return self._bus.subscribe(listener)

    def wake_all(self) -> None:
        """End every wait now: the server is about to stop, and has an answer for each."""
        with self._lock:
            everybody = tuple(self._everybody)
        for waiter in everybody:
            waiter.wake()

    def close(self) -> None:
        """Hear of nothing more."""
        self._end()

    def since(self, topics: frozenset[str], revision: int) -> frozenset[str]:
        """Return those of the topics that changed after a revision, or may have."""
        with self._lock:
            return frozenset(topic for topic in topics if self._at.get(topic, self._forgotten_at) > revision)

    async def wait(
        self, topics: frozenset[str], revision: int, seconds: float, other: "asyncio.Task[Any] | None" = None
    ) -> None:
        """Wait until one of the topics has changed after a revision.

        Args:
            topics: Their names.
            revision: Of the reading that is shown.
            seconds: How long at most.
            other: What else ends the wait when it is done.
        """
        waiter = _Waiter(asyncio.get_running_loop())
        self._add(topics, waiter)
        change = asyncio.create_task(waiter.woken.wait())
        try:
            if not self.since(topics, revision):
                ends = [change, other] if other else [change]
                await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            change.cancel()
            self._remove(topics, waiter)

    def _add(self, topics: frozenset[str], waiter: _Waiter) -> None:
        with self._lock:
            self._everybody.add(waiter)
            for topic in topics:
                self._waiters.setdefault(topic, set()).add(waiter)

    def _remove(self, topics: frozenset[str], waiter: _Waiter) -> None:
        with self._lock:
            self._everybody.discard(waiter)
            for topic in topics:
                waiters = self._waiters[topic]
                waiters.discard(waiter)
                if not waiters:
                    del self._waiters[topic]

    def _note(self, topics: frozenset[str]) -> None:
        with self._lock:
            at = self._clock.next()
            for topic in topics:
                self._at[topic] = at
                self._at.move_to_end(topic)
            while len(self._at) > MOST_TOPICS:
                _, oldest = self._at.popitem(last=False)
                self._forgotten_at = max(self._forgotten_at, oldest)
            woken = {waiter for topic in topics for waiter in self._waiters.get(topic, ())}
        for waiter in woken:
            waiter.wake()


CHANGES = Changes(LocalBus())
"""The changes of this process. Connectors share them: one that includes another hears of its actions."""
