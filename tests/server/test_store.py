"""The store keeps committed changes, and writers wait for their turn."""

import asyncio
import sqlite3
import stat
from pathlib import Path

import anyio
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from intarsia.errors import SettingError, StoreError
from intarsia.server.storage.store import Store, default_path
from intarsia.server.storage.tables import DRAFTS

METADATA = MetaData()
COUNTER = Table("counter", METADATA, Column("id", Integer, primary_key=True), Column("value", Integer))


async def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "store.db"
    async with Store(path, METADATA).open() as store, store.write() as connection:
        await connection.execute(insert(COUNTER).values(id=1, value=0))
        modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert modes == {0o600}


async def test_commits_are_durable_and_readers_cannot_write(tmp_path: Path) -> None:
    async with Store(tmp_path / "store.db").open() as store:
        async with store.write() as connection:
            journal = (await connection.execute(text("PRAGMA journal_mode"))).scalar()
            synchronous = (await connection.execute(text("PRAGMA synchronous"))).scalar()
        with pytest.raises(OperationalError):
            async with store.read() as connection:
                await connection.execute(text("CREATE TABLE nothing (x)"))

    assert (journal, synchronous) == ("wal", 2)


async def test_two_hundred_writers_lose_nothing(tmp_path: Path) -> None:
    async with Store(tmp_path / "store.db", METADATA).open() as store:
        async with store.write() as connection:
            await connection.execute(insert(COUNTER).values(id=1, value=0))

        async def add_one() -> None:
            async with store.write() as connection:
                value = (await connection.execute(select(COUNTER.c.value))).scalar_one()
                await connection.execute(update(COUNTER).values(value=value + 1))

        async with anyio.create_task_group() as group:
            for _ in range(200):
                group.start_soon(add_one)
        async with store.read() as connection:
            assert (await connection.execute(select(COUNTER.c.value))).scalar_one() == 200


async def test_a_writer_waits_for_one_in_another_process(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with Store(path, METADATA).open() as store:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO counter VALUES (1, 1)")

        async def add() -> None:
            async with store.write() as connection:
                await connection.execute(insert(COUNTER).values(id=2, value=2))

        async with anyio.create_task_group() as group:
            group.start_soon(add)
            await anyio.lowlevel.checkpoint()
            other.execute("COMMIT")
        other.close()
        async with store.read() as connection:
            assert len((await connection.execute(select(COUNTER))).all()) == 2


async def test_a_block_that_raises_changes_nothing(tmp_path: Path) -> None:
    async with Store(tmp_path / "store.db", METADATA).open() as store:
        with pytest.raises(ZeroDivisionError):
            async with store.write() as connection:
                await connection.execute(insert(COUNTER).values(id=1, value=1 // 0))
        async with store.read() as connection:
            assert (await connection.execute(select(COUNTER))).first() is None


async def test_a_file_that_cannot_be_a_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "elsewhere.db")
    (tmp_path / "text.db").write_text("This is no database, but a text that is long enough to be read as one. " * 20)
    (tmp_path / "folder.db").mkdir()
    for name, error in (("link.db", SettingError), ("text.db", StoreError), ("folder.db", StoreError)):
        with pytest.raises(error, match=name):
            async with Store(tmp_path / name).open():
                pass


async def test_a_closed_store_says_how_to_open_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not open"):
        async with Store(tmp_path / "store.db").read():
            pass


def test_the_state_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INTARSIA_STATE", str(tmp_path))

    assert default_path("team-tasks") == tmp_path / "intarsia" / "team-tasks.db"


async def test_a_change_inside_a_change_says_what_to_do(tmp_path: Path) -> None:
    async with Store(tmp_path / "store.db").open() as store:
        async with store.write():
            with pytest.raises(StoreError, match="is already open here, and only one can be"):
                async with store.write():
                    pass
        async with store.write() as connection:
            assert (await connection.exec_driver_sql("SELECT 1")).scalar_one() == 1


async def test_the_error_for_a_read_only_folder_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"cannot be opened: .* Set `Connector\(\.\.\., store=\.\.\.\)` to a "):
        async with Store(tmp_path / "file" / "store.db").open():
            pass


async def test_an_error_of_the_database_holds_no_values(tmp_path: Path) -> None:
    async with Store(tmp_path / "store.db").open() as store, store.write() as connection:
        values = {"person": "c4n4ry", "widget": "w", "values": "", "at": 0}
        await connection.execute(insert(DRAFTS).values(values))
        with pytest.raises(IntegrityError) as caught:
            await connection.execute(insert(DRAFTS).values(values))

    assert "c4n4ry" not in str(caught.value)


async def test_cancelled_writers_leave_whole_transactions_and_a_usable_store(
    tmp_path: Path,
) -> None:
    async with Store(tmp_path / "store.db").open() as store:

        async def write_two(number: int) -> None:
            async with store.write() as connection:
                for half in "ab":
                    values = {"person": f"{number}", "widget": half, "values": "", "at": 0}
                    await connection.execute(insert(DRAFTS).values(values))

        for number in range(200):
            task = asyncio.create_task(write_two(number))
            for _ in range(number % 40):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        await write_two(1_000)
        async with store.read() as connection:
            rows = (await connection.execute(select(DRAFTS.c.person, func.count()).group_by(DRAFTS.c.person))).all()

    assert {count for _, count in rows} == {2}
    assert "1000" in {person for person, _ in rows}
