"""What switches cost: `python -m benchmarks.switches`.

A call with switches against the same call without asking them, and calls and lists before and after 100,000 changes.
"""

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from benchmarks.measuring import Measure, interleave
from benchmarks.subject import build_subject
from intarsia import Connector, Grant
from intarsia.server.mcp_server.server import Surface
from intarsia.server.switches.positions import Position, Positions
from intarsia.server.switches.service import Change

CALLS = 20
ROUNDS = 40
CHANGES = 100_000
AT_ONCE = 100
"""How many changes one transaction holds: each is a row of its own in the audit log."""


def calling(subject: Connector, *, asks: bool) -> Measure:
    """Return what measures a call of the board, in milliseconds of CPU."""

    async def call() -> float:
        started = time.process_time()
        for _ in range(CALLS):
            answer = await subject.calls.answer("board", {}, {}, subject.local)
            assert not answer.is_error, answer.text
        return (time.process_time() - started) * 1_000 / CALLS

    async def call_unasked() -> float:
        with patch.object(Positions, "tool_position", _on), patch.object(Positions, "position", _on):
            return await call()

    return call if asks else call_unasked


def _on(*_asked: object) -> Position:
    return Position.ON


def listing(subject: Connector) -> Measure:
    """Return what measures a list of the tools, in milliseconds of CPU."""

    async def measure() -> float:
        started = time.process_time()
        for _ in range(CALLS):
            assert Surface(subject.catalog).listed(None)
        return (time.process_time() - started) * 1_000 / CALLS

    return measure


def memory() -> float:
    """Return the most memory that this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def change(subject: Connector, count: int) -> None:
    """Set switches for roles of their own, on and off."""
    for first in range(0, count, AT_ONCE):
        position = Position.OFF if first // AT_ONCE % 2 else Position.ON
        changes = [Change("tool:board", position, f"role-{number % 50}") for number in range(AT_ONCE)]
        await subject.switches.set(changes, who="benchmark", by="shell")


async def main() -> None:
    """Measure, and print what was found."""
    with tempfile.TemporaryDirectory() as folder:
        subject = build_subject(Path(folder) / "switches.db")
        measures = {
            "asked": calling(subject, asks=True),
            "unasked": calling(subject, asks=False),
            "list": listing(subject),
        }
        async with subject.running():
            assert subject.switches.positions.tool_position("board", Grant("x")) is Position.ON
            await change(subject, AT_ONCE * 2)
            before, held = await interleave(measures, ROUNDS, warm_up=2), memory()
            await change(subject, int(sys.argv[1]) if sys.argv[1:] else CHANGES)
            after, holds = await interleave(measures, ROUNDS, warm_up=2), memory()
    cost = after["asked"].minimum / after["unasked"].minimum
    print(f"a call, switches asked: {after['asked'].minimum:.3f} ms CPU, {cost:.3f} x the same without asking")
    for name in ("asked", "list"):
        grown = after[name].minimum / before[name].minimum
        print(
            f"{name}: {before[name].minimum:.3f} ms before the changes, {after[name].minimum:.3f} after, {grown:.2f} x"
        )
    print(f"memory: {held:.0f} MB before, {holds:.0f} MB after")


if __name__ == "__main__":
    asyncio.run(main())
