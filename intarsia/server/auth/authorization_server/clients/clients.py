"""Apps: how they are known, and how they prove who they are."""

import re
import unicodedata
from collections.abc import Mapping
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
MAX_REGISTERED = 1_000
"""How many apps that registered themselves are kept; those that nobody allowed anything go first."""

_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Characters that cannot be seen, or that turn the direction of what stands beside them."""
_SPACES = re.compile(r"\s+")

Kind = Literal["registered", "document", "made"]
Method = Literal["none", "client_secret_post", "client_secret_basic"]


@dataclass(frozen=True)
class Client:
    """An app that may ask for access."""

    id: str
    kind: Kind
    name: str
    redirect_uris: tuple[str, ...]
    method: Method = "none"
    secret: bytes | None = None
    """The digest of its secret, if it has one."""
    stays: bool = True
    """Whether it uses refresh tokens."""

    @property
    def home(self) -> str:
        """The site that vouches for its name; empty when nobody does."""
        return urlsplit(self.id).netloc if self.kind == "document" else ""

    def proves(self, secret: str | None) -> bool:
        """Say whether a secret is this app's; an app without one proves nothing, and PKCE stands in for it."""
        if self.secret is None:
            return secret is None
        return secret is not None and compare_digest(digest_of(secret), self.secret)


class Clients:
    """The apps in a store, and those that describe themselves by a document at their own site.

    Args:
        store: Where they are kept.
        documents: Reads documents.
    """

    def __init__(self, store: Store, documents: ClientMetadataReader) -> None:
        self._store = store
        self._documents = documents

    async def known(self, client_id: str) -> Client | None:
        """Return an app that registered or was made here, or that somebody allowed something already."""
        async with self._store.read() as connection:
            row = (await connection.execute(select(CLIENTS).where(CLIENTS.c.id == client_id))).one_or_none()
        return _client(row) if row is not None else None

    async def described(self, client_id: str) -> Client:
        """Return an app as its own document describes it.

        Raises:
            OAuthError: There is no such document, or it cannot be used.
        """
        try:
            document = await self._documents.get(client_id)
        except ClientMetadataError as error:
            raise OAuthError(Code.INVALID_CLIENT, error.reason) from None
        return Client(client_id, "document", clean_name(document.client_name), document.redirect_uris)

    async def keep(self, client: Client) -> None:
        """Write an app down, as it is now.

        Raises:
            OAuthError: There are too many already.
        """
        values = {
            "kind": client.kind, "name": client.name, "redirect_uris": list(client.redirect_uris),
            "method": client.method, "secret": client.secret, "stays": client.stays,
        }  # fmt: skip
        made = insert(CLIENTS).values(id=client.id, at=time(), **values)
        async with self._store.write() as connection:
            if client.kind == "registered":
                await self._make_room(connection)
            await connection.execute(made.on_conflict_do_update(index_elements=[CLIENTS.c.id], set_=values))

    async def _make_room(self, connection: Any) -> None:
        is_registered = CLIENTS.c.kind == "registered"
        count = (await connection.execute(select(func.count()).where(is_registered))).scalar_one()
        if count < MAX_REGISTERED:
            return
        is_unused = ~select(GRANTS.c.id).where(GRANTS.c.client == CLIENTS.c.id).exists()
        oldest = select(CLIENTS.c.id).where(is_registered, is_unused).order_by(CLIENTS.c.at).limit(1)
        removed = await connection.execute(CLIENTS.delete().where(CLIENTS.c.id.in_(oldest)))
        if not removed.rowcount:
            raise OAuthError(Code.TEMPORARILY_UNAVAILABLE, "Too many apps are registered here.", retry_seconds=3600)

    async def names(self) -> Mapping[str, Client]:
        """Return every app that is kept, by its id."""
        async with self._store.read() as connection:
            return {row.id: _client(row) for row in await connection.execute(select(CLIENTS))}

    async def remove(self, client_id: str) -> None:
        """Forget an app, with all that it was granted.

        Raises:
            SettingError: It is not known.
        """
        async with self._store.write() as connection:
            removed = await connection.execute(CLIENTS.delete().where(CLIENTS.c.id == client_id))
        if not removed.rowcount:
            message = f"There is no app {client_id!r}. `intarsia clients list` shows them."
            raise SettingError(message)

    async def stop(self) -> None:
        """End what is being fetched."""
        await self._documents.stop()


def is_document(client_id: str) -> bool:
    """Say whether an id names a document that describes the app."""
    return client_id.startswith(("https://", "http://"))


def clean_name(name: str) -> str:
    """Return a name without what hides in it, and not longer than a line."""
    seen = "".join(letter for letter in name if unicodedata.category(letter) not in _UNSEEN)
    cleaned = _SPACES.sub(" ", seen).strip() or "An app without a name"
    return cleaned if len(cleaned) <= MAX_NAME_LENGTH else f"{cleaned[: MAX_NAME_LENGTH - 1]}…"


def _client(row: Any) -> Client:
    return Client(
        row.id, cast("Kind", row.kind), row.name, tuple(row.redirect_uris), cast("Method", row.method), row.secret,
        row.stays,
    )  # fmt: skip
