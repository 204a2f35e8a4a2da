"""How live: `python -m benchmarks.live`. Many open Views of one server process, beside the bare SDK.

This process is the load (`live_load.py`): it opens connections as Views would, and asks no oftener than they do.
Everything is bounded in count and in time. Results land in `benchmarks/results/live.md`.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.documents import HERE
from benchmarks.live_figures import CHANGES_A_SECOND, FEW, Figures
from benchmarks.live_load import EARLIER, MODERN, PACE_SECONDS, Json, Log, get, just_wait, listen, stats, view
from benchmarks.live_page import write_page

RESULT = HERE / "results" / "live.md"
ALONE = 5
"""How many changes everybody waits for at once, at most."""
ALONE_SECONDS = 25
"""After this long no further one of them begins."""
AT_ONCE = 50
"""How many open at the same moment: else the memory of opening is measured, and not that of waiting."""

Task = asyncio.Task[None]
Waiter = Callable[[int], Coroutine[Any, Any, None]]
"""Makes one who waits, by their number."""


class Crowd:
    """Those who wait on one server.

    Args:
        port: Of the server.
        log: Where they write down what they were told.
    """

    def __init__(self, port: int, log: Log) -> None:
        self.port, self.log = port, log
        self._tasks: list[Task] = []
        self._few, self._bytes_of_few = 0, 0

    async def grow(self, count: int, waiter: Waiter) -> None:
        """Let more wait, until there are so many and all of them wait."""
        while len(self._tasks) < count:
            next_ones = range(len(self._tasks), min(count, len(self._tasks) + AT_ONCE))
            self._tasks += [asyncio.create_task(waiter(number)) for number in next_ones]
            await self.until_waiting()

    async def until_waiting(self, answers: int = 0) -> None:
        """Wait until that many were told something, and everybody waits again."""
        async with asyncio.timeout(90):
            while len(self.log.told) < answers or (await stats(self.port))["waiting"] < len(self._tasks):
                for task in self._tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.02)

    async def measure_memory(self, figures: Figures, waiter: Waiter) -> None:
        """Measure what each adds who waits: what the server has from its start is in neither of two measurements."""
        few = figures.waiting // FEW
        await self.grow(few, waiter)
        before = (await stats(self.port, "?settle=1"))["bytes"]
        await self.grow(figures.waiting, waiter)
        after = (await stats(self.port, "?settle=1"))["bytes"]
        figures.kilobytes = (after - before) / (figures.waiting - few) / 1024
        self._few, self._bytes_of_few = few, before

    async def measure_alone(self, figures: Figures, told: int, boards: int) -> None:
        """Make one change at a time, and wait until everybody waits again.

        Args:
            figures: Where it is written down.
            told: How many a change concerns.
            boards: One of so many changes too.
        """
        begun, spent = time.monotonic(), 0.0
        for number in range(ALONE):
            if time.monotonic() - begun > ALONE_SECONDS:
                break
            self.log.told.clear()
            before = await stats(self.port)
            await get(self.port, f"/change?board={number % boards}")
            await self.until_waiting(told)
            after = await stats(self.port)
            changed = after["changes"][-1]
            figures.alone += [each.answered - changed for each in self.log.told]
            figures.extra.append((after["read"] - before["read"], after["drawn"] - before["drawn"]))
            spent += after["cpu"] - before["cpu"]
        figures.cpu_milliseconds = spent * 1000 / len(figures.alone)
        grown = (await stats(self.port, "?settle=1"))["bytes"] - self._bytes_of_few
        figures.woken_kilobytes = grown / (len(self._tasks) - self._few) / 1024

    async def end(self) -> None:
        """Let everybody go."""
        for task in self._tasks:
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def crowd_at(port: int, log: Log) -> AsyncGenerator[Crowd]:
    """Let people wait while the block runs, and no longer."""
    crowd = Crowd(port, log)
    try:
        yield crowd
    finally:
        await crowd.end()


@asynccontextmanager
async def serving(kind: str, folder: Path) -> AsyncGenerator[int]:
    """Run one of the servers while the block runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.live_server", kind, "0", str(folder),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield int((await process.stdout.readline()).decode().strip().rpartition(":")[2])
    finally:
        process.kill()
        await process.wait()


