"""Apps that register themselves (RFC 7591): all of them public, none bound to the scopes that it asks for."""

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
from intarsia.server.wire.strict_json import JSON

MAX_REDIRECTS = 10
MAX_BYTES = 16 * 1024
MAX_CONCURRENT = 20
"""How many apps one address may register at once; then one every few seconds."""

_SECONDS = 10


class Registration:
    """`/register`.

    Args:
        clients: Where apps are kept.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._attempts = RateLimit(MAX_CONCURRENT, _SECONDS)

    async def register(self, request: Request) -> Response:
        """Give an app an id."""
        sender = request.client.host if request.client else ""
        try:
            wait = self._attempts.wait_seconds(sender)
            if wait:
                raise OAuthError(Code.TEMPORARILY_UNAVAILABLE, "Too many apps register at once.", retry_seconds=wait)
            self._attempts.count(sender)
            if len(await request.body()) > MAX_BYTES:
                raise OAuthError(Code.INVALID_CLIENT_METADATA, "The description of the app is too long.")
            client = _read_client(request.scope[JSON])
            await self._clients.keep(client)
        except OAuthError as error:
            return error.response()
        return JSONResponse(_answer(client), 201, NOT_STORED)


def _read_client(sent: object) -> Client:
    try:
        metadata = OAuthClientMetadata.model_validate(sent)
    except ValidationError as error:
        if any("redirect_uris" in mistake["loc"] for mistake in error.errors()):
            raise OAuthError(Code.INVALID_REDIRECT_URI, "redirect_uris must be a list of addresses.") from None
        raise OAuthError(Code.INVALID_CLIENT_METADATA, "The description of the app is not of its form.") from None
    # As they were sent, and as they will be compared: a library that reads an address may write it in another way.
    addresses = cast("list[str]", cast("dict[str, Any]", sent)["redirect_uris"] or [])
    if not 0 < len(addresses) <= MAX_REDIRECTS or not all(is_allowed(address) for address in addresses):
        message = (
            f"redirect_uris must be 1 to {MAX_REDIRECTS} addresses: https, http on the app's own machine, or a scheme "
            "of the app's own with a dot in it."
        )
        raise OAuthError(Code.INVALID_REDIRECT_URI, message)
    if "authorization_code" not in metadata.grant_types:
        raise OAuthError(Code.INVALID_CLIENT_METADATA, "grant_types must hold 'authorization_code'.")
    name = clean_name(metadata.client_name or "")
    stays = "refresh_token" in metadata.grant_types
    return Client(f"app_{token_urlsafe(16)}", "registered", name, tuple(addresses), stays=stays)


def _answer(client: Client) -> dict[str, Any]:
    """Return what was registered. A secret that anybody can get proves nothing, so there is none."""
    return {
        "client_id": client.id,
        "client_id_issued_at": int(time()),
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "grant_types": ["authorization_code", *(["refresh_token"] if client.stays else [])],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }
