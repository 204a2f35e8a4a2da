"""What the real server answers, recorded ahead: the browser's figures are then the browser's alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.playing_view import PARTS, PlayedView
from benchmarks.subject import build_subject
from intarsia.server.wire.messages import CallResponse
from intarsia.ui_templates import render_widget

Json = dict[str, Any]


@dataclass(frozen=True)
class Recording:
    """The board's full answer, and those to one card completed and reopened in turns."""

    full: Json
    """The result that a host pushes."""
    html: str
    """The same board as one piece of HTML."""
    card: str
    """The card that is completed."""
    answers: list[Json]
    """Each builds on the one before."""
    tool: Json
    """What the host knows of the tool."""


async def record(folder: Path, count: int) -> Recording:
    """Run the real server and keep what it answers.

    Args:
        folder: Where its store is made.
        count: How many actions to record.
    """
    card = "T-2"
    subject = build_subject(folder / "recorded.db")
    async with subject.running():
        full = await subject.calls.answer("stored_board", {}, {}, subject.local)
        view, answers = PlayedView(full.meta[PARTS]), list[Json]()
        for number in range(count):
            arguments = {"card": card, "done": number % 2 == 0, "version": number + 1}
            answer = await subject.calls.answer("complete_card", arguments, view.action(), subject.local)
            assert not answer.is_error, answer.text
            view.take(answer.meta[PARTS])
            answers.append(result_of(answer))
        html = render_widget(await subject.tools["stored_board"].function()).html
    return Recording(result_of(full), html, card, answers, {"_meta": {"dev.intarsia/widget": "task_board"}})


def result_of(answer: CallResponse) -> Json:
    """Return an answer as a host gets it."""
    result: Json = {"content": [{"type": "text", "text": answer.text}], "_meta": answer.meta}
    if answer.structured is not None:
        result["structuredContent"] = answer.structured
    return result
