"""What strangers and neighbors can hold: `make bench-hostile`, on an older version and on this one.

For each attack a server is started on this machine. Measured are the calls of another person before and during the
attack, how much memory the server takes on, and when it has closed the attacker's connections. The results land in
`benchmarks/results/hostile.md`.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.documents import HERE
from benchmarks.hostile_load import ATTACKS, Attack, Call, measure_person
from benchmarks.machine import describe_machine
from benchmarks.versions import ROOT, Version, check_out, landed_revision, working_tree

RESULT = HERE / "results" / "hostile.md"
WARM_UP_SECONDS, QUIET_SECONDS, ATTACK_SECONDS = 1.0, 4.0, 10.0
HOLD_SECONDS = 30.0
"""After how long a connection that is still open counts as never closed."""
MAX_MEMORY_MB, MAX_SLOWER, MAX_CLOSED_SECONDS = 64, 3.0, 25.0
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Outcome:
    """What one attack did to one version."""

    quiet: list[Call]
    """Another person's calls before."""
    attacked: list[Call]
    """The same during the attack."""
    memory_mb: float
    """How much memory the server took on at most."""
    closed_seconds: float | None
    """When the last connection of the attack was closed by the server; `None` if some never were."""
    left_open: int
    """How many were open at the end."""

    @property
    def slower(self) -> float:
        """How many times as long the slowest calls of the other person took."""
        return percentile([call.seconds for call in self.attacked], 0.99) / percentile(
            [call.seconds for call in self.quiet], 0.99
        )


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of the values is."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


@dataclass(frozen=True)
class Attacked:
    """A server in a process of its own."""

    port: int
    process: int

    @property
    def memory(self) -> int:
        """Its resident memory, in bytes."""
        return int(Path(f"/proc/{self.process}/statm").read_text(encoding="utf-8").split()[1]) * _PAGE

    def cpu(self) -> float:
        """How much time its first thread has spent on a processor, in seconds."""
        return int(Path(f"/proc/{self.process}/schedstat").read_text(encoding="utf-8").split()[0]) / 1e9

    @property
    def files(self) -> int:
        """How many files and connections it has open."""
        return len(os.listdir(f"/proc/{self.process}/fd"))  # noqa: PTH208  # faster by far for thousands


@asynccontextmanager
async def serving(version: Version) -> AsyncGenerator[Attacked]:
    """Serve a version while the block runs."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            str(version.python), "-P", "-W", "ignore", "-m", "benchmarks.hostile_server", str(version.root), folder,
            cwd=version.root, env=environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            line = (await process.stdout.readline()).decode().strip()
            yield Attacked(int(line.rpartition(":")[2]), process.pid)
        finally:
            process.kill()
            await process.wait()


async def measure(version: Version, attack: Attack, *, holds: bool) -> Outcome:
    """Attack one version.

    Args:
        version: What is attacked.
        attack: The attack.
        holds: Whether it holds connections until they are closed, instead of calling.
    """
    seconds = HOLD_SECONDS if holds else ATTACK_SECONDS
    async with serving(version) as server:
        await measure_person(server.port, WARM_UP_SECONDS, server.cpu)
        quiet = await measure_person(server.port, QUIET_SECONDS, server.cpu)
        files, memory, began = server.files, server.memory, time.monotonic()
        attacking = asyncio.ensure_future(attack(server.port, began + seconds))
        measuring = asyncio.ensure_future(measure_person(server.port, seconds - 1.0, server.cpu))
        most, closed = memory, None
        while not measuring.done():
            await asyncio.sleep(0.1)
            most = max(most, server.memory)
            is_gone = server.files <= files + 2  # the other person's connection
            closed = (closed or time.monotonic() - began) if is_gone else None
        left = max(0, server.files - files - 1)
        await asyncio.gather(attacking, measuring)
        return Outcome(quiet, measuring.result(), (most - memory) / 1024 / 1024, closed, left)


def row(name: str, outcome: Outcome, *, holds: bool) -> str:
    """Return the row of a table for one outcome."""
    closed = "" if not holds else f"{outcome.closed_seconds:.0f} s" if outcome.closed_seconds else "never"
    kept = (
        outcome.memory_mb <= MAX_MEMORY_MB
        and outcome.slower <= MAX_SLOWER
        and (not holds or (outcome.closed_seconds or HOLD_SECONDS) <= MAX_CLOSED_SECONDS)
    )
    times = [
        f"{percentile([call[kind] for call in calls], share) * 1000:,.0f} ms"
        for kind, share in ((0, 0.5), (0, 0.99), (1, 0.5), (1, 0.99))
        for calls in (outcome.quiet, outcome.attacked)
    ]
    pairs = [f"{before} -> {during}" for before, during in zip(times[::2], times[1::2], strict=True)]
    cells = [name, f"{outcome.memory_mb:,.0f} MB", *pairs[:2], f"{outcome.slower:.1f} x", *pairs[2:], closed]
    return f"| {' | '.join([*cells, 'kept' if kept else 'missed'])} |"


def page(rows: dict[str, list[str]]) -> str:
    """Return the page with the results."""
    head = (
        "| attack | memory | another's call, p50 | p99 | p99 | CPU until its answer, p50 | p99 | closed | bounds |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---|"
    )
    tables = "\n\n".join(f"## {name}\n\n{head}\n" + "\n".join(lines) for name, lines in rows.items())
    machine = describe_machine("", {}).sentence
    bounds = f"{MAX_MEMORY_MB} MB of memory, {MAX_SLOWER:.0f} times the time of the slowest calls, and all connections"
    times = f"Connections are watched for {HOLD_SECONDS:.0f} seconds, floods last {ATTACK_SECONDS:.0f}."
    return f"""# Attacks

One server process on one machine. The attacker is another process, which also makes the calls of another person. The
bounds are {bounds}
of the attack closed after {MAX_CLOSED_SECONDS:.0f} seconds. {times}
The CPU until an answer is what the server spent on everything between a call of the other person and its answer: it
says the same when the machine does something else meanwhile. Written by `make bench-hostile`.

{tables}

{machine}
"""


async def run(versions: list[Version], only: str) -> dict[str, list[str]]:
    """Run all attacks on each version, and return the rows of their tables."""
    rows: dict[str, list[str]] = {version.name: [] for version in versions}
    for number, (name, attack) in enumerate(ATTACKS.items()):
        for version in versions if only in name else []:
            holds = number < 3
            outcome = await measure(version, attack, holds=holds)
            rows[version.name].append(row(name, outcome, holds=holds))
            print(f"{version.name}: {rows[version.name][-1]}", flush=True)
    return rows


def _older(options: argparse.Namespace) -> list[Version]:
    if options.new_only:
        return []
    tree: Path | None = options.old_tree
    if tree:
        return [Version("older version", tree.resolve(), tree.resolve() / ".venv" / "bin" / "python")]
    return [check_out(options.old or landed_revision())]


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old-tree", type=Path, help="a checkout of the older version that is set up already")
    parser.add_argument("--old", help="the older version; by default what landed last")
    parser.add_argument("--only", default="", help="attacks whose name contains this; nothing is written then")
    parser.add_argument("--new-only", action="store_true", help="only this version; nothing is written then")
    options = parser.parse_args()
    rows = asyncio.run(run([*_older(options), working_tree()], options.only))
    if not options.only and not options.new_only:
        RESULT.write_text(page(rows), encoding="utf-8")
        print(f"Written to {RESULT}.", file=sys.stderr)


if __name__ == "__main__":
    main()
