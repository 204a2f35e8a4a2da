"""The machine monitor on the machine that runs the tests, and its arithmetic on made-up samples."""

import asyncio
import threading
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from examples.machine_monitor import readings, tools
from examples.machine_monitor.readings import ProcessList, Sample
from examples.machine_monitor.recorder import Rate, Recorder, cpu_percent, memory_used
from intarsia import Connector
from intarsia.errors import RefusedError
from intarsia.server.wire.messages import CallResponse
from intarsia.widgets import Dashboard, Metric, PendingTile, Table, Widget
from tests.examples.conftest import call
from tests.server.view_state import Shown

NAMES = ["cpu", "memory", "load", "temperature", "uptime", "network", "processes", "disks"]


def sample(
    at: float,
    cpu: tuple[float, float] | None = None,
    memory: float | None = None,
    network: dict[str, tuple[int, int]] | None = None,
) -> Sample:
    return Sample(at, cpu, memory, network or {})


def recorder_of(*samples: Sample) -> Recorder:
    recorder = Recorder(readings.take_sample)
    recorder.samples.extend(samples)
    return recorder


async def tile(dashboard: Dashboard, name: str) -> Widget:
    pending = next(tile for tile in dashboard.tiles if tile.name == name)
    assert isinstance(pending, PendingTile)
    return await pending.load()


async def metric(name: str) -> Metric:
    shown = await tile(await tools.machine_monitor(), name)
    assert isinstance(shown, Metric)
    return shown


async def rows(name: str, dashboard: Dashboard | None = None) -> list[Mapping[str, Any]]:
    shown = await tile(dashboard or await tools.machine_monitor(), name)
    assert isinstance(shown, Table)
    return list(shown.rows)


def part_of(answer: CallResponse, name: str) -> str:
    return str(answer.meta["dev.intarsia/parts"]["parts"][f"w-tile-{name}"]["html"])


@pytest.mark.usefixtures("machine")
async def test_the_tiles_tell_about_this_machine() -> None:
    cpu, memory, load = await metric("cpu"), await metric("memory"), await metric("load")

    assert isinstance(cpu.value, float)
    assert 0 <= cpu.value <= 100
    assert isinstance(memory.value, float)
    assert 0 < memory.value < psutil.virtual_memory().total / 1e9
    assert memory.history is not None
    assert memory.history.known[-1] == pytest.approx(memory.value)
    assert isinstance(load.value, float)
    assert load.detail == f"on {psutil.cpu_count()} core" + ("" if psutil.cpu_count() == 1 else "s")
    assert (await metric("uptime")).value != 0
    assert all(row["total"] > 0 and 0 <= row["percent"] <= 100 for row in await rows("disks"))


async def test_the_answer_holds_every_tile_and_reads_as_text(machine: Connector) -> None:
    answer = await call(machine, "machine_monitor")

    assert not answer.is_error
    assert [part_of(answer, name) != "" for name in NAMES] == [True] * len(NAMES)
    assert "Busiest processes" in answer.text
    assert "`period`" in answer.text


async def test_a_machine_without_sensors_says_so_in_one_tile_and_the_others_live_on(
    machine: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "sensors_temperatures", dict, raising=False)

    answer = await call(machine, "machine_monitor")

    assert "This machine reports no temperature sensors." in part_of(answer, "temperature")
    assert "This machine reports no temperature sensors." in answer.text
    assert "temperature sensors" not in "".join(part_of(answer, name) for name in NAMES if name != "temperature")
    assert "GB" in answer.text


@pytest.mark.usefixtures("machine")
async def test_a_machine_with_sensors_shows_the_hottest(monkeypatch: pytest.MonkeyPatch) -> None:
    cool, hot = SimpleNamespace(label="", current=41.0), SimpleNamespace(label="Package", current=68.5)
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: {"acpi": [cool], "cpu": [hot]}, raising=False)

    shown = await metric("temperature")

    assert (shown.value, shown.unit, shown.detail) == (68.5, "celsius", "Package")


@pytest.mark.usefixtures("machine")
async def test_a_disk_that_cannot_be_asked_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = psutil.disk_usage("/")
    parts = [SimpleNamespace(device="/dev/a", mountpoint="/"), SimpleNamespace(device="/dev/b", mountpoint="/locked")]

    def ask(path: str) -> Any:
        if path == "/locked":
            raise PermissionError
        return usage

    monkeypatch.setattr(psutil, "disk_partitions", lambda: parts)
    monkeypatch.setattr(psutil, "disk_usage", ask)

    assert [row["mount"] for row in await rows("disks")] == ["/"]


