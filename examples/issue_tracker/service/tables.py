"""The tables of the tracker. `seed.py` fills them."""

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Integer, MetaData, String, Table

TABLES = MetaData()

USERS = Table(
    "users",
    TABLES,
    Column("id", String(40), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("email", String(120), nullable=False, unique=True),
    Column("password", String(200), nullable=False),
)
"""Passwords are salted hashes (scrypt)."""

PROJECTS = Table(
    "projects",
    TABLES,
    Column("id", String(40), primary_key=True),
    Column("title", String(80), nullable=False),
    Column("prefix", String(8), nullable=False, unique=True),
)

MEMBERS = Table(
    "members",
    TABLES,
    Column("project", String(40), ForeignKey("projects.id"), primary_key=True),
    Column("user", String(40), ForeignKey("users.id"), primary_key=True),
    Column("role", String(10), nullable=False),
)
"""The members of projects and their roles. Projects are hidden from other users."""

COLUMNS = Table(
    "columns",
    TABLES,
    Column("project", String(40), ForeignKey("projects.id"), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("title", String(80), nullable=False),
    Column("position", Integer, nullable=False),
    Column("is_done", Boolean, nullable=False),
)

ISSUES = Table(
    "issues",
    TABLES,
    Column("id", String(20), primary_key=True),
    Column("project", String(40), ForeignKey("projects.id"), nullable=False, index=True),
    Column("column", String(40), nullable=False),
    Column("position", Integer, nullable=False),
    Column("title", String(200), nullable=False),
    Column("body", String(4000), nullable=False, default=""),
    Column("label", String(20)),
    Column("assignee", String(40), ForeignKey("users.id")),
    Column("version", Integer, nullable=False, default=1),
    Column("changed_by", String(80), nullable=False),
    Column("change", String(120), nullable=False),
)
"""In a column, positions are 0, 1, 2 and so on. `changed_by` and `change` describe the last change."""

COMMENTS = Table(
    "comments",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("issue", String(20), ForeignKey("issues.id"), nullable=False, index=True),
    Column("author", String(40), ForeignKey("users.id"), nullable=False),
    Column("text", String(2000), nullable=False),
    Column("at", Float, nullable=False),
)

CODES = Table(
    "codes",
    TABLES,
    Column("digest", String(64), primary_key=True),
    Column("user", String(40), nullable=False),
    Column("client", String(80), nullable=False),
    Column("redirect_uri", String(500), nullable=False),
    Column("challenge", String(64), nullable=False),
    Column("until", Float, nullable=False),
)
"""Authorization codes that have not been redeemed."""

TOKENS = Table(
    "tokens",
    TABLES,
    Column("digest", String(64), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("family", String(32), nullable=False, index=True),
    Column("user", String(40), nullable=False),
    Column("client", String(80), nullable=False),
    Column("until", Float, nullable=False),
    Column("rotated_at", Float),
)
"""Access and refresh tokens, as digests. A family contains all tokens of one sign-in and is revoked as a whole."""

ANSWERS = Table(
    "answers",
    TABLES,
    Column("user", String(40), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("status", Integer),
    Column("body", JSON),
    Column("at", Float, nullable=False, index=True),
)
"""The responses to requests with an Idempotency-Key. A key without a status has been invalidated."""
