"""Whatever becomes of messages and clocks, everybody who waits sees what is true after a poll or two."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from intarsia import Connector, Grant
from intarsia.server.changes import change_log
from intarsia.server.changes.access_watch import ACCESS_WATCH
from intarsia.server.changes.change_log import CHANGE_LOG, ChangeLog, Listener, LocalBus
from intarsia.server.rendering import shared_flight
from intarsia.server.switches.positions import Position
from intarsia.server.switches.service import Change
from intarsia.server.views.latest_view import LatestViews
from intarsia.server.wire.messages import PARTS, PROBLEM, UNCHANGED, VIEW, ToolCall
from intarsia.widgets import Dashboard, Metric
from tests.server.test_latest_view import Unchanging
from tests.server.view_state import Shown

SEED = 7
ROUNDS = 200
SHORT = 0.02
"""A wait of 25 seconds, in a test."""
SOON = 30
HOUR_NS = 3_600 * 10**9
MAX_POLLS = 2
"""The first may share what somebody began to read before the change; the second must be newer than that."""


class BadBus:
    """A bus that tells, doubles, loses and keeps back messages, and tells those later in another order.

    Args:
        chance: Chooses.
        ways: What it does with messages.
    """

    def __init__(self, chance: random.Random, ways: tuple[str, ...] = ("told", "twice", "lost", "late")) -> None:
        self._chance, self._ways = chance, ways
        self._inner = LocalBus()
        self._late: list[frozenset[str]] = []
        self.did: set[str] = set()

    def publish(self, topics: frozenset[str]) -> None:
        """Do something with a message."""
        way = self._chance.choice(self._ways)
        self.did.add(way)
        if way == "late":
            self._late.append(topics)
        for _ in range({"told": 1, "twice": 2}.get(way, 0)):
            self._inner.publish(topics)
        if self._chance.random() < 0.3:
            self.tell_late()

    def tell_late(self) -> None:
        """Tell what was kept back, in any order."""
        late, self._late = self._late, []
        self._chance.shuffle(late)
        for topics in late:
            self._inner.publish(topics)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener from now on; return what ends that."""
        return self._inner.subscribe(listener)


class World:
    """A number that changes, and widgets of it."""

    def __init__(self, path: Path) -> None:
        self.number = 1
        self.connector = Connector("World", store=path)

        @self.connector.widget(scopes={"read"}, topics="number")
        async def shared() -> Metric:
            """Show it to all alike."""
            return Metric("Number", await self.read())

        @self.connector.widget(scopes={"read"}, topics="number")
        async def own(grant: Grant) -> Metric:
            """Show it to each."""
            return Metric(grant.subject, await self.read())

        @self.connector.tile(topics="number")
        async def tile() -> Metric:
            return Metric("Number", await self.read())

        @self.connector.widget(scopes={"read"})
        async def overview() -> Dashboard:
            """Show it in a tile."""
            return Dashboard(title="Overview", tiles=[tile()])

    async def read(self) -> int:
        found = self.number
        await asyncio.sleep(0)  # what is read is old already when it is told
        return found

    def change(self) -> None:
        self.number += 1
        self.connector.changed("number")


class Viewer:
    """An open View."""

    def __init__(self, world: World, tool: str, client: str) -> None:
        self._world, self._tool = world, tool
        self._grant = Grant("ada", client, {"read"}, issuer="https://id.example")
        self._meta: dict[str, Any] = {}
        self.said = ""
        """What it shows."""
        self.problem = ""

    async def open(self) -> None:
        answer = await self._world.connector.calls.answer(self._tool, {}, {}, self._grant)
        self._shown = Shown(answer.meta[PARTS])
        self._revision = ""
        self._take(answer.meta)

    async def ask(self, seconds: float = SHORT) -> None:
        meta = {**self._meta, **self._shown.meta(revision=self._revision)}
        answer = await self._world.connector.calls.answer("intarsia_view", {"wait_seconds": seconds}, meta, self._grant)
        self._take(answer.meta)

    def shows(self, number: int) -> bool:
        return f">{number}<" in self.said

    def _take(self, meta: dict[str, Any]) -> None:
        self.problem = meta.get(PROBLEM, {}).get("kind", "")
        told: dict[str, Any] = meta.get(PARTS) or meta.get(UNCHANGED) or {}
        self._revision = told.get("revision", self._revision)
        if parts := meta.get(PARTS):
            self._shown.take(parts)
            self.said = json.dumps(parts)
        if handle := meta.get(VIEW):
            self._meta = {VIEW: handle}


@pytest.fixture
def bus() -> BadBus:
    return BadBus(random.Random(SEED))  # noqa: S311 - any order that can be repeated


@pytest.fixture
async def world(bus: BadBus, tmp_path: Path) -> AsyncIterator[World]:
    built = World(tmp_path / "world.db")
    CHANGE_LOG.use(bus)
    try:
        async with built.connector.running():
            yield built
    finally:
        CHANGE_LOG.use(LocalBus())


async def open_all(world: World, of_each: int = 3) -> list[Viewer]:
    tools = ("shared", "own", "overview")
    viewers = [Viewer(world, tool, f"client-{number}") for tool in tools for number in range(of_each)]
    for viewer in viewers:
        await viewer.open()
        assert viewer.shows(world.number)
    return viewers


async def assert_converge(world: World, viewers: list[Viewer]) -> None:
    """Let each ask so many times, and see that it shows what is true."""
    for _ in range(MAX_POLLS):
        await asyncio.wait_for(asyncio.gather(*(viewer.ask() for viewer in viewers)), SOON)
    assert [viewer.said for viewer in viewers if not viewer.shows(world.number)] == []


