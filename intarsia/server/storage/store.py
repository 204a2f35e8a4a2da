"""The store: persistent data in SQLite. Idempotency keys, confirmations, drafts, and the author's own tables.

With one writer, `BEGIN IMMEDIATE`, WAL and `synchronous=FULL`, committed changes survive a power cut, and writers queue
up for as long as their call may wait (`wait_budget.py`). Only `engines.py` and `sqlite.py` depend on SQLite; the rest
is SQLAlchemy and would work with a database URL.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType

import anyio
from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.exc import DatabaseError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from intarsia.errors import BusyError, SaveError, StoreError
from intarsia.server.storage import sqlite
from intarsia.server.storage.engines import driver_of, open_engines, open_thread_engines
from intarsia.server.storage.process_lock import ProcessLock
from intarsia.server.storage.schema import Schema
from intarsia.server.storage.store_file import StoreFile
from intarsia.server.storage.tables import SCHEMA
from intarsia.server.storage.wait_budget import WaitBudget, busy, current_budget

_LOOP_CHECK_SECONDS = 1.0
"""How often a thread that waits for its turn checks that the event loop still runs."""


@dataclass(eq=False)
class _Change:
    """A write transaction that may be open in the current context."""

    store: "Store"
    is_open: bool = True


_CHANGE: ContextVar[_Change | None] = ContextVar("intarsia_change", default=None)
"""The last write transaction that was opened in this context."""


@dataclass(frozen=True)
class _Opened:
    """The engines of an open store. Those for threads connect on first use."""

    writer: AsyncEngine
    reader: AsyncEngine
    thread_writer: Engine
    thread_reader: Engine
    loop: asyncio.AbstractEventLoop


class ConnectionContext(AbstractAsyncContextManager[AsyncConnection], AbstractContextManager[Connection]):
    """A connection for one block: `async with` in an `async def` function, `with` in a `def` function.

    Args:
        in_loop: Creates the context manager for `async with`.
        in_thread: Creates the one for `with`, in a thread without an event loop.
    """

    def __init__(
        self,
        in_loop: Callable[[], AbstractAsyncContextManager[AsyncConnection]],
        in_thread: Callable[[], AbstractContextManager[Connection]],
    ) -> None:
        self._in_loop, self._in_thread = in_loop, in_thread
        self._loop_block: AbstractAsyncContextManager[AsyncConnection] | None = None
        self._thread_block: AbstractContextManager[Connection] | None = None

    async def __aenter__(self) -> AsyncConnection:
        self._loop_block = self._in_loop()
        return await self._loop_block.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._loop_block is not None:
            await self._loop_block.__aexit__(kind, error, traceback)

    def __enter__(self) -> Connection:
        _check_thread()
        self._thread_block = self._in_thread()
        return self._thread_block.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._thread_block is not None:
            self._thread_block.__exit__(kind, error, traceback)


class Store:
    """A database file that one process writes to, one transaction at a time.

    Args:
        path: The file; it is created with mode 0600 if it does not exist.
        tables: The author's own tables; missing ones are created when the store is opened, existing ones never altered.
        schemas: Tables of Intarsia that this store has besides those of every store.
        is_shared: Whether other processes may serve from the store at the same time. All of them have to say so.
    """

    def __init__(
        self,
        path: Path,
        tables: MetaData | None = None,
        *,
        schemas: Sequence[Schema] = (),
        is_shared: bool = False,
    ) -> None:
        self.path = path
        self.is_shared = is_shared
        self._tables = tables
        self._schemas = (SCHEMA, *schemas)
        self._opened: _Opened | None = None
        self._turn = anyio.Lock()

    @property
    def file(self) -> StoreFile:
        """The file, with the tables that it should have."""
        return StoreFile(self.path, self._schemas, self._tables)

    @asynccontextmanager
    async def open(self, *, beside: bool = False) -> AsyncGenerator["Store"]:
        """Open the file, create or migrate its tables, and close it at the end. A nested `open` shares the open file.

        Args:
            beside: Whether to open it also while another process serves from it, as commands do.

        Raises:
            StoreError: The file cannot be opened or migrated, is no store, or is in use by another process.
        """
        if self._opened is not None:
            yield self
            return
        lock = await self._lock(beside=beside)
        try:
            async with self._connected():
                yield self
        finally:
            if lock is not None:
                lock.release()

    async def _lock(self, *, beside: bool) -> ProcessLock | None:
        work = partial(self.file.open, is_shared=self.is_shared, beside=beside)
        opening = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_release_unused)  # the thread goes on
            raise

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[None]:
        if self._opened is not None:  # it was opened while the file was checked
            yield
            return
        self._turn = anyio.Lock()
        opened = self._opened = _Opened(
            *open_engines(self.path), *open_thread_engines(self.path), asyncio.get_running_loop()
        )
        try:
            yield
        finally:
            self._opened = None
            with anyio.CancelScope(shield=True):
                await opened.writer.dispose()
                await opened.reader.dispose()
            opened.thread_writer.dispose()
            opened.thread_reader.dispose()

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection]:
        """Open a write transaction: it commits at the end of the block, or rolls back on an exception.

        A commit that has begun completes even if the caller is cancelled.

        Raises:
            BusyError: The database was held by others for longer than the call may wait.
            SaveError: The file cannot be written, such as on a full disk.
            StoreError: The store is not open, or this task is already in a transaction.
        """
        engine, budget = self._engines.writer, current_budget()
        async with self._own_turn(budget), _pooled(engine) as connection:
            with self._telling_why(), budget.spent():
                driver_of(connection.sync_connection).wait_seconds = budget.left
                transaction = await connection.begin()
            with self._telling_why():
                try:
                    with self._changing():
                        yield connection
                except BaseException:
                    with anyio.CancelScope(shield=True):
                        await transaction.rollback()
                    raise
                with anyio.CancelScope(shield=True):
                    await _commit(connection)

    @contextmanager
    def write_in_thread(self) -> Generator[Connection]:
        """Open a write transaction as `write` does, in a thread without an event loop.

        Threads and the tasks of the event loop share one queue. The event loop is not blocked while a thread waits or
        writes.

        Raises:
            BusyError: The database was held by others for longer than the call may wait.
            SaveError: The file cannot be written, such as on a full disk.
            StoreError: The store is not open, its event loop has ended, or the task that waits for this thread is
                already in a transaction.
        """
        opened, budget = self._engines, current_budget()
        change = _CHANGE.get()
        if change is not None and change.store is self and change.is_open:
            raise StoreError(self._is_changing)
        with self._turn_of_thread(opened.loop, budget), opened.thread_writer.connect() as connection:
            with self._telling_why(), budget.spent():
                driver_of(connection).wait_seconds = budget.left
                transaction = connection.begin()
            with self._telling_why():
                try:
                    with self._changing():
                        yield connection
                except BaseException:
                    transaction.rollback()
                    raise
                try:
                    transaction.commit()
                except BaseException:
                    connection.invalidate()  # see `_commit`
                    raise

    @contextmanager
    def _telling_why(self) -> Generator[None]:
        """Raise what a caller can act on in place of errors of the database that say the same."""
        try:
            yield
        except DatabaseError as error:
            if sqlite.is_busy(error):
                raise busy() from error
            if sqlite.is_unsaved(error):
                message = f"The store {self.path} cannot be written: {error.orig}. Nothing was changed."
                raise SaveError(message) from error
            raise

    @contextmanager
    def _changing(self) -> Generator[None]:
        """Mark a write transaction as open in this context, which threads started inside the block inherit."""
        change = _Change(self)
        _CHANGE.set(change)
        try:
            yield
        finally:
            change.is_open = False

    @asynccontextmanager
    async def _own_turn(self, budget: WaitBudget) -> AsyncGenerator[None]:
        await self._take_turn(budget)
        try:
            yield
        finally:
            self._turn.release()

    async def _take_turn(self, budget: WaitBudget) -> None:
        """Wait for the turn to write, for as long as the budget lasts."""
        try:
            self._turn.acquire_nowait()
        except RuntimeError:
            raise StoreError(self._is_changing) from None
        except anyio.WouldBlock:
            with budget.spent(), anyio.move_on_after(budget.left) as scope:
                await self._turn.acquire()
            if scope.cancelled_caught:
                raise busy() from None

    @contextmanager
    def _turn_of_thread(self, loop: asyncio.AbstractEventLoop, budget: WaitBudget) -> Generator[None]:
        """Hold the turn for a thread: a task of the event loop acquires it, and releases it at the end of the block."""
        granted: Future[None] = Future()
        ended = asyncio.Event()

        async def hold() -> None:
            try:
                async with self._own_turn(budget):
                    granted.set_result(None)
                    await ended.wait()
            except BusyError as error:
                granted.set_exception(error)
            finally:
                granted.cancel()  # wakes the thread if the loop ends before the turn was granted

        if loop.is_closed():
            raise StoreError(self._is_closed)
        asyncio.run_coroutine_threadsafe(hold(), loop)
        self._wait_for_turn(granted, loop)
        try:
            yield
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ended.set)

    def _wait_for_turn(self, granted: "Future[None]", loop: asyncio.AbstractEventLoop) -> None:
        while not loop.is_closed():
            try:
                granted.result(_LOOP_CHECK_SECONDS)
            except TimeoutError:
                continue
            except CancelledError:
                break
            return
        raise StoreError(self._is_closed)

    @property
    def _engines(self) -> _Opened:
        if self._opened is None:
            message = (
                f"The store {self.path} is not open. Serve the connector, or use `async with connector.running():`."
            )
            raise StoreError(message)
        return self._opened

    @property
    def _is_closed(self) -> str:
        return f"The store {self.path} is being closed; nothing was changed."

    @property
    def _is_changing(self) -> str:
        return (
            f"A write transaction on {self.path} is already open here, and only one can be. Pass its connection to the "
            "code that belongs to it, or end it first."
        )

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """Open a read-only connection to a consistent snapshot of the data.

        Raises:
            BusyError: All connections were in use, or the database was locked, for longer than a call may wait.
        """
        with self._telling_why():
            async with _pooled(self._engines.reader) as connection:
                yield connection

    @contextmanager
    def read_in_thread(self) -> Generator[Connection]:
        """Open a connection as `read` does, in a thread without an event loop."""
        with self._telling_why(), self._engines.thread_reader.connect() as connection:
            yield connection


@asynccontextmanager
async def _pooled(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
    """Take a connection from the pool. At the end, what is not committed is rolled back."""
    try:
        connection = await engine.connect()
    except PoolTimeoutError as error:
        raise busy() from error
    try:
        yield connection
    finally:
        # The connection's own context manager would start a task for this.
        with anyio.CancelScope(shield=True):
            await connection.close()


async def _commit(connection: AsyncConnection) -> None:
    try:
        await connection.commit()
    except BaseException:
        # SQLite may keep a transaction open that it could not commit; closing the connection rolls it back.
        await connection.invalidate()
        raise


def _release_unused(opening: "asyncio.Future[ProcessLock | None]") -> None:
    lock = None if opening.cancelled() or opening.exception() else opening.result()
    if lock is not None:
        lock.release()


def default_path(slug: str) -> Path:
    """Return the default path of a connector's store: in `INTARSIA_STATE`, or in the user's state folder."""
    state = os.environ.get("INTARSIA_STATE") or os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "intarsia" / f"{slug}.db"


def _check_thread() -> None:
    """Refuse to block the thread of an event loop.

    Raises:
        StoreError: An event loop runs in this thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    message = "In an `async def` function use `async with`; `with` is for `def` functions, which run in threads."
    raise StoreError(message)
