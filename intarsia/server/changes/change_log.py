"""The revisions at which topics last changed, and the calls that wait for the next change.

A read takes its revision before it reads data, so a change with a greater revision may be missing from it. Topics that
were evicted, or that changed before this process started, count as changed: a read may be needless, but none is missed.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from secrets import token_urlsafe
from threading import Lock
from typing import Any, Protocol

MAX_TOPICS = 10_000
"""The maximum number of topics whose last revision is kept."""

_MAX_DIGITS = 20

Listener = Callable[[frozenset[str]], None]
"""Receives the topics that changed. Any thread may call it; it must return at once and not raise."""


class RevisionClock:
    """Issues revisions: microseconds since the Unix epoch, strictly increasing while the process runs.

    A View gets a revision together with the name of its sequence, `1763830000123456.aB3dE6gH`. Every start of a process
    begins a new sequence, and revisions of different sequences have no order: the clock of the machine may have been
    set back in between. What a View sends back is compared, and never moves the clock.

    Args:
        sequence: The name of the sequence, without a dot; by default a new random one. Only processes that hear of the
            same changes, and whose clocks agree, may share one.
    """

    def __init__(self, sequence: str | None = None) -> None:
        self._sequence = sequence or token_urlsafe(6)
        self._last = 0
        self._lock = Lock()

    @property
    def last(self) -> int:
        """The last revision that was issued."""
        with self._lock:
            return self._last

    def next(self) -> int:
        """Return a new revision. Safe to call from any thread."""
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1_000)
            return self._last

    def text_of(self, revision: int) -> str:
        """Return a revision with the name of its sequence, as a View gets it."""
        return f"{revision}.{self._sequence}"

    def own_revision(self, text: str) -> int:
        """Return the revision that a View sent back.

        Args:
            text: A revision with the name of its sequence, which may be forged or of an earlier process.

        Returns:
            The revision if this clock has issued it or a later one; otherwise 0, which is older than every change.
        """
        digits, _, sequence = text.partition(".")
        if sequence != self._sequence or not (digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DIGITS):
            return 0
        revision = int(digits)
        return revision if revision <= self.last else 0


REVISIONS = RevisionClock()


class ChangeBus(Protocol):
    """Distributes the names of topics that changed, without data: receivers read again.

    Lost, duplicate and late messages are harmless, because every View also reads at intervals.
    """

    def publish(self, topics: frozenset[str]) -> None:
        """Publish a change of these topics. Safe to call from any thread."""
        ...

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; return a function that removes it."""
        ...


class LocalBus:
    """A change bus for one process."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()

    def publish(self, topics: frozenset[str]) -> None:
        """Publish a change of these topics."""
        for listener in self._listeners:
            listener(topics)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; return a function that removes it."""
        self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return unsubscribe


@dataclass(eq=False)
class _Waiter:
    """A waiting call and its event loop."""

    loop: asyncio.AbstractEventLoop
    woken: "asyncio.Future[None]"

    def wake(self, _other: object = None) -> None:
        """End the wait; in its own event loop."""
        if not self.woken.done():
            self.woken.set_result(None)


