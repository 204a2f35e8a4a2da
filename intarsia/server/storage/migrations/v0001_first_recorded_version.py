"""The schema when versions were first recorded. Creates the tables that a store from before does not have."""

from alembic import op

revision = "0001"
down_revision = None

_STATEMENTS = (
    """CREATE TABLE IF NOT EXISTS intarsia_keys (
        person VARCHAR(200) NOT NULL, "key" VARCHAR(64) NOT NULL, digest VARCHAR(64) NOT NULL, answer JSON,
        at FLOAT NOT NULL, PRIMARY KEY (person, "key")
    )""",
    """CREATE TABLE IF NOT EXISTS intarsia_drafts (
        person VARCHAR(200) NOT NULL, widget VARCHAR(64) NOT NULL, "values" JSON NOT NULL, at FLOAT NOT NULL,
        PRIMARY KEY (person, widget)
    )""",
    """CREATE TABLE IF NOT EXISTS intarsia_confirmations (
        id VARCHAR(32) NOT NULL, at FLOAT NOT NULL, PRIMARY KEY (id)
    )""",
    """CREATE TABLE IF NOT EXISTS intarsia_secrets (
        name VARCHAR(32) NOT NULL, value BLOB NOT NULL, at FLOAT NOT NULL, PRIMARY KEY (name)
    )""",
    """CREATE TABLE IF NOT EXISTS intarsia_tool_counts (
        tool VARCHAR(200) NOT NULL, hour INTEGER NOT NULL, calls INTEGER NOT NULL, errors INTEGER NOT NULL,
        refusals INTEGER NOT NULL, PRIMARY KEY (tool, hour)
    )""",
    """CREATE TABLE IF NOT EXISTS intarsia_switches (
        what VARCHAR(200) NOT NULL, role VARCHAR(200) NOT NULL, position VARCHAR(16) NOT NULL,
        version INTEGER NOT NULL, at FLOAT NOT NULL, who VARCHAR(200) NOT NULL, why TEXT NOT NULL,
        PRIMARY KEY (what, role)
    )""",
    """CREATE TABLE IF NOT EXISTS intarsia_seen_tools (
        tool VARCHAR(200) NOT NULL, at FLOAT NOT NULL, PRIMARY KEY (tool)
    )""",
    """CREATE TABLE IF NOT EXISTS intarsia_audit (
        n INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, at FLOAT NOT NULL, event VARCHAR(16) NOT NULL,
        who VARCHAR(200) NOT NULL, client VARCHAR(2048) NOT NULL, "by" VARCHAR(16) NOT NULL,
        what VARCHAR(200) NOT NULL, digest VARCHAR(64) NOT NULL, result TEXT NOT NULL, version VARCHAR(64) NOT NULL,
        details TEXT NOT NULL, hash BLOB NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS ix_intarsia_audit_at ON intarsia_audit (at)",
    """CREATE TABLE IF NOT EXISTS intarsia_audit_anchor (
        n INTEGER NOT NULL, hash BLOB NOT NULL, at FLOAT NOT NULL, PRIMARY KEY (n)
    )""",
    """CREATE TRIGGER IF NOT EXISTS intarsia_audit_no_update BEFORE UPDATE ON intarsia_audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
    """CREATE TRIGGER IF NOT EXISTS intarsia_audit_no_delete BEFORE DELETE ON intarsia_audit
    WHEN OLD.n > COALESCE((SELECT MAX(n) FROM intarsia_audit_anchor), 0)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
)


def upgrade() -> None:
    """Create what is missing: commands that use only some tables created only those."""
    for statement in _STATEMENTS:
        op.execute(statement)
