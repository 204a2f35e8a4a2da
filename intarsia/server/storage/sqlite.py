"""SQLite for SQLAlchemy's asyncio engines: each connection has a thread, and each statement goes there once.

A driver that passes every call of a cursor to a thread goes there four times for a statement: for the cursor, the
statement, the rows and the end. Waking a thread takes longer than most statements of the store, so here a statement
comes back with all its rows. Everything rests on the standard library and on the classes that SQLAlchemy offers to
dialects; docs/decisions/0037 says what this replaced.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, Self, TypeVar

from sqlalchemy.connectors.asyncio import AsyncAdapt_dbapi_connection
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.base import SQLiteExecutionContext
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL
from sqlalchemy.pool import AsyncAdaptedQueuePool, Pool
from sqlalchemy.util.concurrency import await_

T = TypeVar("T")

DRIVER = "sqlite+intarsia"
"""The driver's name in the URL of an engine."""


class Result:
    """The result of one statement, with all its rows.

    Args:
        cursor: The cursor that ran the statement. It is not used afterwards.
    """

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.description = cursor.description
        self.rowcount = cursor.rowcount
        self.lastrowid = cursor.lastrowid
        self.rows: list[Any] = cursor.fetchall() if cursor.description else []


def _run_jobs(jobs: "SimpleQueue[Callable[[], None] | None]") -> None:
    """Call functions in the order in which they were sent, until `None`."""
    while job := jobs.get():
        job()


def _call(future: "asyncio.Future[T]", function: Callable[..., T], *arguments: Any) -> None:
    """Call a function in the thread, and hand its result to the event loop that waits for it."""
    try:
        settle = partial(future.set_result, function(*arguments))
    except BaseException as error:  # noqa: BLE001 - raised where the future is awaited
        settle = partial(future.set_exception, error)
    # An event loop that was closed meanwhile waits for nothing.
    with suppress(RuntimeError):
        future.get_loop().call_soon_threadsafe(_settle, future, settle)


def _settle(future: "asyncio.Future[Any]", settle: Callable[[], None]) -> None:
    if not future.done():  # it is done if the caller was cancelled
        settle()


class SqliteConnection:
    """A connection to a database file, in a thread of its own. The driver begins no transactions by itself."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._database: sqlite3.Connection | None = None
        # A daemon, so that a connection that was not closed does not keep the process alive.
        Thread(target=_run_jobs, args=(self._jobs,), name="intarsia-sqlite", daemon=True).start()

    @classmethod
    async def open(cls, path: str) -> "SqliteConnection":
        """Open a database file.

        Args:
            path: The file. SQLite creates it if it does not exist.

        Raises:
            sqlite3.OperationalError: The file cannot be opened.
        """
        connection = cls()
        try:
            await connection._send(connection._connect, path)
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _connect(self, path: str) -> None:
        # Only the thread uses the connection; Python's garbage collector may close it from another one.
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def _send(self, function: Callable[..., T], *arguments: Any) -> "asyncio.Future[T]":
        """Have the thread call a function after those it was sent before."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(partial(_call, future, function, *arguments))
        return future

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            message = "The connection is closed."
            raise sqlite3.ProgrammingError(message)
        return self._database

    async def run(self, sql: str, parameters: Any, *, is_many: bool) -> Result:
        """Run a statement to its end.

        Args:
            sql: The statement.
            parameters: Its parameters, or a list of them.
            is_many: Whether to run it once for each item of `parameters`.

        Raises:
            sqlite3.Error: The statement failed.
        """
        return await self._send(self._run, sql, parameters, is_many)

    def _run(self, sql: str, parameters: Any, is_many: bool) -> Result:  # noqa: FBT001 - the executor passes by position
        cursor = self._opened.cursor()
        try:
            return Result(cursor.executemany(sql, parameters) if is_many else cursor.execute(sql, parameters))
        finally:
            cursor.close()

    def cursor(self) -> "Cursor":
        """Make a cursor."""
        return Cursor(self)

    async def commit(self) -> None:
        """Commit the transaction."""
        await self._send(self._opened.commit)

    async def rollback(self) -> None:
        """Roll back the transaction."""
        await self._send(self._opened.rollback)

    async def create_function(self, name: str, count: int, function: Callable[..., Any], **options: Any) -> None:
        """Make a Python function available in SQL; see `sqlite3.Connection.create_function`."""
        create: Callable[[], None] = lambda: self._opened.create_function(name, count, function, **options)  # noqa: E731
        await self._send(create)

    async def close(self) -> None:
        """Close the connection after the statements that were sent, and end the thread."""
        closed = self._send(self._close)
        self._jobs.put(None)
        await closed

    def terminate(self) -> None:
        """Close the connection as `close` does, without waiting for it."""
        self._jobs.put(self._close)
        self._jobs.put(None)

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


