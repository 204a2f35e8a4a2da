"""Sessions of browsers, and protection against cross-site request forgery (CSRF).

A browser has one cookie. Before sign-in it only binds forms to the browser; sign-in replaces it with a new value, which
identifies the session. So an attacker who planted a cookie before sign-in gains nothing (session fixation).
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest, new
from typing import Protocol
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from intarsia.server.pages.forms import Fields
from intarsia.server.wire.urls import origin_of

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
        self._origin = origin_of(settings.public_url)
        self._name = cookie_name(settings, "intarsia")

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


def cookie_name(settings: BrowserSettings, name: str) -> str:
    """Return the name of a cookie that no other server of this host uses.

    Args:
        settings: The public URL.
        name: What the cookie is called, without a hyphen.
    """
    # The prefix binds the cookie to this host, over TLS only (RFC 6265bis, section 4.1.3). Browsers do not separate
    # cookies by port, so on loopback, where several servers run side by side, the name holds the port. Below one
    # host, each path has a name of its own.
    parts = urlsplit(settings.public_url)
    start = f"__Host-{name}" if settings.is_https else f"{name}-{parts.port or 80}"
    return start + parts.path.replace("/", "-")


def digest_of(secret: str) -> bytes:
    """Return the SHA-256 digest that is stored for a secret. Random secrets need neither salt nor stretching."""
    return sha256(secret.encode()).digest()
