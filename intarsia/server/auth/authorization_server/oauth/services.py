"""What the pages and endpoints of the authorization server work with."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from intarsia.server.audit.log import AuditLog
from intarsia.server.auth.authorization_server.accounts.accounts import Accounts
from intarsia.server.auth.authorization_server.accounts.sessions import Sessions
from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer
from intarsia.server.auth.authorization_server.accounts.tables import TABLES
from intarsia.server.auth.authorization_server.clients.client_metadata import ClientMetadataReader
from intarsia.server.auth.authorization_server.clients.clients import Clients
from intarsia.server.auth.authorization_server.oauth.grants import GrantStore
from intarsia.server.storage.store import Store


@dataclass(frozen=True)
class AuthServices:
    """The services of one authorization server, on one store."""

    settings: EmbeddedIssuer
    store: Store
    audit: AuditLog
    accounts: Accounts
    clients: Clients
    sessions: Sessions
    grants: GrantStore

    @classmethod
    def of(cls, settings: EmbeddedIssuer) -> Self:
        """Make the services that settings ask for.

        Raises:
            SettingError: The library for passwords is missing.
        """
        store = Store(settings.path, TABLES)
        # A server on this machine alone is for development: apps may be there too.
        documents = ClientMetadataReader(allow_loopback=not settings.is_https)
        return cls(
            settings, store, AuditLog(store), Accounts(store), Clients(store, documents), Sessions(store, settings),
            GrantStore(store, settings),
        )  # fmt: skip

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Open the store while the block runs."""
        async with self.store.open():
            await self.grants.prune()
            await self.sessions.prune()
            try:
                yield
            finally:
                await self.clients.stop()
