"""What a decision costs: calls as they are, against the same calls with every check of permissions left out."""

import time
from pathlib import Path
from unittest.mock import patch

from benchmarks.measuring import Measure, Samples, interleave
from benchmarks.report import Row
from benchmarks.subject import build_subject
from intarsia.permissions import ALLOWED, Decision
from intarsia.server.rendering.control_permissions import ControlAuthorizer
from intarsia.widgets import Widget

PERMISSIONS = "Server: permissions"
BUDGET = 1.05
CALLS = 20
"""How many calls one sample holds: one alone is too short for the clock of the process."""


async def measure_decisions(folder: Path, rounds: int) -> list[Row]:
    """Measure calls that are decided against calls that are not, in the same rounds.

    Args:
        folder: Where the store is.
        rounds: How many samples of each are taken.
    """
    subject = build_subject(folder / "decided.db")

    def calling(tool: str, *, is_decided: bool) -> Measure:
        async def call() -> float:
            started = time.process_time()
            for _ in range(CALLS):
                answer = await subject.calls.answer(tool, {}, {}, subject.local)
                assert not answer.is_error, answer.text
            return (time.process_time() - started) * 1_000 / CALLS

        async def call_undecided() -> float:
            with (
                patch("intarsia.server.calls.reader.decide", _allow),
                patch.object(ControlAuthorizer, "apply", _leave),
            ):
                return await call()

        return call if is_decided else call_undecided

    tools = {"board": "A call of the board, each control decided", "dashboard": "A call of the dashboard"}
    measures = {
        f"{tool} {is_decided}": calling(tool, is_decided=is_decided) for tool in tools for is_decided in (True, False)
    }
    async with subject.running():
        found = await interleave(measures, rounds, warm_up=2)
    return [_row(what, found[f"{tool} True"], found[f"{tool} False"]) for tool, what in tools.items()]


def _row(what: str, decided: Samples, undecided: Samples) -> Row:
    medians = (decided.median, undecided.median)
    other = "the same without any check"
    return Row(PERMISSIONS, what, "ms CPU", decided.minimum, other, undecided.minimum, BUDGET, medians)


async def _allow(*_asked: object) -> Decision:
    return ALLOWED


async def _leave(_decider: ControlAuthorizer, widget: Widget) -> Widget:
    return widget
