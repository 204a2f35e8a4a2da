"""Dynamic client registration (RFC 7591). Registered clients are public, and not limited to the scopes they name."""

from secrets import token_urlsafe
from time import time
from typing import Any, cast

from mcp.shared.auth import OAuthClientMetadata
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from intarsia.server.auth.authorization_server.accounts.rate_limit import RateLimit
from intarsia.server.auth.authorization_server.clients.clients import Client, Clients, clean_name
from intarsia.server.auth.authorization_server.clients.redirect_uris import is_allowed
from intarsia.server.pages.oauth_errors import NOT_STORED, Code, OAuthError
from intarsia.server.wire.peers import is_known_host, network_of
from intarsia.server.wire.strict_json import JSON

MAX_REDIRECT_URIS = 10
MAX_BYTES = 16 * 1024
MAX_BURST = 20
"""How many clients one network may register at once. After that, one every `_SECONDS_PER_CLIENT`."""
MAX_KNOWN_HOST_BURST = 2_000
"""The same for a known host, which registers a client for each of its users."""

_SECONDS_PER_CLIENT = 60
_SECONDS_PER_KNOWN_HOST_CLIENT = 1


class Registration:
    """The registration endpoint, `/register`.

    Args:
        clients: Stores the registered clients.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._by_network = RateLimit(MAX_BURST, _SECONDS_PER_CLIENT)
        self._by_known_host = RateLimit(MAX_KNOWN_HOST_BURST, _SECONDS_PER_KNOWN_HOST_CLIENT)

    async def register(self, request: Request) -> Response:
        """Register a client, and return its ID and metadata (RFC 7591, section 3.2.1)."""
        network = network_of(request.scope)
        limit = self._by_known_host if is_known_host(request.scope) else self._by_network
        try:
            wait = limit.wait_seconds(network)
            if wait:
                raise OAuthError(Code.TEMPORARILY_UNAVAILABLE, "Too many registrations.", retry_seconds=wait)
            limit.count(network)
            if len(await request.body()) > MAX_BYTES:
                raise OAuthError(Code.INVALID_CLIENT_METADATA, "The client metadata are too long.")
            client = _read_client(request.scope[JSON])
            await self._clients.save(client)
        except OAuthError as error:
            return error.response()
        return JSONResponse(_registration_response(client), 201, NOT_STORED)


def _read_client(body: object) -> Client:
    try:
        metadata = OAuthClientMetadata.model_validate(body)
    except ValidationError as error:
        if any("redirect_uris" in problem["loc"] for problem in error.errors()):
            raise OAuthError(Code.INVALID_REDIRECT_URI, "redirect_uris must be a list of URLs.") from None
        raise OAuthError(Code.INVALID_CLIENT_METADATA, "The client metadata are invalid.") from None
    # From the body rather than the model: pydantic normalizes URLs, and redirect URIs are compared as strings.
    addresses = cast("list[str]", cast("dict[str, Any]", body)["redirect_uris"] or [])
    if not 0 < len(addresses) <= MAX_REDIRECT_URIS or not all(is_allowed(address) for address in addresses):
        message = (
            f"redirect_uris must be 1 to {MAX_REDIRECT_URIS} URLs: https, http on a loopback address, or an app's own "
            "scheme with a dot in it."
        )
        raise OAuthError(Code.INVALID_REDIRECT_URI, message)
    if "authorization_code" not in metadata.grant_types:
        raise OAuthError(Code.INVALID_CLIENT_METADATA, "grant_types must include 'authorization_code'.")
    name = clean_name(metadata.client_name or "")
    can_refresh = "refresh_token" in metadata.grant_types
    return Client(f"app_{token_urlsafe(16)}", "registered", name, tuple(addresses), can_refresh=can_refresh)


def _registration_response(client: Client) -> dict[str, Any]:
    # No client secret: anyone can register, so a secret would prove nothing. PKCE protects the code instead.
    return {
        "client_id": client.id,
        "client_id_issued_at": int(time()),
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "grant_types": ["authorization_code", *(["refresh_token"] if client.can_refresh else [])],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }
