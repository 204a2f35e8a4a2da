"""The schema when versions were first recorded."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Change nothing: stores from before have all of these tables, because they were always created together."""
