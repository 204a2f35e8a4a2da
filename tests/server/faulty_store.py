"""A connector whose actions add one thing each, in every way that an action may, and faults of its store."""

import resource
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select

from intarsia import Connector, Done
from intarsia.server.views import results
from intarsia.server.views.idempotency import Answer, IdempotentCall
from intarsia.server.views.results import ResultStore

TABLES = MetaData()
THINGS = Table("things", TABLES, Column("id", Integer, primary_key=True), Column("name", String(40), nullable=False))

IN_BLOCK = ("add", "add_in_thread")
"""Actions that return their `Done` from inside the change."""
LATE = ("add_late", "add_late_in_thread")
"""Actions that return it after the change."""
ELSEWHERE = "add_elsewhere"
"""An action that changes something outside of the store."""
ACTIONS = (*IN_BLOCK, *LATE, ELSEWHERE)

_FRAME_BYTES = 4096 + 24
"""The bytes that one page takes in the write-ahead log."""


class Things:
    """The connector, with what its actions added outside of its store."""

    def __init__(self, store: Path) -> None:
        self.elsewhere: list[str] = []
        self.connector = connector = Connector("Things", store=store, tables=TABLES)

        @connector.action
        async def add(thing: str) -> Done:
            """Add a thing."""
            async with connector.change() as connection:
                await connection.execute(insert(THINGS).values(name=thing))
                return Done(f"Added {thing}.")

        @connector.action
        def add_in_thread(thing: str) -> Done:
            """Add a thing."""
            with connector.change() as connection:
                connection.execute(insert(THINGS).values(name=thing))
                return Done(f"Added {thing}.")

        @connector.action
        async def add_late(thing: str) -> Done:
            """Add a thing."""
            async with connector.change() as connection:
                await connection.execute(insert(THINGS).values(name=thing))
            return Done(f"Added {thing}.")

        @connector.action
        def add_late_in_thread(thing: str) -> Done:
            """Add a thing."""
            with connector.change() as connection:
                connection.execute(insert(THINGS).values(name=thing))
            return Done(f"Added {thing}.")

        @connector.action
        async def add_elsewhere(thing: str) -> Done:
            """Add a thing to another service."""
            self.elsewhere.append(thing)
            return Done(f"Added {thing}.")

        assert set(connector.tools) >= {each.name for each in (add, add_in_thread, add_late, add_late_in_thread)}
        assert add_elsewhere.name == ELSEWHERE

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Things"]:
        """Run the connector."""
        async with self.connector.running():
            yield self

    async def count(self, name: str) -> int:
        """Count the things of a name, here and elsewhere."""
        wanted = select(func.count()).select_from(THINGS).where(THINGS.c.name == name)
        async with self.connector.read() as connection:
            return int((await connection.execute(wanted)).scalar_one()) + self.elsewhere.count(name)

    @asynccontextmanager
    async def other_process(self) -> AsyncGenerator["Statements"]:
        """Connect to the store as another process would, and pass what runs a statement there."""
        connection = sqlite3.connect(self.connector.store.path, isolation_level=None, check_same_thread=False)

        async def run(statement: str) -> list[Any]:
            # In a thread, because the connection may have to wait for one of the event loop.
            return await anyio.to_thread.run_sync(lambda: connection.execute(statement).fetchall())

        try:
            yield run
        finally:
            connection.close()


Statements = Callable[[str], Awaitable[list[Any]]]
Fault = Callable[[Things, pytest.MonkeyPatch], AbstractAsyncContextManager[None]]


def full_disk(room_pages: int) -> Fault:
    """Let the disk have room for so many more pages of the write-ahead log."""

    @asynccontextmanager
    async def fault(things: Things, _monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[None]:
        async with things.other_process() as run:
            await run("PRAGMA wal_checkpoint(TRUNCATE)")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (32 + room_pages * _FRAME_BYTES, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return fault


@asynccontextmanager
async def locked(things: Things, _monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[None]:
    """Let another process hold the database."""
    async with things.other_process() as run:
        await run("BEGIN IMMEDIATE")
        yield


@asynccontextmanager
async def locked_after_the_change(things: Things, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[None]:
    """Let another process take the database when the change of an action is committed."""
    keep = ResultStore.keep
    async with things.other_process() as run:
        with monkeypatch.context() as patch:

            async def lock_and_keep(store: ResultStore, once: IdempotentCall, answer: Answer) -> None:
                await run("BEGIN IMMEDIATE")
                await keep(store, once, answer)

            patch.setattr(results.ResultStore, "keep", lock_and_keep)
            yield


@asynccontextmanager
async def no_answers(things: Things, _monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[None]:
    """Let every write of an answer fail, as if it were killed."""
    async with things.other_process() as run:
        await run(
            "CREATE TRIGGER no_answers BEFORE UPDATE OF answer ON intarsia_keys "
            "BEGIN SELECT RAISE(ABORT, 'killed'); END"
        )
        try:
            yield
        finally:
            await run("DROP TRIGGER no_answers")


FAULTS: dict[str, list[Fault]] = {
    "full disk": [full_disk(room) for room in range(24)],
    "locked": [locked] * 8,
    "locked after the change": [locked_after_the_change] * 8,
    "no answers": [no_answers] * 24,
}
"""Name to the faults that one test has in turn."""
