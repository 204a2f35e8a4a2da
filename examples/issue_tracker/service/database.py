"""The tracker's database file, with many readers and one writer."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from examples.issue_tracker.service.seed import fill_if_new
from examples.issue_tracker.service.tables import TABLES


class Database:
    """The file, while the service runs.

    Args:
        path: Where it is; made and filled when it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine: AsyncEngine | None = None
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Open the file, and fill it if it is new."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(self._path)))
        try:
            async with self._engine.connect() as connection:
                await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            async with self.write() as connection:
                await connection.run_sync(TABLES.create_all)
                await fill_if_new(connection)
            yield
        finally:
            await self._engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """Return a connection for reading."""
        assert self._engine is not None, "the service does not run"  # noqa: S101 - for the type checker
        async with self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection]:
        """Begin a transaction, which is committed or rolled back at the end. There is one at a time."""
        assert self._engine is not None, "the service does not run"  # noqa: S101 - for the type checker
        async with self._turn, self._engine.begin() as connection:
            yield connection
