"""The store: persistent data in SQLite. Idempotency keys, confirmations, drafts, and the author's own tables.

With one writer, `BEGIN IMMEDIATE`, WAL and `synchronous=FULL`, committed changes survive a power cut, and writers queue
up instead of failing. Only `_engines` depends on SQLite; the rest is SQLAlchemy and would work with a database URL.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from sqlalchemy import JSON, Column, LargeBinary, MetaData, String, Table, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import Float

from intarsia.errors import SettingError, StoreError
from intarsia.server.storage import sqlite

OWN_TABLES = MetaData()

KEYS = Table(
    "intarsia_keys",
    OWN_TABLES,
    Column("person", String(200), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("answer", JSON(none_as_null=True)),
    Column("at", Float, nullable=False),
)
"""The actions that were applied: the digest of each call, and its response."""

DRAFTS = Table(
    "intarsia_drafts",
    OWN_TABLES,
    Column("person", String(200), primary_key=True),
    Column("widget", String(64), primary_key=True),
    Column("values", JSON, nullable=False),
    Column("at", Float, nullable=False),
)
"""Unsaved changes of users."""

CONFIRMATIONS = Table(
    "intarsia_confirmations",
    OWN_TABLES,
    Column("id", String(32), primary_key=True),
    Column("at", Float, nullable=False),
)
"""The confirmations that were used. Each is valid once."""

SECRETS = Table(
    "intarsia_secrets",
    OWN_TABLES,
    Column("name", String(32), primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("at", Float, nullable=False),
)
"""The keys with which the connector signs. They never leave the store."""

_BUSY_MILLISECONDS = 5_000
_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
"""Windows does not have this flag."""


class Store:
    """A database file that one process writes to, one transaction at a time.

    Args:
        path: The file; it is created with mode 0600 if it does not exist.
        tables: The author's own tables; missing ones are created when the store is opened.
    """

    def __init__(self, path: Path, tables: MetaData | None = None) -> None:
        self.path = path
        self._tables = tables
        self._writer: AsyncEngine | None = None
        self._reader: AsyncEngine | None = None
        self._turn = anyio.Lock()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["Store"]:
        """Open the file, make missing tables, and close it at the end. Opening it again inside shares it.

        Raises:
            StoreError: The file cannot be opened, or is no database.
        """
        if self._writer is not None:
            yield self
            return
        _prepare(self.path)
        self._turn = anyio.Lock()
        writer, reader = self._writer, self._reader = _engines(self.path)
        try:
            await self._make_tables()
            yield self
        finally:
            self._writer = self._reader = None
            with anyio.CancelScope(shield=True):
                await writer.dispose()
                await reader.dispose()

    async def _make_tables(self) -> None:
        try:
            async with self.write() as connection:
                await connection.run_sync(OWN_TABLES.create_all)
                if self._tables is not None:
                    await connection.run_sync(self._tables.create_all)
        except DatabaseError as error:
            message = f"The store {self.path} cannot be used: {error.orig}."
            raise StoreError(message) from error

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection]:
        """Begin a transaction that is committed whole at the end, or not at all if the block raises.

        Once the commit has begun, it is finished even if the caller is cancelled.

        Raises:
            StoreError: The store is not open, or this task is in a transaction already.
        """
        engine = _opened(self._writer, self.path)
        async with self._own_turn(), engine.connect() as connection:
            transaction = await connection.begin()
            try:
                yield connection
            except BaseException:
                with anyio.CancelScope(shield=True):
                    await transaction.rollback()
                raise
            with anyio.CancelScope(shield=True):
                await transaction.commit()

    @asynccontextmanager
    async def _own_turn(self) -> AsyncGenerator[None]:
        try:
            await self._turn.acquire()
        except RuntimeError:
            message = (
                f"A change of {self.path} is open already, and there is one at a time. Pass its connection on to what "
                "belongs to it, or end it first."
            )
            raise StoreError(message) from None
        try:
            yield
        finally:
            self._turn.release()

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """Give a connection that sees one moment of the data and cannot write."""
        engine = _opened(self._reader, self.path)
        async with engine.connect() as connection:
            try:
                yield connection
            finally:
                with anyio.CancelScope(shield=True):
                    await connection.rollback()


def default_path(slug: str) -> Path:
    """Return the default path of a connector's store: in `INTARSIA_STATE`, or in the user's state folder."""
    state = os.environ.get("INTARSIA_STATE") or os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "intarsia" / f"{slug}.db"


def _opened(engine: AsyncEngine | None, path: Path) -> AsyncEngine:
    if engine is None:
        message = f"The store {path} is not open. Serve the connector, or use `async with connector.running():`."
        raise StoreError(message)
    return engine


def _prepare(path: Path) -> None:
    if path.is_symlink():
        message = f"The store {path} is a symbolic link. Use the path of the file itself."
        raise SettingError(message)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | _NO_LINK, 0o600))
        path.chmod(0o600)
    except OSError as error:
        message = (
            f"The store {path} cannot be opened: {error.strerror}. Set `Connector(..., store=...)` to a writable "
            "file, or INTARSIA_STATE to a writable folder."
        )
        raise StoreError(message) from error


def _engines(path: Path) -> tuple[AsyncEngine, AsyncEngine]:
    url = URL.create(sqlite.DRIVER, database=str(path))
    # Error messages leave the parameters out, because users' data must not reach logs.
    create = partial(create_async_engine, url, hide_parameters=True)
    writer, reader = create(pool_size=1, max_overflow=0), create(pool_size=4, max_overflow=0)
    _prepare_connections(writer, "BEGIN IMMEDIATE", ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"])
    _prepare_connections(reader, "BEGIN", ["query_only=ON"])
    return writer, reader


def _prepare_connections(engine: AsyncEngine, begin: str, settings: list[str]) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]  # called by SQLAlchemy
        cursor = connection.cursor()
        for setting in [f"busy_timeout={_BUSY_MILLISECONDS}", *settings]:
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def began(connection: Any) -> None:  # pyright: ignore[reportUnusedFunction]  # called by SQLAlchemy
        connection.exec_driver_sql(begin)
