"""Stores the samples of the last 15 minutes and computes values from them."""

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
"""The interval between the first two samples, so that rates are available from the start."""
POINTS = 20
"""The number of points of a history, for any period."""


Reading = Callable[[Sample, Sample], float | None]
"""Computes a value from a sample and the previous one."""


@dataclass(frozen=True)
class Rate:
    """The receive and send rates of an interface in bytes per second; `None` if its counters were reset."""

    interface: str
    received: float | None
    sent: float | None


@dataclass
class Recorder:
    """Takes samples, and stores those of the last 15 minutes."""

    take: Callable[[], Sample]
    """Takes a sample; it may block."""
    every_seconds: float = EVERY_SECONDS
    """The interval between two samples."""
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=int(KEEP_SECONDS / EVERY_SECONDS) + 2))
    """Oldest first; at least two while it is recording."""

    @asynccontextmanager
    async def recording(self) -> AsyncGenerator[None]:
        """Take two samples, then further ones until the end of the block."""
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
        """Return the value of the last two samples."""
        return read(self.samples[-2], self.samples[-1])

    def history(self, read: Reading, seconds: float) -> list[float | None]:
        """Return averages of the last seconds, oldest first; `None` for gaps."""
        step = seconds / POINTS
        found: list[list[float]] = [[] for _ in range(POINTS)]
        for before, sample in pairwise(self.samples):
            place = POINTS - 1 - int((self.samples[-1].at - sample.at) / step)
            number = read(before, sample)
            if place >= 0 and number is not None:
                found[place].append(number)
        return [sum(numbers) / len(numbers) if numbers else None for numbers in found]

    def rates(self, most: int) -> list[Rate]:
        """Return the rates of the busiest interfaces between the last two samples, by name."""
        before, now = self.samples[-2], self.samples[-1]
        known = [name for name, counts in now.network.items() if name in before.network and any(counts)]
        busiest = sorted(known, key=lambda name: sum(now.network[name]), reverse=True)[:most]
        return [_rate(name, before, now) for name in sorted(busiest)]


def cpu_percent(before: Sample, now: Sample) -> float | None:
    """Return the processor usage between two samples."""
    if before.cpu is None or now.cpu is None or now.cpu[1] <= before.cpu[1]:
        return None
    share = (now.cpu[0] - before.cpu[0]) / (now.cpu[1] - before.cpu[1])
    return min(max(share, 0), 1) * 100


def memory_used(_before: Sample, now: Sample) -> float | None:
    """Return the used memory in gigabytes."""
    return now.memory_used


def _rate(interface: str, before: Sample, now: Sample) -> Rate:
    (old_received, old_sent), (received, sent) = before.network[interface], now.network[interface]
    seconds = now.at - before.at
    return Rate(interface, _per_second(old_received, received, seconds), _per_second(old_sent, sent, seconds))


def _per_second(before: int, now: int, seconds: float) -> float | None:
    return (now - before) / seconds if now >= before and seconds > 0 else None
