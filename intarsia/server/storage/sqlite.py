"""SQLite in a thread of its own, visited once for each statement.

The driver goes there four times: for a cursor, the statement, the rows and the end. Each visit wakes a thread, which
takes longer than most statements of ours.
"""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self, cast

import aiosqlite


async def connect(path: Path) -> "Connection":
    """Open a database file, without transactions that the driver begins by itself."""
    connection = Connection(lambda: sqlite3.connect(path, isolation_level=None), iter_chunk_size=64)
    connection.let_process_end()
    return await connection  # type: ignore[return-value]  # the driver types its own class, not ours


class Connection(aiosqlite.Connection):
    """A connection whose cursors read all rows at once."""

    def let_process_end(self) -> None:
        """Let the process end even if nobody closes the connection."""
        self._thread.daemon = True

    def cursor(self) -> "Cursor":  # type: ignore[override]  # made without a visit, so that there is nothing to wait for
        """Make a cursor."""
        return Cursor(self)

    async def visit(self, sql: str, parameters: Any, *, is_many: bool) -> "Outcome":
        """Run one statement to its end."""
        execute = cast("Callable[..., Awaitable[Outcome]]", self._execute)  # pyright: ignore[reportUnknownMemberType]
        return await execute(_run, self._conn, sql, parameters, is_many)


class Outcome:
    """What one statement came to.

    Args:
        cursor: Where it ran; not used any more afterwards.
    """

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.description = cursor.description
        self.rowcount = cursor.rowcount
        self.lastrowid = cursor.lastrowid
        self.rows: list[Any] = cursor.fetchall() if cursor.description else []


def _run(connection: sqlite3.Connection, sql: str, parameters: Any, is_many: bool) -> Outcome:  # noqa: FBT001  # called by place
    cursor = connection.cursor()
    try:
        return Outcome(cursor.executemany(sql, parameters) if is_many else cursor.execute(sql, parameters))
    finally:
        cursor.close()


class Cursor:
    """What SQLAlchemy asks of a cursor; only a statement waits for the database.

    Args:
        connection: Where its statements run.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._outcome: Outcome | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        """The columns of the rows, or `None` if the statement has none."""
        return self._outcome.description if self._outcome else None

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed, or -1."""
        return self._outcome.rowcount if self._outcome else -1

    @property
    def lastrowid(self) -> int | None:
        """The id of the row that was inserted last."""
        return self._outcome.lastrowid if self._outcome else None

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self._outcome = await self._connection.visit(sql, parameters, is_many=False)

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run a statement with each of several sets of parameters."""
        self._outcome = await self._connection.visit(sql, list(parameters), is_many=True)

    async def fetchall(self) -> list[Any]:
        """Return the rows that were not taken yet."""
        return await self.fetchmany(len(self._rows))

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return so many of the rows that were not taken yet."""
        rows, count = self._rows, self.arraysize if size is None else size
        taken = rows[:count]
        del rows[:count]
        return taken

    async def fetchone(self) -> Any:
        """Return the next row, or `None` after the last."""
        return next(iter(await self.fetchmany(1)), None)

    async def __aiter__(self) -> AsyncIterator[Any]:
        for row in await self.fetchall():
            yield row

    async def close(self) -> None:
        """Forget the rows; nothing is held in the database."""
        self._rows.clear()

    @property
    def _rows(self) -> list[Any]:
        return self._outcome.rows if self._outcome else []
