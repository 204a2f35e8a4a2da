"""T26: two persons look at the same things at once for a long time, and neither gets a byte of the other's."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from intarsia.server.rendering import shared_flight
from tests.security.canaries import KINDS, NAMES, Office, Person, Window

SEED = 20261
SOON = 60
TOOLS = ("overview", "board", "mine", "panel")
CLIENTS = ("chat", "phone")
CHOICES = ("poll", "change", "open", "act", "draft", "turn", "steal")
WEIGHTS = (50, 30, 4, 6, 2, 2, 6)


class Crowd:
    """Open Views of both, and what they do."""

    def __init__(self, path: Path) -> None:
        self.chance = random.Random(SEED)  # noqa: S311 - any order that can be repeated
        self.office = Office(path, self.chance)
        self.leaks: list[str] = []
        self.counted: Counter[str] = Counter()
        self.persons = [Person(name) for name in NAMES]
        self._windows = [
            Window(self.office, person, client, tool, self.leaks)
            for person in self.persons
            for client in CLIENTS
            for tool in TOOLS
        ]
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, steps: int) -> None:
        """Do so many steps, and stop at the first that brought something to the wrong person."""
        while self.counted["poll"] + self.counted["change"] < steps and not self.leaks:
            await self._step(*self.chance.choices(CHOICES, WEIGHTS))
            for _ in range(self.chance.randrange(3)):
                await asyncio.sleep(0)
        while self._tasks:
            self.office.change()
            await self._some_end()

    async def _step(self, what: str) -> None:
        window = self.chance.choice(self._windows)
        match what:
            case "poll":
                await self._poll()
            case "change":
                self._change()
            case "turn":
                window.person.turn()
            case "act":
                self._begin(window.act(self.chance.randrange(500)))
            case "draft":
                self._begin(window.draft())
            case "steal":
                await self._steal(window, self.chance.choice(self._windows))
            case _:
                self._begin(window.call(window.tool, {}))

    async def _steal(self, thief: Window, victim: Window) -> None:
        """Come with the handle of somebody who has just done something, and whose widget is still being read."""
        self._begin(victim.act(self.chance.randrange(500)))
        for _ in range(self.chance.randrange(20)):
            await asyncio.sleep(0)
        self._begin(thief.steal(victim, self.chance.choice(("intarsia_view", victim.tool))))

    def _change(self) -> None:
        self.counted["change"] += 1
        self.office.change()

    async def _poll(self) -> None:
        free = [window for window in self._windows if not window.is_asking]
        if not free:  # all wait, and nothing would end it
            self._change()
            await self._some_end()
            return
        self.counted["poll"] += 1
        window = self.chance.choice(free)
        window.is_asking = True
        self._begin(self._ask(window, self.chance.choice((0, 25, 25))))

    async def _ask(self, window: Window, seconds: float) -> None:
        if await window.ask(seconds) == "superseded":
            await window.ask(0, take_over=True)
        window.is_asking = False

    def _begin(self, work: Coroutine[Any, Any, Any]) -> None:
        async def done() -> None:
            await work

        self._tasks.add(asyncio.create_task(done()))

    async def _some_end(self) -> None:
        ended, self._tasks = await asyncio.wait(self._tasks, timeout=SOON, return_when=asyncio.FIRST_COMPLETED)
        assert ended, "Nobody was answered."
        for task in ended:
            task.result()


@pytest.mark.parametrize("steps", [2_000, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_t26_two_persons_among_thousands_of_polls_and_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    # Some widgets are read for longer than an action waits, and come with the call after it.
    monkeypatch.setattr(shared_flight, "MAX_RENDER_SECONDS", 0.001)
    crowd = Crowd(tmp_path / "office.db")
    async with crowd.office.connector.running():
        await crowd.run(steps)

    assert crowd.leaks == []
    assert min(crowd.counted["poll"], crowd.counted["change"]) > steps / 4
    assert [person.seen for person in crowd.persons] == [set(KINDS)] * len(NAMES)
