"""The audit log as text: lines for a terminal, and CSV for a spreadsheet."""

import csv
import io
import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime

from intarsia.server.audit.log import AuditRow

COLUMNS = ("n", "at", "event", "who", "client", "by", "what", "digest", "result", "version", "details", "hash")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Characters that start a formula or end a cell in a spreadsheet, full-width forms included."""


def format_row(row: AuditRow) -> str:
    """Return a row as one line. Control and invisible characters are escaped, so that no entry can imitate another."""
    entry = row.entry
    who = f"{entry.who or '(unknown)'} by {entry.by}"
    details = json.dumps(entry.details, ensure_ascii=True) if entry.details else ""
    values = (entry.event, who, entry.what, entry.result, details)
    return "  ".join([f"{row.n:>6}", iso_time(row.at), *(escape_invisible(text) for text in values if text)])


async def csv_lines(pages: AsyncIterable[Sequence[AuditRow]]) -> AsyncIterator[str]:
    """Yield rows as CSV (RFC 4180), batch by batch, after a header with the names of the columns."""
    yield _line(COLUMNS)
    async for rows in pages:
        yield "".join(map(_csv_line, rows))


def _csv_line(row: AuditRow) -> str:
    entry = row.entry
    values = (entry.event, entry.who, entry.client, entry.by, entry.what, entry.digest, entry.result, entry.version)
    details = json.dumps(entry.details, ensure_ascii=True, sort_keys=True) if entry.details else ""
    return _line((str(row.n), iso_time(row.at), *(_cell(text) for text in (*values, details)), row.hash.hex()))


def iso_time(at: float) -> str:
    """Return a Unix time in UTC, in ISO 8601 format with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def escape_invisible(text: str) -> str:
    """Return a text whose control characters and invisible characters are escaped."""
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)


def _cell(text: str) -> str:
    # A user chooses some of these texts, and a spreadsheet would run a formula in them (CSV injection).
    cell = text.replace("\0", "\ufffd")
    return f"'{cell}" if text.lstrip(" ").startswith(_FORMULA) else cell


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
