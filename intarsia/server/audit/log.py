"""Writes and reads the audit log of a store."""

import getpass
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from secrets import token_bytes
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from intarsia.errors import BusyError, SaveError
from intarsia.server.audit.throttle import RepeatThrottle
from intarsia.server.storage.store import Store
from intarsia.server.storage.tables import ANCHOR, AUDIT, SECRETS

logger = logging.getLogger(__name__)

KEEP_SECONDS = 400 * 24 * 3600
"""How long rows are kept: a year, with some time to review it."""

MAX_ROWS = 1_000_000
"""The maximum number of rows."""

READ_BATCH_ROWS = 1_000
"""How many rows are read at a time when the whole log is read."""

MAX_RESULT_LENGTH = 500
GENESIS_HASH = bytes(32)
"""The hash before the first row."""

_SECRET = "audit"  # noqa: S105 - the name of a row, not the secret


@dataclass(frozen=True)
class AuditEntry:
    """An event in the audit log.

    Args:
        event: `action`, `refusal`, `switch`, `sign_in`, `sign_out`, `grant`, `revocation`, `role` or `account`.
        who: The user, from their token or session, or the user of the shell; empty if unknown.
        client: The ID of the client through which they acted.
        by: `view` for an action in a widget, proved by the View's handle; `model`, `admin`, `shell` or `server`.
        what: The tool or the switch.
        digest: The digest of the arguments; see `AuditLog.digest`.
        result: The outcome.
        version: The version of the changed object, if it has one.
        details: Further details, without secrets.
    """

    event: str
    who: str
    client: str = ""
    by: str = "server"
    what: str = ""
    digest: str = ""
    result: str = "done"
    version: str = ""
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class AuditRow:
    """A row of the audit log.

    Args:
        n: The number of the row, from 1 without gaps.
        at: When it was written, in Unix time.
        entry: The event.
        hash: The hash of this row and the hash before it.
    """

    n: int
    at: float
    entry: AuditEntry
    hash: bytes


@dataclass(frozen=True)
class AuditQuery:
    """A filter for rows. All given conditions must hold.

    Args:
        who: The user.
        what: The tool or the switch.
        event: The kind of event.
        since: The earliest time, in Unix time.
        until: The time before which the rows were written.
        before: The number below which the rows are, to read the next page.
    """

    who: str = ""
    what: str = ""
    event: str = ""
    since: float | None = None
    until: float | None = None
    before: int | None = None

    def apply(self, statement: Select[Any]) -> Select[Any]:
        """Add the conditions to a statement."""
        for name in ("who", "what", "event"):
            if value := getattr(self, name):
                statement = statement.where(AUDIT.c[name] == value)
        if self.since is not None:
            statement = statement.where(AUDIT.c.at >= self.since)
        if self.until is not None:
            statement = statement.where(AUDIT.c.at < self.until)
        return statement if self.before is None else statement.where(AUDIT.c.n < self.before)