async def change_while_they_wait(world: World, viewers: list[Viewer], between: Callable[[], None]) -> None:
    """Change the number many times, among polls that begin and end as they like."""
    chance = random.Random(SEED)  # noqa: S311 - any order that can be repeated
    is_over = False

    async def go_on(viewer: Viewer) -> None:
        while not is_over:
            await viewer.ask()

    asking = [asyncio.create_task(go_on(viewer)) for viewer in viewers]
    for _ in range(ROUNDS):
        between()
        world.change()
        for _ in range(chance.randrange(20)):
            await asyncio.sleep(0)
    is_over = True
    await asyncio.wait_for(asyncio.gather(*asking), SOON)


async def test_messages_that_are_doubled_lost_late_and_in_another_order(world: World, bus: BadBus) -> None:
    viewers = await open_all(world)

    await change_while_they_wait(world, viewers, lambda: None)

    assert bus.did == {"told", "twice", "lost", "late"}
    await assert_converge(world, viewers)
    bus.tell_late()  # of changes that were shown long ago
    await assert_converge(world, viewers)


def test_revisions_grow_though_the_clock_is_set_back_by_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    times = [3 * HOUR_NS, HOUR_NS, HOUR_NS, 2 * HOUR_NS, 0, 3 * HOUR_NS + 2_000_000]
    monkeypatch.setattr(change_log, "time", SimpleNamespace(time_ns=iter(times).__next__))
    makes = change_log.RevisionClock()

    made = [makes.next() for _ in times]

    assert made == sorted(set(made))


async def test_a_clock_that_goes_forth_and_back_by_hours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = random.Random(SEED)  # noqa: S311 - any order that can be repeated
    ahead = 0
    real, turned = time.time_ns, set[int]()
    monkeypatch.setattr(change_log, "time", SimpleNamespace(time_ns=lambda: real() + ahead))
    viewers = await open_all(world)

    def turn() -> None:
        nonlocal ahead
        ahead = hours.choice((-HOUR_NS, 0, HOUR_NS))
        turned.add(ahead)

    await change_while_they_wait(world, viewers, turn)

    assert turned == {-HOUR_NS, 0, HOUR_NS}
    await assert_converge(world, viewers)


async def test_a_lost_message_costs_one_poll(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Readings are kept for a second and a poll takes 25; here both are shorter.
    monkeypatch.setattr(shared_flight, "KEEP_SECONDS", SHORT / 25)
    CHANGE_LOG.use(BadBus(random.Random(SEED), ("lost",)))  # noqa: S311 - nothing is chosen
    viewers = await open_all(world)
    waiting = [asyncio.create_task(viewer.ask()) for viewer in viewers]
    while CHANGE_LOG.waiting < len(viewers):  # noqa: ASYNC110 - it is waited for that all wait
        await asyncio.sleep(0)
    world.change()

    await asyncio.wait_for(asyncio.gather(*waiting), SOON)

    assert [viewer.said for viewer in viewers if not viewer.shows(world.number)] == []
    await world.connector.switches.set([Change("connector", Position.OFF)], who="root", by="admin")
    await asyncio.gather(*(viewer.ask() for viewer in viewers))
    assert {viewer.problem for viewer in viewers} == {"off"}


async def test_what_was_read_just_before_a_lost_message_is_taken_once_and_not_again(world: World) -> None:
    CHANGE_LOG.use(BadBus(random.Random(SEED), ("lost",)))  # noqa: S311 - nothing is chosen
    viewers = await open_all(world)
    world.change()

    await assert_converge(world, viewers)


async def test_who_waits_reads_once_when_the_bus_is_another(world: World) -> None:
    between, *viewers = await open_all(world, 1)
    waiting = [asyncio.create_task(viewer.ask(25)) for viewer in viewers]
    while CHANGE_LOG.waiting < len(viewers):  # noqa: ASYNC110 - it is waited for that all wait
        await asyncio.sleep(0)
    world.number += 1  # what was told of it went to the bus before

    CHANGE_LOG.use(LocalBus())

    await asyncio.wait_for(asyncio.gather(*waiting), 20)
    assert [viewer.said for viewer in viewers if not viewer.shows(world.number)] == []
    await asyncio.wait_for(between.ask(25), 20)  # it did not wait just then
    assert between.shows(world.number)
    again = asyncio.create_task(viewers[0].ask(25))
    while not CHANGE_LOG.waiting:  # noqa: ASYNC110 - it is waited for that somebody waits
        await asyncio.sleep(0)
    world.change()  # is told on the new one
    await asyncio.wait_for(again, 20)
    assert viewers[0].shows(world.number)


async def test_who_listens_hears_of_the_new_bus_alone() -> None:
    old, new = LocalBus(), LocalBus()
    changes = ChangeLog(old)
    heard: list[frozenset[str]] = []
    end = changes.subscribe(heard.append)
    changes.use(new)

    old.publish(frozenset({"old"}))
    new.publish(frozenset({"new"}))
    end()
    new.publish(frozenset({"after"}))

    assert heard == [{"new"}]


@pytest.mark.usefixtures("world")
async def test_openings_that_are_told_in_another_order_leave_the_latest_the_latest() -> None:
    bus = BadBus(random.Random(SEED), ("late",))  # noqa: S311 - any order that can be repeated
    here, there = LatestViews(ChangeLog(bus)), LatestViews(ChangeLog(bus))
    call = ToolCall({}, Grant("ada"))
    token = ACCESS_WATCH.set(Unchanging())
    made = [each.of_reading(call, "shared", {}) for each in (here, there) * 10]
    ACCESS_WATCH.reset(token)
    bus.tell_late()

    for process in (here, there):
        assert [process.superseded(each) is not None for each in made] == [True] * 19 + [False]
