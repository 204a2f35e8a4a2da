"""The file of a store: checks what it is before it is used, and brings its tables up to date.

A file that is no store is refused in one sentence and left as it is. Everything here is synchronous; `Store.open` runs
it in a thread.
"""

import logging
import os
import sqlite3
import time
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, MetaData, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from intarsia.errors import SettingError, StoreError
from intarsia.server.storage.process_lock import ProcessLock, lock_store
from intarsia.server.storage.schema import VERSION_COLUMN, Schema

logger = logging.getLogger(__name__)

APPLICATION_ID = 0x494E5453
"""SQLite's `PRAGMA application_id` of a store: "INTS" in ASCII."""

MAX_CHECK_SECONDS = 1.0
"""The time for SQLite's `quick_check` at each start. Of a large store, it then checks only the first part."""

BUSY_SECONDS = 5.0
"""How long to wait for another process that writes at this moment."""

_CHECK_STEPS = 10_000
"""The number of SQLite's instructions between two looks at the clock: a fraction of a millisecond."""

_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
"""Refuses symbolic links when a file is opened. Windows does not have this flag."""

_OTHER_FILE = "Use another file, with `Connector(..., store=...)` or --accounts"
_DAMAGED = "Restore a backup, or recover what can be read with `sqlite3 FILE .recover`"


@dataclass(frozen=True)
class StoreFile:
    """The file of a store, with the tables that it should have.

    Args:
        path: The file.
        schemas: Intarsia's own tables, with their migrations.
        tables: The author's own tables. Missing ones are created, existing ones are never altered.
    """

    path: Path
    schemas: Sequence[Schema]
    tables: MetaData | None = None

    def open(self, *, is_shared: bool, beside: bool) -> ProcessLock | None:
        """Check the file, lock it, and bring its tables up to date.

        Args:
            is_shared: Whether other processes may serve from the store at the same time.
            beside: Whether to use it without a lock, beside the process that serves from it.

        Returns:
            The lock, which the caller releases; `None` with `beside`.

        Raises:
            SettingError: The path is a symbolic link.
            StoreError: The store cannot be used; the message says why, and what to do.
        """
        self._create_file()
        with self._connected() as connection:
            with self._explained():
                self._check(connection)
            self.path.chmod(0o600)  # the mode was given to a new file only
            lock = None if beside else lock_store(self.path, is_shared=is_shared)
            try:
                self._bring_up_to_date(connection, is_alone=lock is not None and not is_shared)
            except BaseException:
                if lock is not None:
                    lock.release()
                raise
        return lock

    def pending(self) -> list[str]:
        """Check the file, and return the pending migrations as `SCHEMA VERSION`, such as `store 0002`.

        Raises:
            StoreError: It is the file of another program, is damaged, or was written by a newer version of Intarsia.
        """
        with self._connected() as connection, self._explained():
            self._check(connection)
            return _read_state(connection, self.schemas).pending

    def _create_file(self) -> None:
        if self.path.is_symlink():
            message = f"The store {self.path} is a symbolic link. Use the path of the file itself."
            raise SettingError(message)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # An existing file is not opened: closing it would drop the locks that SQLite has on it in this process.
            if not self.path.is_file():
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | _NO_FOLLOW, 0o600))
        except OSError as error:
            message = (
                f"The store {self.path} cannot be opened: {error.strerror}. Set `Connector(..., store=...)` to a "
                "writable file, or INTARSIA_STATE to a writable folder."
            )
            raise StoreError(message) from error

    @contextmanager
    def _connected(self) -> Generator[sqlite3.Connection]:
        """Connect to the file.

        Foreign keys are not enforced: a migration that replaces a table would delete the rows that refer to it.
        """
        with self._explained():
            connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        with closing(connection):
            yield connection

    @contextmanager
    def _explained(self) -> Generator[None]:
        """Turn an error in the block, which says what is wrong with the file, into a sentence that names it."""
        try:
            yield
        except (StoreError, sqlite3.Error, DBAPIError, OSError) as error:
            message = f"The store {self.path} cannot be used: {_reason(error)}."
            raise StoreError(message) from error

    def _check(self, connection: sqlite3.Connection) -> None:
        """Check that the file is a store or empty, and that it is not damaged."""
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application not in (0, APPLICATION_ID):
            message = f"it belongs to another program (SQLite's application ID is {application:#x}). {_OTHER_FILE}"
            raise StoreError(message)
        names = _names(connection)
        known = {schema.first_table for schema in self.schemas}.union(self.tables.tables if self.tables else ())
        if names and not names & known:
            some = ", ".join(sorted(names)[:3])
            message = f"it is the database of another program, with tables such as {some[:100]}. {_OTHER_FILE}"
            raise StoreError(message)
        _check_pages(connection)

    def _bring_up_to_date(self, connection: sqlite3.Connection, *, is_alone: bool) -> None:
        with self._explained():
            state = _read_state(connection, self.schemas)
        if state.pending and not is_alone:
            self._migrate_if_alone(connection, state.pending)
        elif state.pending or state.new or (self.tables and not state.names.issuperset(self.tables.tables)):
            self._create_and_migrate(connection, state.pending)

    def _migrate_if_alone(self, connection: sqlite3.Connection, pending: Sequence[str]) -> None:
        """Migrate without a lock of the caller's, if no other process uses the store now."""
        try:
            lock = lock_store(self.path, is_shared=False, wait_seconds=0)
        except StoreError as error:
            message = (
                f"The store {self.path} has to be migrated ({', '.join(pending)}) while no other process uses it. Stop "
                "the processes that use it, and start again or run `intarsia migrate`."
            )
            raise StoreError(message) from error
        try:
            self._create_and_migrate(connection, pending)
        finally:
            lock.release()

    def _create_and_migrate(self, connection: sqlite3.Connection, pending: Sequence[str]) -> None:
        with self._explained():
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            copy = self._back_up(connection, pending[-1]) if pending else None
            with _transaction_on(connection) as transaction:
                state = _read_state(connection, self.schemas)  # another process may have done it in the meantime
                for schema in self.schemas:
                    if schema.name in state.new:
                        schema.create(transaction)
                    elif any(name.startswith(f"{schema.name} ") for name in state.pending):
                        _migrate(schema, transaction)
                if self.tables is not None:
                    self.tables.create_all(transaction)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        if copy is not None:
            logger.warning("Migrated %s (%s). %s is a copy of it before.", self.path, ", ".join(pending), copy)

    def _back_up(self, connection: sqlite3.Connection, version: str) -> Path:
        """Copy the store. The copy gets its name when it is complete."""
        copy = self.path.with_name(f"{self.path.name}.before-{version.replace(' ', '-')}")
        partial_copy = copy.with_name(f"{copy.name}.partial")
        partial_copy.unlink(missing_ok=True)
        partial_copy.touch(mode=0o600)
        with closing(sqlite3.connect(partial_copy, isolation_level=None)) as target:
            target.execute("PRAGMA synchronous=FULL")
            connection.backup(target)
        partial_copy.replace(copy)
        return copy


