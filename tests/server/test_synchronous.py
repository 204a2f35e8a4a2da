"""Synchronous actions and widgets: with the same promises as asynchronous ones, and without holding up anybody."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path

import anyio
import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, update

from intarsia import Connector, Done, Grant, RefusedError, idempotency_key
from intarsia.errors import StoreError
from intarsia.server.audit.log import AuditQuery
from intarsia.server.audit.verify import verify
from intarsia.server.storage.store import Store
from intarsia.server.storage.tables import KEYS
from intarsia.server.tools.threads import ThreadPool
from intarsia.widgets import Metric
from tests.server.conftest import call
from tests.server.view_state import DONE, PROBLEM
from tests.server.waiting_threads import latch

TABLES = MetaData()
NUMBERS = Table("numbers", TABLES, Column("name", String(20), primary_key=True), Column("value", Integer))
KEY = {"dev.intarsia/id": "0123456789abcdef"}
CALLER: ContextVar[str] = ContextVar("caller", default="nobody")


@asynccontextmanager
async def numbers(tmp_path: Path) -> AsyncGenerator[Connector]:
    connector = Connector("Numbers", store=tmp_path / "numbers.db", tables=TABLES)

    @connector.action
    def add(grant: Grant, of: str, amount: int) -> Done:
        """Add."""
        with connector.change() as connection:
            old = connection.execute(select(NUMBERS.c.value).where(NUMBERS.c.name == of)).scalar()
            if old is None:
                connection.execute(insert(NUMBERS).values(name=of, value=amount))
            else:
                connection.execute(update(NUMBERS).where(NUMBERS.c.name == of).values(value=old + amount))
            if amount < 0:
                reason = "Only up."
                raise RefusedError(reason)
        return Done(f"{grant.subject} {idempotency_key()}")

    @connector.widget
    def total() -> Metric:
        """Show."""
        with connector.read() as connection:
            values = connection.execute(select(NUMBERS.c.value)).scalars().all()
        return Metric("Total", sum(value or 0 for value in values))

    async with connector.running():
        yield connector


async def value_of(connector: Connector, name: str) -> int | None:
    async with connector.read() as connection:
        return (await connection.execute(select(NUMBERS.c.value).where(NUMBERS.c.name == name))).scalar()


async def test_a_synchronous_action_is_applied_once_with_key_and_audit_row(tmp_path: Path) -> None:
    async with numbers(tmp_path) as connector:
        first = await call(connector, "add", KEY, of="a", amount=2)
        again = await call(connector, "add", KEY, of="a", amount=2)

        assert first.text == f"local {KEY['dev.intarsia/id']}"
        assert again.meta[DONE] == {**first.meta[DONE], "replayed": True}
        assert await value_of(connector, "a") == 2
        assert (await call(connector, "total")).structured is not None
        assert [row.entry.what for row in await connector.audit.rows(AuditQuery(event="action"))] == ["add"]
        assert (await verify(connector.store)).is_intact


async def test_a_synchronous_action_that_refuses_leaves_neither_change_nor_key(tmp_path: Path) -> None:
    async with numbers(tmp_path) as connector:
        refused = await call(connector, "add", KEY, of="a", amount=-1)

        assert refused.meta[PROBLEM]["kind"] == "refused"
        assert await value_of(connector, "a") is None
        async with connector.read() as connection:
            assert (await connection.execute(select(KEYS))).first() is None
        assert (await call(connector, "add", KEY, of="a", amount=1)).meta[DONE].keys() == {"message"}


async def test_threads_and_tasks_write_in_one_queue(tmp_path: Path) -> None:
    async with numbers(tmp_path) as connector:

        async def add_in_loop() -> None:
            async with connector.change() as connection:
                old = (await connection.execute(select(NUMBERS.c.value))).scalar() or 0
                await anyio.lowlevel.checkpoint()
                await connection.execute(update(NUMBERS).values(value=old + 1))

        await call(connector, "add", of="a", amount=0)
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(add_in_loop)
                group.start_soon(partial(call, connector, "add", of="a", amount=1))

        assert await value_of(connector, "a") == 40


async def test_a_second_change_inside_the_first_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    async with numbers(tmp_path) as connector:

        def change() -> int:
            with connector.change():
                return 1

        def nested() -> int:
            with connector.change():
                return change()

        with pytest.raises(StoreError, match="is already open here"):
            await ThreadPool().read(partial(nested))
        async with connector.change():
            with pytest.raises(StoreError, match="is already open here"):
                await ThreadPool().read(partial(change))
        assert await ThreadPool().read(partial(change)) == 1


async def test_with_in_an_async_function_says_what_to_write(tmp_path: Path) -> None:
    async with numbers(tmp_path) as connector:
        for block in (connector.change(), connector.read()):
            with pytest.raises(StoreError, match="In an `async def` function use `async with`"), block:
                pass


async def test_any_thread_may_change_and_is_told_when_the_store_is_closed(tmp_path: Path) -> None:
    async with numbers(tmp_path) as connector:

        def fill() -> None:
            with connector.change() as connection:
                connection.execute(insert(NUMBERS).values(name="b", value=7))

        await anyio.to_thread.run_sync(fill)
        assert await value_of(connector, "b") == 7
    with pytest.raises(StoreError, match="is not open"):
        await anyio.to_thread.run_sync(fill)


async def test_a_change_of_a_thread_is_finished_when_its_caller_goes_away(tmp_path: Path) -> None:
    async with numbers(tmp_path) as connector:
        with latch() as waiting:

            @connector.action
            def slow(of: str) -> Done:
                """Add slowly."""
                with connector.change() as connection:
                    waiting.pass_through()
                    connection.execute(insert(NUMBERS).values(name=of, value=1))
                return Done("Added.")

            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as group:
                    group.start_soon(partial(call, connector, "slow", KEY, of="c"))
                    await waiting.is_entered()
                    scope.cancel()
                    waiting.open.set()

            assert (await call(connector, "slow", KEY, of="c")).meta[DONE]["replayed"] is True
        assert await value_of(connector, "c") == 1


async def test_a_synchronous_widget_that_sleeps_holds_up_nobody(tmp_path: Path) -> None:
    async with numbers(tmp_path) as connector:
        with latch() as asleep:

            @connector.widget
            def slow() -> Metric:
                """Sleep."""
                return Metric("Slow", asleep.pass_through(1))

            async with anyio.create_task_group() as group:
                group.start_soon(partial(call, connector, "slow"))
                await asleep.is_entered()
                for _ in range(20):  # all of these are answered while it sleeps
                    assert not (await call(connector, "total")).is_error
                assert not (await call(connector, "add", of="d", amount=1)).is_error
                asleep.open.set()


def test_a_thread_that_comes_late_is_told_that_the_store_is_closed(tmp_path: Path) -> None:
    connector = Connector("Ended", store=tmp_path / "ended.db", tables=TABLES)
    told: list[str] = []

    async def serve() -> None:
        async with connector.running():
            pass

    def change() -> None:
        try:
            with connector.change():
                told.append("changed")
        except StoreError as error:
            told.append(str(error))

    asyncio.run(serve())
    late = threading.Thread(target=change)
    late.start()
    late.join(60)
    assert told == [
        f"The store {connector.store.path} is not open. Serve the connector, or use `async with connector.running():`."
    ]


async def test_a_thread_that_waits_for_its_turn_is_told_when_the_loop_ends(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    told: list[str] = []

    def change() -> None:
        try:
            with store.write_in_thread():
                told.append("changed")
        except StoreError as error:
            told.append(str(error))

    async def hold(is_held: asyncio.Event) -> None:
        async with store.open(), store.write():
            is_held.set()
            await asyncio.Event().wait()

    async def end_while_it_waits() -> threading.Thread:
        is_held = asyncio.Event()
        holding = asyncio.create_task(hold(is_held))
        await is_held.wait()
        thread = threading.Thread(target=change)
        thread.start()
        while len(asyncio.all_tasks()) < 3:  # this one, the one that holds the turn, and the thread's
            await anyio.lowlevel.checkpoint()
        assert not holding.done()
        return thread

    def run() -> None:
        asyncio.run(end_while_it_waits()).join(60)

    await anyio.to_thread.run_sync(run)
    assert told == [f"The store {store.path} is being closed; nothing was changed."]