class Cursor:
    """The cursor that SQLAlchemy uses; only statements wait for the thread.

    Args:
        connection: Runs the statements.
    """

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._result: Result | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        """The columns of the rows, or `None` if the statement returns no rows."""
        return self._result.description if self._result else None

    @property
    def rowcount(self) -> int:
        """The number of rows that the statement changed, or -1."""
        return self._result.rowcount if self._result else -1

    @property
    def lastrowid(self) -> int | None:
        """The id of the last inserted row."""
        return self._result.lastrowid if self._result else None

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self._result = await self._connection.run(sql, parameters, is_many=False)

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each set of parameters."""
        self._result = await self._connection.run(sql, list(parameters), is_many=True)

    async def fetchall(self) -> list[Any]:
        """Return the remaining rows."""
        return await self.fetchmany(len(self._rows))

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return up to `size` of the remaining rows."""
        rows, count = self._rows, self.arraysize if size is None else size
        taken = rows[:count]
        del rows[:count]
        return taken

    async def fetchone(self) -> Any:
        """Return the next row, or `None` after the last one."""
        return next(iter(await self.fetchmany(1)), None)

    async def __aiter__(self) -> AsyncIterator[Any]:
        for row in await self.fetchall():
            yield row

    async def close(self) -> None:
        """Discard the remaining rows. The database holds nothing for a cursor here."""
        self._rows.clear()

    @property
    def _rows(self) -> list[Any]:
        return self._result.rows if self._result else []


class AdaptedConnection(AsyncAdapt_dbapi_connection):
    """A `SqliteConnection` as SQLAlchemy's synchronous core calls it."""

    isolation_level: str | None = None
    """SQLite's own mode: transactions begin and end by statements alone."""

    def create_function(self, name: str, count: int, function: Callable[..., Any], **options: Any) -> None:
        """Make a Python function available in SQL; the dialect does so for each new connection."""
        driver: SqliteConnection = self.driver_connection
        await_(driver.create_function(name, count, function, **options))

    def terminate(self) -> None:
        """Close the connection where nothing can wait for it, such as in the garbage collector."""
        driver: SqliteConnection = self.driver_connection
        driver.terminate()


class _ExecutionContext(SQLiteExecutionContext):
    def create_server_side_cursor(self) -> Any:
        return self.root_connection.connection.cursor(server_side=True)


class SqliteDialect(SQLiteDialect_pysqlite):
    """SQLAlchemy's dialect for SQLite with the connections of this module."""

    driver = "intarsia"
    is_async = True
    has_terminate = True
    supports_statement_cache = True
    supports_server_side_cursors = True  # `AsyncConnection.stream` asks for it
    execution_ctx_cls = _ExecutionContext

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """Return the pool whose waiting does not block the event loop."""
        del url
        return AsyncAdaptedQueuePool

    def connect(self, *arguments: Any, **options: Any) -> Any:
        """Open a connection to the file that the URL names."""
        del options  # those of `sqlite3.connect`, which `SqliteConnection` decides
        # SQLAlchemy's protocol for drivers asks for `__getattr__`, which no ordinary class has.
        driver: Any = await_(SqliteConnection.open(str(arguments[0])))
        return AdaptedConnection(self.loaded_dbapi, driver)

    def get_driver_connection(self, connection: Any) -> Any:
        """Return the connection that SQLAlchemy's core sees adapted."""
        return connection.driver_connection

    def do_terminate(self, dbapi_connection: Any) -> None:
        """Close a connection that nothing can wait for."""
        dbapi_connection.terminate()


registry.register(DRIVER.replace("+", "."), __name__, SqliteDialect.__name__)
