"""Measures the CPU of each stage of a call in one version: `python -m benchmarks.stage_worker TREE`.

Each line of input is an order, `{"what": "board", "era": "2026-07-28", "calls": 200}`, answered by a line with the
milliseconds of CPU of each stage for one call. A timer looks at the main thread's stack; the CPU of that thread is then
divided as the looks were, and that of all other threads is a stage of its own.
"""

import asyncio
import gc
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.stages import LOAD, LOOP, THREADS, name_file, stage_of
from benchmarks.versions import ROOT, describe_libraries, enter, load
from scripts.click_path import ERAS, HostClient

SAMPLE_SECONDS = 0.0005
IDLE = "idle"
_WARM_UP_CALLS = 15

Json = dict[str, Any]
Call = Callable[[], Awaitable[None]]


class StageSampler:
    """Looks at the main thread's stack at short intervals, and counts in which stage it is.

    Args:
        package: The folder of the package that is measured.
        tree: The folder of its tree.
    """

    def __init__(self, package: Path, tree: Path) -> None:
        self._folders = (f"{package}/", f"{tree}/", f"{ROOT}/")
        self.looks: Counter[str] = Counter()

    @contextmanager
    def sampling(self) -> Generator[None]:
        """Look while the block runs."""
        self.looks.clear()
        before = signal.signal(signal.SIGALRM, lambda _number, frame: self._look(frame))
        signal.setitimer(signal.ITIMER_REAL, SAMPLE_SECONDS)
        try:
            yield
        finally:
            # A look that is on its way would set the timer again; ignored, it finds nobody.
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def _look(self, frame: FrameType | None) -> None:
        self.looks[self.stage_of_stack(frame)] += 1
        # Set anew each time: a look that took longer than the interval would else be interrupted by the next.
        signal.setitimer(signal.ITIMER_REAL, SAMPLE_SECONDS)

    def stage_of_stack(self, frame: FrameType | None) -> str:
        """Return the stage of the innermost frame that has one."""
        if frame is not None and frame.f_code.co_filename.endswith("selectors.py"):
            return IDLE
        for each in _frames_from(frame):
            stage = stage_of(name_file(each.f_code.co_filename, *self._folders))
            if stage:
                return stage
        return LOOP


def _frames_from(frame: FrameType | None) -> Iterator[FrameType]:
    """Walk outward, and on into the greenlets that wait for this one: SQLAlchemy runs its own code in one."""
    greenlets: Any = sys.modules.get("greenlet")
    current: Any = greenlets.getcurrent() if greenlets else None
    while True:
        while frame is not None:
            yield frame
            frame = frame.f_back
        current = current.parent if current else None
        if current is None:
            return
        frame = current.gr_frame


class Subject:
    """The connector that is measured, open for calls.

    Args:
        app: Its application.
        package: The package's name.
        played: Plays the View.
    """

    def __init__(self, app: Any, package: str, played: Any) -> None:
        self._app, self._package, self._played = app, package, played

    async def calls(self, versions: "count[int]") -> dict[tuple[str, str], Call]:
        """Return what can be measured: a call of each kind in each era.

        Args:
            versions: Numbers the changes of the card, over all eras.
        """
        made: dict[tuple[str, str], Call] = {}
        for era in ERAS:
            client = HostClient(self._app, era)
            made["board", era] = self._showing(client, "board", {"changed": 1})
            made["dashboard", era] = self._showing(client, "dashboard", {})
            made["action", era] = await self._acting(client, versions)
        return made

    def _showing(self, client: HostClient, tool: str, arguments: Json) -> Call:
        async def show() -> None:
            await client.call(tool, arguments, {})

        return show

    async def _acting(self, client: HostClient, versions: "count[int]") -> Call:
        parts, handle = f"dev.{self._package}/parts", f"dev.{self._package}/view"
        opened = (await client.call("board", {}, {}))["_meta"]
        view = self._played(opened[parts])

        async def act() -> None:
            version = next(versions)
            arguments = {"card": "T-1", "done": version % 2 == 1, "version": version}
            answer = await client.call("complete_card", arguments, {**view.action(), handle: opened[handle]})
            if parts in answer["_meta"]:
                view.take(answer["_meta"][parts])

        return act


async def measure(call: Call, calls: int, sampler: StageSampler) -> dict[str, float]:
    """Return the milliseconds of CPU that each stage takes of one call."""
    gc.collect()
    with sampler.sampling():
        whole, main = time.process_time(), time.thread_time()
        for _ in range(calls):
            await call()
        main, whole = time.thread_time() - main, time.process_time() - whole
    return divide(sampler.looks, main * 1_000 / calls, (whole - main) * 1_000 / calls)


def divide(looks: "Counter[str]", main: float, others: float) -> dict[str, float]:
    """Divide the CPU of the main thread as the looks at it were, and add that of the other threads."""
    busy = {name: number for name, number in looks.items() if name != IDLE}
    total = sum(busy.values()) or 1
    stages = {name: main * number / total for name, number in busy.items() if name != LOAD}
    return {**stages, THREADS: max(0.0, others)}


async def serve(root: Path, package: str) -> None:
    """Answer orders until the input ends."""
    subject: Any = load(root, "benchmarks.subject")
    played: Any = load(root, "benchmarks.playing_view")
    sampler = StageSampler(root / package, root)
    with tempfile.TemporaryDirectory() as folder:
        app = subject.build_subject(Path(folder) / "subject.db").app()
        async with app.router.lifespan_context(app):
            calls = await Subject(app, package, played.PlayedView).calls(count(1))
            for call in calls.values():
                for _ in range(_WARM_UP_CALLS):
                    await call()
            for line in iter(sys.stdin.readline, ""):
                order: Json = json.loads(line)
                if order["what"] == "libraries":
                    answer: Json = dict(describe_libraries())
                else:
                    answer = dict(await measure(calls[order["what"], order["era"]], order["calls"], sampler))
                print(json.dumps(answer), flush=True)


def main() -> None:
    """Enter the tree that the command names, and answer."""
    root = Path(sys.argv[1]).resolve()
    asyncio.run(serve(root, enter(root)))


if __name__ == "__main__":
    main()
