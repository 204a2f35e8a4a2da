"""Writing the audit log and reading it again. Knows the store alone."""

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

from intarsia.server.audit.tables import ANCHOR, AUDIT
from intarsia.server.audit.throttle import RepeatThrottle
from intarsia.server.storage.store import SECRETS, Store

logger = logging.getLogger(__name__)

KEEP_SECONDS = 400 * 24 * 3600
"""How long rows are kept: a year, and what it takes to look back on it."""

MAX_ROWS = 1_000_000
AT_A_TIME = 1_000
"""How many rows are read at once of a log that is read whole."""

"""How many rows are kept at most."""

MAX_RESULT_LENGTH = 500
BEGINNING = bytes(32)
"""What the first row seals."""

_SECRET = "audit"  # noqa: S105  # the name of it


@dataclass(frozen=True)
class AuditEntry:
    """One thing that happened.

    Args:
        event: `action`, `refusal`, `switch`, `sign_in`, `sign_out`, `grant`, `withdrawal`, `role` or `account`.
        who: Who did it, by their token, their session, or their account on the machine.
        client: Through which client.
        by: `view`, a hand in a View, proved by its handle; `model`; `admin`; `shell`; or `server`.
        what: The tool or the switch.
        digest: Stands for the arguments.
        result: How it ended.
        version: The version of what it was about, where it has one.
        details: What else is worth knowing, without secrets.
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
    """An entry as it stands in the log."""

    n: int
    at: float
    entry: AuditEntry
    seal: bytes


@dataclass(frozen=True)
class AuditQuery:
    """Which rows to read.

    Args:
        who: Of this person.
        what: About this tool or switch.
        event: Of this kind.
        since: Not before this moment, in seconds since 1970.
        until: Before this moment.
        before: With a smaller number: the next page.
    """

    who: str = ""
    what: str = ""
    event: str = ""
    since: float | None = None
    until: float | None = None
    before: int | None = None

    def of(self, statement: Select[Any]) -> Select[Any]:
        """Narrow a statement down."""
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
        store: Where it is kept, with what it is about.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._secret = token_bytes(32)
        self._repeats = RepeatThrottle()

    async def load(self) -> None:
        """Take what arguments are digested with from the store, where it is made once."""
        wanted = select(SECRETS.c.value).where(SECRETS.c.name == _SECRET)
        async with self._store.write() as connection:
            row = (await connection.execute(wanted)).first()
            if row is None:
                values = {"name": _SECRET, "value": self._secret, "at": time.time()}
                await connection.execute(insert(SECRETS).values(values))
            else:
                self._secret = row.value

    def digest(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """Return what stands for the arguments of a call: the same for the same, and no help to who guesses them."""
        text = json.dumps([tool, dict(arguments)], sort_keys=True, default=str)
        return hmac.digest(self._secret, text.encode(), "sha256").hex()[:32]

    async def write(self, *entries: AuditEntry) -> None:
        """Write rows of what changed nothing else in the store."""
        async with self._store.write() as connection:
            for entry in entries:
                await append(connection, entry)

    async def refuse(self, entry: AuditEntry) -> None:
        """Write down that something was refused; what is refused over and over is counted, and written once a minute.

        A log that cannot be written to is no reason to answer the refusal with an error.
        """
        repeats = self._repeats.count((entry.who, entry.client, entry.by, entry.what))
        if repeats is None:
            return
        details = {**entry.details, "times": repeats} if repeats > 1 else entry.details
        try:
            await self.write(replace(entry, event="refusal", details=details))
        except Exception:
            logger.exception("A refusal could not be written to the audit log.")

    async def rows(self, wanted: AuditQuery = AuditQuery(), limit: int = 100) -> list[AuditRow]:  # frozen
        """Return the newest rows, newest first."""
        statement = wanted.of(select(AUDIT)).order_by(AUDIT.c.n.desc()).limit(limit)
        async with self._store.read() as connection:
            return [_row_of(row) for row in (await connection.execute(statement)).mappings()]

    async def pages(self, wanted: AuditQuery = AuditQuery()) -> AsyncIterator[list[AuditRow]]:  # frozen
        """Go through all rows, oldest first, some at a time: however long the log is, and while it is written to."""
        last = 0
        while True:
            statement = wanted.of(select(AUDIT)).where(AUDIT.c.n > last).order_by(AUDIT.c.n).limit(AT_A_TIME)
            async with self._store.read() as connection:
                rows = [_row_of(row) for row in (await connection.execute(statement)).mappings()]
            yield rows
            if len(rows) < AT_A_TIME:
                return
            last = rows[-1].n

    async def count(self, wanted: AuditQuery = AuditQuery()) -> int:  # frozen
        """Say how many rows there are."""
        async with self._store.read() as connection:
            count: int = (await connection.execute(wanted.of(select(func.count(AUDIT.c.n))))).scalar_one()
        return count

    async def prune(self, before: float, most: int = MAX_ROWS) -> int:
        """Forget rows before a moment, in seconds since 1970, and the oldest of too many; return how many it were."""
        async with self._store.write() as connection:
            return await prune(connection, before, most)


async def append(connection: AsyncConnection, entry: AuditEntry) -> int:
    """Write a row in the transaction of the change that it is about; return its number."""
    return await connection.run_sync(append_row, entry)


def append_row(connection: Connection, entry: AuditEntry) -> int:
    """Write a row as `append` does, on a synchronous connection."""
    last = connection.execute(_LAST).first() or connection.execute(_LAST_ANCHOR).first()
    n, before = (last.n, last.seal) if last else (0, BEGINNING)
    values = {"n": n + 1, "at": time.time(), **_values_of(entry)}
    connection.execute(_INSERT, {**values, "seal": seal_of(before, values)})
    return n + 1


async def prune(connection: AsyncConnection, before: float, most: int = MAX_ROWS) -> int:
    """Forget rows before a moment, and the oldest of too many. The rest of the chain can still be verified.

    Args:
        connection: Of a transaction.
        before: In seconds since 1970.
        most: How many rows are kept at most.

    Returns:
        How many were forgotten.
    """
    newest = (await connection.execute(select(func.max(AUDIT.c.n)))).scalar_one() or 0
    old = select(func.max(AUDIT.c.n)).where(AUDIT.c.at < before)
    last = max((await connection.execute(old)).scalar_one() or 0, newest - most)
    kept = (await connection.execute(select(AUDIT.c.n, AUDIT.c.seal).where(AUDIT.c.n == last))).first()
    if kept is None:
        return 0
    await connection.execute(delete(ANCHOR))
    await connection.execute(insert(ANCHOR).values(n=kept.n, seal=kept.seal, at=time.time()))
    return (await connection.execute(delete(AUDIT).where(AUDIT.c.n <= last))).rowcount


def shell_user() -> str:
    """Return who runs a command on this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as containers have
        return "shell"


