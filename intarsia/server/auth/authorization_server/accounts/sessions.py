"""Sessions of people who sign in at the connector itself: which browser is whose, and until when."""

from secrets import token_urlsafe
from time import time

from sqlalchemy import delete, insert, select
from starlette.requests import Request

from intarsia.server.audit.log import AuditEntry, append
from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer
from intarsia.server.auth.authorization_server.accounts.tables import ACCOUNTS, SESSIONS
from intarsia.server.pages.browsers import Browser, Cookies, digest_of
from intarsia.server.storage.store import Store


class Sessions(Cookies):
    """Sessions of people, by the digests of their cookies.

    Args:
        store: Where they are kept.
        settings: How long they last, and whether browsers come over TLS.
    """

    def __init__(self, store: Store, settings: EmbeddedIssuer) -> None:
        super().__init__(settings)
        self._store = store

    async def browser(self, request: Request) -> Browser:
        """Say which browser a request comes from."""
        sent = self.sent(request)
        if sent is None:
            return Browser(token_urlsafe(32), None)
        found = select(SESSIONS.c.account).join(ACCOUNTS).where(
            SESSIONS.c.digest == digest_of(sent), SESSIONS.c.expires_at > time(), ACCOUNTS.c.state == "active"
        )  # fmt: skip
        async with self._store.read() as connection:
            return Browser(sent, (await connection.execute(found)).scalar_one_or_none())

    async def start(self, account: str, before: Browser) -> Browser:
        """Sign somebody in, with a cookie that nobody knew before."""
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
        """Sign out."""
        async with self._store.write() as connection:
            await connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == browser.session))
            if browser.account is not None:
                await append(connection, AuditEntry("sign_out", browser.account))

    async def prune(self) -> None:
        """Forget sessions that have expired."""
        async with self._store.write() as connection:
            await connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_at < time()))
