"""The last quarter of an hour: samples in a ring, and what can be said of them. Nothing here reads the machine."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from examples.machine_monitor.readings import Sample

EVERY_SECONDS = 2.0
KEEP_SECONDS = 15 * 60
FIRST_SECONDS = 0.25
"""Between the first two samples, so that rates are known from the start."""
POINTS = 20
"""How many points a line has, whatever it spans."""


Reading = Callable[[Sample, Sample], float | None]
"""Says something of a sample, knowing the one before."""


@dataclass(frozen=True)
class Rate:
    """How fast an interface receives and sends, in bytes per second; `None` where its counters started anew."""

    interface: str
    received: float | None
    sent: float | None


@dataclass
class Recorder:
    """Takes one sample after another, and keeps those of the last quarter of an hour."""

    take: Callable[[], Sample]
    """Takes a sample; it may block."""
    every_seconds: float = EVERY_SECONDS
    """How long it waits between two samples."""
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=int(KEEP_SECONDS / EVERY_SECONDS) + 2))
    """Oldest first; at least two while it is recording."""

    @asynccontextmanager
    async def recording(self) -> AsyncGenerator[None]:
        """Take two samples now, and then one after another until the end of the block."""
        self.samples.clear()
        await self._record()
        await asyncio.sleep(FIRST_SECONDS)
        await self._record()
        going_on = asyncio.create_task(self._go_on())
        try:
            yield
        finally:
            going_on.cancel()
            await asyncio.wait([going_on])

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(self.every_seconds)
            await self._record()

    async def _record(self) -> None:
        self.samples.append(await asyncio.to_thread(self.take))

    def now(self, read: Reading) -> float | None:
        """Return what can be read of the last two samples."""
        return read(self.samples[-2], self.samples[-1])

    def history(self, read: Reading, seconds: float) -> list[float | None]:
        """Return averages of the last so many seconds, oldest first; `None` where nothing was read."""
        step = seconds / POINTS
        found: list[list[float]] = [[] for _ in range(POINTS)]
        for before, sample in pairwise(self.samples):
            place = POINTS - 1 - int((self.samples[-1].at - sample.at) / step)
            number = read(before, sample)
            if place >= 0 and number is not None:
                found[place].append(number)
        return [sum(numbers) / len(numbers) if numbers else None for numbers in found]

    def rates(self, most: int) -> list[Rate]:
        """Return how fast interfaces were between the last two samples, by name: those that carried most so far."""
        before, now = self.samples[-2], self.samples[-1]
        known = [name for name, counts in now.network.items() if name in before.network and any(counts)]
        busiest = sorted(known, key=lambda name: sum(now.network[name]), reverse=True)[:most]
        return [_rate(name, before, now) for name in sorted(busiest)]


def cpu_percent(before: Sample, now: Sample) -> float | None:
    """Return how busy the processors were from one sample to the next."""
    if before.cpu is None or now.cpu is None or now.cpu[1] <= before.cpu[1]:
        return None
    share = (now.cpu[0] - before.cpu[0]) / (now.cpu[1] - before.cpu[1])
    return min(max(share, 0), 1) * 100


def memory_used(_before: Sample, now: Sample) -> float | None:
    """Return how much memory was in use, in gigabytes."""
    return now.memory_used


def _rate(interface: str, before: Sample, now: Sample) -> Rate:
    (old_received, old_sent), (received, sent) = before.network[interface], now.network[interface]
    seconds = now.at - before.at
    return Rate(interface, _per_second(old_received, received, seconds), _per_second(old_sent, sent, seconds))


def _per_second(before: int, now: int, seconds: float) -> float | None:
    return (now - before) / seconds if now >= before and seconds > 0 else None
