"""T87: no caller moves the clock of a server, and Views follow a server that comes back with another time."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from intarsia import Grant
from intarsia.server.changes import change_log
from intarsia.server.changes.access_watch import ACCESS_WATCH
from intarsia.server.changes.change_log import CHANGE_LOG, REVISIONS, LocalBus
from intarsia.server.rendering import shared_flight
from intarsia.server.views.latest_view import LATEST_VIEWS
from tests.server.test_latest_view import Unchanging, is_superseded, open_sales
from tests.server.test_live_view import LONG, UNCHANGED, Shop, Viewer
from tests.server.view_state import PARTS

READER, OTHER = Grant("ada", scopes={"shop:read"}), Grant("bea", scopes={"shop:read"})
HOUR = 3_600 * 1_000_000
"""One hour, in microseconds."""

Restart = Callable[[int], None]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    built = Shop(tmp_path / "shop.db")
    async with built.connector.running():
        yield built


@pytest.fixture
def restart(monkeypatch: pytest.MonkeyPatch) -> Iterator[Restart]:
    """Let the process forget its changes and its sequence, as a new one does, with a clock that is ahead or behind."""
    real = time.time_ns

    def begin_again(ahead: int) -> None:
        turn(monkeypatch, lambda: real() + ahead * 1_000)
        monkeypatch.setattr(REVISIONS, "_sequence", "restarted")
        monkeypatch.setattr(REVISIONS, "_last", 0)
        monkeypatch.setattr(shared_flight, "KEEP_SECONDS", -1)
        monkeypatch.setattr(LATEST_VIEWS, "_newest", OrderedDict[str, int]())
        CHANGE_LOG.use(LocalBus())

    yield begin_again
    monkeypatch.undo()
    CHANGE_LOG.use(LocalBus())


def turn(monkeypatch: pytest.MonkeyPatch, clock: Callable[[], int]) -> None:
    monkeypatch.setattr(change_log, "time", SimpleNamespace(time_ns=clock))


def now() -> int:
    return time.time_ns() // 1_000


def digits_of(revision: object) -> int:
    return int(str(revision).partition(".")[0])


async def test_t87_what_a_reader_says_to_have_seen_moves_nobodys_clock(shop: Shop) -> None:
    forger = await Viewer(shop, READER).open("sales", item="tea")
    _, dot, sequence = str(forger.revision).partition(".")

    for ahead in (1, 25, 10**6):
        later: int = now() + ahead * HOUR
        for forged in (later, f"{later}{dot}{sequence}"):
            await forger.ask(0.01, revision=forged)

    opened = await Viewer(shop, OTHER).open("sales", item="tea")
    assert abs(digits_of(opened.revision) - now()) < HOUR / 60
    assert abs(REVISIONS.next() - now()) < HOUR / 60


async def test_t87_who_says_to_have_seen_what_is_yet_to_come_does_not_wait(shop: Shop) -> None:
    forger = await Viewer(shop, READER).open("sales", item="tea")
    _, dot, sequence = str(forger.revision).partition(".")

    answer = await asyncio.wait_for(forger.ask(LONG, revision=f"{now() + HOUR}{dot}{sequence}"), LONG / 2)

    assert UNCHANGED in answer.meta


@pytest.mark.parametrize("ahead", [HOUR, 0, -HOUR], ids=["an hour on", "the same time", "an hour back"])
async def test_t87_an_open_view_is_read_at_once_after_a_restart(shop: Shop, restart: Restart, ahead: int) -> None:
    viewer = await Viewer(shop, READER).open("sales", item="tea")
    restart(ahead)
    shop.sold["tea"] = 40

    answer = await asyncio.wait_for(viewer.ask(LONG), LONG / 2)

    assert "40" in str(answer.meta[PARTS])
    waiting = await viewer.wait()
    shop.connector.changed("shop:tea")
    await asyncio.wait_for(waiting, LONG / 2)


async def test_t87_an_older_view_is_told_that_it_is_though_the_clock_was_ahead_when_it_was_opened(
    shop: Shop, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = ACCESS_WATCH.set(Unchanging())
    real = time.time_ns
    turn(monkeypatch, lambda: real() + HOUR * 1_000)
    older = await open_sales(shop)
    restart(0)
    newer = await open_sales(shop)

    assert is_superseded(await older.ask(0.01))
    assert not is_superseded(await newer.ask(0.01))
    ACCESS_WATCH.reset(token)


async def test_t87_a_change_counts_though_the_clock_was_ahead_when_a_view_was_read(
    shop: Shop, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time_ns
    turn(monkeypatch, lambda: real() + HOUR * 1_000)
    viewer = await Viewer(shop, READER).open("sales", item="tea")
    restart(0)
    shop.sold["tea"] = 40
    shop.connector.changed("shop:tea")
    turn(monkeypatch, lambda: real() + 2 * HOUR * 1_000)
    REVISIONS.next()

    answer: Any = await asyncio.wait_for(viewer.ask(LONG), LONG / 2)

    assert "40" in str(answer.meta[PARTS])
