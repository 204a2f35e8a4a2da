"""What is kept about accounts, apps and grants. Of every token, code and cookie only the digest is."""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, LargeBinary, MetaData, String, Table
from sqlalchemy.types import Float

TABLES = MetaData()

ACCOUNTS = Table(
    "accounts",
    TABLES,
    Column("name", String(64), primary_key=True),
    Column("password", String(200), nullable=False),
    Column("roles", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", Float, nullable=False),
)
"""Who may sign in. A removed account keeps its name, so that nobody else gets it with what belonged to it."""

CLIENTS = Table(
    "clients",
    TABLES,
    Column("id", String(2048), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(200), nullable=False),
    Column("redirect_uris", JSON, nullable=False),
    Column("method", String(32), nullable=False),
    Column("secret", LargeBinary),
    Column("stays", Boolean, nullable=False),
    Column("at", Float, nullable=False),
)
"""Apps: `registered` by themselves, described by a `document`, or `made` with `intarsia clients add`."""

SESSIONS = Table(
    "sessions",
    TABLES,
    Column("digest", LargeBinary, primary_key=True),
    Column("account", String(64), ForeignKey("accounts.name", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", Float, nullable=False),
)
"""Browsers in which somebody is signed in."""

QUESTIONS = Table(
    "questions",
    TABLES,
    Column("digest", LargeBinary, primary_key=True),
    Column("session", LargeBinary, ForeignKey("sessions.digest", ondelete="CASCADE"), nullable=False, index=True),
    Column("request", JSON, nullable=False),
    Column("expires_at", Float, nullable=False),
)
"""Consent pages that are shown and not answered yet: each belongs to one session, and is answered once."""

GRANTS = Table(
    "grants",
    TABLES,
    Column("id", String(32), primary_key=True),
    Column("account", String(64), ForeignKey("accounts.name", ondelete="CASCADE"), nullable=False),
    Column("client", String(2048), ForeignKey("clients.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("scopes", JSON, nullable=False),
    Column("stays", Boolean, nullable=False),
    Column("at", Float, nullable=False),
    Column("used_at", Float),
    Index("grants_of_an_account", "account", "client"),
)
"""What a person allowed an app. Whatever was issued on it ends with it."""

CODES = Table(
    "codes",
    TABLES,
    Column("digest", LargeBinary, primary_key=True),
    Column("grant", String(32), ForeignKey("grants.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("redirect_uri", String(2048), nullable=False),
    Column("challenge", String(64), nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("used", Boolean, nullable=False),
)
"""Authorization codes. Those that were used stay for a day, so that a second use is noticed."""

ACCESS_TOKENS = Table(
    "access_tokens",
    TABLES,
    Column("digest", LargeBinary, primary_key=True),
    Column("grant", String(32), ForeignKey("grants.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("scopes", JSON, nullable=False),
    Column("issued_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
)

REFRESH_TOKENS = Table(
    "refresh_tokens",
    TABLES,
    Column("digest", LargeBinary, primary_key=True),
    Column("grant", String(32), ForeignKey("grants.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", Float, nullable=False),
    Column("used_at", Float),
    Column("successor", LargeBinary),
    Column("answer", LargeBinary),
)
"""Refresh tokens, each used once: then with its successor, and the answer, encrypted under the token itself."""
