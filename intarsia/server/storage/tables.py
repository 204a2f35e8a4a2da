"""Intarsia's own tables in a store. After an edit, add a migration to `migrations/` and raise `NEWEST_VERSION`.

They are in one module, so that every store has all of them, whichever part of the server created it: a migration can
then rely on them.
"""

from pathlib import Path

from sqlalchemy import JSON, Column, Connection, Integer, LargeBinary, MetaData, String, Table, Text, event
from sqlalchemy.types import Float

from intarsia.server.storage.schema import Schema

OWN_TABLES = MetaData()

NEWEST_VERSION = "0002"

SCHEMA = Schema(
    "store",
    OWN_TABLES,
    versions=Path(__file__).parent / "migrations",
    newest=NEWEST_VERSION,
    version_table="intarsia_store_version",
    first_table="intarsia_keys",
)
"""Intarsia's own tables and their migrations."""

KEYS = Table(
    "intarsia_keys",
    OWN_TABLES,
    Column("person", String(200), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("answer", JSON(none_as_null=True)),
    Column("at", Float, nullable=False, index=True),
)
"""The actions that were applied: the digest of each call, and its response."""

DRAFTS = Table(
    "intarsia_drafts",
    OWN_TABLES,
    Column("person", String(200), primary_key=True),
    Column("widget", String(64), primary_key=True),
    Column("values", JSON, nullable=False),
    Column("at", Float, nullable=False, index=True),
)
"""Unsaved changes of users."""

CONFIRMATIONS = Table(
    "intarsia_confirmations",
    OWN_TABLES,
    Column("id", String(32), primary_key=True),
    Column("at", Float, nullable=False, index=True),
)
"""The confirmations that were used. Each is valid once."""

SECRETS = Table(
    "intarsia_secrets",
    OWN_TABLES,
    Column("name", String(32), primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("at", Float, nullable=False),
)
"""The keys with which the connector signs. They never leave the store."""

COUNTS = Table(
    "intarsia_tool_counts",
    OWN_TABLES,
    Column("tool", String(200), primary_key=True),
    Column("hour", Integer, primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("refusals", Integer, nullable=False),
)
"""The counts of each tool for each hour since 1970."""

SWITCHES = Table(
    "intarsia_switches",
    OWN_TABLES,
    Column("what", String(200), primary_key=True),
    Column("role", String(200), primary_key=True),
    Column("position", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("who", String(200), nullable=False),
    Column("why", Text, nullable=False),
)
"""Switches that were ever set. The role is empty for a switch that applies to all callers."""

SEEN_TOOLS = Table(
    "intarsia_seen_tools",
    OWN_TABLES,
    Column("tool", String(200), primary_key=True),
    Column("at", Float, nullable=False),
)
"""Tools that an earlier start of the connector had."""

AUDIT = Table(
    "intarsia_audit",
    OWN_TABLES,
    Column("n", Integer, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("event", String(16), nullable=False),
    Column("who", String(200), nullable=False),
    Column("client", String(2048), nullable=False),
    Column("by", String(16), nullable=False),
    Column("what", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("result", Text, nullable=False),
    Column("version", String(64), nullable=False),
    Column("details", Text, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    # With AUTOINCREMENT, SQLite stores the greatest number ever used. So rows that are cut off at the end are noticed,
    # unless that number was changed too.
    sqlite_autoincrement=True,
)
"""The audit log. Each row is an action that was done or refused."""

ANCHOR = Table(
    "intarsia_audit_anchor",
    OWN_TABLES,
    Column("n", Integer, primary_key=True),
    Column("hash", LargeBinary(32), nullable=False),
    Column("at", Float, nullable=False),
)
"""The last row that was pruned, where the chain of hashes now starts."""

_NO_UPDATE = """
CREATE TRIGGER IF NOT EXISTS intarsia_audit_no_update BEFORE UPDATE ON intarsia_audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
"""
_NO_DELETE = """
CREATE TRIGGER IF NOT EXISTS intarsia_audit_no_delete BEFORE DELETE ON intarsia_audit
WHEN OLD.n > COALESCE((SELECT MAX(n) FROM intarsia_audit_anchor), 0)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
"""


def _make_append_only(_table: Table, connection: Connection, **_options: object) -> None:
    if connection.dialect.name == "sqlite":
        for trigger in (_NO_UPDATE, _NO_DELETE):
            connection.exec_driver_sql(trigger)


event.listen(AUDIT, "after_create", _make_append_only)
