"""Verifies the audit log: finds rows that were changed, removed, inserted or moved.

By itself the chain shows no more than that it has no gap. Rows that were cut off at the end, and a log that was written
anew, are found by heads that were kept elsewhere. SQLite remembers the greatest number of a row, which finds a cut by
accident, but not by somebody who changes that number too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import RowMapping, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from intarsia.server.audit.heads import AuditHead
from intarsia.server.audit.log import GENESIS_HASH, row_hash
from intarsia.server.storage.store import Store
from intarsia.server.storage.tables import ANCHOR, AUDIT


@dataclass(frozen=True)
class AuditCheck:
    """The result of a verification.

    Args:
        rows: The number of valid rows, from the first one.
        head: The hash of the last of them. Kept elsewhere, it proves later that no row up to it was rewritten.
        problem: What is wrong, and where; empty if the log is intact.
        found_heads: The number of saved heads that are in the log.
        pruned_heads: The number of saved heads of rows that were pruned, which cannot be looked for any more.
    """

    rows: int
    head: str
    problem: str = ""
    found_heads: int = 0
    pruned_heads: int = 0

    @property
    def is_intact(self) -> bool:
        """Whether all rows are valid."""
        return not self.problem


class _Chain:
    """Walks along the chain, and looks for saved heads.

    Args:
        n: The number of the row before the first one.
        last_hash: Its hash.
        head: A hash that must be in the log; empty for none.
        heads: Saved hashes by the number of their row.
    """

    def __init__(self, n: int, last_hash: bytes, head: str, heads: Mapping[int, frozenset[str]]) -> None:
        self.n: int = n
        self.last_hash: bytes = last_hash
        self._first = n
        self._head = head
        self._heads = heads
        self._is_found: bool = not head
        self._found_heads = 0
        self.problem = self._look_for_heads()

    def take(self, row: RowMapping) -> str:
        """Take the next row, and return what is wrong with it."""
        if row["n"] != self.n + 1:
            return f"{_missing(self.n + 1, row['n'] - 1)} missing before row {row['n']}."
        if row["hash"] != row_hash(self.last_hash, {**row}):
            return f"Row {row['n']} was changed, or is not in its original place."
        self.n = row["n"]
        self.last_hash = row["hash"]
        return self._look_for_heads()

    def end(self, greatest: int | None) -> str:
        """Return what is wrong after the last row.

        Args:
            greatest: The greatest number that a row ever had, if it is known.
        """
        expected = max([greatest or 0, *self._heads])
        if expected > self.n:
            return f"{_missing(self.n + 1, expected)} missing at the end."
        return "" if self._is_found else "No row has the given hash: the log was rewritten before it."

    def result(self, problem: str = "") -> AuditCheck:
        """Return the result so far."""
        pruned = sum(len(hashes) for n, hashes in self._heads.items() if n < self._first)
        return AuditCheck(self.n - self._first, self.last_hash.hex(), problem, self._found_heads, pruned)

    def _look_for_heads(self) -> str:
        hash_here = self.last_hash.hex()
        self._is_found = self._is_found or hash_here == self._head
        saved = self._heads.get(self.n, frozenset())
        if saved - {hash_here}:
            return f"Row {self.n} is not the one whose hash was saved: the log was rewritten before or at it."
        self._found_heads += len(saved)
        return ""


async def verify(store: Store, head: str = "", heads: Iterable[AuditHead] = ()) -> AuditCheck:
    """Verify the log of a store, row by row.

    Args:
        store: The store, which must be open.
        head: The `head` of an earlier verification, which must still be in the log.
        heads: Heads that were shipped, all of which must still be in the log.
    """
    async with store.read() as connection:
        anchor = (await connection.execute(select(ANCHOR).order_by(ANCHOR.c.n.desc()).limit(1))).first()
        n, last_hash = (anchor.n, anchor.hash) if anchor else (0, GENESIS_HASH)
        chain = _Chain(n, last_hash, head, _by_number(heads))
        if chain.problem:
            return chain.result(chain.problem)
        rows = await connection.stream(select(AUDIT).order_by(AUDIT.c.n))
        async for row in rows.mappings():
            if problem := chain.take(row):
                return chain.result(problem)
        greatest = await _greatest_number(connection)
    return chain.result(chain.end(greatest))


def _by_number(heads: Iterable[AuditHead]) -> dict[int, frozenset[str]]:
    found: dict[int, frozenset[str]] = {}
    for head in heads:
        found[head.n] = found.get(head.n, frozenset()) | {head.hash}
    return found


async def _greatest_number(connection: AsyncConnection) -> int | None:
    """Return the greatest number that a row ever had, if the database remembers it."""
    if connection.dialect.name != "sqlite":
        return None
    statement = text("SELECT seq FROM sqlite_sequence WHERE name = 'intarsia_audit'")
    return (await connection.execute(statement)).scalar_one_or_none()


def _missing(first: int, last: int) -> str:
    return f"Row {first} is" if first == last else f"Rows {first} to {last} are"
