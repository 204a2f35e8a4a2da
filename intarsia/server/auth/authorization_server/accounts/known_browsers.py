"""Recognizes browsers in which an account has signed in before, by a signed cookie (OWASP: device cookies).

The cookie gives no access. Attempts from such a browser have a limit of their own, so that attacks on the account do
not keep its user out.
"""

from base64 import urlsafe_b64encode
from secrets import token_bytes
from time import time

from starlette.requests import Request
from starlette.responses import Response

from intarsia.server.pages.browsers import BrowserSettings, cookie_name
from intarsia.server.storage.store import Store
from intarsia.server.views.view_handles import Signer

LASTS_SECONDS = 180 * 24 * 60 * 60

_TIME_BYTES, _ID_BYTES = 8, 16


class KnownBrowsers:
    """Sets and verifies the cookies of known browsers. Nothing is stored for them on the server.

    Args:
        settings: The public URL.
    """

    def __init__(self, settings: BrowserSettings) -> None:
        self._settings = settings
        self._name = cookie_name(settings, "intarsia_known")
        self._signer = Signer("sign-in")

    async def load(self, store: Store) -> None:
        """Load the key of the signatures from the store of the authorization server, or create it there."""
        await self._signer.load(store)

    def find(self, request: Request, account: str) -> str:
        """Return the ID of the browser that sent a request; empty if the account never signed in there."""
        body = self._signer.verify(("browser", account), request.cookies.get(self._name))
        if body is None or len(body) != _TIME_BYTES + _ID_BYTES or int.from_bytes(body[:_TIME_BYTES]) < time():
            return ""
        return urlsafe_b64encode(body[_TIME_BYTES:]).decode()

    def remember(self, response: Response, account: str) -> Response:
        """Set the cookie of a browser in which an account has just signed in. It replaces that of another account."""
        expires = int(time()) + LASTS_SECONDS
        signed = self._signer.sign(("browser", account), expires.to_bytes(_TIME_BYTES) + token_bytes(_ID_BYTES))
        if signed is not None:
            response.set_cookie(
                self._name,
                signed,
                max_age=LASTS_SECONDS,
                path="/",
                secure=self._settings.is_https,
                httponly=True,
                samesite="strict",  # only the form of our own page reads it
            )
        return response
