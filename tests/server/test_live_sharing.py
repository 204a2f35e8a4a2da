"""Those who would see the same share one reading; nobody is given what was read for other permissions."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from intarsia import Connector, Done, Grant
from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.server.switches.positions import Position
from intarsia.server.switches.service import Change
from intarsia.server.wire.messages import CallResponse
from intarsia.widgets import BoardColumn, Button, Card, Dashboard, DesignPanel, Metric, Select, Stack, TaskBoard
from tests.server.view_state import PARTS, Shown

SOON = 15
ISSUER = "https://id.example"
REQUEST: ContextVar[str] = ContextVar("request_of", default="nobody")


def person(name: str, *scopes: str, roles: frozenset[str] = frozenset()) -> Grant:
    return Grant(name, "chat", {"read", *scopes}, roles, issuer=ISSUER)


def owns(grant: Grant, arguments: Mapping[str, Any]) -> bool | str:
    return str(arguments["card"]).startswith(grant.subject) or f"Only for who owns it, not for {grant.subject}."


class Office:
    """A connector that counts what it reads, and can be held up."""

    def __init__(self, path: Path) -> None:
        self.read: Counter[str] = Counter()
        self.number = 1
        self.free = asyncio.Event()
        self.free.set()
        self.fails = False
        self.connector = Connector("Office", store=path)
        self.add_dashboard(self.connector)
        self.add_personal(self.connector)
        self.add_controls(self.connector)

    def add_dashboard(self, office: Connector) -> None:
        @office.tile(topics="sales")
        async def sales() -> Metric:
            self.read["sales"] += 1
            found = self.number
            await self.free.wait()
            if self.fails:
                message = "made up"
                raise ValueError(message)
            return Metric("Sales", found)

        @office.tile(scopes={"finance"}, topics="sales")
        async def profit() -> Metric:
            self.read["profit"] += 1
            return Metric("Profit", f"secret-{self.number}")

        @office.widget(scopes={"read"})
        async def overview(place: str = "here") -> Dashboard:
            """Show how it goes."""
            return Dashboard(title=f"Overview {place}", tiles=[sales(), profit()])

    def add_personal(self, office: Connector) -> None:
        @office.widget(scopes={"read"}, topics="sales")
        async def mine(grant: Grant) -> Metric:
            """Show one's own."""
            self.read["mine"] += 1
            return Metric(f"of-{grant.subject}", self.number)

        @office.widget(scopes={"read"}, topics="sales")
        async def request() -> Metric:
            """Show what a function sees of the request that it is run for."""
            return Metric(REQUEST.get(), self.number)

    def add_controls(self, office: Connector) -> None:
        @office.action(scopes={"read"}, allow=owns)
        async def finish(card: str) -> Done:
            """Finish a card."""
            return Done(f"Finished {card}.")

        @office.action(scopes={"read"}, changes="sales")
        async def sell() -> Done:
            """Sell one."""
            self.number += 1
            return Done("Sold.")

        @office.action(scopes={"read"})
        async def save(values: dict[str, str]) -> Done:
            """Keep a font."""
            return Done(f"Saved {len(values)}.")

        @office.widget(scopes={"read"}, topics="sales")
        async def board() -> TaskBoard:
            """Show cards that belong to people."""
            self.read["board"] += 1
            cards = [Card("ada-1", f"Number {self.number}"), Card("bob-1", "Another")]
            return TaskBoard(columns=[BoardColumn("all", "All", cards)], on_complete=finish.bind())

        @office.widget(scopes={"read"}, topics="sales")
        async def panel() -> DesignPanel:
            """Adjust a font."""
            self.read["panel"] += 1
            font = Select("font", options=["Serif", "Sans"], value="Serif", placeholder="")
            return DesignPanel([font], draft=True, on_save=save.bind())

        @office.widget(scopes={"read"}, topics="sales")
        async def pressable() -> Stack:
            """Offer to sell."""
            self.read["pressable"] += 1
            return Stack([Metric("Sales", self.number), Button("Sell", on_click=sell.bind())])

    def change(self) -> None:
        self.number += 1
        self.connector.changed("sales")


class Looking:
    """An open View of one person, as far as its calls go."""

    def __init__(self, office: Office, grant: Grant) -> None:
        self.office, self.grant = office, grant
        self.meta: dict[str, Any] = {}

    async def open(self, tool: str, **arguments: Any) -> "Looking":
        answer = await self.call(tool, **arguments)
        parts = answer.meta[PARTS]
        self.shown, self.revision = Shown(parts), parts["revision"]
        self.meta = {"dev.intarsia/view": answer.meta["dev.intarsia/view"]}
        return self

    async def call(self, name: str, /, **arguments: Any) -> CallResponse:
        return await self.office.connector.calls.answer(name, arguments, self.meta, self.grant)

    async def ask(self, seconds: float = 25, tool: str = "intarsia_view", **seen: Any) -> CallResponse:
        meta = {**self.meta, **self.shown.meta(**{"revision": self.revision, **seen})}
        own: dict[str, Any] = self.shown.arguments if tool == self.shown.tool else {}
        arguments = {"wait_seconds": seconds} if tool == "intarsia_view" else own
        return await self.office.connector.calls.answer(tool, arguments, meta, self.grant)

    def wait(self) -> "asyncio.Task[CallResponse]":
        return asyncio.create_task(self.ask())


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    built = Office(tmp_path / "office.db")
    async with built.connector.running():
        yield built


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not is_so():  # noqa: ASYNC110  # it is waited for what others do
            await asyncio.sleep(0)