def seal_of(before: bytes, values: Mapping[str, Any]) -> bytes:
    """Return the seal of a row: SHA-256 over the seal before it and all that it says."""
    text = json.dumps([values[name] for name in _SEALED], separators=(",", ":"))
    return sha256(before + text.encode()).digest()


def _values_of(entry: AuditEntry) -> dict[str, str]:
    said = {each.name: str(getattr(entry, each.name)) for each in fields(entry) if each.name != "details"}
    cut = {name: text[: _MAX_LENGTHS[name]] for name, text in said.items()}
    # What cannot be stored as text (half a surrogate pair) must not keep the rest out of the log.
    clean = {name: text.encode("utf-8", "backslashreplace").decode() for name, text in cut.items()}
    return {**clean, "details": json.dumps(dict(entry.details), sort_keys=True, default=str)}


def _row_of(row: RowMapping) -> AuditRow:
    said: dict[str, Any] = {each.name: row[each.name] for each in fields(AuditEntry)}
    return AuditRow(row["n"], row["at"], AuditEntry(**{**said, "details": json.loads(said["details"])}), row["seal"])


_SEALED: Sequence[str] = ("n", "at", *(each.name for each in fields(AuditEntry)))
_MAX_LENGTHS = {
    "event": 16, "who": 200, "client": 2048, "by": 16, "what": 200, "digest": 64, "result": MAX_RESULT_LENGTH,
    "version": 64,
}  # fmt: skip
_LAST = select(AUDIT.c.n, AUDIT.c.seal).order_by(AUDIT.c.n.desc()).limit(1)
_LAST_ANCHOR = select(ANCHOR.c.n, ANCHOR.c.seal).order_by(ANCHOR.c.n.desc()).limit(1)
_INSERT = insert(AUDIT)
