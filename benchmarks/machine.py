"""Which machine, and which versions: figures without them mean nothing."""

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """Where the figures come from."""

    cpu: str
    """The processor's own name."""
    cores: int
    """How many threads this process may use at once."""
    memory_gigabytes: float | None
    """How much memory there is, if the system says."""
    system: str
    """The operating system's name."""
    python: str
    """The version of Python."""
    chromium: str
    """The version of Chromium; empty when no browser took part."""
    packages: dict[str, str]
    """Versions of the packages that are compared or built on."""

    @property
    def sentence(self) -> str:
        """One line that names the machine."""
        memory = f", {self.memory_gigabytes:g} GB" if self.memory_gigabytes else ""
        chromium = f", Chromium {self.chromium}" if self.chromium else ""
        return f"{self.cpu}, {self.cores} cores{memory}, {self.system}, Python {self.python}{chromium}"

    def as_json(self) -> dict[str, object]:
        """Return it for the results file."""
        return asdict(self)


def describe_machine(chromium: str, packages: dict[str, str]) -> Machine:
    """Look at this machine.

    Args:
        chromium: The browser's version.
        packages: Versions that Python does not know of, such as those of npm packages.
    """
    installed = {
        name: found for name in ("intarsia", "mcp", "pydantic", "jinja2", "sqlalchemy") if (found := _version(name))
    }
    return Machine(
        cpu=read_cpu(_text_of("/proc/cpuinfo")) or platform.processor() or platform.machine(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gigabytes=read_memory(_text_of("/proc/meminfo")),
        system=read_system(_text_of("/etc/os-release")) or platform.platform(terse=True),
        python=platform.python_version(),
        chromium=chromium,
        packages={**installed, **packages},
    )


def read_cpu(text: str) -> str:
    """Return the processor's name out of `/proc/cpuinfo`; empty if it has none."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return " ".join(value.split())
    return ""


def read_memory(text: str) -> float | None:
    """Return the gigabytes of memory out of `/proc/meminfo`."""
    for line in text.splitlines():
        if line.startswith("MemTotal:"):
            return round(int(line.split()[1]) / 1024**2)
    return None


def read_system(text: str) -> str:
    """Return the system's name out of `/etc/os-release`."""
    for line in text.splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return ""


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except OSError:
        return ""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
