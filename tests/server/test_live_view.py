"""`intarsia_view`: an open View reads again what it shows, as soon as that changes."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from intarsia import Connector, Done, Grant
from intarsia.server.calls.long_poll import WITHDRAWN
from intarsia.server.changes.access_watch import ACCESS_WATCH
from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.server.wire.messages import CallResponse
from intarsia.widgets import Dashboard, Metric
from tests.server.view_state import PARTS, PROBLEM, Shown

UNCHANGED = "dev.intarsia/unchanged"
LONG = 25


class Shop:
    """A connector whose widgets name what they read."""

    def __init__(self, path: Path) -> None:
        self.sold = {"tea": 1, "salt": 1}
        self.read: list[str] = []
        self.connector = shop = Connector("Shop", store=path)

        @shop.action(scopes={"shop:write"}, changes="shop:{item}")
        async def sell(item: str) -> Done:
            """Sell one."""
            self.sold[item] += 1
            return Done("Sold.")

        @shop.widget(scopes={"shop:read"}, topics="shop:{item}")
        async def sales(item: str = "tea") -> Metric:
            """Show the sales of one thing."""
            self.read.append(item)
            return Metric(item, self.sold[item])

        @shop.tile(topics="shop:{item}")
        async def sold(item: str) -> Metric:
            self.read.append(item)
            return Metric(item, self.sold[item])

        @shop.tile(topics="weather")
        async def weather() -> Metric:
            self.read.append("weather")
            return Metric("Rain", 3)

        @shop.widget(scopes={"shop:read"}, topics="opening")
        async def overview() -> Dashboard:
            """Show everything."""
            return Dashboard(title="Overview", tiles=[sold("tea"), weather()])


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    built = Shop(tmp_path / "shop.db")
    async with built.connector.running():
        yield built


class Viewer:
    """A View of one widget, as far as its calls go."""

    def __init__(self, shop: Shop, grant: Grant | None = None) -> None:
        self.shop = shop
        self.grant = grant or shop.connector.local
        self.meta: dict[str, Any] = {}

    async def open(self, tool: str, **arguments: Any) -> "Viewer":
        answer = await self.call(tool, **arguments)
        self.shown = Shown(answer.meta[PARTS])
        self.revision = answer.meta[PARTS]["revision"]
        self.html = answer.meta[PARTS]["frame"]["html"]
        self.meta = {"dev.intarsia/view": answer.meta["dev.intarsia/view"]}
        return self

    async def call(self, tool: str, **arguments: Any) -> CallResponse:
        return await self.shop.connector.calls.answer(tool, arguments, self.meta, self.grant)

    async def ask(self, seconds: object = LONG, **seen: Any) -> CallResponse:
        meta = {**self.meta, **self.shown.meta(**{"revision": self.revision, **seen})}
        answer = await self.shop.connector.calls.answer("intarsia_view", {"wait_seconds": seconds}, meta, self.grant)
        told = answer.meta.get(PARTS) or answer.meta.get(UNCHANGED)
        self.revision = told["revision"] if told else self.revision
        return answer

    async def wait(self, **seen: Any) -> "asyncio.Task[CallResponse]":
        """Begin to wait for a change."""
        before = CHANGE_LOG.waiting
        task = asyncio.create_task(self.ask(**seen))
        while CHANGE_LOG.waiting == before:  # noqa: ASYNC110  # it is waited for that somebody waits
            await asyncio.sleep(0)
        return task


async def test_an_action_of_one_person_reaches_the_open_view_of_another(shop: Shop) -> None:
    hers = await Viewer(shop, Grant("bea", scopes={"shop:read"})).open("sales", item="tea")
    waiting = await hers.wait()

    await Viewer(shop, Grant("ada", scopes={"shop:write"})).call("sell", item="tea")

    answer = await asyncio.wait_for(waiting, LONG / 2)
    assert ">2<" in json.dumps(answer.meta[PARTS])
    assert answer.meta["dev.intarsia/view"]


async def test_what_does_not_concern_a_view_does_not_wake_it(shop: Shop) -> None:
    waiting = await (await Viewer(shop).open("sales", item="tea")).wait()
    await Viewer(shop).call("sell", item="salt")
    shop.read.clear()
    await asyncio.wait([waiting], timeout=0.05)

    assert not waiting.done()
    assert shop.read == []
    waiting.cancel()


async def test_the_world_wakes_it_too(shop: Shop) -> None:
    waiting = await (await Viewer(shop).open("sales", item="salt")).wait()
    shop.sold["salt"] = 40
    shop.connector.changed("shop:salt")

    assert "40" in json.dumps((await asyncio.wait_for(waiting, LONG / 2)).meta[PARTS])


async def test_unchanged_is_short(shop: Shop) -> None:
    viewer = await Viewer(shop).open("sales", item="tea")
    before = viewer.revision

    answer = await viewer.ask(0.01)

    assert answer.meta == {UNCHANGED: {"revision": viewer.revision}, "dev.intarsia/via": "meta"}
    assert viewer.revision > before
    assert len(json.dumps([answer.text, answer.meta])) < 120


async def test_a_change_between_two_waits_is_not_missed(shop: Shop) -> None:
    viewer = await Viewer(shop).open("sales", item="tea")
    await Viewer(shop).call("sell", item="tea")

    assert PARTS in (await asyncio.wait_for(viewer.ask(), LONG / 2)).meta


async def test_only_the_tile_that_changed_is_read(shop: Shop) -> None:
    viewer = await Viewer(shop).open("overview")
    waiting = await viewer.wait()
    shop.read.clear()

    await viewer.call("sell", item="tea")

    answer = await asyncio.wait_for(waiting, LONG / 2)
    assert shop.read == ["tea"]
    assert answer.meta[PARTS]["tiles"] == ["sold"]
    assert list(answer.meta[PARTS]["parts"]) == ["w-tile-sold"]


async def test_a_tile_that_is_due_is_read_with_the_one_that_changed(shop: Shop) -> None:
    viewer = await Viewer(shop).open("overview")
    waiting = await viewer.wait(tiles=["weather"])
    shop.read.clear()
    shop.connector.changed("shop:tea")

    answer = await asyncio.wait_for(waiting, LONG / 2)
    assert sorted(shop.read) == ["tea", "weather"]
    assert answer.meta[UNCHANGED] == {"revision": viewer.revision}


async def test_what_concerns_the_whole_is_read_whole(shop: Shop) -> None:
    waiting = await (await Viewer(shop).open("overview")).wait()
    shop.read.clear()
    shop.connector.changed("opening")

    await asyncio.wait_for(waiting, LONG / 2)
    assert sorted(shop.read) == ["tea", "weather"]


async def test_a_view_is_told_that_it_can_wait(shop: Shop) -> None:
    assert "data-live" in (await Viewer(shop).open("sales")).html
    assert "data-live" in (await Viewer(shop).open("overview")).html


class Withdrawn:
    """An access that somebody changes."""

    def __init__(self) -> None:
        self.grant: asyncio.Future[Grant | None] = asyncio.get_running_loop().create_future()

    async def changed(self) -> Grant | None:
        return await self.grant


@pytest.fixture
async def access() -> AsyncIterator[Withdrawn]:
    made = Withdrawn()
    token = ACCESS_WATCH.set(made)
    yield made
    ACCESS_WATCH.reset(token)


async def test_withdrawn_access_ends_the_wait_and_reads_nothing(shop: Shop, access: Withdrawn) -> None:
    viewer = await Viewer(shop, Grant("bea", scopes={"shop:read"})).open("sales")
    waiting = await viewer.wait()
    shop.read.clear()
    access.grant.set_result(None)

    answer = await asyncio.wait_for(waiting, LONG / 2)
    assert answer.meta[PROBLEM] == {"kind": "refused", "message": WITHDRAWN}
    assert shop.read == []
    assert PARTS not in answer.meta


async def test_narrowed_access_is_used_for_the_reading_that_follows(shop: Shop, access: Withdrawn) -> None:
    waiting = await (await Viewer(shop, Grant("bea", scopes={"shop:read", "x"})).open("sales")).wait()
    shop.read.clear()
    access.grant.set_result(Grant("bea", scopes={"x"}))

    answer = await asyncio.wait_for(waiting, LONG / 2)
    assert answer.meta[PROBLEM]["kind"] == "refused"
    assert answer.meta[PROBLEM]["missing_scopes"] == ["shop:read"]
    assert shop.read == []


@pytest.mark.parametrize("seconds", [-1, 26, True, "5", float("nan")])
async def test_a_wait_out_of_its_range_is_refused(shop: Shop, seconds: object) -> None:
    viewer = await Viewer(shop).open("sales")

    assert (await viewer.ask(seconds)).meta[PROBLEM]["kind"] == "invalid"


async def test_a_handle_opens_its_own_widget_and_arguments_and_no_others(shop: Shop) -> None:
    viewer = await Viewer(shop).open("sales", item="tea")
    other = await Viewer(shop, Grant("eve", scopes={"shop:read"})).open("sales", item="tea")
    stolen = viewer.meta

    assert (await viewer.ask(0, arguments={"item": "salt"})).meta[PROBLEM]["kind"] == "unknown_tool"
    assert (await viewer.ask(0, tool="overview", arguments={})).meta[PROBLEM]["kind"] == "unknown_tool"
    other.meta = stolen
    assert (await other.ask(0)).meta[PROBLEM]["kind"] == "unknown_tool"
    other.meta = {}
    assert (await other.ask(0)).meta[PROBLEM]["kind"] == "unknown_tool"
    assert UNCHANGED in (await viewer.ask(0)).meta


async def test_what_was_drawn_for_other_permissions_is_read_at_once(shop: Shop) -> None:
    viewer = await Viewer(shop, Grant("bea", scopes={"shop:read", "x"})).open("sales")
    viewer.grant = Grant("bea", scopes={"shop:read"})

    answer = await asyncio.wait_for(viewer.ask(), LONG / 2)

    assert UNCHANGED in answer.meta  # nothing in this widget depends on it
    viewer.meta = {"dev.intarsia/view": answer.meta["dev.intarsia/view"]}
    (await viewer.wait()).cancel()