class AuditLog:
    """The audit log of one store.

    Args:
        store: The store. A row is written in the same transaction as the change that it is about.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._secret = token_bytes(32)
        self._repeats = RepeatThrottle()

    async def load(self) -> None:
        """Load the key of the digests from the store, and create it the first time."""
        statement = select(SECRETS.c.value).where(SECRETS.c.name == _SECRET)
        async with self._store.write() as connection:
            row = (await connection.execute(statement)).first()
            if row is None:
                values = {"name": _SECRET, "value": self._secret, "at": time.time()}
                await connection.execute(insert(SECRETS).values(values))
            else:
                self._secret = row.value

    def digest(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """Return a keyed digest of a call: equal for equal arguments, and useless for guessing them."""
        text = json.dumps([tool, dict(arguments)], sort_keys=True, default=str)
        return hmac.digest(self._secret, text.encode(), "sha256").hex()[:32]

    async def write(self, *entries: AuditEntry) -> None:
        """Write entries about events that change nothing else in the store."""
        async with self._store.write() as connection:
            for entry in entries:
                await append(connection, entry)

    async def write_refusal(self, entry: AuditEntry) -> None:
        """Write an entry about a refusal. Repeated refusals are counted and written once a minute.

        A failure to write is logged and not raised, because the caller is about to send the refusal anyway. The row is
        then lost: it never waits for longer than the call that it is about may still wait.
        """
        repeats = self._repeats.count((entry.who, entry.client, entry.by, entry.what))
        if repeats is None:
            return
        details = {**entry.details, "times": repeats} if repeats > 1 else entry.details
        try:
            await self.write(replace(entry, event="refusal", details=details))
        except (BusyError, SaveError) as error:
            logger.error("A refusal of %r is not in the audit log: %s", entry.what, error)  # noqa: TRY400 - no bug
        except Exception:
            logger.exception("A refusal could not be written to the audit log.")

    async def rows(self, query: AuditQuery = AuditQuery(), limit: int = 100) -> list[AuditRow]:  # frozen
        """Return the newest matching rows, newest first."""
        statement = query.apply(select(AUDIT)).order_by(AUDIT.c.n.desc()).limit(limit)
        async with self._store.read() as connection:
            return [_row_of(row) for row in (await connection.execute(statement)).mappings()]

    async def pages(self, query: AuditQuery = AuditQuery()) -> AsyncIterator[list[AuditRow]]:  # frozen
        """Yield all matching rows in batches, oldest first. No transaction stays open between two batches."""
        last = 0
        while True:
            statement = query.apply(select(AUDIT)).where(AUDIT.c.n > last).order_by(AUDIT.c.n).limit(READ_BATCH_ROWS)
            async with self._store.read() as connection:
                rows = [_row_of(row) for row in (await connection.execute(statement)).mappings()]
            yield rows
            if len(rows) < READ_BATCH_ROWS:
                return
            last = rows[-1].n

    async def count(self, query: AuditQuery = AuditQuery()) -> int:  # frozen
        """Return the number of matching rows."""
        async with self._store.read() as connection:
            count: int = (await connection.execute(query.apply(select(func.count(AUDIT.c.n))))).scalar_one()
        return count

    async def prune(self, before: float, max_rows: int = MAX_ROWS) -> int:
        """Delete old rows; see `prune`."""
        async with self._store.write() as connection:
            return await prune(connection, before, max_rows)


async def append(connection: AsyncConnection, entry: AuditEntry) -> int:
    """Append a row in the transaction of the change that it is about, and return its number."""
    return await connection.run_sync(append_row, entry)


def append_row(connection: Connection, entry: AuditEntry) -> int:
    """Append a row as `append` does, on a synchronous connection."""
    last = connection.execute(_LAST).first() or connection.execute(_LAST_ANCHOR).first()
    n, before = (last.n, last.hash) if last else (0, GENESIS_HASH)
    values = {"n": n + 1, "at": time.time(), **_values_of(entry)}
    connection.execute(_INSERT, {**values, "hash": row_hash(before, values)})
    return n + 1


async def prune(connection: AsyncConnection, before: float, max_rows: int = MAX_ROWS) -> int:
    """Delete the rows before a time, and the oldest of more than `max_rows`. The other rows can still be verified.

    Args:
        connection: A connection in a transaction.
        before: The time, in Unix time.
        max_rows: The maximum number of rows to keep.

    Returns:
        The number of deleted rows.
    """
    newest = (await connection.execute(select(func.max(AUDIT.c.n)))).scalar_one() or 0
    old = select(func.max(AUDIT.c.n)).where(AUDIT.c.at < before)
    last = max((await connection.execute(old)).scalar_one() or 0, newest - max_rows)
    anchor = (await connection.execute(select(AUDIT.c.n, AUDIT.c.hash).where(AUDIT.c.n == last))).first()
    if anchor is None:
        return 0
    # The anchor first: the trigger allows the deletion of rows only up to it.
    await connection.execute(delete(ANCHOR))
    await connection.execute(insert(ANCHOR).values(n=anchor.n, hash=anchor.hash, at=time.time()))
    return (await connection.execute(delete(AUDIT).where(AUDIT.c.n <= last))).rowcount


def shell_user() -> str:
    """Return the name of the user who runs a command on this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # in containers the user often has no name
        return "shell"


def row_hash(before: bytes, values: Mapping[str, Any]) -> bytes:
    """Return the hash of a row: SHA-256 over the hash before it and its values."""
    text = json.dumps([values[name] for name in _HASHED], separators=(",", ":"))
    return sha256(before + text.encode()).digest()


def _values_of(entry: AuditEntry) -> dict[str, str]:
    values = {each.name: str(getattr(entry, each.name)) for each in fields(entry) if each.name != "details"}
    cut = {name: text[: _MAX_LENGTHS[name]] for name, text in values.items()}
    # A lone surrogate, which cannot be encoded as UTF-8, must not keep the entry out of the log.
    encodable = {name: text.encode("utf-8", "backslashreplace").decode() for name, text in cut.items()}
    return {**encodable, "details": json.dumps(dict(entry.details), sort_keys=True, default=str)}


def _row_of(row: RowMapping) -> AuditRow:
    values: dict[str, Any] = {each.name: row[each.name] for each in fields(AuditEntry)}
    entry = AuditEntry(**{**values, "details": json.loads(values["details"])})
    return AuditRow(row["n"], row["at"], entry, row["hash"])


_HASHED: Sequence[str] = ("n", "at", *(each.name for each in fields(AuditEntry)))
_MAX_LENGTHS = {
    "event": 16, "who": 200, "client": 2048, "by": 16, "what": 200, "digest": 64, "result": MAX_RESULT_LENGTH,
    "version": 64,
}  # fmt: skip
_LAST = select(AUDIT.c.n, AUDIT.c.hash).order_by(AUDIT.c.n.desc()).limit(1)
_LAST_ANCHOR = select(ANCHOR.c.n, ANCHOR.c.hash).order_by(ANCHOR.c.n.desc()).limit(1)
_INSERT = insert(AUDIT)
