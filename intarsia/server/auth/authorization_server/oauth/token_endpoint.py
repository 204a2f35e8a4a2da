"""The endpoints that clients call without a user: the token endpoint and the revocation endpoint."""

import base64
import binascii
import re
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from intarsia.server.auth.authorization_server.clients.clients import Client
from intarsia.server.auth.authorization_server.oauth.grants import CodeRedemption
from intarsia.server.auth.authorization_server.oauth.services import AuthServices
from intarsia.server.pages.forms import Fields, read_form
from intarsia.server.pages.oauth_errors import NOT_STORED, Code, OAuthError

if TYPE_CHECKING:
    from mcp.shared.auth import OAuthToken

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_BASIC = re.compile(r"basic +([A-Za-z0-9+/]+=*)", re.IGNORECASE)


class TokenEndpoints:
    """`/token` (OAuth 2.1, section 3.2) and `/revoke` (RFC 7009).

    Args:
        services: The services of the authorization server, with its clients and grants.
    """

    def __init__(self, services: AuthServices) -> None:
        self._services = services

    async def token(self, request: Request) -> Response:
        """Return tokens for an authorization code or a refresh token."""
        try:
            form = await read_form(request)
            client = await self._client(request, form)
            # RFC 8707, section 2.2: tokens for another resource than this connector are never issued.
            if form.one("resource") not in (None, self._services.settings.resource):
                raise OAuthError(Code.INVALID_TARGET, "Tokens are issued only for this connector's /mcp.")
            tokens = await self._issue_tokens(form, client)
        except OAuthError as error:
            return error.response()
        return JSONResponse(tokens.model_dump(exclude_none=True), headers=NOT_STORED)

    async def _issue_tokens(self, form: Fields, client: Client) -> "OAuthToken":
        grant_type = form.required("grant_type")
        if grant_type == "authorization_code":
            challenge = _challenge_of(form.required("code_verifier"))
            redemption = CodeRedemption(form.required("code"), client.id, form.one("redirect_uri"), challenge)
            return await self._services.grants.redeem(redemption)
        if grant_type == "refresh_token":
            scope = form.one("scope")
            scopes = frozenset(scope.split(" ")) - {""} if scope else None
            return await self._services.grants.refresh(form.required("refresh_token"), client.id, scopes)
        raise OAuthError(Code.UNSUPPORTED_GRANT_TYPE, "grant_type must be authorization_code or refresh_token.")

    async def revoke(self, request: Request) -> Response:
        """Revoke a token. The response is the same for an unknown token (RFC 7009, section 2.2)."""
        try:
            form = await read_form(request)
            client = await self._client(request, form)
            await self._services.grants.revoke_token(form.required("token"), client.id)
        except OAuthError as error:
            return error.response()
        return Response(status_code=200, headers=NOT_STORED)

    async def _client(self, request: Request, form: Fields) -> Client:
        """Authenticate the client (RFC 6749, section 2.3).

        Raises:
            OAuthError: The client is unknown, or its credentials are wrong, ambiguous or missing.
        """
        client_id, secret = form.one("client_id"), form.one("client_secret")
        headers = request.headers.getlist("authorization")
        if headers:
            # RFC 6749, section 2.3: a client must not use more than one authentication method per request.
            if secret is not None or len(headers) > 1:
                raise OAuthError(Code.INVALID_REQUEST, "Use only one client authentication method.")
            header_id, secret = _read_basic(headers[0])
            if client_id not in (None, header_id):
                raise OAuthError(Code.INVALID_CLIENT, "The client_id differs from the Authorization header.")
            client_id = header_id
        client = await self._services.clients.get(client_id) if client_id else None
        if client is None or not client.verify_secret(secret):
            # Hosts register again after `invalid_client`. One message for both cases does not reveal which IDs exist.
            raise OAuthError(Code.INVALID_CLIENT, "The client is unknown, or its credentials are wrong.")
        return client


def _challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636, section 4.2)."""
    if not _VERIFIER.fullmatch(verifier):
        raise OAuthError(Code.INVALID_GRANT, "The code_verifier is malformed.")
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def _read_basic(header: str) -> tuple[str, str]:
    found = _BASIC.fullmatch(header)
    try:
        pair = base64.b64decode(found[1], validate=True).decode() if found else ""
    except (binascii.Error, UnicodeDecodeError):
        pair = ""
    client_id, separator, secret = pair.partition(":")
    if not separator or not client_id or not secret:
        raise OAuthError(Code.INVALID_CLIENT, "The Authorization header must hold a client_id and a client_secret.")
    # RFC 6749, section 2.3.1: both parts are form-encoded before they are joined.
    return unquote_plus(client_id), unquote_plus(secret)
