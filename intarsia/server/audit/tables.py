"""The tables of the audit log, in the same database as the audited data, so that a row commits with its change."""

from sqlalchemy import Column, Connection, Integer, LargeBinary, String, Table, Text, event
from sqlalchemy.types import Float

from intarsia.server.storage.store import OWN_TABLES

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
    # With AUTOINCREMENT, SQLite stores the greatest number ever used. So rows that are cut off at the end are noticed.
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
