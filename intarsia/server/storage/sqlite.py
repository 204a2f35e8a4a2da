"""A SQLite driver for SQLAlchemy's asyncio engines. Each connection has a thread and visits it once per statement.

Drivers that pass every call of a cursor to a thread visit it four times per statement: to open the cursor, to execute,
to fetch and to close. Waking a thread takes longer than most statements of the store, so this driver returns a
statement with all its rows. It depends on the standard library and on the classes that SQLAlchemy offers to dialects;
docs/decisions/0037 says what it replaced.

Transactions begin by statements of Intarsia, not of the driver: `BEGIN IMMEDIATE` for writers, after setting how long
SQLite may wait for other processes. The dialects do so for asynchronous connections and for those of threads alike.
"""

import asyncio
import math
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
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import AsyncAdaptedQueuePool, Pool
from sqlalchemy.util.concurrency import await_

T = TypeVar("T")

DRIVER = "sqlite+intarsia"
"""The driver's name in the URL of an asynchronous engine."""

THREAD_DRIVER = "sqlite+intarsia_thread"
"""The driver's name in the URL of an engine for threads."""

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNSAVED = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
_PRIMARY_CODE = 0xFF
"""The bits of an error code of SQLite that name its kind."""

_Result = tuple[Any, int, int | None, list[Any]]
"""The result of a statement: its columns, its number of changed rows, its last inserted id, and its rows."""


def is_busy(error: DatabaseError) -> bool:
    """Whether a statement failed because another connection holds the database."""
    return _code(error) in _BUSY


def is_unsaved(error: DatabaseError) -> bool:
    """Whether a change failed because the file cannot be written: the disk is full or broken, or it is read-only."""
    return _code(error) in _UNSAVED


def _code(error: DatabaseError) -> int:
    return getattr(error.orig, "sqlite_errorcode", 0) & _PRIMARY_CODE


def _begin(database: sqlite3.Connection, statement: str, wait_seconds: float | None) -> None:
    """Begin a transaction, and wait so long for other processes; `None` keeps what was set before."""
    if wait_seconds is not None:
        database.execute(f"PRAGMA busy_timeout={math.ceil(wait_seconds * 1000)}").close()
    database.execute(statement).close()


class ThreadConnection(sqlite3.Connection):
    """A connection whose statements run in the calling thread."""

    wait_seconds: float | None = None
    """How long the next transaction may wait to begin, in seconds."""

    def begin(self, statement: str) -> None:
        """Begin a transaction with this statement."""
        _begin(self, statement, self.wait_seconds)


def _run_jobs(jobs: "SimpleQueue[Callable[[], None] | None]") -> None:
    """Call functions in the order in which they were sent, until `None` ends the thread."""
    while job := jobs.get():
        job()


def _call(future: "asyncio.Future[T]", function: Callable[..., T], *arguments: Any) -> None:
    """Call a function in the thread, and pass its result to the event loop that waits for it."""
    try:
        settle = partial(future.set_result, function(*arguments))
    except BaseException as error:  # noqa: BLE001 - raised where the future is awaited
        settle = partial(future.set_exception, error)
    # The event loop may have been closed in the meantime.
    with suppress(RuntimeError):
        future.get_loop().call_soon_threadsafe(_settle, future, settle)


def _settle(future: "asyncio.Future[Any]", settle: Callable[[], None]) -> None:
    if not future.done():  # it is done if the caller was cancelled
        settle()


