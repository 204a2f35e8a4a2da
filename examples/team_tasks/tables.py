"""The tables of Team tasks. `seed.py` fills them."""

from sqlalchemy import Boolean, Column, Date, ForeignKey, Integer, MetaData, String, Table

TABLES = MetaData()

PROJECTS = Table(
    "projects",
    TABLES,
    Column("id", String(40), primary_key=True),
    Column("title", String(80), nullable=False),
)

COLUMNS = Table(
    "columns",
    TABLES,
    Column("project", String(40), ForeignKey("projects.id"), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("title", String(80), nullable=False),
    Column("position", Integer, nullable=False),
    Column("most_cards", Integer),
    Column("is_done", Boolean, nullable=False),
)

CARDS = Table(
    "cards",
    TABLES,
    Column("id", String(20), primary_key=True),
    Column("project", String(40), ForeignKey("projects.id"), nullable=False, index=True),
    Column("column", String(40), nullable=False),
    Column("position", Integer, nullable=False),
    Column("title", String(200), nullable=False),
    Column("assignee", String(80)),
    Column("priority", String(10), nullable=False, default="normal"),
    Column("due", Date),
    Column("label", String(20)),
    Column("is_archived", Boolean, nullable=False, default=False),
    Column("version", Integer, nullable=False, default=1),
    Column("changed_by", String(80), nullable=False),
    Column("change", String(120), nullable=False),
)
"""In a column, the positions of the cards that are not archived are 0, 1, 2 and so on.
`changed_by` and `change` describe the last change, such as "Ada" and "moved it to Done"."""

DELETED = Table("deleted_cards", TABLES, Column("id", String(20), primary_key=True))
"""The ids of deleted cards."""
