"""Indexes of the times by which rows expire: each saved draft and each hour of actions deletes expired rows."""

from alembic import op

revision = "0002"
down_revision = "0001"

_TABLES = ("intarsia_keys", "intarsia_drafts", "intarsia_confirmations")


def upgrade() -> None:
    """Create the indexes."""
    for table in _TABLES:
        op.create_index(f"ix_{table}_at", table, ["at"])
