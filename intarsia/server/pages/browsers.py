"""Browsers: who is signed in there, and whether a form really comes from one of our pages.

A browser has one cookie. Before sign-in it only ties forms to the browser; at sign-in it gets another value, which
names a session.
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

_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}")
_OWN_PAGES = frozenset({"same-origin", "none"})
"""What browsers say of a form that was sent from our own page, or sent again by the person."""


class ForgeryError(Exception):
    """A form that none of our pages in this browser was sent from."""


@dataclass(frozen=True)
class Browser:
    """The browser that sent a request."""

    cookie: str
    """What ties forms to it; made now if it had none."""
    account: str | None
    """Who is signed in there."""

    @property
    def form_token(self) -> str:
        """What forms of our pages carry, and pages of others cannot know."""
        return new(self.cookie.encode(), b"intarsia form", sha256).hexdigest()

    @property
    def session(self) -> bytes:
        """What its session is kept by."""
        return digest_of(self.cookie)


class BrowserSettings(Protocol):
    """What has to be known of pages to keep a browser apart from others."""

    @property
    def public_url(self) -> str:
        """Where browsers find them, without a path."""
        ...

    @property
    def is_https(self) -> bool:
        """Whether browsers come over TLS, so that cookies may be bound to it."""
        ...

    @property
    def session_seconds(self) -> int:
        """How long a person stays signed in."""
        ...


class Cookies:
    """The cookies of browsers, and what ties forms to them.

    Args:
        settings: Where browsers come to.
    """

    def __init__(self, settings: BrowserSettings) -> None:
        self._settings = settings
        # The prefix binds it to this very host, over TLS alone (RFC 6265bis, section 4.1.3).
        # On one machine all ports share their cookies: there, each server has a name of its own.
        self._name = "__Host-intarsia" if settings.is_https else f"intarsia-{urlsplit(settings.public_url).port or 80}"

    def sent(self, request: Request) -> str | None:
        """Return the cookie that came with a request; `None` if there is none that we could have made."""
        sent = request.cookies.get(self._name, "")
        return sent if _COOKIE.fullmatch(sent) else None

    def check_form(self, request: Request, form: Fields, browser: Browser) -> None:
        """Check that a form comes from one of our pages, shown in this browser.

        Raises:
            ForgeryError: It does not.
        """
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        if origin not in (None, self._settings.public_url) or site not in (None, *_OWN_PAGES):
            raise ForgeryError
        if not compare_digest(browser.form_token.encode(), (form.one("form_token") or "").encode()):
            raise ForgeryError

    def remember(self, response: Response, browser: Browser) -> Response:
        """Give a browser its cookie: unseen by scripts, and not sent along with forms of other sites."""
        response.set_cookie(
            self._name,
            browser.cookie,
            max_age=self._settings.session_seconds,
            path="/",
            secure=self._settings.is_https,
            httponly=True,
            samesite="lax",  # from a chat's own page people must arrive signed in
        )
        return response

    def forget(self, response: Response) -> Response:
        """Take the cookie back."""
        response.delete_cookie(self._name, path="/", secure=self._settings.is_https, httponly=True, samesite="lax")
        return response


def digest_of(secret: str) -> bytes:
    """Return what is kept of a secret that nobody can guess."""
    return sha256(secret.encode()).digest()
