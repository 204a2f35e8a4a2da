"""The services of the authorization server, which its pages and endpoints share."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from intarsia.server.audit.heads import ACCOUNTS_LOG, HeadShipper
from intarsia.server.audit.log import AuditLog
from intarsia.server.auth.authorization_server.accounts.accounts import Accounts
from intarsia.server.auth.authorization_server.accounts.known_browsers import KnownBrowsers
from intarsia.server.auth.authorization_server.accounts.sessions import Sessions
from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer
from intarsia.server.auth.authorization_server.accounts.tables import accounts_store
from intarsia.server.auth.authorization_server.clients.client_metadata import ClientMetadataReader
from intarsia.server.auth.authorization_server.clients.clients import Clients
from intarsia.server.auth.authorization_server.oauth.grants import GrantStore
from intarsia.server.storage.store import Store


@dataclass(frozen=True)
class AuthServices:
    """The services of one authorization server, on one store.

    Args:
        settings: The public URL, the file with the accounts, and lifetimes.
        store: The store of the authorization server.
        audit: Its audit log.
        heads: Ships the heads of the audit log.
        accounts: Stores accounts and verifies passwords.
        clients: Stores registered clients, and fetches metadata documents.
        sessions: Stores the sessions of signed-in users.
        known_browsers: Recognizes the browsers in which users signed in before.
        grants: Issues, refreshes, introspects and revokes tokens.
    """

    settings: EmbeddedIssuer
    store: Store
    audit: AuditLog
    heads: HeadShipper
    accounts: Accounts
    clients: Clients
    sessions: Sessions
    known_browsers: KnownBrowsers
    grants: GrantStore

    @classmethod
    def create(cls, settings: EmbeddedIssuer, *, shared_store: bool) -> Self:
        """Create the services from the settings.

        Args:
            settings: The public URL, the file with the accounts, and lifetimes.
            shared_store: Whether other processes may serve from the same file at the same time.

        Raises:
            SettingError: The password library is missing.
        """
        store = accounts_store(settings.path, is_shared=shared_store)
        audit = AuditLog(store)
        # Without HTTPS the server is for development on this machine, where apps may run on loopback addresses.
        documents = ClientMetadataReader(allow_loopback=not settings.is_https)
        return cls(
            settings, store, audit, HeadShipper(ACCOUNTS_LOG, audit, settings.audit_heads), Accounts(store),
            Clients(store, documents), Sessions(store, settings),
            KnownBrowsers(settings), GrantStore(store, settings),
        )  # fmt: skip

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Open the store while the block runs."""
        async with self.store.open(), self.heads.running():
            await self.grants.prune()
            await self.sessions.prune()
            await self.known_browsers.load(self.store)
            try:
                yield
            finally:
                await self.clients.stop()
