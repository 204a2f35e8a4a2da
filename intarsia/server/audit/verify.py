"""Looking whether the audit log is whole: that no row was changed, left out, put in, moved or cut off."""

from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from intarsia.server.audit.log import BEGINNING, seal_of
from intarsia.server.audit.tables import ANCHOR, AUDIT
from intarsia.server.storage.store import Store


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Args:
        rows: How many rows are sound, from the first.
        head: The seal of the last of them. Kept elsewhere, it proves later that nothing before it was written anew.
        problem: What is wrong and where; empty when nothing is.
    """

    rows: int
    head: str
    problem: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem


async def verify(store: Store, head: str = "") -> Verdict:
    """Verify the log of a store, row by row.

    Args:
        store: It is open.
        head: The seal of a row, as an earlier verdict named it, which must still be there.
    """
    async with store.read() as connection:
        anchor = (await connection.execute(select(ANCHOR).order_by(ANCHOR.c.n.desc()).limit(1))).first()
        n, seal = (anchor.n, anchor.seal) if anchor else (0, BEGINNING)
        first, is_found = n, not head or seal.hex() == head
        rows = await connection.stream(select(AUDIT).order_by(AUDIT.c.n))
        async for row in rows.mappings():
            if row["n"] != n + 1:
                return Verdict(n - first, seal.hex(), f"{_missing(n + 1, row['n'] - 1)} missing before row {row['n']}.")
            if row["seal"] != seal_of(seal, {**row}):
                return Verdict(n - first, seal.hex(), f"Row {row['n']} is not as it was written, or not in its place.")
            n, seal = row["n"], row["seal"]
            is_found = is_found or seal.hex() == head
        given = await _greatest_number(connection)
    if given is not None and given > n:
        return Verdict(n - first, seal.hex(), f"{_missing(n + 1, given)} missing at the end.")
    if not is_found:
        return Verdict(n - first, seal.hex(), "No row has the seal that was kept: the log was written anew before it.")
    return Verdict(n - first, seal.hex())


async def _greatest_number(connection: AsyncConnection) -> int | None:
    """Return the greatest number that a row ever had, where the database remembers it."""
    if connection.dialect.name != "sqlite":
        return None
    asked = text("SELECT seq FROM sqlite_sequence WHERE name = 'intarsia_audit'")
    return (await connection.execute(asked)).scalar_one_or_none()


def _missing(first: int, last: int) -> str:
    return f"Row {first} is" if first == last else f"Rows {first} to {last} are"