def since_change(log: Log, changes: list[float], boards: list[int]) -> list[float]:
    """Return how long each answer took: from the first change that it could tell of, or from its question if later.

    Args:
        log: The answers.
        changes: When something changed: the dashboard that most look at, and one board.
        boards: Which board that was, each time.
    """
    found: list[float] = []
    for told in log.told:
        later = (
            at
            for at, board in zip(changes, boards, strict=True)
            if told.asked <= at <= told.answered and told.board in (None, board)
        )
        found.append(told.answered - next(later, told.asked))
    return found


async def measure_ours(folder: Path, era: str, viewers: int, boards: int, seconds: float) -> Figures:
    """Measure Views that wait."""
    figures, log, paced = Figures(f"Intarsia, {era}", viewers), Log(), asyncio.Event()

    def waiter(number: int) -> Coroutine[Any, Any, None]:
        tool, given = ("overview", Json()) if number < viewers else ("board", {"number": number - viewers})
        return view(port, era, tool, given, log, paced)

    async with serving("ours", folder) as port, crowd_at(port, log) as crowd:
        await crowd.measure_memory(figures, waiter)
        await crowd.grow(viewers + boards, waiter)
        await crowd.measure_alone(figures, viewers + min(boards, 1), max(boards, 1))
        paced.set()
        await change_often(port, PACE_SECONDS * 3, boards)  # until nobody moves in step any more
        log.told.clear()
        before = await stats(port)
        began = time.monotonic()
        await change_often(port, seconds, boards)
        took, after = time.monotonic() - began, await stats(port)
        figures.busy = since_change(log, after["changes"], after["boards"])
        figures.answers = len(figures.busy)
        figures.changes = len(after["changes"]) - len(before["changes"])
        figures.readings = after["overviews"] - before["overviews"]
        figures.renderings = after["overviews_drawn"] - before["overviews_drawn"]
        figures.cpu_share = (after["cpu"] - before["cpu"]) / took
    return figures


async def measure_listening(folder: Path, viewers: int) -> Figures:
    """Measure the bare SDK's streams, on which nothing is read and everybody is told only that something changed."""
    figures, log, ready = Figures("bare SDK, `subscriptions/listen`", viewers), Log(), list[None]()
    async with serving("listening", folder) as port, crowd_at(port, log) as crowd:
        await crowd.measure_memory(figures, lambda _number: listen(port, log, ready))
        await crowd.measure_alone(figures, viewers, 1)
    return figures


async def measure_waiting(folder: Path, era: str, viewers: int) -> Figures:
    """Measure calls of a tool of the bare SDK that waits and says one word: what a View's wait costs at least."""
    figures, log = Figures(f"bare SDK, a tool that waits, {era}", viewers), Log()
    async with serving("waiting", folder) as port, crowd_at(port, log) as crowd:
        await crowd.measure_memory(figures, lambda _number: just_wait(port, era, log))
        await crowd.measure_alone(figures, viewers, 1)
    return figures


async def change_often(port: int, seconds: float, boards: int) -> None:
    """Make changes for a time."""
    end_at, number = time.monotonic() + seconds, 0
    while time.monotonic() < end_at:
        began = time.monotonic()
        number += 1
        await get(port, f"/change?board={number % max(boards, 1)}")
        await asyncio.sleep(max(0, began + 1 / CHANGES_A_SECOND - time.monotonic()))


async def measure(viewers: int, boards: int, seconds: float) -> str:
    """Measure everything, and return the page."""
    load = os.getloadavg()[0]
    ours: list[Figures] = []
    bare: list[Figures] = []
    with tempfile.TemporaryDirectory() as name:
        for era in (EARLIER, MODERN):
            ours.append(await measure_ours(Path(name), era, viewers, boards, seconds))
            bare.append(await measure_waiting(Path(name), era, viewers))
        bare.append(await measure_listening(Path(name), viewers))
    return write_page(ours, bare, viewers, boards, (load, os.getloadavg()[0]))


def main() -> None:
    """Measure, print the page and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=1_000)
    parser.add_argument("--boards", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15, help="how long there are many changes a second")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/results as it is")
    options = parser.parse_args()
    text = asyncio.run(measure(options.viewers, options.boards, options.seconds))
    print(text)
    if not options.no_write:
        RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
