"""The OAuth client of the local host: signs a user in to a connector with MCP's official client.

`mcp.client.auth` implements OAuth (discovery, registration, PKCE, `resource`, `iss`, token refresh, additional scopes).
This module sends its requests, and passes it the result of the sign-in page. Tokens and secrets stay in this process;
the host page never sees them.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import OAuthClientProvider, OAuthFlowError, OAuthRegistrationError, OAuthTokenError
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl, ValidationError

from intarsia.server.wire.bounded_http import EncodedError, FetchError, TooLargeError, fetch

APP_NAME = "Intarsia host"
ANSWER_SECONDS = 30
SIGN_IN_SECONDS = 10 * 60
"""The time limit for a user on the sign-in page."""
MAX_BYTES = 256 * 1024
UNAUTHORIZED = 401

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_REACHES = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "intarsia-host", "version": "1"},
}
_HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}

_is_ours: ContextVar[bool] = ContextVar("is_ours", default=False)


class ConnectError(Exception):
    """A connector could not be connected. The message is for the user."""


class _WithoutTraces(logging.Filter):
    """Drops tracebacks of failed sign-ins from the log, because they quote requests. The user sees the reason."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is logged."""
        return not (_is_ours.get() and record.exc_info)


logging.getLogger("mcp.client.auth.oauth2").addFilter(_WithoutTraces())


@dataclass(frozen=True)
class OAuthClient:
    """A preregistered OAuth client of this host, instead of dynamic registration."""

    id: str
    secret: str = field(default="", repr=False)


@dataclass
class _Kept:
    """The token storage for the official client, in memory."""

    client: OAuthClientInformationFull | None = None
    tokens: OAuthToken | None = field(default=None, repr=False)

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@dataclass
class _Attempt:
    """One sign-in that is in progress."""

    address: "asyncio.Future[str]"
    answer: "asyncio.Future[AuthorizationCodeResult]"
    task: "asyncio.Task[None] | None" = None
    state: str = ""
    refusal: str = ""

    def show(self, address: str) -> None:
        self.state = parse_qs(urlsplit(address).query).get("state", [""])[0]
        self.address.set_result(address)