@dataclass(frozen=True)
class _State:
    """What a store has.

    Args:
        names: The names of its tables.
        new: The names of the schemas whose tables it does not have.
        pending: The pending migrations of the others.
    """

    names: frozenset[str]
    new: frozenset[str]
    pending: list[str]


def _read_state(connection: sqlite3.Connection, schemas: Sequence[Schema]) -> _State:
    names, new, pending = _names(connection), set[str](), list[str]()
    for schema in schemas:
        row = None
        if schema.version_table in names:
            row = connection.execute(f"SELECT {VERSION_COLUMN} FROM {schema.version_table}").fetchone()  # noqa: S608 - names of our own
        if row is None and schema.first_table not in names:
            new.add(schema.name)
        else:
            pending += [f"{schema.name} {version}" for version in schema.pending(str(row[0]) if row else None)]
    return _State(names, frozenset(new), pending)


def _names(connection: sqlite3.Connection) -> frozenset[str]:
    return frozenset(name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))


def _migrate(schema: Schema, transaction: Connection) -> None:
    schema.migrate(transaction)
    for table in schema.tables.tables:
        if transaction.exec_driver_sql(f'PRAGMA foreign_key_check("{table}")').first():
            message = f"after its migration, rows of {table} would refer to rows that do not exist"
            raise StoreError(message)


def _check_pages(connection: sqlite3.Connection) -> None:
    ends = time.monotonic() + MAX_CHECK_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > ends, _CHECK_STEPS)
    try:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return
    if found != "ok":
        message = f"it is damaged ({' '.join(found.split())[:200]}). {_DAMAGED}"
        raise StoreError(message)


@contextmanager
def _transaction_on(connection: sqlite3.Connection) -> Generator[Connection]:
    """Begin a write transaction for SQLAlchemy on a connection: it commits at the end, or rolls back on an error."""
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def begin(transaction: Connection) -> None:  # pyright: ignore[reportUnusedFunction]  # called by SQLAlchemy
        transaction.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.begin() as transaction:
        yield transaction


def _reason(error: Exception) -> str:
    """Return what an error says of the file, as a clause."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_NOTADB:
        return f"it is not a SQLite database. {_OTHER_FILE}"
    if code == sqlite3.SQLITE_CORRUPT:
        return f"it is damaged ({cause}). {_DAMAGED}"
    return str(cause)
