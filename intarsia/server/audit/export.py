"""The audit log as text: lines for a terminal, and CSV for a spreadsheet."""

import csv
import io
import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime

from intarsia.server.audit.log import AuditRow

COLUMNS = ("n", "at", "event", "who", "client", "by", "what", "digest", "result", "version", "details", "seal")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With these a spreadsheet takes a cell for a formula, or for the end of one; some take full-width forms too."""


def as_line(row: AuditRow) -> str:
    """Return one row as one line. Nothing in it moves the cursor, starts a line or hides."""
    entry = row.entry
    who = f"{entry.who or '(nobody)'} by {entry.by}"
    details = json.dumps(entry.details, ensure_ascii=True) if entry.details else ""
    said = (entry.event, who, entry.what, entry.result, details)
    return "  ".join([f"{row.n:>6}", moment(row.at), *(visible(text) for text in said if text)])


async def as_csv(pages: AsyncIterable[Sequence[AuditRow]]) -> AsyncIterator[str]:
    """Return rows as CSV (RFC 4180), page by page, with the names of the columns first."""
    yield _line(COLUMNS)
    async for rows in pages:
        yield "".join(map(_csv_line, rows))


def _csv_line(row: AuditRow) -> str:
    entry = row.entry
    said = (entry.event, entry.who, entry.client, entry.by, entry.what, entry.digest, entry.result, entry.version)
    details = json.dumps(entry.details, ensure_ascii=True, sort_keys=True) if entry.details else ""
    return _line((str(row.n), moment(row.at), *(_cell(text) for text in (*said, details)), row.seal.hex()))


def moment(at: float) -> str:
    """Return a moment in UTC, as ISO 8601 writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def visible(text: str) -> str:
    """Return a text in which nothing is hidden: what has no shape of its own is spelled out."""
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)


def _cell(text: str) -> str:
    shown = text.replace("\0", "\ufffd")
    return f"'{shown}" if text.lstrip(" ").startswith(_FORMULA) else shown


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
