"""The database tables of the authorization server. Tokens, codes and cookies are stored as digests only.

After an edit, add a migration to `migrations/` and raise `NEWEST_VERSION`.
"""

from pathlib import Path

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, LargeBinary, MetaData, String, Table
from sqlalchemy.types import Float

from intarsia.server.storage.schema import Schema
from intarsia.server.storage.store import Store

TABLES = MetaData()

NEWEST_VERSION = "0001"

SCHEMA = Schema(
    "accounts",
    TABLES,
    versions=Path(__file__).parent / "migrations",
    newest=NEWEST_VERSION,
    version_table="intarsia_accounts_version",
    first_table="accounts",
)
"""The tables of accounts and their migrations."""

ACCOUNTS = Table(
    "accounts",
    TABLES,
    Column("name", String(64), primary_key=True),
    Column("password", String(200), nullable=False),
    Column("roles", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", Float, nullable=False),
)
"""User accounts. A removed account keeps its row, so that its name cannot be reused with access to its data."""

CLIENTS = Table(
    "clients",
    TABLES,
    Column("id", String(2048), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(200), nullable=False),
    Column("redirect_uris", JSON, nullable=False),
    Column("method", String(32), nullable=False),
    Column("secret", LargeBinary),
    Column("can_refresh", Boolean, nullable=False),
    Column("at", Float, nullable=False),
)
"""OAuth clients: `registered` dynamically, known by a `document`, or `preregistered` by `intarsia clients add`."""

SESSIONS = Table(
    "sessions",
    TABLES,
    Column("digest", LargeBinary, primary_key=True),
    Column("account", String(64), ForeignKey("accounts.name", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", Float, nullable=False),
)
"""Sessions of signed-in browsers."""

AUTHORIZATION_REQUESTS = Table(
    "authorization_requests",
    TABLES,
    Column("digest", LargeBinary, primary_key=True),
    Column("session", LargeBinary, ForeignKey("sessions.digest", ondelete="CASCADE"), nullable=False, index=True),
    Column("request", JSON, nullable=False),
    Column("expires_at", Float, nullable=False),
)
"""Authorization requests whose consent page is open. Each belongs to one session and is answered once."""

GRANTS = Table(
    "grants",
    TABLES,
    Column("id", String(32), primary_key=True),
    Column("account", String(64), ForeignKey("accounts.name", ondelete="CASCADE"), nullable=False),
    Column("client", String(2048), ForeignKey("clients.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("scopes", JSON, nullable=False),
    Column("offline", Boolean, nullable=False),
    Column("at", Float, nullable=False),
    Column("used_at", Float),
    Index("grants_of_an_account", "account", "client"),
)
"""What a user granted to a client. Deleting a grant deletes all codes and tokens that were issued for it."""

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
"""Authorization codes. A used code is kept for a day, so that its reuse is detected."""

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
    Column("response", LargeBinary),
)
"""Refresh tokens. A used one has its successor, and the token response, encrypted under the token itself."""


def accounts_store(path: Path, *, is_shared: bool = False) -> Store:
    """Return the store of an authorization server, with the tables of accounts.

    Args:
        path: The file.
        is_shared: Whether other processes may serve from it at the same time.
    """
    return Store(path, schemas=(SCHEMA,), is_shared=is_shared)
