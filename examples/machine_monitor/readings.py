"""Reads data of this machine with psutil. All functions block: call them in a thread.

Names of processes, disks and devices are made by other programs; they are shortened here and never trusted.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import psutil

from intarsia import RefusedError

T = TypeVar("T")

GIGABYTE = 1e9
MEGABYTE = 1e6
FRESH_SECONDS = 1.5
"""How long a list of processes is cached."""


@dataclass(frozen=True)
class Sample:
    """A sample; fields are `None` if the machine does not provide them."""

    at: float
    """The time of a monotonic clock in seconds."""
    cpu: tuple[float, float] | None
    """The busy and the total processor time since the start of the machine, in seconds."""
    memory_used: float | None
    """In gigabytes."""
    network: dict[str, tuple[int, int]]
    """The number of received and sent bytes of each interface."""


@dataclass(frozen=True)
class Process:
    """A running process."""

    pid: int
    name: str
    cpu_percent: float | None
    """Its share of the whole machine."""
    memory: float | None
    """In megabytes."""


@dataclass(frozen=True)
class Disk:
    """A mounted file system."""

    mount: str
    total: float
    """In gigabytes."""
    percent: float


def take_sample() -> Sample:
    """Read a sample for the recorder."""
    counters = _known(lambda: psutil.net_io_counters(pernic=True)) or {}
    return Sample(
        at=time.monotonic(),
        cpu=_known(_cpu_seconds),
        memory_used=_known(lambda: _memory_used() / GIGABYTE),
        network={plain(name): (counter.bytes_recv, counter.bytes_sent) for name, counter in counters.items()},
    )


def read_total_memory() -> float:
    """Return the total memory in gigabytes."""
    return psutil.virtual_memory().total / GIGABYTE


def read_load() -> tuple[float, int]:
    """Return the load of the last minute and the number of cores."""
    return psutil.getloadavg()[0], psutil.cpu_count() or 1


def read_uptime() -> float:
    """Return the uptime in seconds."""
    return time.time() - psutil.boot_time()


def read_disks() -> list[Disk]:
    """Return the accessible file systems, each device once.

    Raises:
        RefusedError: There are none.
    """
    mounts = {part.device: part.mountpoint for part in reversed(psutil.disk_partitions())} or {"/": "/"}
    usages = {mount: _known(partial(psutil.disk_usage, mount)) for mount in mounts.values()}
    disks = [
        Disk(plain(mount), usage.total / GIGABYTE, usage.percent)
        for mount, usage in usages.items()
        if usage is not None and usage.total
    ]
    if not disks:
        reason = "This machine reports no disks."
        raise RefusedError(reason)
    return sorted(disks, key=lambda disk: disk.mount)


def read_hottest() -> tuple[str, float]:
    """Return the hottest sensor and its temperature in degrees Celsius.

    Raises:
        RefusedError: There are none.
    """
    # Windows and macOS have no such function.
    read: Callable[[], Mapping[str, Sequence[Any]]] = getattr(psutil, "sensors_temperatures", dict)
    sensors = [
        (plain(sensor.label or chip), float(sensor.current))
        for chip, found in (_known(read) or {}).items()
        for sensor in found
    ]
    if not sensors:
        reason = "This machine reports no temperature sensors."
        raise RefusedError(reason)
    return max(sensors, key=lambda sensor: sensor[1])


@dataclass
class ProcessList:
    """Caches the list of processes. Processor shares are measured between two lists."""

    _last: list[Process] = field(default_factory=list[Process])
    _at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def prime(self) -> None:
        """Read once, as the baseline of the first list."""
        with self._lock:
            _processes()

    def read(self) -> list[Process]:
        """Return the running processes."""
        with self._lock:
            if time.monotonic() - self._at >= FRESH_SECONDS:
                self._last = _processes()
                self._at = time.monotonic()
            return self._last


def plain(text: str) -> str:
    """Return a name from another program, without control characters and truncated."""
    return "".join(sign for sign in text if sign.isprintable())[:80] or "unnamed"


def _processes() -> list[Process]:
    cores = psutil.cpu_count() or 1
    found: list[Process] = []
    for process in psutil.process_iter(["name", "cpu_percent", "memory_info"]):
        info = process.info
        share, memory = info["cpu_percent"], info["memory_info"]
        found.append(
            Process(
                process.pid,
                plain(info["name"] or ""),
                None if share is None else share / cores,
                None if memory is None else memory.rss / MEGABYTE,
            )
        )
    return found


def _cpu_seconds() -> tuple[float, float]:
    # Not psutil.cpu_percent, which measures from the last call of the same thread.
    times = psutil.cpu_times()._asdict()
    both = sum(seconds for name, seconds in times.items() if name not in ("guest", "guest_nice"))
    return both - times["idle"] - times.get("iowait", 0), both


def _memory_used() -> float:
    memory = psutil.virtual_memory()
    return float(memory.total - memory.available)


def _known(read: Callable[[], T]) -> T | None:
    """Read one value, or `None` if the machine does not provide it."""
    try:
        return read()
    except (OSError, psutil.Error):
        return None