async def test_a_refresh_of_one_tile_leaves_the_others_unread(machine: Connector) -> None:
    full = await call(machine, "machine_monitor")
    shown = Shown(full.meta["dev.intarsia/parts"])

    answer = await call(machine, "machine_monitor", shown.meta(tiles=["uptime"]))

    assert set(answer.meta["dev.intarsia/parts"].get("parts", {})) <= {"w-tile-uptime"}


@pytest.mark.usefixtures("machine")
async def test_every_tile_is_refreshed_every_few_seconds() -> None:
    tiles = (await tools.machine_monitor()).tiles

    assert [tile.name for tile in tiles] == NAMES
    assert all(tile.refresh_seconds is not None and 3 <= tile.refresh_seconds <= 5 for tile in tiles)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(("order", "key"), [("cpu", "cpu_percent"), ("memory", "memory")])
async def test_the_busiest_processes_come_first_by_what_was_chosen(order: tools.Order, key: str) -> None:
    found = await rows("processes", await tools.machine_monitor(order))

    values = [row[key] or 0 for row in found]
    assert len(found) > 1
    assert values == sorted(values, reverse=True)


async def test_a_process_cannot_bring_markup_or_break_the_table_with_its_name(
    machine: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = "<img src=x onerror=alert(1)>|\n\x1b[31m\u202e" + "x" * 500
    info = {"name": hostile, "cpu_percent": 100.0, "memory_info": None}

    def running(_wanted: list[str]) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=7, info=info)]

    monkeypatch.setattr(psutil, "process_iter", running)
    monkeypatch.setattr(tools, "processes_now", ProcessList())

    answer = await call(machine, "machine_monitor")
    (row,) = await rows("processes")

    assert row["name"] == "<img src=x onerror=alert(1)>|[31m" + "x" * 47
    assert row["memory"] is None
    assert "<img" not in str(answer.meta)
    assert "\n| `7` |" in answer.text


async def test_choices_are_checked(machine: Connector) -> None:
    answer = await call(machine, "machine_monitor", period="1 hour")

    assert answer.is_error
    assert "5 minutes" in answer.text


def test_rates_are_what_was_counted_between_the_last_two_samples() -> None:
    recorder = recorder_of(
        sample(0, network={"eth0": (0, 0)}),
        sample(10, network={"eth0": (1_000, 500), "lo": (7, 7), "idle": (0, 0)}),
        sample(12, network={"eth0": (5_000, 500), "lo": (3, 9), "idle": (0, 0), "new": (9, 9)}),
    )

    assert recorder.rates(most=4) == [Rate("eth0", 2_000, 0), Rate("lo", None, 1)]
    assert recorder.rates(most=1) == [Rate("eth0", 2_000, 0)]


@pytest.mark.usefixtures("machine")
async def test_a_machine_without_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "recorder", recorder_of(sample(0), sample(2)))

    with pytest.raises(RefusedError, match="no network traffic"):
        await rows("network")


def test_processor_time_is_a_share_of_what_passed() -> None:
    busy = recorder_of(sample(0, cpu=(10, 100)), sample(2, cpu=(13, 104)))
    unknown = recorder_of(sample(0), sample(2, cpu=(13, 104)))
    standing = recorder_of(sample(0, cpu=(13, 104)), sample(2, cpu=(13, 104)))

    assert busy.now(cpu_percent) == 75
    assert unknown.now(cpu_percent) is None
    assert standing.now(cpu_percent) is None


def test_history_averages_each_step_and_leaves_gaps_where_nothing_was_read() -> None:
    recorder = recorder_of(*(sample(second, memory=second) for second in (0, 52, 53, 58, 60)))

    values = recorder.history(memory_used, 60)

    assert len(values) == 20
    assert values[-1] == 59
    assert values[-3] == pytest.approx(52.5)
    assert values[-2] is None
    assert values[:-3] == [None] * 17


def test_the_ring_keeps_a_quarter_of_an_hour() -> None:
    recorder = recorder_of(*(sample(second * 2) for second in range(2_000)))

    assert recorder.samples[-1].at - recorder.samples[0].at == pytest.approx(900, abs=2)


async def test_recording_goes_on_until_its_end_and_no_longer() -> None:
    count, is_enough = 0, threading.Event()

    def take() -> Sample:
        nonlocal count
        count += 1
        if count == 5:
            is_enough.set()
        return sample(count, memory=count)

    recorder = Recorder(take, every_seconds=0.01)
    async with recorder.recording():
        assert recorder.now(memory_used) == 2
        assert await asyncio.to_thread(is_enough.wait, 10)
    others = [task for task in asyncio.all_tasks() if "_go_on" in str(task)]

    assert [round(each.at) for each in recorder.samples][:4] == [1, 2, 3, 4]
    assert others == []
