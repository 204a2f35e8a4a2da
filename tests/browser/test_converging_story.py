"""Open widgets that come to show the same truth, whatever happens to clocks, messages, processes and hosts."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from playwright.async_api import Browser, Page, expect

from examples.team_tasks import connector as team_tasks
from intarsia import Connector, Done
from intarsia.server.changes.change_log import LocalBus
from intarsia.testing import Grant, Host, View
from intarsia.testing.fixtures import OpenHost
from intarsia.widgets import Dashboard, Metric
from tests.browser.story_support import Board, call, server_order
from tests.browser.test_host_faults_story import applied
from tests.commands import running

logger = logging.getLogger(__name__)

CONVERGES_MS = 30_000
ADA = Grant("ada", scopes={"tasks:read", "tasks:write"})
JOHN = Grant("john", scopes={"tasks:read", "tasks:write"})
HOUR_NS = 3_600_000_000_000


@pytest.fixture
def connector() -> Connector:
    return team_tasks


@pytest.fixture
def changing() -> "Changing":
    return Changing()


class Changing:
    """A connector whose dashboard reads a number, slowly if that is asked for."""

    def __init__(self) -> None:
        self.sold = 0
        self.slow_seconds = 0.0
        self.at_once = self.most_at_once = 0
        self.connector = shop = Connector("Shop")

        @shop.tile(topics="sold")
        async def sold() -> Metric:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            try:
                now = self.sold
                await asyncio.sleep(self.slow_seconds)
                return Metric("Sold", now)
            finally:
                self.at_once -= 1

        @shop.action(changes="sold")
        async def sell() -> Done:
            """Sell one."""
            self.sold += 1
            return Done("Sold.")

        @shop.widget()
        async def sales() -> Dashboard:
            """Show what was sold."""
            return Dashboard(title="Sales", tiles=[sold()])


async def until_waiting(view: View) -> None:
    await view.until(lambda: [one.state for one in view.calls_of("intarsia_view")][-1:] == ["waiting"])


async def add(connector: Connector, title: str) -> None:
    await call(connector, "add_card", project="apollo", column="review", title=title)


async def shows(view: View, title: str, timeout_ms: int = CONVERGES_MS) -> None:
    await expect(view.locator("[id^=w-cards-]").get_by_text(title, exact=True)).to_be_attached(timeout=timeout_ms)


async def test_two_people_see_each_others_moves_at_once(host: Host, running_connector: Connector) -> None:
    hers = Board(await host.call("task_board", as_=ADA, project="apollo"))
    theirs = Board(await host.call("task_board", as_=JOHN, project="apollo"))
    for mine, others in ((hers, theirs), (theirs, hers)):
        await until_waiting(mine.view)
        await until_waiting(others.view)
        todo, review = await server_order(running_connector, "todo"), await server_order(running_connector, "review")
        await mine.drag(todo[0], onto=review[0])
        begun = monotonic()
        await others.expect_order("review", [todo[0], review[0]])
        logger.info("The other saw a move after %.3f s.", monotonic() - begun)


async def test_two_people_see_on_their_dashboards_what_is_done(
    open_host: OpenHost, changing: Changing, tmp_path: Path
) -> None:
    changing.connector.store.path = tmp_path / "shop.db"
    async with changing.connector.running():
        host = open_host(changing.connector.app(), ADA)
        views = [await host.call("sales", as_=person) for person in (ADA, JOHN)]
        for count in (1, 2):
            for view in views:
                await until_waiting(view)
            begun = monotonic()
            await call(changing.connector, "sell")
            for view in views:
                await expect(view.locator(".intarsia-metric")).to_contain_text(f"{count}")
            logger.info("Both saw a number after %.3f s.", monotonic() - begun)


async def test_quick_ticks_against_a_slow_tile_are_one_poll_at_a_time(
    open_host: OpenHost, changing: Changing, tmp_path: Path
) -> None:
    changing.connector.store.path = tmp_path / "shop.db"
    async with changing.connector.running():
        host = open_host(changing.connector.app())
        view = await host.call("sales")
        changing.slow_seconds, changing.most_at_once = 1.5, 0

        async def tick() -> None:
            while True:
                changing.sold += 1
                changing.connector.changed("sold")
                await asyncio.sleep(0.2)

        ticking = asyncio.create_task(tick())
        shown: list[int] = []
        while len(shown) < 4:
            await view.until(lambda: number_in(view) > (shown[-1] if shown else 0))
            shown.append(number_in(view))
            assert [one.state for one in view.calls_of("intarsia_view")].count("waiting") <= 1
        ticking.cancel()

        assert changing.most_at_once == 1
        assert shown == sorted(shown)
        changing.slow_seconds = 0
        await view.until(lambda: number_in(view) == changing.sold)


def number_in(view: View) -> int:
    digits = "".join(one for one in view.text.partition("Updated")[0] if one.isdecimal())
    return int(digits or 0)


@pytest.mark.parametrize("held", ["request", "answer"])
async def test_t53_two_views_of_one_board_agree_when_one_is_ended_in_the_middle_of_a_move(
    open_host: OpenHost, running_connector: Connector, held: str
) -> None:
    host = open_host(running_connector.app())
    one, two = [Board(await host.call("task_board", project="apollo")) for _ in range(2)]
    todo, review = await server_order(running_connector, "todo"), await server_order(running_connector, "review")
    await host.set(faults={"hold": held, "only": ["move_card"]})
    await one.drag(todo[0], onto=review[0])
    await host.wait_for_held()
    await one.view.recreate(abrupt=True)
    await host.set(faults={"hold": False})
    await host.release()
    await until_waiting(one.view)
    await until_waiting(two.view)

    truth = await server_order(running_connector, "review")
    assert truth in ([todo[0], *review], review)
    for board in (one, two):
        await board.expect_order("review", truth[:2])
    assert await applied(running_connector) == (1 if truth[0] == todo[0] else 0)

    await two.drag(todo[1], onto=truth[0])
    for board in (one, two):
        await board.expect_order("review", [todo[1], truth[0]])


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_change_is_seen_though_the_clocks_were_moved_by_an_hour(
    host: Host, running_connector: Connector, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    view = await host.call("task_board", as_=ADA, project="apollo")
    await until_waiting(view)
    await add(running_connector, "With the clocks as they were")
    await shows(view, "With the clocks as they were")

    real = time.time_ns
    monkeypatch.setattr("time.time_ns", lambda: real() + hours * HOUR_NS)
    await add(running_connector, "On the server")
    await shows(view, "On the server")

    hour = f"() => {{ const now = Date.now.bind(Date); Date.now = () => now() + {hours} * 3600000 }}"
    await view.frame.evaluate(hour)
    await add(running_connector, "In the browser")
    await shows(view, "In the browser")


async def test_a_message_that_comes_twice_changes_nothing_twice(
    host: Host, running_connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = LocalBus.publish

    def twice(bus: LocalBus, topics: frozenset[str]) -> None:
        publish(bus, topics)
        publish(bus, topics)

    monkeypatch.setattr(LocalBus, "publish", twice)
    board = Board(await host.call("task_board", as_=ADA, project="apollo"))
    await until_waiting(board.view)
    todo, review = await server_order(running_connector, "todo"), await server_order(running_connector, "review")
    await add(running_connector, "Said twice")
    await shows(board.view, "Said twice")
    await until_waiting(board.view)
    await board.drag(todo[0], onto=review[0])

    await board.expect_order("review", [todo[0], review[0]])
    assert await board.column("review").get_by_text("Said twice").count() == 1


async def test_a_message_that_is_lost_is_made_up_for(
    host: Host, running_connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = await host.call("task_board", as_=ADA, project="apollo")
    await until_waiting(view)

    def lose(_bus: LocalBus, _topics: frozenset[str]) -> None:
        return None

    monkeypatch.setattr(LocalBus, "publish", lose)

    await add(running_connector, "Unheard of")

    await shows(view, "Unheard of")


@contextmanager
def dev_server(port: int, state: Path) -> Generator[None]:
    """Serve the board with its host page, in a process that is killed at the end."""
    before = os.environ.get("INTARSIA_STATE")
    os.environ["INTARSIA_STATE"] = str(state)
    try:
        with running("dev", "examples.team_tasks:connector", "--port", str(port)):
            yield
    finally:
        if before is None:
            del os.environ["INTARSIA_STATE"]
        else:
            os.environ["INTARSIA_STATE"] = before


async def open_page(browser: Browser, port: int) -> Page:
    page = await (await browser.new_context()).new_page()
    await page.goto(f"http://127.0.0.1:{port}/")
    await page.evaluate("() => intarsiaHost.ready")
    return page


async def test_a_board_goes_on_when_its_server_was_killed_and_started_again(browser: Browser, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    with dev_server(port, tmp_path):
        page = await open_page(browser, port)
        await page.evaluate("() => intarsiaHost.call('task_board', {project: 'apollo'})")
        await page.wait_for_function("() => intarsiaHost.view(1).calls.some(({state}) => state === 'waiting')")
    body = page.frame_locator('iframe[name="view-1"]').frame_locator("iframe")
    line = body.locator(".intarsia-freshness")
    await expect(line).to_contain_text("Update failed.")
    await expect(body.locator("[id^=w-card-]").first).to_be_attached()

    with dev_server(port, tmp_path):
        other = await open_page(browser, port)
        card = {"project": "apollo", "column": "todo", "title": "After the restart"}
        await other.evaluate("(card) => intarsiaHost.call('add_card', card)", card)
        await expect(body.get_by_text(card["title"])).to_be_attached(timeout=CONVERGES_MS)
        await expect(line).to_contain_text("Updated")
        await other.context.close()
        await page.context.close()
