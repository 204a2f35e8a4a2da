"""The SQLite driver gives SQLAlchemy what it asks of a driver, and goes to its thread once for each statement."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Thread
from threading import enumerate as enumerate_threads
from typing import Any

import anyio
import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from intarsia.server.storage.sqlite import SqliteConnection
from intarsia.server.storage.store import Store

METADATA = MetaData()
NOTES = Table("notes", METADATA, Column("id", Integer, primary_key=True), Column("words", String, nullable=False))
THREE = [{"id": number, "words": f"note {number}"} for number in (1, 2, 3)]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store(tmp_path / "store.db", METADATA).open() as opened:
        async with opened.write() as connection:
            await connection.execute(insert(NOTES), THREE)
        yield opened


async def test_rows_come_at_once_and_one_by_one(store: Store) -> None:
    wanted = select(NOTES.c.words).order_by(NOTES.c.id)
    async with store.read() as connection:
        all_at_once = list((await connection.execute(wanted)).scalars())
        first = (await connection.execute(wanted)).scalars().first()
        some = (await connection.execute(wanted)).scalars().fetchmany(2)
        streamed = [row.words async for row in await connection.stream(wanted)]
        in_pairs = [len(pair) async for pair in (await connection.stream(wanted)).partitions(2)]

    assert all_at_once == streamed == ["note 1", "note 2", "note 3"]
    assert (first, list(some), in_pairs) == ("note 1", ["note 1", "note 2"], [2, 1])


async def test_a_statement_reports_what_it_changed(store: Store) -> None:
    async with store.write() as connection:
        changed = await connection.execute(update(NOTES).where(NOTES.c.id > 1).values(words="new"))
        added = await connection.execute(insert(NOTES).values(words="more"))
        returned = await connection.execute(insert(NOTES).values(words="most").returning(NOTES.c.id))
        ids = list(returned.scalars())

    assert changed.rowcount == 2
    assert added.inserted_primary_key == (4,)
    assert ids == [5]


async def test_a_statement_that_fails_raises_the_database_error_and_the_next_one_works(store: Store) -> None:
    async def write_twice() -> None:
        async with store.write() as connection:
            await connection.execute(insert(NOTES).values(id=9, words="kept by nobody"))
            await connection.execute(insert(NOTES).values(id=1, words="twice"))

    with pytest.raises(IntegrityError):
        await write_twice()
    async with store.read() as connection:
        with pytest.raises(OperationalError):
            await connection.execute(text("SELECT nothing FROM nowhere"))

    async with store.read() as connection:
        ids = list((await connection.execute(select(NOTES.c.id))).scalars())
    assert ids == [1, 2, 3]


async def test_a_cancelled_writer_leaves_no_transaction_behind(store: Store) -> None:
    async def write_slowly() -> None:
        async with store.write() as connection:
            await connection.execute(update(NOTES).values(words="half"))
            await anyio.sleep_forever()

    for delay in (0.0, 0.0005, 0.002, 0.01):
        with anyio.move_on_after(delay):
            await write_slowly()

    with anyio.fail_after(10):
        async with store.write() as connection:
            words = list((await connection.execute(select(NOTES.c.words))).scalars())
    assert words == ["note 1", "note 2", "note 3"]


async def test_a_statement_goes_to_the_thread_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = await SqliteConnection.open(str(tmp_path / "once.db"))
    sent: list[object] = []
    send: Any = vars(SqliteConnection)["_send"]

    def count(self: SqliteConnection, *what: object) -> object:
        sent.append(what)
        return send(self, *what)

    monkeypatch.setattr(SqliteConnection, "_send", count)
    cursor = connection.cursor()
    await cursor.execute("SELECT 1 UNION SELECT 2")
    rows = [await cursor.fetchone(), *await cursor.fetchall(), await cursor.fetchone()]
    await cursor.close()

    assert rows == [(1,), (2,), None]
    assert len(sent) == 1
    await connection.close()


def threads() -> set[Thread]:
    return {thread for thread in enumerate_threads() if thread.name == "intarsia-sqlite"}


async def test_a_closed_connection_ends_its_thread_and_refuses_statements(tmp_path: Path) -> None:
    before = threads()
    connection = await SqliteConnection.open(str(tmp_path / "closed.db"))
    (thread,) = threads() - before

    await connection.close()
    await anyio.to_thread.run_sync(thread.join, 10)

    assert not thread.is_alive()
    with pytest.raises(sqlite3.ProgrammingError, match="The connection is closed"):
        await connection.commit()


async def test_a_file_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    before = threads()

    with pytest.raises(sqlite3.OperationalError):
        await SqliteConnection.open(str(tmp_path / "no folder" / "file.db"))

    for thread in threads() - before:
        await anyio.to_thread.run_sync(thread.join, 10)
    assert threads() <= before  # one of an earlier test may have ended meanwhile


def test_a_terminated_connection_closes_without_an_event_loop(tmp_path: Path) -> None:
    before = threads()
    path = str(tmp_path / "terminated.db")
    connection = asyncio.run(SqliteConnection.open(path))
    (thread,) = threads() - before

    connection.terminate()
    thread.join(10)

    assert not thread.is_alive()


async def test_a_statement_whose_caller_is_gone_ends_before_the_next_one(tmp_path: Path) -> None:
    connection = await SqliteConnection.open(str(tmp_path / "gone.db"))
    await connection.cursor().execute("CREATE TABLE numbers (n)")
    slow = asyncio.create_task(connection.cursor().execute(
        "INSERT INTO numbers WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 50000) "
        "SELECT n FROM c",
    ))  # fmt: skip
    await asyncio.sleep(0)
    slow.cancel()

    counted = connection.cursor()
    await counted.execute("SELECT count(*) FROM numbers")

    assert slow.cancelled()
    assert await counted.fetchall() == [(50000,)]
    await connection.close()


async def test_rows_are_the_same_as_those_of_the_standard_driver(tmp_path: Path) -> None:
    """Every type of value, through SQLAlchemy's own functions of the dialect as well."""
    values = (None, 1, 2.5, "text", b"bytes")
    async with Store(tmp_path / "types.db").open() as store, store.read() as connection:
        row = (await connection.exec_driver_sql("SELECT ?, ?, ?, ?, ?", values)).one()
        pattern = (await connection.exec_driver_sql("SELECT 'note 7' REGEXP '[0-9]', floor(2.7)")).one()

    assert tuple(row) == values
    assert tuple(pattern) == (1, 2)