def _wake(waiters: Iterable[_Waiter]) -> None:
    """End waits, from any thread. Each event loop is woken once, however many of its calls wait."""
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
    """Records the changes that a bus distributes, and lets calls wait for them.

    Args:
        bus: The source of changes.
        clock: Issues the revisions of changes. It must be the clock that issues those of reads.
    """

    def __init__(self, bus: ChangeBus, clock: RevisionClock = REVISIONS) -> None:
        self._bus = bus
        self._clock = clock
        self._at: OrderedDict[str, int] = OrderedDict()
        self._forgotten_at = clock.next()
        self._all_waiters: set[_Waiter] = set()
        self._waiters: dict[str, set[_Waiter]] = {}
        self._lock = Lock()
        self._listeners: tuple[tuple[str, Listener], ...] = ()
        self._end = bus.subscribe(self._on_change)

    @property
    def waiting(self) -> int:
        """The number of waiting calls, including those without topics, which wait for their other task only."""
        return len(self._all_waiters)

    def publish(self, topics: frozenset[str]) -> None:
        """Publish a change of these topics on the bus. Safe to call from any thread."""
        if topics:
            self._bus.publish(topics)

    def subscribe(self, listener: Listener, prefix: str = "") -> Callable[[], None]:
        """Add a listener that stays subscribed when the bus is replaced.

        Args:
            listener: Receives the topics that changed.
            prefix: Restricts it to topics with this prefix; by default all.

        Returns:
            A function that removes the listener.
        """
        subscribed = (prefix, listener)
        with self._lock:
            self._listeners = (*self._listeners, subscribed)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(each for each in self._listeners if each is not subscribed)

        return unsubscribe

    def use(self, bus: ChangeBus) -> None:
        """Replace the bus. All topics then count as changed, since earlier messages of the new bus are unknown."""
        self._end()
        self._bus, self._end = bus, bus.subscribe(self._on_change)
        with self._lock:
            self._at.clear()
            self._forgotten_at = self._clock.next()
        self.wake_all()

    def wake_all(self) -> None:
        """End every wait, so that all calls are answered before the server stops."""
        with self._lock:
            waiters = tuple(self._all_waiters)
        _wake(waiters)

    def close(self) -> None:
        """Unsubscribe from the bus."""
        self._end()

    def since(self, topics: frozenset[str], revision: int) -> frozenset[str]:
        """Return the topics that changed, or may have changed, after a revision."""
        with self._lock:
            return frozenset(topic for topic in topics if self._at.get(topic, self._forgotten_at) > revision)

    def last(self, topics: frozenset[str]) -> int:
        """Return the latest revision at which one of the topics changed, or may have changed; 0 without topics."""
        with self._lock:
            return max((self._at.get(topic, self._forgotten_at) for topic in topics), default=0)

    async def wait(
        self, topics: frozenset[str], revision: int, seconds: float, other: "asyncio.Task[Any] | None" = None
    ) -> None:
        """Wait until one of the topics has changed after a revision.

        Args:
            topics: The names of the topics.
            revision: The revision of the data that the caller shows.
            seconds: The maximum time to wait, in seconds.
            other: A task whose completion ends the wait too.
        """
        loop = asyncio.get_running_loop()
        waiter = _Waiter(loop, loop.create_future())
        # Registered before the check, so that a change between the check and the wait is not missed.
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
            self._all_waiters.add(waiter)
            for topic in topics:
                self._waiters.setdefault(topic, set()).add(waiter)

    def _remove(self, topics: frozenset[str], waiter: _Waiter) -> None:
        with self._lock:
            self._all_waiters.discard(waiter)
            for topic in topics:
                waiters = self._waiters[topic]
                waiters.discard(waiter)
                if not waiters:
                    del self._waiters[topic]

    def _on_change(self, topics: frozenset[str]) -> None:
        woken = self._record(topics)
        # Listeners run before calls wake up, because those calls may use what the listeners update.
        for prefix, listener in self._listeners:
            if heard := frozenset(topic for topic in topics if topic.startswith(prefix)) if prefix else topics:
                listener(heard)
        _wake(woken)

    def _record(self, topics: frozenset[str]) -> set[_Waiter]:
        with self._lock:
            at = self._clock.next()
            for topic in topics:
                self._at[topic] = at
                self._at.move_to_end(topic)
            # Evicted topics count as changed at the revision of the latest eviction.
            while len(self._at) > MAX_TOPICS:
                _, oldest = self._at.popitem(last=False)
                self._forgotten_at = max(self._forgotten_at, oldest)
            return {waiter for topic in topics for waiter in self._waiters.get(topic, ())}


CHANGE_LOG = ChangeLog(LocalBus())
"""The change log of this process. Connectors share it, because one that includes another depends on its actions."""