async def all_wait(viewers: list[Looking]) -> "list[asyncio.Task[CallResponse]]":
    before = CHANGE_LOG.waiting
    tasks = [viewer.wait() for viewer in viewers]
    await until(lambda: CHANGE_LOG.waiting >= before + len(viewers))
    return tasks


async def answers(tasks: "list[asyncio.Task[CallResponse]]") -> list[str]:
    found = await asyncio.wait_for(asyncio.gather(*tasks), SOON)
    return [json.dumps(answer.meta.get(PARTS)) for answer in found]


async def test_a_hundred_viewers_of_one_widget_cost_one_reading_for_each_change(office: Office) -> None:
    viewers = [await Looking(office, person(f"p{number}")).open("overview") for number in range(100)]
    for change in (2, 3):
        tasks = await all_wait(viewers)
        office.read.clear()
        office.change()
        said = await answers(tasks)

        assert office.read == {"sales": 1}
        assert all(f">{change}<" in each for each in said)
        for viewer, task in zip(viewers, tasks, strict=True):
            viewer.shown.take(task.result().meta[PARTS])
            viewer.revision = task.result().meta[PARTS]["revision"]


async def test_what_others_granted_is_no_reading_for_those_who_did_not(office: Office) -> None:
    rich, poor = (Looking(office, person("ada", "finance")), Looking(office, person("bob")))
    tasks = await all_wait([await rich.open("overview"), await poor.open("overview")])
    office.read.clear()
    office.change()

    hers, his = await answers(tasks)
    assert ("secret-2" in hers, "secret" in his) == (True, False)
    assert office.read == {"sales": 2, "profit": 1}


async def test_other_arguments_are_another_reading(office: Office) -> None:
    viewers = [await Looking(office, person("ada")).open("overview", place=place) for place in ("here", "there")]
    tasks = await all_wait(viewers)
    office.change()
    await answers(tasks)
    again = [await viewer.ask(0, parts={}) for viewer in viewers]  # they are sent everything again

    shown = [str(each.meta[PARTS]) for each in again]
    assert ["Overview here" in each for each in shown] == [True, False]
    assert ["Overview there" in each for each in shown] == [False, True]


async def test_a_function_that_knows_the_person_is_run_for_each(office: Office) -> None:
    viewers = [await Looking(office, person(name)).open("mine") for name in ("ada", "bob", "ada")]
    tasks = await all_wait(viewers)
    office.read.clear()
    office.change()

    said = await answers(tasks)
    assert ["of-ada" in each for each in said] == [True, False, True]
    assert ["of-bob" in each for each in said] == [False, True, False]
    assert office.read["mine"] == 3


async def test_a_rule_is_asked_for_each_about_what_was_read_once(office: Office) -> None:
    viewers = [await Looking(office, person(name)).open("board") for name in ("ada", "bob")]
    for viewer in viewers:
        viewer.shown.lists = {}  # they are sent everything again
    tasks = await all_wait(viewers)
    office.read.clear()
    office.change()

    hers, his = await answers(tasks)
    assert office.read == {"board": 1}
    assert ("not for bob" in his, "not for ada" in his) == (True, False)
    assert ("not for ada" in hers, "not for bob" in hers) == (True, False)


async def test_a_draft_stays_with_its_person(office: Office) -> None:
    viewers = [await Looking(office, person(name)).open("panel") for name in ("ada", "bob")]
    await viewers[0].call("intarsia_draft", tool="panel", arguments={}, values={"font": "Sans"})
    tasks = await all_wait(viewers)
    office.read.clear()
    office.change()

    hers, his = await answers(tasks)
    assert office.read == {"panel": 1}
    opened = [await Looking(office, viewer.grant).open("panel") for viewer in viewers]
    assert hers != his
    assert opened[0].shown.parts != opened[1].shown.parts


async def test_what_is_shared_sees_nothing_of_any_request(office: Office) -> None:
    token = REQUEST.set("canary-of-ada")
    try:
        ada = await Looking(office, person("ada")).open("request")
        (task,) = await all_wait([ada])
    finally:
        REQUEST.reset(token)
    office.change()

    assert "canary" not in str(ada.shown.html) + str((await answers([task]))[0])
    assert "nobody" in str((await ada.ask(0, frame="")).meta[PARTS])


