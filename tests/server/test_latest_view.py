"""The same widget opened again by the same person: the older View is told, and nobody else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from intarsia import Grant
from intarsia.server.changes.access_watch import ACCESS_WATCH
from intarsia.server.changes.change_log import CHANGE_LOG, ChangeLog, LocalBus
from intarsia.server.views.latest_view import LATEST_VIEWS, MAX_OPENINGS, LatestViews
from intarsia.server.wire.messages import CallResponse, ToolCall
from tests.server.test_live_view import LONG, UNCHANGED, Shop, Viewer
from tests.server.view_state import PARTS, PROBLEM

ADA, BEA = Grant("ada", scopes={"shop:read"}), Grant("bea", scopes={"shop:read"})


class Unchanging:
    """The access of somebody whose token stays as it is."""

    async def changed(self) -> Grant | None:
        await asyncio.Event().wait()
        return None


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    built = Shop(tmp_path / "shop.db")
    token = ACCESS_WATCH.set(Unchanging())
    async with built.connector.running():
        yield built
    ACCESS_WATCH.reset(token)


async def open_sales(shop: Shop, grant: Grant = ADA, item: str = "tea") -> Viewer:
    return await Viewer(shop, grant).open("sales", item=item)


async def take_over(viewer: Viewer) -> CallResponse:
    meta = {**viewer.meta, **viewer.shown.meta(revision=viewer.revision)}
    answer = await viewer.shop.connector.calls.answer("intarsia_view", {"take_over": True}, meta, viewer.grant)
    viewer.meta = {"dev.intarsia/view": answer.meta.get("dev.intarsia/view")}
    return answer


def is_superseded(answer: CallResponse) -> bool:
    return bool(answer.meta.get(PROBLEM, {}).get("kind") == "superseded")


async def test_a_view_that_waits_is_told_when_its_widget_is_opened_again(shop: Shop) -> None:
    older = await open_sales(shop)
    waiting = await older.wait()

    newer = await open_sales(shop)

    assert is_superseded(await asyncio.wait_for(waiting, LONG / 2))
    assert is_superseded(await older.ask())
    assert UNCHANGED in (await newer.ask(0.01)).meta


async def test_what_is_opened_by_others_or_with_other_arguments_supersedes_nothing(shop: Shop) -> None:
    hers = await open_sales(shop)
    await open_sales(shop, BEA)
    await open_sales(shop, Grant("ada", "another client", scopes={"shop:read"}))
    await open_sales(shop, item="salt")

    assert UNCHANGED in (await hers.ask(0.01)).meta


async def test_calls_of_a_view_are_no_openings(shop: Shop) -> None:
    first = await open_sales(shop)
    again = Viewer(shop, ADA)
    again.meta = first.meta
    await again.open("sales", item="tea")

    assert UNCHANGED in (await first.ask(0.01)).meta
    assert UNCHANGED in (await again.ask(0.01)).meta


async def test_a_view_that_was_filtered_is_still_the_one_that_was_opened(shop: Shop) -> None:
    older = await open_sales(shop)
    await older.open("sales", item="salt")
    await open_sales(shop)

    assert is_superseded(await older.ask())


async def test_an_older_view_that_was_read_since_is_told_at_once(shop: Shop) -> None:
    older = await open_sales(shop)
    await open_sales(shop)
    await older.open("sales", item="tea")

    assert is_superseded(await asyncio.wait_for(older.ask(), LONG / 5))


async def test_an_older_view_takes_over_and_the_newer_one_is_told(shop: Shop) -> None:
    older = await open_sales(shop)
    newer = await open_sales(shop)
    waiting = await newer.wait()
    shop.sold["tea"] = 40

    assert "40" in str((await take_over(older)).meta[PARTS])

    assert is_superseded(await asyncio.wait_for(waiting, LONG / 2))
    assert not is_superseded(await older.ask(0.01))


async def test_who_takes_over_gets_a_handle_also_when_nothing_differs(shop: Shop) -> None:
    older = await open_sales(shop)
    await open_sales(shop)

    answer = await take_over(older)

    assert UNCHANGED in answer.meta
    assert not is_superseded(await older.ask(0.01))


async def test_an_action_in_an_older_view_works(shop: Shop) -> None:
    seller = Grant("ada", scopes={"shop:read", "shop:write"})
    older = await open_sales(shop, seller)
    await open_sales(shop, seller)

    assert not (await older.call("sell", item="tea")).is_error
    assert shop.sold["tea"] == 2


async def test_where_nobody_signs_in_nothing_is_superseded(shop: Shop) -> None:
    ACCESS_WATCH.set(None)
    first = await open_sales(shop)
    await open_sales(shop)

    assert UNCHANGED in (await first.ask(0.01)).meta


@pytest.mark.usefixtures("shop")
async def test_other_processes_hear_of_an_opening() -> None:
    bus = LocalBus()
    one, two = LatestViews(ChangeLog(bus)), LatestViews(ChangeLog(bus))
    call = ToolCall({}, ADA)
    older = one.of_reading(call, "sales", {})
    newer = two.of_reading(call, "sales", {})

    assert one.superseded(older)
    assert two.superseded(older)
    assert not one.superseded(newer)
    assert not two.superseded(newer)


@pytest.mark.usefixtures("shop")
async def test_a_process_that_knows_of_no_opening_supersedes_nothing_and_memory_is_bounded() -> None:
    openings = LatestViews(ChangeLog(LocalBus()))
    older = openings.of_reading(ToolCall({}, ADA), "sales", {})
    openings.of_reading(ToolCall({}, ADA), "sales", {})
    assert openings.superseded(older)
    for number in range(MAX_OPENINGS):
        openings.of_reading(ToolCall({}, ADA), "sales", {"item": str(number)})

    assert openings.superseded(older) is None
    assert LatestViews(ChangeLog(LocalBus())).superseded(older) is None


async def test_a_topic_that_only_looks_like_an_opening_does_no_harm(shop: Shop) -> None:
    viewer = await open_sales(shop)
    CHANGE_LOG.publish(frozenset({"intarsia:opened:zz:1", "intarsia:opened:00:x", "intarsia:opened::"}))

    assert LATEST_VIEWS.superseded(LATEST_VIEWS.of_view(ToolCall({}, ADA))) is None
    assert UNCHANGED in (await viewer.ask(0.01)).meta
