"""The connector with its tiles and dashboard. The data comes from `readings.py`."""

import platform
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Literal, TypeVar

import anyio.to_thread

from examples.machine_monitor import readings
from examples.machine_monitor.recorder import Recorder, cpu_percent, memory_used
from intarsia import Connector, RefusedError
from intarsia.widgets import Dashboard, Metric, Option, Select, Sparkline, Table, TableColumn

T = TypeVar("T")

Period = Literal["1 minute", "5 minutes", "15 minutes"]
Order = Literal["cpu", "memory"]

SECONDS: dict[Period, int] = {"1 minute": 60, "5 minutes": 300, "15 minutes": 900}
MEASURES: dict[Order, str] = {"cpu": "cpu_percent", "memory": "memory"}
MAX_PROCESSES = 6
MAX_INTERFACES = 4

recorder = Recorder(readings.take_sample)
processes_now = readings.ProcessList()


@asynccontextmanager
async def lifespan(_connector: Connector) -> AsyncGenerator[None]:
    """Record samples while the connector runs."""
    await _in_thread(processes_now.prime)
    async with recorder.recording():
        yield


machine = Connector(
    "Machine monitor",
    instructions="How the machine is doing that this runs on. machine_monitor shows everything.",
    lifespan=lifespan,
)


@machine.tile(title="CPU", refresh_seconds=3)
async def cpu(period: Period) -> Metric:
    """Read how busy the processors are."""
    values = recorder.history(cpu_percent, SECONDS[period])
    line = Sparkline(values, label=f"CPU, last {period}", low=0, high=100)
    return Metric("In use", recorder.now(cpu_percent), unit="percent", history=line)


@machine.tile(refresh_seconds=3)
async def memory(period: Period) -> Metric:
    """Read how much memory is in use."""
    total = await _in_thread(readings.read_total_memory)
    values = recorder.history(memory_used, SECONDS[period])
    line = Sparkline(values, label=f"Memory, last {period}", low=0, high=total)
    return Metric("In use", recorder.now(memory_used), unit="gigabyte", detail=f"of {total:.0f} GB", history=line)


@machine.tile(refresh_seconds=5)
async def load() -> Metric:
    """Read how many programs want to run at once."""
    average, cores = await _in_thread(readings.read_load)
    return Metric("Last minute", average, digits=2, detail=f"on {cores} {'core' if cores == 1 else 'cores'}")


@machine.tile(refresh_seconds=5)
async def temperature() -> Metric:
    """Read the hottest sensor."""
    sensor, degrees = await _in_thread(readings.read_hottest)
    return Metric("Hottest sensor", degrees, unit="celsius", detail=sensor)


@machine.tile(title="Up for", refresh_seconds=5)
async def uptime() -> Metric:
    """Read for how long the machine has been up."""
    hours = await _in_thread(readings.read_uptime) / 3600
    if hours < 48:
        return Metric("Since it started", hours, unit="hour")
    return Metric("Since it started", hours / 24, unit="day")


@machine.tile(refresh_seconds=3, width=2)
async def network() -> Table:
    """Read how fast each network interface receives and sends."""
    rates = recorder.rates(MAX_INTERFACES)
    if not rates:
        reason = "This machine reports no network traffic."
        raise RefusedError(reason)
    columns = [
        TableColumn("interface", "Interface"),
        TableColumn("received", "Received", type="number", unit="kilobyte-per-second"),
        TableColumn("sent", "Sent", type="number", unit="kilobyte-per-second"),
    ]
    rows = [
        {"interface": rate.interface, "received": _thousands(rate.received), "sent": _thousands(rate.sent)}
        for rate in rates
    ]
    return Table(columns=columns, rows=rows, row_key="interface", caption="Network traffic")


@machine.tile(refresh_seconds=5, width=2)
async def disks() -> Table:
    """Read how full the disks are."""
    columns = [
        TableColumn("mount", "Mounted at"),
        TableColumn("total", "Size", type="number", unit="gigabyte"),
        TableColumn("percent", "Full", type="number", unit="percent", digits=0),
    ]
    rows = [vars(disk) for disk in await _in_thread(readings.read_disks)]
    return Table(columns=columns, rows=rows, row_key="mount", caption="Disks")


@machine.tile(refresh_seconds=3, width=2, scopes={"metrics:processes"})
async def processes(order: Order) -> Table:
    """Read which programs use the most processor time or memory."""
    columns = [
        TableColumn("name", "Process"),
        TableColumn("cpu_percent", "CPU", type="number", unit="percent"),
        TableColumn("memory", "Memory", type="number", unit="megabyte", digits=0),
    ]
    running = await _in_thread(processes_now.read)
    busiest = sorted(running, key=lambda each: getattr(each, MEASURES[order]) or 0, reverse=True)[:MAX_PROCESSES]
    return Table(columns=columns, rows=[vars(each) for each in busiest], row_key="pid", caption="Busiest processes")


@machine.widget(scopes={"metrics:read"})
async def machine_monitor(order: Order = "cpu", period: Period = "1 minute") -> Dashboard:
    """Show how this machine is doing: processors, memory, network, disks and the busiest processes."""
    by = Select("order", label="Busiest by", options=[Option("cpu", "CPU"), Option("memory", "Memory")], placeholder="")
    return Dashboard(
        title=readings.plain(platform.node() or "This machine"),
        filters=["period", by],
        summary=["cpu", "memory", "load", "uptime", "network"],
        tiles=[
            cpu(period),
            memory(period),
            load(),
            temperature(),
            uptime(),
            network(),
            processes(order),
            disks(),
        ],
    )


async def _in_thread(read: Callable[[], T]) -> T:
    """Run a blocking read in a thread. A read that hangs does not block other calls."""
    return await anyio.to_thread.run_sync(read, abandon_on_cancel=True)


def _thousands(number: float | None) -> float | None:
    return None if number is None else number / 1000
