"""Bytes: of the documents that hosts load, and of what travels when one card moves."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.playing_view import PARTS, PlayedView
from benchmarks.recording import result_of
from benchmarks.report import Row
from benchmarks.subject import build_subject
from intarsia.server.wire.messages import CallResponse

VIEW, ANSWERS = "View document", "Answers"
VIEW_BUDGET = 46_000
"""Bytes of the View, gzipped: 34,000 for what every widget needs, and 12,000 for the board."""


@dataclass(frozen=True)
class Size:
    """A document's bytes."""

    raw: int
    gzip: int


def size_of(document: str) -> Size:
    """Return a document's bytes, raw and as `gzip -9` makes them."""
    raw = document.encode()
    return Size(len(raw), len(gzip.compress(raw, 9)))


def compare_documents(ours: str, others: Mapping[str, str]) -> list[Row]:
    """Compare the View with other documents that show widgets.

    Args:
        ours: The View.
        others: Name to document.
    """
    size = size_of(ours)
    rows = [
        Row(VIEW, "Whole View, gzip -9", "bytes", size.gzip, budget=VIEW_BUDGET),
        Row(VIEW, "Whole View, raw", "bytes", size.raw),
    ]
    return rows + [
        Row(VIEW, "Whole View, gzip -9", "bytes", size.gzip, f"{name} ({_kilobytes(other.raw)} raw)", other.gzip)
        for name, other in ((name, size_of(document)) for name, document in others.items())
    ]


async def compare_answers(folder: Path) -> list[Row]:
    """Move a card on the board of a real store; compare the answer with the whole board's."""
    subject = build_subject(folder / "answers.db")
    async with subject.running():
        full = await subject.calls.answer("stored_board", {}, {}, subject.local)
        view = PlayedView(full.meta[PARTS])
        arguments = {"card": "T-1", "column": "doing", "index": 3, "version": 1}
        moved = await subject.calls.answer("move_card", arguments, view.action(), subject.local)
    assert not full.is_error, full.text
    assert not moved.is_error, moved.text
    whole, one = bytes_of(full), bytes_of(moved)
    return [Row(ANSWERS, "One card moved on the 60-card board", "bytes", one, "the whole board's answer", whole, 0.1)]


def bytes_of(answer: CallResponse) -> int:
    """Return the bytes of an answer as it goes over the wire."""
    return len(json.dumps(result_of(answer), ensure_ascii=False, separators=(",", ":")).encode())


def _kilobytes(count: int) -> str:
    return f"{count / 1024:,.0f} KB"
