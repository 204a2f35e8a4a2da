"""SQLAlchemy's engines for a store: one that writes and one that reads, for the event loop and for threads."""

import math
import sqlite3
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from intarsia.server.storage import sqlite, wait_budget

_WRITING = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
_READING = ("query_only=ON",)
_ENGINE: Mapping[str, Any] = {
    # Error messages leave the parameters out, because users' data must not reach logs.
    "hide_parameters": True,
    # A store ends each transaction itself, so the pool need not roll back once more, which takes a visit to the thread.
    "pool_reset_on_return": None,
}


def open_engines(path: Path) -> tuple[AsyncEngine, AsyncEngine]:
    """Return the engines that write and that read, for the event loop."""
    url = URL.create(sqlite.DRIVER, database=str(path))
    create = partial(create_async_engine, url, **_ENGINE, max_overflow=0)
    writer = create(pool_size=1, begin_statement="BEGIN IMMEDIATE")
    reader = create(pool_size=4, pool_timeout=wait_budget.MAX_WAIT_SECONDS)
    _set_on_connect(writer.sync_engine, _WRITING)
    _set_on_connect(reader.sync_engine, _READING)
    return writer, reader


def open_thread_engines(path: Path) -> tuple[Engine, Engine]:
    """Return the engines that write and that read, for synchronous functions. They connect on first use."""
    url = URL.create(sqlite.THREAD_DRIVER, database=str(path))
    connect = partial(
        sqlite3.connect, path, isolation_level=None, check_same_thread=False, factory=sqlite.ThreadConnection
    )
    create = partial(create_engine, url, creator=connect, **_ENGINE)
    # There is one writer at a time. The thread pool already limits the number of readers.
    writer = create(pool_size=1, max_overflow=0, begin_statement="BEGIN IMMEDIATE")
    reader = create(pool_size=4, max_overflow=-1)
    _set_on_connect(writer, _WRITING)
    _set_on_connect(reader, _READING)
    return writer, reader


def _set_on_connect(engine: Engine, settings: tuple[str, ...]) -> None:
    busy_timeout = f"busy_timeout={math.ceil(wait_budget.MAX_WAIT_SECONDS * 1000)}"

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]  # called by SQLAlchemy
        cursor = connection.cursor()
        for setting in [busy_timeout, *settings]:
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()


def driver_of(connection: Connection | None) -> Any:
    """Return the driver's connection: a `SqliteConnection` or a `ThreadConnection`."""
    return None if connection is None else connection.connection.driver_connection