class SqliteConnection:
    """A connection to a database file, in its own thread. The driver begins no transactions by itself."""

    def __init__(self) -> None:
        self.wait_seconds: float | None = None
        """How long the next transaction may wait to begin, in seconds."""
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
        """Queue a function for the thread."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(partial(_call, future, function, *arguments))
        return future

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            message = "The connection is closed."
            raise sqlite3.ProgrammingError(message)
        return self._database

    def run(self, sql: str, parameters: Any, *, is_many: bool) -> "asyncio.Future[_Result]":
        """Run a statement to its end.

        Args:
            sql: The statement.
            parameters: Its parameters, or a list of them.
            is_many: Whether to run it once for each item of `parameters`.

        Returns:
            A future of the result. It raises `sqlite3.Error` if the statement failed.
        """
        return self._send(self._run, sql, parameters, is_many)

    def _run(self, sql: str, parameters: Any, is_many: bool) -> _Result:  # noqa: FBT001 - passed by position
        """Run a statement to its end, and fetch all its rows."""
        cursor = self._opened.cursor()
        try:
            (cursor.executemany if is_many else cursor.execute)(sql, parameters)
            description = cursor.description
            return description, cursor.rowcount, cursor.lastrowid, cursor.fetchall() if description else []
        finally:
            cursor.close()

    def cursor(self) -> "Cursor":
        """Make a cursor."""
        return Cursor(self)

    async def begin(self, statement: str) -> None:
        """Begin a transaction with this statement."""
        await self._send(_begin, self._opened, statement, self.wait_seconds)

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

    __slots__ = ("_connection", "_rows", "arraysize", "description", "lastrowid", "rowcount")

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.arraysize = 1
        self.description: Any = None
        """The columns of the rows, or `None` if the statement returns no rows."""
        self.rowcount = -1
        """The number of rows that the statement changed, or -1."""
        self.lastrowid: int | None = None
        """The id of the last inserted row."""

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement to its end.

        Args:
            sql: The statement.
            parameters: Its parameters.

        Raises:
            sqlite3.Error: The statement failed.
        """
        result = await self._connection.run(sql, parameters, is_many=False)
        self.description, self.rowcount, self.lastrowid, self._rows = result

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each set of parameters.

        Args:
            sql: The statement.
            parameters: The sets of parameters.

        Raises:
            sqlite3.Error: The statement failed.
        """
        result = await self._connection.run(sql, list(parameters), is_many=True)
        self.description, self.rowcount, self.lastrowid, self._rows = result

    async def fetchall(self) -> list[Any]:
        """Return the remaining rows."""
        rows, self._rows = self._rows, []
        return rows

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return up to `size` of the remaining rows."""
        count = self.arraysize if size is None else size
        taken, self._rows = self._rows[:count], self._rows[count:]
        return taken

    async def fetchone(self) -> Any:
        """Return the next row, or `None` after the last one."""
        return self._rows.pop(0) if self._rows else None

    async def __aiter__(self) -> AsyncIterator[Any]:
        for row in await self.fetchall():
            yield row

    async def close(self) -> None:
        """Discard the remaining rows. The database holds nothing for a cursor here."""
        self._rows = []


class AdaptedConnection(AsyncAdapt_dbapi_connection):
    """A `SqliteConnection` as SQLAlchemy's synchronous core calls it."""

    isolation_level: str | None = None
    """SQLite's own mode: transactions begin and end by statements alone."""

    def begin(self, statement: str) -> None:
        """Begin a transaction with this statement."""
        driver: SqliteConnection = self.driver_connection
        await_(driver.begin(statement))

    def create_function(self, name: str, count: int, function: Callable[..., Any], **options: Any) -> None:
        """Make a Python function available in SQL; the dialect does so for each new connection."""
        driver: SqliteConnection = self.driver_connection
        await_(driver.create_function(name, count, function, **options))

    def terminate(self) -> None:
        """Close the connection without waiting for it, such as from the garbage collector, which cannot await."""
        driver: SqliteConnection = self.driver_connection
        driver.terminate()


class _ExecutionContext(SQLiteExecutionContext):
    def create_server_side_cursor(self) -> Any:
        return self.root_connection.connection.cursor(server_side=True)


class ThreadDialect(SQLiteDialect_pysqlite):
    """SQLAlchemy's dialect for SQLite, which begins transactions with a statement of its own.

    Args:
        begin_statement: Begins a transaction: `BEGIN`, or `BEGIN IMMEDIATE` to write.
        options: The options of SQLAlchemy's dialect.
    """

    driver = "intarsia_thread"
    supports_statement_cache = True

    def __init__(self, begin_statement: str = "BEGIN", **options: Any) -> None:
        super().__init__(**options)
        self._begin_statement = begin_statement

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begin a transaction."""
        dbapi_connection.begin(self._begin_statement)


class SqliteDialect(ThreadDialect):
    """The same dialect with the asynchronous connections of this module."""

    driver = "intarsia"
    is_async = True
    has_terminate = True
    supports_statement_cache = True
    supports_server_side_cursors = True  # required by `AsyncConnection.stream`
    execution_ctx_cls = _ExecutionContext

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """Return the pool that waits without blocking the event loop."""
        del url
        return AsyncAdaptedQueuePool

    def connect(self, *arguments: Any, **options: Any) -> Any:
        """Open a connection to the file in the URL."""
        del options  # options of `sqlite3.connect`, which `SqliteConnection` sets itself
        # `Any`, because SQLAlchemy's protocol for drivers requires `__getattr__`, which this class does not have.
        driver: Any = await_(SqliteConnection.open(str(arguments[0])))
        return AdaptedConnection(self.loaded_dbapi, driver)

    def get_driver_connection(self, connection: Any) -> Any:
        """Return the driver's connection behind an adapted one."""
        return connection.driver_connection

    def do_terminate(self, dbapi_connection: Any) -> None:
        """Close a connection without waiting for it."""
        dbapi_connection.terminate()


registry.register(DRIVER.replace("+", "."), __name__, SqliteDialect.__name__)
registry.register(THREAD_DRIVER.replace("+", "."), __name__, ThreadDialect.__name__)
