"""The sessions of users who are signed in at the authorization server."""

from secrets import token_urlsafe
from time import time

from sqlalchemy import delete, insert, select
from starlette.requests import Request

from intarsia.server.audit.log import AuditEntry, append
from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer
from intarsia.server.auth.authorization_server.accounts.tables import ACCOUNTS, SESSIONS
from intarsia.server.pages.browsers import Browser, BrowserCookies, digest_of
from intarsia.server.storage.store import Store


class Sessions(BrowserCookies):
    """The sessions of signed-in users, stored by the digest of their cookie.

    Args:
        store: The store of the authorization server.
        settings: The public URL and the lifetime of a session.
    """

    def __init__(self, store: Store, settings: EmbeddedIssuer) -> None:
        super().__init__(settings)
        self._store = store

    async def load(self, request: Request) -> Browser:
        """Return the browser that sent a request, with its account if it is signed in."""
        cookie = self.read_cookie(request)
        if cookie is None:
            return Browser(token_urlsafe(32), None)
        found = select(SESSIONS.c.account).join(ACCOUNTS).where(
            SESSIONS.c.digest == digest_of(cookie), SESSIONS.c.expires_at > time(), ACCOUNTS.c.state == "active"
        )  # fmt: skip
        async with self._store.read() as connection:
            return Browser(cookie, (await connection.execute(found)).scalar_one_or_none())

    async def start(self, account: str, before: Browser) -> Browser:
        """Start a session with a new cookie, and end the one that the browser had before."""
        browser = Browser(token_urlsafe(32), account)
        expires_at = time() + self._settings.session_seconds
        async with self._store.write() as connection:
            await connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == before.session))
            await connection.execute(insert(SESSIONS).values(
                digest=browser.session, account=account, expires_at=expires_at
            ))  # fmt: skip
            await append(connection, AuditEntry("sign_in", account))
        return browser

    async def end(self, browser: Browser) -> None:
        """End the session of a browser."""
        async with self._store.write() as connection:
            await connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == browser.session))
            if browser.account is not None:
                await append(connection, AuditEntry("sign_out", browser.account))

    async def prune(self) -> None:
        """Delete expired sessions."""
        async with self._store.write() as connection:
            await connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_at < time()))
