"""The dashboard in a real host: tiles change by themselves, and a failing one leaves the others alive."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
from playwright.async_api import expect

from examples.machine_monitor import connector as machine_monitor
from intarsia import Connector, RefusedError
from intarsia.testing.fixtures import OpenHost
from intarsia.testing.page import WAIT_MS
from intarsia.widgets import Dashboard, Metric
from tests.browser.story_support import SANDBOXES, served

TICKING = """(name) => {
    const text = document.getElementById(`w-tile-${name}`).innerText;
    return (window.firstText ??= text) !== text;
}"""


@pytest.fixture
async def monitor(tmp_path: Path) -> AsyncIterator[Connector]:
    async with served(machine_monitor, tmp_path) as connector:
        yield connector


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Connector]:
    """A dashboard whose tiles say how often they were read."""
    connector = Connector("Counter", store=tmp_path / "counter.db")
    fast, slow = count(1), count(1)

    @connector.tile(refresh_seconds=3)
    async def often() -> Metric:
        """Count."""
        return Metric("Reads", next(fast))

    @connector.tile(refresh_seconds=60)
    async def seldom() -> Metric:
        """Count."""
        return Metric("Reads", next(slow))

    @connector.tile(refresh_seconds=3)
    async def broken() -> Metric:
        """Refuse."""
        reason = "The sensor is out."
        raise RefusedError(reason)

    @connector.widget
    async def dashboard() -> Dashboard:
        """Show the counts."""
        return Dashboard(title="Counts", tiles=[often(), seldom(), broken()])

    async with connector.running():
        yield connector


@pytest.mark.parametrize("sandbox", SANDBOXES)
async def test_the_monitor_changes_while_a_failing_tile_says_why(
    monitor: Connector, open_host: OpenHost, sandbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_sensors() -> tuple[str, float]:
        reason = "This machine reports no temperature sensors."
        raise RefusedError(reason)

    monkeypatch.setattr("examples.machine_monitor.readings.read_hottest", without_sensors)
    host = open_host(monitor.app())
    await host.open(sandbox=sandbox, display="fullscreen")
    view = await host.call("machine_monitor")

    await expect(view.locator("#w-tile-temperature")).to_contain_text("no temperature sensors")
    await expect(view.locator(".intarsia-freshness__text")).to_have_text("Updated just now")
    await view.frame.wait_for_function(TICKING, arg="network")
    await view.wait_for_calls(2, "machine_monitor")

    assert (await view.settled()).calls_of("machine_monitor")[-1].error is None
    await expect(view.locator("#w-tile-temperature")).to_contain_text("no temperature sensors")
    await expect(view.locator("#w-tile-memory")).to_contain_text("GB")


async def test_only_due_tiles_are_read_and_one_call_is_under_way(counter: Connector, open_host: OpenHost) -> None:
    host = open_host(counter.app())
    await host.open()
    view = await host.call("dashboard")

    await expect(view.locator("#w-tile-often data")).to_have_text("3", timeout=WAIT_MS)

    await expect(view.locator("#w-tile-seldom data")).to_have_text("1")
    await expect(view.locator("#w-tile-broken")).to_contain_text("The sensor is out.")
    for one in (await view.settled()).calls_of("dashboard"):
        assert set(one.meta["dev.intarsia/seen"]["tiles"]) == {"often", "broken"}


async def test_a_filter_changes_an_argument_of_the_tool(monitor: Connector, open_host: OpenHost) -> None:
    host = open_host(monitor.app())
    await host.open(display="fullscreen")
    view = await host.call("machine_monitor")

    await view.locator('select[name="order"]').select_option("memory")

    await host.pages[0].wait_until("() => intarsiaHost.view(1).calls.some((call) => call.arguments.order === 'memory')")
    await expect(view.locator("#w-tile-processes")).to_be_visible()
    await expect(view.locator('select[name="order"]')).to_have_value("memory")