class ConnectorSignIn:
    """The connection of the user to one connector.

    Args:
        url: The connector's MCP endpoint.
        callback: The redirect URI.
        http: The HTTP client, which does not follow redirects.
        client: The preregistered client; by default the host registers itself.
    """

    def __init__(self, url: str, callback: str, http: httpx2.AsyncClient, client: OAuthClient | None = None) -> None:
        self.url = url
        self._callback = callback
        self._http = http
        self._kept = _Kept(_info_of(client, callback) if client else None)
        self._provider: OAuthClientProvider | None = None
        self._attempt: _Attempt | None = None
        self._is_lost = False
        self.is_open = False
        """Whether the connector was reached, with or without sign-in."""

    @property
    def scopes(self) -> list[str]:
        """The granted scopes, according to the issuer."""
        tokens = self._kept.tokens
        return sorted((tokens.scope or "").split()) if tokens else []

    @property
    def state(self) -> str:
        """`connected`, `not_connected`, or `needs_sign_in` if the connector no longer accepts the user."""
        if self.is_open:
            return "connected"
        return "needs_sign_in" if self._is_lost else "not_connected"

    async def begin(self, scopes: Sequence[str] = ()) -> str | None:
        """Connect, up to the point where the user has to sign in.

        Args:
            scopes: Additional scopes to request; by default those that the connector requires.

        Returns:
            The address of the sign-in page for the browser, or `None` if no sign-in is needed.

        Raises:
            ConnectError: The connection failed; the message says why.
        """
        await self._give_up("Another sign-in was begun.")
        loop = asyncio.get_running_loop()
        attempt = self._attempt = _Attempt(loop.create_future(), loop.create_future())
        attempt.task = asyncio.create_task(self._sign_in(attempt, scopes))
        attempt.task.add_done_callback(_hear)
        await _first_of(attempt.task, attempt.address)
        if not attempt.address.done():
            await self.ended()
            return None
        address = attempt.address.result()
        if not self._may_ask(address):
            await self._give_up("The sign-in page has no address that is safe to open.")
            await self.ended()
        return address

    async def ended(self) -> None:
        """Wait until the sign-in has ended.

        Raises:
            ConnectError: The sign-in failed; the message says why.
        """
        attempt = self._attempt
        if attempt is None or attempt.task is None:
            if not self.is_open:
                message = "There is no sign-in in progress. Connect again."
                raise ConnectError(message)
            return
        await asyncio.wait({attempt.task})
        if attempt.task.cancelled():
            raise ConnectError(attempt.refusal or "The sign-in was ended.")
        attempt.task.result()

    def expects(self, state: str) -> bool:
        """Return whether a sign-in with this `state` is in progress."""
        attempt = self._attempt
        is_open = attempt is not None and bool(attempt.state) and not attempt.answer.done()
        return is_open and attempt is not None and secrets.compare_digest(attempt.state.encode(), state.encode())

    async def come_back(self, code: str, state: str, iss: str | None, error: str) -> None:
        """Complete a sign-in with the parameters of the redirect.

        Raises:
            ConnectError: The sign-in failed; the message says why.
        """
        if self._attempt and error:
            denied = "Nothing was granted." if error == "access_denied" else "The sign-in page refused this host."
            await self._give_up(denied)
        elif self._attempt:
            self._attempt.answer.set_result(AuthorizationCodeResult(code=code, state=state, iss=iss))
        await self.ended()

    async def give_up(self) -> None:
        """Cancel a sign-in that is in progress."""
        await self._give_up("The sign-in was canceled.")

    async def _give_up(self, why: str) -> None:
        attempt = self._attempt
        if attempt is None or attempt.task is None or attempt.task.done():
            return
        attempt.refusal = why
        attempt.task.cancel()
        await asyncio.wait({attempt.task})

    async def authorization(self) -> str | None:
        """Return the `Authorization` header, refreshed if expired; `None` without sign-in.

        Raises:
            ConnectError: The token could not be refreshed.
        """
        if self._provider is None:
            return None
        request = httpx2.Request("POST", self.url)
        async with aclosing(self._provider.async_auth_flow(request)) as flow:
            step = await anext(flow)
            while step is not request:
                answer = await self._ask(step)
                if answer.status_code == 429 or answer.status_code >= 500:  # a temporary error, not a revocation
                    message = "Your access could not be renewed for now. Try again in a few seconds."
                    raise ConnectError(message)
                step = await flow.asend(answer)
        return request.headers.get("Authorization")

    def expire(self, authorization: str) -> bool:
        """Mark a token as expired; return whether it can be refreshed without the user."""
        if self._provider is None:
            return False
        context = self._provider.context
        tokens = context.current_tokens
        if tokens and authorization == f"Bearer {tokens.access_token}":
            context.token_expiry_time = 1.0
        return context.can_refresh_token()

    def refuse(self, authorization: str | None) -> None:
        """Sign out after the connector refused a header, unless the token has been replaced since."""
        tokens = self._provider.context.current_tokens if self._provider else None
        current = f"Bearer {tokens.access_token}" if tokens else None
        if self.is_open and authorization == current:
            self.sign_out()

    def sign_out(self) -> None:
        """Delete the tokens, and require a new sign-in."""
        self._kept.tokens, self._provider, self.is_open, self._is_lost = None, None, False, True

    async def leave(self) -> bool:
        """Disconnect: revoke the tokens at the issuer (RFC 7009), and delete them.

        Returns:
            Whether the issuer revoked the tokens. Otherwise the user may have to revoke access there.
        """
        await self.give_up()
        provider, tokens = self._provider, self._kept.tokens
        self.sign_out()
        self._is_lost = False
        if provider is None or tokens is None:
            return True
        metadata = provider.context.oauth_metadata
        endpoint = str(metadata.revocation_endpoint) if metadata and metadata.revocation_endpoint else ""
        given = [(tokens.refresh_token, "refresh_token"), (tokens.access_token, "access_token")]
        answers = [await self._revoke(provider, endpoint, token, kind) for token, kind in given if token and endpoint]
        return bool(answers) and all(answers)

    async def _revoke(self, provider: OAuthClientProvider, endpoint: str, token: str, kind: str) -> bool:
        client = provider.context.client_info
        form = {"token": token, "token_type_hint": kind, "client_id": client.client_id if client else ""}
        form, headers = provider.context.prepare_token_auth(form, {})
        try:
            answer = await self._ask(httpx2.Request("POST", endpoint, data=form, headers=headers))
        except ConnectError:
            return False
        return answer.is_success

    async def _sign_in(self, attempt: _Attempt, scopes: Sequence[str]) -> None:
        _is_ours.set(True)
        provider = self._make_provider(attempt)
        try:
            async with asyncio.timeout(SIGN_IN_SECONDS):
                is_signed_in = await self._go_through(provider, scopes)
        except TimeoutError:
            message = f"Nobody signed in within {SIGN_IN_SECONDS // 60} minutes. Connect again."
            raise ConnectError(message) from None
        except OAuthRegistrationError:
            message = "Its sign-in does not take apps by itself. Add it with a client id that it gave you."
            raise ConnectError(message) from None
        except OAuthTokenError:
            message = "Its sign-in gave no access. Check the client id and secret, and connect again."
            raise ConnectError(message) from None
        except (OAuthFlowError, ValidationError, ValueError):
            message = "What it says about its sign-in does not fit together, so it is not safe to go on."
            raise ConnectError(message) from None
        self._provider = provider if is_signed_in else None
        self._is_lost, self.is_open = False, True

    async def _go_through(self, provider: OAuthClientProvider, scopes: Sequence[str]) -> bool:
        """Run the steps of the official client; return whether the user signed in."""
        message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": _REACHES}
        request = httpx2.Request("POST", self.url, headers=_HEADERS, json=message)
        async with aclosing(provider.async_auth_flow(request)) as flow:
            step = await anext(flow)
            answer = self._missing(request, scopes) if scopes else await self._ask(step)
            if not scopes and answer.status_code != UNAUTHORIZED:
                _check_reached(answer)
                return self._kept.tokens is not None
            while True:
                step = await flow.asend(answer)
                if step is request:  # the original request again, now with the token
                    return True
                answer = await self._ask(step)

    def _missing(self, request: httpx2.Request, scopes: Sequence[str]) -> httpx2.Response:
        """Return a synthetic `insufficient_scope` response (RFC 6750), which tells the client what to request."""
        challenge = f'Bearer error="insufficient_scope", scope="{" ".join(scopes)}"'
        return httpx2.Response(403, headers={"WWW-Authenticate": challenge}, request=request)

    def _make_provider(self, attempt: _Attempt) -> OAuthClientProvider:
        metadata = OAuthClientMetadata(redirect_uris=[AnyUrl(self._callback)], client_name=APP_NAME)
        metadata.token_endpoint_auth_method = "none"  # noqa: S105 - for a registration: the name of a method

        async def show(address: str) -> None:
            _suit(provider)
            attempt.show(address)

        async def come_back() -> AuthorizationCodeResult:
            return await attempt.answer

        provider = OAuthClientProvider(self.url, metadata, self._kept, show, come_back)
        return provider

    async def _ask(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request of the sign-in, and read a response of limited size."""
        if not self._may_ask(str(request.url)):
            message = "Its sign-in leads to an address that is not safe to ask."
            raise ConnectError(message)
        request.headers["Accept-Encoding"] = "identity"
        try:
            answer = await fetch(self._http, request, max_seconds=ANSWER_SECONDS, max_bytes=MAX_BYTES)
        except TooLargeError:
            message = "Its sign-in answered with far more than it should."
            raise ConnectError(message) from None
        except EncodedError:
            message = f"{urlsplit(str(request.url)).netloc} answered compressed, though it was asked not to compress."
            raise ConnectError(message) from None
        except FetchError:
            message = f"{urlsplit(str(request.url)).netloc} could not be reached. Check the address."
            raise ConnectError(message) from None
        return httpx2.Response(answer.status, headers=answer.headers, content=answer.body, request=request)

    def _may_ask(self, address: str) -> bool:
        """Allow HTTPS, and this machine only for connectors on it: remote ones must not cause local requests."""
        parts = urlsplit(address)
        is_here = parts.hostname in _LOOPBACK
        if is_here and urlsplit(self.url).hostname not in _LOOPBACK:
            return False
        return parts.scheme == "https" or (parts.scheme == "http" and is_here)


async def _first_of(*several: "asyncio.Future[Any]") -> None:
    await asyncio.wait(several, return_when=asyncio.FIRST_COMPLETED)


def _info_of(client: OAuthClient, callback: str) -> OAuthClientInformationFull:
    method = "client_secret_basic" if client.secret else "none"
    return OAuthClientInformationFull(
        client_id=client.id,
        client_secret=client.secret or None,
        redirect_uris=[AnyUrl(callback)],
        token_endpoint_auth_method=method,
    )


def _suit(provider: OAuthClientProvider) -> None:
    """Send the secret in the form if the metadata of the issuer requires it (RFC 8414)."""
    info, metadata = provider.context.client_info, provider.context.oauth_metadata
    taken = (metadata.token_endpoint_auth_methods_supported if metadata else None) or ["client_secret_basic"]
    if info and info.client_secret and "client_secret_basic" not in taken and "client_secret_post" in taken:
        info.token_endpoint_auth_method = "client_secret_post"  # noqa: S105 - the name of a method


def _check_reached(answer: httpx2.Response) -> None:
    # An endpoint that supports only the newest protocol refuses this `initialize` request with 400.
    if answer.is_success or answer.status_code == 400:
        return
    message = f"There is no connector that lets this host in (HTTP {answer.status_code}). Check the address."
    raise ConnectError(message)


def _hear(task: "asyncio.Task[None]") -> None:
    """Retrieve the exception of a sign-in, for which no other code may wait."""
    if not task.cancelled():
        task.exception()
