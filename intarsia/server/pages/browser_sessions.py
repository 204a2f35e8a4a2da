"""Sessions of browsers, and protection against cross-site request forgery (CSRF).

A browser has one cookie. Before sign-in it only binds forms to the browser; sign-in replaces it with a new value, which
identifies the session. So an attacker who planted a cookie before sign-in gains nothing (session fixation).
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest, new
from secrets import token_urlsafe
from time import time
from typing import Protocol
from urllib.parse import urlsplit

from sqlalchemy import delete, insert, select
from starlette.requests import Request
from starlette.responses import Response

from intarsia.server.audit.log import AuditEntry, append
from intarsia.server.auth.authorization_server.settings import EmbeddedIssuer
from intarsia.server.auth.authorization_server.tables import ACCOUNTS, SESSIONS, digest_of
from intarsia.server.http.request_limits import origin_of
from intarsia.server.pages.forms import Fields
from intarsia.server.storage.store import Store

_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}")
_OWN_PAGES = frozenset({"same-origin", "none"})
"""The values of `Sec-Fetch-Site` for a form from our own page, and for a form that the user submitted again."""


class CsrfError(Exception):
    """A form that was not sent from one of our pages in this browser."""


@dataclass(frozen=True)
class Browser:
    """The browser that sent a request.

    Args:
        cookie: The value of its cookie; a new random value if it sent none.
        account: The signed-in account; `None` if there is none.
    """

    cookie: str
    account: str | None

    @property
    def csrf_token(self) -> str:
        """The token that our forms include, and that pages of other sites cannot read. Derived from the cookie."""
        return new(self.cookie.encode(), b"intarsia form", sha256).hexdigest()

    @property
    def session(self) -> bytes:
        """The digest of the cookie, under which the session is stored."""
        return digest_of(self.cookie)


class BrowserSettings(Protocol):
    """The settings that cookies need."""

    @property
    def public_url(self) -> str:
        """The URL where browsers find the pages."""
        ...

    @property
    def is_https(self) -> bool:
        """Whether browsers connect over TLS, so that cookies can be marked as secure."""
        ...

    @property
    def session_seconds(self) -> int:
        """How long a user stays signed in."""
        ...


class BrowserCookies:
    """Sets and reads the cookie of a browser, and verifies the CSRF tokens of forms.

    Args:
        settings: The public URL and the lifetime of the cookie.
    """

    def __init__(self, settings: BrowserSettings) -> None:
        self._settings = settings
        # The prefix binds the cookie to this host, over TLS only (RFC 6265bis, section 4.1.3). Browsers do not separate
        # cookies by port, so on loopback, where several servers run side by side, the name holds the port. Below one
        # host, each path has a name of its own.
        parts = urlsplit(settings.public_url)
        self._origin = origin_of(settings.public_url)
        self._name = "__Host-intarsia" if settings.is_https else f"intarsia-{parts.port or 80}"
        self._name += parts.path.replace("/", "-")

    def read_cookie(self, request: Request) -> str | None:
        """Return the cookie of a request; `None` if it is missing, or does not have the form of our cookies."""
        value = request.cookies.get(self._name, "")
        return value if _COOKIE.fullmatch(value) else None

    def verify_csrf(self, request: Request, form: Fields, browser: Browser) -> None:
        """Check that a form was sent from one of our pages in this browser.

        Raises:
            CsrfError: It was not.
        """
        # Old browsers send neither header. The token alone protects them.
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        if origin not in (None, self._origin) or site not in (None, *_OWN_PAGES):
            raise CsrfError
        if not compare_digest(browser.csrf_token.encode(), (form.one("csrf_token") or "").encode()):
            raise CsrfError

    def set_cookie(self, response: Response, browser: Browser) -> Response:
        """Set the cookie of a browser, hidden from scripts and left out of forms of other sites."""
        response.set_cookie(
            self._name,
            browser.cookie,
            max_age=self._settings.session_seconds,
            path="/",
            secure=self._settings.is_https,
            httponly=True,
            samesite="lax",  # not "strict": a link from a chat app must lead to a page where the user is signed in
        )
        return response

    def delete_cookie(self, response: Response) -> Response:
        """Delete the cookie of a browser."""
        response.delete_cookie(self._name, path="/", secure=self._settings.is_https, httponly=True, samesite="lax")
        return response


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
