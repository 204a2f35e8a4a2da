"""Sends admins to the issuer, and redeems what they come back with: authorization code, PKCE S256, `state`, `iss`.

What a token is worth is not decided here: the verifier of the connector says that.
"""

from dataclasses import dataclass
from hmac import compare_digest
from secrets import token_urlsafe
from time import monotonic
from urllib.parse import urlencode

from mcp.client.auth import PKCEParameters

from intarsia.server.auth.resource_server.cache import TtlCache
from intarsia.server.auth.resource_server.client_auth import secret_form, secret_header
from intarsia.server.auth.resource_server.issuer_http import IssuerError, IssuerHttpClient
from intarsia.server.auth.resource_server.issuer_metadata import Metadata
from intarsia.server.auth.resource_server.settings import AdminSignIn
from intarsia.server.pages.browsers import Browser, ForgeryError, digest_of
from intarsia.server.pages.forms import Fields

TRY_SECONDS = 600
"""How long somebody may take to sign in at the issuer."""
MAX_ATTEMPTS = 1_000


class NotSignedInError(Exception):
    """The issuer let somebody go without a code."""


@dataclass(frozen=True)
class _Try:
    """Somebody who was sent to the issuer, and did not come back yet."""

    browser: bytes
    """The digest of the cookie of the browser that was sent."""
    verifier: str
    """Proves to the issuer that who redeems the code has asked for it (RFC 7636)."""


class IssuerClient:
    """The way to the issuer, and back.

    Args:
        settings: The client that the pages are.
        issuer: Where admins sign in.
        resource: What tokens are for.
        callback: Where they come back.
        metadata: Where the issuer's endpoints are.
        fetcher: Asks the issuer.
    """

    def __init__(
        self,
        settings: AdminSignIn,
        issuer: str,
        resource: str,
        callback: str,
        *,
        metadata: Metadata,
        fetcher: IssuerHttpClient,
    ) -> None:
        self._settings = settings
        self._issuer = issuer
        self._resource = resource
        self._callback = callback
        self._metadata = metadata
        self._fetcher = fetcher
        self._tries: TtlCache[_Try] = TtlCache(MAX_ATTEMPTS)

    async def address_for(self, browser: Browser, *, asks_again: bool) -> str:
        """Return the address at which somebody signs in.

        Args:
            browser: The one that is sent there, and that must come back.
            asks_again: Whether the issuer is to ask who it is, though it knows somebody already.

        Raises:
            IssuerError: The issuer cannot be reached.
        """
        endpoint = await self._metadata.address_of("authorization_endpoint")
        pair, state = PKCEParameters.generate(), token_urlsafe(32)
        self._tries.keep(digest_of(state), _Try(browser.session, pair.code_verifier), monotonic() + TRY_SECONDS)
        query = {
            "response_type": "code", "client_id": self._settings.client_id, "redirect_uri": self._callback,
            "state": state, "code_challenge": pair.code_challenge, "code_challenge_method": "S256",
            "resource": self._resource, "scope": " ".join(self._settings.scopes),
            "prompt": "login" if asks_again else "",
        }  # fmt: skip
        return f"{endpoint}?{urlencode({name: value for name, value in query.items() if value})}"

    async def token_for(self, answer: Fields, browser: Browser) -> str:
        """Redeem what a browser comes back with, and return the access token.

        Raises:
            ForgeryError: This browser was not sent to the issuer, or came back already, or comes from elsewhere.
            NotSignedInError: The issuer gave no code.
            IssuerError: The issuer cannot be reached, or does not redeem the code.
        """
        begun = self._tries.take(digest_of(answer.required("state")))
        if begun is None or not compare_digest(begun.browser, browser.session):
            raise ForgeryError
        await self._check_issuer(answer.one("iss"))
        code = answer.one("code")
        if code is None:
            raise NotSignedInError
        return await self._redeem(code, begun.verifier)

    async def _check_issuer(self, said: str | None) -> None:
        """Check who sends the answer (RFC 9207)."""
        says_always = await self._metadata.value_of("authorization_response_iss_parameter_supported") is True
        if said != self._issuer and (said is not None or says_always):
            raise ForgeryError

    async def _redeem(self, code: str, verifier: str) -> str:
        own = self._settings
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._callback,
            "code_verifier": verifier, "resource": self._resource,
        }  # fmt: skip
        address = await self._metadata.address_of("token_endpoint")
        if own.client_secret is None:
            answer = await self._fetcher.ask(address, {**form, "client_id": own.client_id}, {})
        else:
            proof = (own.client_id, own.client_secret, own.method)
            answer = await self._fetcher.ask(address, {**form, **secret_form(*proof)}, secret_header(*proof))
        token, kind = answer.get("access_token"), answer.get("token_type")
        if not isinstance(token, str) or not isinstance(kind, str) or kind.lower() != "bearer":
            message = f"{address} answered without an access token that a bearer may use."
            raise IssuerError(message)
        return token
