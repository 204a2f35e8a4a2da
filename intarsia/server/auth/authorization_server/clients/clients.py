"""OAuth clients, called apps on pages: how they are stored, looked up and authenticated."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from time import time
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.dialects.sqlite import insert

from intarsia.errors import SettingError
from intarsia.server.auth.authorization_server.accounts.tables import CLIENTS, GRANTS
from intarsia.server.auth.authorization_server.clients.client_metadata import ClientMetadataError, ClientMetadataReader
from intarsia.server.pages.browsers import digest_of
from intarsia.server.pages.oauth_errors import Code, OAuthError
from intarsia.server.storage.store import Store

MAX_NAME_LENGTH = 80
MAX_REGISTERED = 5_000
"""The maximum number of dynamically registered clients. Beyond it, the oldest one without grants is removed."""
MIN_UNUSED_SECONDS = 60 * 60
"""How long a client without grants is kept at least, so that a flood of registrations removes none in use."""
_FULL_RETRY_SECONDS = 10 * 60

_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories of characters that are invisible, or that reverse the direction of the surrounding text."""
_SPACES = re.compile(r"\s+")

Kind = Literal["registered", "document", "preregistered"]
Method = Literal["none", "client_secret_post", "client_secret_basic"]


@dataclass(frozen=True)
class Client:
    """An OAuth client."""

    id: str
    kind: Kind
    name: str
    redirect_uris: tuple[str, ...]
    method: Method = "none"
    secret: bytes | None = None
    """The digest of its client secret; `None` for a public client."""
    can_refresh: bool = True
    """Whether it uses refresh tokens."""

    @property
    def site(self) -> str:
        """The host of its metadata document, which proves where it comes from; empty for other clients."""
        return urlsplit(self.id).netloc if self.kind == "document" else ""

    def verify_secret(self, secret: str | None) -> bool:
        """Return whether a client secret is correct. A public client must not send one; PKCE protects it instead."""
        if self.secret is None:
            return secret is None
        return secret is not None and compare_digest(digest_of(secret), self.secret)


class Clients:
    """The clients in a store, and those described by a metadata document on their own site.

    Args:
        store: The store of the authorization server.
        documents: Fetches metadata documents.
    """

    def __init__(self, store: Store, documents: ClientMetadataReader) -> None:
        self._store = store
        self._documents = documents

    async def get(self, client_id: str) -> Client | None:
        """Return a stored client. A client with a metadata document is stored with its first grant."""
        async with self._store.read() as connection:
            row = (await connection.execute(select(CLIENTS).where(CLIENTS.c.id == client_id))).one_or_none()
        return _client(row) if row is not None else None

    async def fetch(self, client_id: str) -> Client:
        """Return a client as its metadata document describes it.

        Raises:
            OAuthError: The document cannot be fetched, or is invalid.
        """
        try:
            document = await self._documents.get(client_id)
        except ClientMetadataError as error:
            raise OAuthError(Code.INVALID_CLIENT, error.reason) from None
        return Client(client_id, "document", clean_name(document.client_name), document.redirect_uris)

    async def save(self, client: Client) -> None:
        """Store a client, or update it.

        Raises:
            OAuthError: The maximum number of registered clients is reached, and each of them has a grant or is new.
        """
        values = {
            "kind": client.kind, "name": client.name, "redirect_uris": list(client.redirect_uris),
            "method": client.method, "secret": client.secret, "can_refresh": client.can_refresh,
        }  # fmt: skip
        statement = insert(CLIENTS).values(id=client.id, at=time(), **values)
        async with self._store.write() as connection:
            if client.kind == "registered":
                await self._make_room(connection)
            await connection.execute(statement.on_conflict_do_update(index_elements=[CLIENTS.c.id], set_=values))

    async def _make_room(self, connection: Any) -> None:
        is_registered = CLIENTS.c.kind == "registered"
        count = (await connection.execute(select(func.count()).where(is_registered))).scalar_one()
        if count < MAX_REGISTERED:
            return
        is_unused = ~select(GRANTS.c.id).where(GRANTS.c.client == CLIENTS.c.id).exists()
        is_old = CLIENTS.c.at < time() - MIN_UNUSED_SECONDS
        oldest = select(CLIENTS.c.id).where(is_registered, is_unused, is_old).order_by(CLIENTS.c.at).limit(1)
        removed = await connection.execute(CLIENTS.delete().where(CLIENTS.c.id.in_(oldest)))
        if not removed.rowcount:
            raise OAuthError(
                Code.TEMPORARILY_UNAVAILABLE, "Too many registered clients.", retry_seconds=_FULL_RETRY_SECONDS
            )

    async def by_id(self, ids: Collection[str] | None = None) -> Mapping[str, Client]:
        """Return stored clients by ID.

        Args:
            ids: The IDs of the clients; by default all.
        """
        found = select(CLIENTS) if ids is None else select(CLIENTS).where(CLIENTS.c.id.in_(ids))
        async with self._store.read() as connection:
            return {row.id: _client(row) for row in await connection.execute(found)}

    async def remove(self, client_id: str) -> None:
        """Delete a client with all its grants.

        Raises:
            SettingError: The client is unknown.
        """
        async with self._store.write() as connection:
            removed = await connection.execute(CLIENTS.delete().where(CLIENTS.c.id == client_id))
        if not removed.rowcount:
            message = f"There is no client {client_id!r}. List the clients with `intarsia clients list`."
            raise SettingError(message)

    async def stop(self) -> None:
        """Cancel all fetches of metadata documents."""
        await self._documents.stop()


def is_document(client_id: str) -> bool:
    """Return whether a client ID is the URL of a metadata document."""
    return client_id.startswith(("https://", "http://"))


def clean_name(name: str) -> str:
    """Return a client name without invisible characters, on one line and cut to `MAX_NAME_LENGTH` characters.

    Clients choose their names, so a name must not be able to imitate other parts of the consent page.
    """
    visible = "".join(character for character in name if unicodedata.category(character) not in _INVISIBLE)
    cleaned = _SPACES.sub(" ", visible).strip() or "Unnamed app"
    return cleaned if len(cleaned) <= MAX_NAME_LENGTH else f"{cleaned[: MAX_NAME_LENGTH - 1]}…"


def _client(row: Any) -> Client:
    return Client(
        row.id, cast("Kind", row.kind), row.name, tuple(row.redirect_uris), cast("Method", row.method), row.secret,
        row.can_refresh,
    )  # fmt: skip