async def test_roles_and_switches_are_part_of_what_is_shared(office: Office) -> None:
    worker, boss = person("ada"), person("bob", roles=frozenset({"boss"}))
    await office.connector.switches.set([Change("actions_in_widgets", Position.OFF, "boss")], who="admin", by="admin")
    viewers = [await Looking(office, grant).open("pressable") for grant in (worker, boss)]
    tasks = await all_wait(viewers)
    office.change()
    await answers(tasks)
    said = [json.dumps((await viewer.ask(0, frame="")).meta[PARTS]) for viewer in viewers]
    assert [">Sell<" in each for each in said] == [True, False]

    await office.connector.switches.set([Change("actions_in_widgets", Position.OFF)], who="admin", by="admin")
    assert ">Sell<" not in json.dumps((await viewers[0].ask(0, frame="")).meta[PARTS])


async def test_a_reading_that_began_before_the_change_is_not_given_to_who_waits_for_it(office: Office) -> None:
    viewers = [await Looking(office, person(name)).open("overview") for name in ("ada", "bob")]
    tasks = await all_wait(viewers)
    office.free.clear()
    office.read.clear()
    office.change()  # both begin to read 2, and are held up
    await until(lambda: bool(office.read))
    office.change()
    late = await Looking(office, person("eve")).open("board")
    late.shown, late.revision, late.meta = viewers[0].shown, viewers[0].revision, viewers[0].meta
    late.grant = viewers[0].grant
    newer = late.wait()
    await until(lambda: office.read["sales"] == 2)
    office.free.set()

    assert ">2<" in (await answers(tasks))[0]
    assert ">3<" in (await answers([newer]))[0]


async def test_who_goes_away_takes_nothing_from_the_others(office: Office) -> None:
    viewers = [await Looking(office, person(name)).open("overview") for name in ("ada", "bob")]
    tasks = await all_wait(viewers)
    office.free.clear()
    office.read.clear()
    office.change()
    await until(lambda: bool(office.read))
    tasks[0].cancel()
    await asyncio.wait({tasks[0]})
    office.free.set()

    await asyncio.wait(tasks, timeout=SOON)
    assert [task.cancelled() for task in tasks] == [True, False]
    assert ">2<" in (await answers(tasks[1:]))[0]
    assert office.read == {"sales": 1}


async def test_an_action_and_those_who_wait_for_it_share_one_reading(office: Office) -> None:
    ada, bob = person("ada"), person("bob")
    actor, other = await Looking(office, ada).open("pressable"), await Looking(office, bob).open("pressable")
    (task,) = await all_wait([other])
    office.read.clear()

    acted = await actor.ask(tool="sell")

    assert ">2<" in json.dumps(acted.meta[PARTS])
    assert ">2<" in (await answers([task]))[0]
    assert office.read == {"pressable": 1}


async def test_what_failed_is_tried_again_by_who_comes_next(office: Office) -> None:
    viewer = await Looking(office, person("ada")).open("overview")
    office.fails = True
    office.read.clear()
    failed = json.dumps((await viewer.call("overview")).meta[PARTS])
    office.fails = False

    assert "Could not be read" in failed
    assert ">1<" in json.dumps((await viewer.call("overview")).meta[PARTS])


async def test_an_action_whose_widget_takes_long_is_answered_at_once_and_the_next_reading_is_that(
    office: Office,
) -> None:
    viewer = await Looking(office, person("ada")).open("overview")
    office.free.clear()
    office.read.clear()

    acted = await asyncio.wait_for(viewer.ask(tool="sell"), SOON)

    assert acted.meta["dev.intarsia/done"]["message"] == "Sold."
    assert acted.meta["dev.intarsia/later"] is True
    assert PARTS not in acted.meta
    asking = asyncio.create_task(viewer.ask(tool="overview"))
    office.free.set()
    assert ">2<" in (await answers([asking]))[0]
    assert office.read == {"sales": 1}


async def test_what_nobody_took_after_an_action_is_nobody_elses(office: Office) -> None:
    viewer = await Looking(office, person("ada", "finance")).open("overview")
    office.free.clear()
    await asyncio.wait_for(viewer.ask(tool="sell"), SOON)
    office.free.set()
    thief = await Looking(office, person("bob")).open("overview")
    thief.meta = viewer.meta

    assert "secret" not in json.dumps((await thief.ask(tool="overview", frame="", parts={})).meta)


async def test_an_action_that_was_given_up_leaves_its_reading_to_the_next(office: Office) -> None:
    viewer = await Looking(office, person("ada")).open("overview")
    office.free.clear()
    office.read.clear()
    acting = asyncio.create_task(viewer.ask(tool="sell"))
    await until(lambda: bool(office.read))
    acting.cancel()
    await asyncio.wait({acting})
    asking = asyncio.create_task(viewer.ask(tool="overview"))
    office.free.set()

    assert ">2<" in (await answers([asking]))[0]
    assert office.read == {"sales": 1}
