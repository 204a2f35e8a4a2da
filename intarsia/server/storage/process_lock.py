"""Keeps a second process from serving from the same store.

The lock is a transaction of SQLite on an empty file beside the store: shared or exclusive, the same on every operating
system, and released by the operating system when a process ends, however it ends. The file stays: to delete it would
let two processes lock two files of one name.
"""

import os
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from intarsia.errors import StoreError

WAIT_SECONDS = 3.0
"""How long to wait for another process, such as one that is about to stop while its successor starts."""

_RETRY_SECONDS = 0.05
"""How long SQLite waits at a time. Meanwhile another store of this process may get the lock."""


@dataclass
class _Held:
    """A lock that this process holds, with the number of stores that use it."""

    connection: sqlite3.Connection
    users: int = 1


_HELD: dict[tuple[int, str], _Held] = {}
"""The locks that this process holds. A forked process has another id, and none of them."""
_GUARD = threading.Lock()


class ProcessLock:
    """A lock that this process holds on a store. Stores of one process share it.

    Args:
        key: The process and the file.
    """

    def __init__(self, key: tuple[int, str]) -> None:
        self._key = key

    def release(self) -> None:
        """Release the lock, if no other store of this process uses it."""
        with _GUARD:
            held = _HELD[self._key]
            held.users -= 1
            if not held.users:
                del _HELD[self._key]
                held.connection.close()


def lock_store(path: Path, *, is_shared: bool, wait_seconds: float | None = None) -> ProcessLock:
    """Lock a store for this process.

    Args:
        path: The file of the store.
        is_shared: Whether other processes that say the same may lock it too.
        wait_seconds: How long to wait; by default `WAIT_SECONDS`.

    Raises:
        StoreError: Another process holds the lock.
    """
    key = (os.getpid(), os.path.realpath(path))
    ends = time.monotonic() + (WAIT_SECONDS if wait_seconds is None else wait_seconds)
    while not _acquire(key, path, is_shared=is_shared):
        if time.monotonic() >= ends:
            message = (
                f"The store {path} is in use by another process. Stop that process, or let both share it: set "
                "`Connector(..., shared_store=True)`, or pass --shared-store to `intarsia serve`, in each of them."
            )
            raise StoreError(message)
    return ProcessLock(key)


def _acquire(key: tuple[int, str], path: Path, *, is_shared: bool) -> bool:
    """Try for a moment to lock a store, or to share the lock that this process holds already."""
    if _join(key):
        return True
    connection = _try_to_lock(path, is_shared=is_shared)  # without the guard, for which all stores would wait
    if connection is None:
        return False
    with _GUARD:
        if key not in _HELD:
            _HELD[key] = _Held(connection)
            return True
    connection.close()  # another thread was faster
    return _join(key)


def _join(key: tuple[int, str]) -> bool:
    with _GUARD:
        held = _HELD.get(key)
        if held is not None:
            held.users += 1
        return held is not None


def _try_to_lock(path: Path, *, is_shared: bool) -> sqlite3.Connection | None:
    file = path.with_name(f"{path.name}.lock")
    file.touch(mode=0o600)
    connection = sqlite3.connect(file, timeout=_RETRY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN" if is_shared else "BEGIN EXCLUSIVE")
        if is_shared:  # the lock is taken by the first read
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            return None
        message = f"The store {path} cannot be locked: {error}."
        raise StoreError(message) from error
    return connection
