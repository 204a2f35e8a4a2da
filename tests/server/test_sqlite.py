"""SQLAlchemy finds in our driver all that it asks of one, in one visit for each statement."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiosqlite
import anyio
import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from intarsia.server.storage.sqlite import Connection, connect
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


async def test_what_a_statement_changed_is_told(store: Store) -> None:
    async with store.write() as connection:
        changed = await connection.execute(update(NOTES).where(NOTES.c.id > 1).values(words="new"))
        added = await connection.execute(insert(NOTES).values(words="more"))
        returned = await connection.execute(insert(NOTES).values(words="most").returning(NOTES.c.id))
        ids = list(returned.scalars())

    assert changed.rowcount == 2
    assert added.inserted_primary_key == (4,)
    assert ids == [5]


async def test_a_wrong_statement_fails_as_the_database_says_and_the_next_one_works(store: Store) -> None:
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


async def test_who_is_cancelled_leaves_no_transaction_behind(store: Store) -> None:
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


async def test_a_statement_visits_the_database_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = await connect(tmp_path / "visits.db")
    visits: list[object] = []
    go_there: Any = vars(aiosqlite.Connection)["_execute"]

    async def count(self: Connection, *what: object) -> object:
        visits.append(what)
        return await go_there(self, *what)

    monkeypatch.setattr(aiosqlite.Connection, "_execute", count)
    cursor = connection.cursor()
    await cursor.execute("SELECT 1 UNION SELECT 2")
    rows = [await cursor.fetchone(), *await cursor.fetchall(), await cursor.fetchone()]
    await cursor.close()

    assert rows == [(1,), (2,), None]
    assert len(visits) == 1
    await connection.close()
