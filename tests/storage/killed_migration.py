"""Migrates copies of an old store, and kills itself at each statement in turn. A test reads what it prints.

`python -m tests.storage.killed_migration FOLDER` prints `old`, `new` or what is wrong for each kill. It forks, so that
each attempt costs no start of Python; the process has no other thread.
"""

import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event

from intarsia.server.storage.store_file import StoreFile
from intarsia.server.storage.tables import SCHEMA
from tests.storage.old_store_files import dump_of, old_store

IMPORTED = (MigrationContext, ScriptDirectory)
"""Imported before the first fork, so that each attempt need not do it."""


def migrate_until(path: Path, statement: int) -> bool:
    """Migrate in a process that is killed before a statement. Return whether it was killed."""
    child = os.fork()
    if not child:
        count = 0

        @event.listens_for(Engine, "before_cursor_execute")
        def kill(*_arguments: object) -> None:  # pyright: ignore[reportUnusedFunction]  # called by SQLAlchemy
            nonlocal count
            count += 1
            if count == statement:
                os.kill(os.getpid(), signal.SIGKILL)

        StoreFile(path, (SCHEMA,)).open(is_shared=False, beside=False)
        os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


def found(path: Path, old: list[str], new: list[str]) -> str:
    """Say what is in a store."""
    with closing(sqlite3.connect(path)) as connection:
        (state,) = connection.execute("PRAGMA integrity_check").fetchone()
    if state != "ok":
        return f"damaged: {state}"
    dump = dump_of(path)
    return "old" if dump == old else "new" if dump == new else "neither the old store nor the new one"


def main(folder: Path) -> None:
    """Kill a migration before each of its statements, and once after the last one."""
    old = dump_of(old_store("connector", folder / "old.db"))
    assert not migrate_until(folder / "old.db", 0)
    new = dump_of(folder / "old.db")
    statement, was_killed = 0, True
    while was_killed:
        statement += 1
        path = folder / f"{statement}.db"
        source = old_store("connector", path)
        before = dump_of(source)
        was_killed = migrate_until(path, statement)
        after = found(path, before, new_of(new, old, before))
        StoreFile(path, (SCHEMA,)).open(is_shared=False, beside=False)  # it can be migrated now
        print(after, found(path, before, new_of(new, old, before)), flush=True)  # noqa: T201  # what the test reads


def new_of(new: list[str], old: list[str], before: list[str]) -> list[str]:
    """Return the dump of the migrated store for one that was made at another moment."""
    moved = dict(zip(old, before, strict=True))
    return [moved.get(line, line) for line in new]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
