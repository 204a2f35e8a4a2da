"""When topics last changed, and who waits for the next change.

A reading has a revision that was made before its data were read, so a change with a greater one may be missing from
it. What was forgotten, or happened before this process began, counts as changed: that costs one reading too much, and
never one too few.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol

MAX_TOPICS = 10_000
"""How many topics are remembered with the time of their last change."""


MAX_AHEAD = 26 * 3_600 * 1_000_000
"""Microseconds that a revision may be ahead of this machine's clock; what is further ahead was never made by it."""

Listener = Callable[[frozenset[str]], None]
"""Told the topics that changed. It must return at once and raise nothing; any thread may call it."""


class RevisionClock:
    """Makes revisions: microseconds since 1970, and always more than the last."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = Lock()

    def next(self) -> int:
        """Return a revision. Any thread may ask."""
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1_000)
            return self._last

    def follow(self, revision: int) -> None:
        """Go on after a revision that a View shows: this machine's clock may have been set back since it was made."""
        with self._lock:
            if self._last < revision <= time.time_ns() // 1_000 + MAX_AHEAD:
                self._last = revision


REVISIONS = RevisionClock()


class ChangeBus(Protocol):
    """Carries the names of topics that changed, and nothing else: who hears one reads again.

    A message that is lost, doubled or late is harmless, because every View also reads by itself now and then.
    """

    def publish(self, topics: frozenset[str]) -> None:
        """Say that these changed. Any thread may call it."""
        ...

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener from now on; return what ends that."""
        ...


class LocalBus:
    """A change bus for one process."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()

    def publish(self, topics: frozenset[str]) -> None:
        """Say that these changed."""
        for listener in self._listeners:
            listener(topics)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener from now on; return what ends that."""
        self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return unsubscribe


@dataclass(eq=False)
class _Waiter:
    """One call that waits, in its event loop."""

    loop: asyncio.AbstractEventLoop
    woken: "asyncio.Future[None]"

    def wake(self, _other: object = None) -> None:
        """End the wait; in its own event loop."""
        if not self.woken.done():
            self.woken.set_result(None)


def _wake(waiters: Iterable[_Waiter]) -> None:
    """End waits, from any thread: each event loop is told once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Waiter]] = {}
    for waiter in waiters:
        by_loop.setdefault(waiter.loop, []).append(waiter)
    for loop, its in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_wake_here, its)


def _wake_here(waiters: Iterable[_Waiter]) -> None:
    for waiter in waiters:
        waiter.wake()


class ChangeLog:
    """Remembers changes that a bus tells of, and lets calls wait for them.

    Args:
        bus: Tells of them.
        clock: Makes their revisions: the one that makes those of readings.
    """

    def __init__(self, bus: ChangeBus, clock: RevisionClock = REVISIONS) -> None:
        self._bus = bus
        self._clock = clock
        self._at: OrderedDict[str, int] = OrderedDict()
        self._forgotten_at = clock.next()
        self._everybody: set[_Waiter] = set()
        self._waiters: dict[str, set[_Waiter]] = {}
        self._lock = Lock()
        self._listeners: tuple[tuple[str, Listener], ...] = ()
        self._end = bus.subscribe(self._hear)

    @property
    def waiting(self) -> int:
        """How many calls wait; some of them for no topic, but for what else may end it."""
        return len(self._everybody)

    def publish(self, topics: frozenset[str]) -> None:
        """Say that these changed, to everybody on the bus. Any thread may call it."""
        if topics:
            self._bus.publish(topics)

    def subscribe(self, listener: Listener, prefix: str = "") -> Callable[[], None]:
        """Tell somebody else of changes, too, whatever bus tells of them; return what ends that.

        Args:
            listener: Told of them.
            prefix: How the topics begin that it is told of; by default of all.
        """
        subscribed = (prefix, listener)
        with self._lock:
            self._listeners = (*self._listeners, subscribed)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(each for each in self._listeners if each is not subscribed)

        return unsubscribe

    def use(self, bus: ChangeBus) -> None:
        """Go over to another bus. What was told on it before counts as changed, so everybody reads once."""
        self._end()
        self._bus, self._end = bus, bus.subscribe(self._hear)
        with self._lock:
            self._at.clear()
            self._forgotten_at = self._clock.next()
        self.wake_all()

    def wake_all(self) -> None:
        """End every wait now: the server is about to stop, and has an answer for each."""
        with self._lock:
            everybody = tuple(self._everybody)
        _wake(everybody)

    def close(self) -> None:
        """Hear of nothing more."""
        self._end()

    def since(self, topics: frozenset[str], revision: int) -> frozenset[str]:
        """Return those of the topics that changed after a revision, or may have."""
        with self._lock:
            return frozenset(topic for topic in topics if self._at.get(topic, self._forgotten_at) > revision)

    def last(self, topics: frozenset[str]) -> int:
        """Return when one of the topics last changed, or may have."""
        with self._lock:
            return max((self._at.get(topic, self._forgotten_at) for topic in topics), default=0)

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
        loop = asyncio.get_running_loop()
        waiter = _Waiter(loop, loop.create_future())
        self._add(topics, waiter)
        timer = loop.call_later(seconds, waiter.wake)
        if other:
            other.add_done_callback(waiter.wake)
        try:
            if not self.since(topics, revision):
                await waiter.woken
        finally:
            timer.cancel()
            if other:
                other.remove_done_callback(waiter.wake)
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

    def _hear(self, topics: frozenset[str]) -> None:
        woken = self._note(topics)
        # Who wakes may ask one of these at once.
        for prefix, listener in self._listeners:
            if heard := frozenset(topic for topic in topics if topic.startswith(prefix)) if prefix else topics:
                listener(heard)
        _wake(woken)

    def _note(self, topics: frozenset[str]) -> set[_Waiter]:
        with self._lock:
            at = self._clock.next()
            for topic in topics:
                self._at[topic] = at
                self._at.move_to_end(topic)
            while len(self._at) > MAX_TOPICS:
                _, oldest = self._at.popitem(last=False)
                self._forgotten_at = max(self._forgotten_at, oldest)
            return {waiter for topic in topics for waiter in self._waiters.get(topic, ())}


CHANGE_LOG = ChangeLog(LocalBus())
"""The changes of this process. Connectors share them: one that includes another hears of its actions."""
