"""Verifies the audit log: finds rows that were changed, removed, inserted, moved or cut off."""

from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from intarsia.server.audit.log import GENESIS_HASH, row_hash
from intarsia.server.audit.tables import ANCHOR, AUDIT
from intarsia.server.storage.store import Store


@dataclass(frozen=True)
class AuditCheck:
    """The result of a verification.

    Args:
        rows: The number of valid rows, from the first one.
        head: The hash of the last of them. Kept elsewhere, it proves later that no row up to it was rewritten.
        problem: What is wrong, and where; empty if the log is intact.
    """

    rows: int
    head: str
    problem: str = ""

    @property
    def is_intact(self) -> bool:
        """Whether all rows are valid."""
        return not self.problem


async def verify(store: Store, head: str = "") -> AuditCheck:
    """Verify the log of a store, row by row.

    Args:
        store: The store, which must be open.
        head: The `head` of an earlier verification, which must still be in the log.
    """
    async with store.read() as connection:
        anchor = (await connection.execute(select(ANCHOR).order_by(ANCHOR.c.n.desc()).limit(1))).first()
        n, last_hash = (anchor.n, anchor.hash) if anchor else (0, GENESIS_HASH)
        first, is_found = n, not head or last_hash.hex() == head
        rows = await connection.stream(select(AUDIT).order_by(AUDIT.c.n))
        async for row in rows.mappings():
            if row["n"] != n + 1:
                problem = f"{_missing(n + 1, row['n'] - 1)} missing before row {row['n']}."
                return AuditCheck(n - first, last_hash.hex(), problem)
            if row["hash"] != row_hash(last_hash, {**row}):
                problem = f"Row {row['n']} was changed, or is not in its original place."
                return AuditCheck(n - first, last_hash.hex(), problem)
            n, last_hash = row["n"], row["hash"]
            is_found = is_found or last_hash.hex() == head
        greatest = await _greatest_number(connection)
    if greatest is not None and greatest > n:
        return AuditCheck(n - first, last_hash.hex(), f"{_missing(n + 1, greatest)} missing at the end.")
    if not is_found:
        problem = "No row has the given hash: the log was rewritten before it."
        return AuditCheck(n - first, last_hash.hex(), problem)
    return AuditCheck(n - first, last_hash.hex())


async def _greatest_number(connection: AsyncConnection) -> int | None:
    """Return the greatest number that a row ever had, if the database remembers it."""
    if connection.dialect.name != "sqlite":
        return None
    statement = text("SELECT seq FROM sqlite_sequence WHERE name = 'intarsia_audit'")
    return (await connection.execute(statement)).scalar_one_or_none()


def _missing(first: int, last: int) -> str:
    return f"Row {first} is" if first == last else f"Rows {first} to {last} are"
