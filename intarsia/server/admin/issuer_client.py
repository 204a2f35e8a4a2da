"""The OAuth client of the admin pages: authorization code flow with PKCE (S256), `state` and `iss`.

The returned access token is not validated here, but by the connector's verifier, like the tokens of MCP requests.
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
from intarsia.server.pages.browsers import Browser, CsrfError, digest_of
from intarsia.server.pages.forms import Fields

SIGN_IN_SECONDS = 600
"""How long an admin may take to sign in at the issuer."""
MAX_ATTEMPTS = 1_000
"""The maximum number of sign-ins in progress; beyond it, the oldest one is dropped."""


class SignInDeniedError(Exception):
    """The issuer returned an error instead of an authorization code."""


@dataclass(frozen=True)
class _Attempt:
    """A sign-in in progress at the issuer."""

    browser: bytes
    """The digest of the browser's cookie."""
    verifier: str
    """The code verifier of PKCE (RFC 7636)."""


class IssuerClient:
    """Sends admins to the issuer, and redeems the authorization code that they return with.

    Args:
        settings: The client that is registered with the issuer.
        issuer: The issuer's URL.
        resource: The resource that tokens are requested for (RFC 8707).
        callback: The redirect URI.
        metadata: The issuer's metadata.
        fetcher: The HTTP client for issuers.
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
        self._attempts: TtlCache[_Attempt] = TtlCache(MAX_ATTEMPTS)

    async def authorization_url(self, browser: Browser, *, force_login: bool) -> str:
        """Return the URL at which an admin signs in.

        Args:
            browser: The browser that is redirected. Only this browser can complete the sign-in.
            force_login: Whether the issuer must ask for credentials even if the user is signed in there.

        Raises:
            IssuerError: The issuer cannot be reached.
        """
        endpoint = await self._metadata.address_of("authorization_endpoint")
        pair, state = PKCEParameters.generate(), token_urlsafe(32)
        attempt = _Attempt(browser.session, pair.code_verifier)
        self._attempts.keep(digest_of(state), attempt, monotonic() + SIGN_IN_SECONDS)
        query = {
            "response_type": "code", "client_id": self._settings.client_id, "redirect_uri": self._callback,
            "state": state, "code_challenge": pair.code_challenge, "code_challenge_method": "S256",
            "resource": self._resource, "scope": " ".join(self._settings.scopes),
            "prompt": "login" if force_login else "",
        }  # fmt: skip
        return f"{endpoint}?{urlencode({name: value for name, value in query.items() if value})}"

    async def redeem(self, response: Fields, browser: Browser) -> str:
        """Exchange the code of an authorization response for an access token.

        Args:
            response: The parameters of the request to the callback.
            browser: The browser that sent the request.

        Raises:
            CsrfError: The response has an unknown or used `state`, is for another browser, or is from another issuer.
            SignInDeniedError: The issuer returned no code.
            IssuerError: The issuer cannot be reached, or rejects the code.
        """
        attempt = self._attempts.take(digest_of(response.required("state")))
        # Otherwise an attacker could sign a user in to the attacker's account (login CSRF).
        if attempt is None or not compare_digest(attempt.browser, browser.session):
            raise CsrfError
        await self._check_issuer(response.one("iss"))
        code = response.one("code")
        if code is None:
            raise SignInDeniedError
        return await self._redeem(code, attempt.verifier)

    async def _check_issuer(self, issuer: str | None) -> None:
        """Check which issuer sent a response (RFC 9207), against mix-up attacks."""
        is_required = await self._metadata.value_of("authorization_response_iss_parameter_supported") is True
        if issuer != self._issuer and (issuer is not None or is_required):
            raise CsrfError

    async def _redeem(self, code: str, verifier: str) -> str:
        settings = self._settings
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._callback,
            "code_verifier": verifier, "resource": self._resource,
        }  # fmt: skip
        address = await self._metadata.address_of("token_endpoint")
        if settings.client_secret is None:
            response = await self._fetcher.ask(address, {**form, "client_id": settings.client_id}, {})
        else:
            credentials = (settings.client_id, settings.client_secret, settings.method)
            response = await self._fetcher.ask(
                address, {**form, **secret_form(*credentials)}, secret_header(*credentials)
            )
        token, token_type = response.get("access_token"), response.get("token_type")
        if not isinstance(token, str) or not isinstance(token_type, str) or token_type.lower() != "bearer":
            message = f"{address} returned no bearer access token."
            raise IssuerError(message)
        return token
