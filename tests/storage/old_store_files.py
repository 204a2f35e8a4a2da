"""Files of the old stores, as the code before schema versions wrote them (`build_old_stores.py`)."""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("old_stores")
HELD: dict[str, Any] = json.loads((FOLDER / "held.json").read_text(encoding="utf-8"))
"""What an app holds that connected to the old store of accounts, and when the stores were built."""

_TIMES = {
    "connector": {
        "intarsia_keys": ["at"],
        "intarsia_drafts": ["at"],
        "intarsia_confirmations": ["at"],
    },
    "accounts": {
        "sessions": ["expires_at"],
        "authorization_requests": ["expires_at"],
        "grants": ["at", "used_at"],
        "codes": ["expires_at"],
        "access_tokens": ["issued_at", "expires_at"],
        "refresh_tokens": ["expires_at", "used_at"],
    },
}
"""What expires. Rows of the audit log keep their times, which are in their hashes."""


def old_store(name: str, path: Path) -> Path:
    """Make the file of an old store, as if it had been written a moment ago.

    Args:
        name: `connector` or `accounts`.
        path: The file to make.
    """
    later = time.time() - HELD["built_at"]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript((FOLDER / f"{name}.sql").read_text(encoding="utf-8"))
        for table, columns in _TIMES[name].items():
            for column in columns:
                connection.execute(f"UPDATE {table} SET {column} = {column} + ?", (later,))  # noqa: S608 - our own names
        connection.commit()
    return path


def dump_of(path: Path) -> list[str]:
    """Return everything in a database, as SQL."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())
