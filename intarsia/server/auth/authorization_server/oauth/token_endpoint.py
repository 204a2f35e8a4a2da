"""What apps ask without a person: tokens, and the end of tokens."""

import base64
import binascii
import re
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from intarsia.server.auth.authorization_server.clients.clients import Client
from intarsia.server.auth.authorization_server.oauth.grants import CodeUse
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
        services: What they work with.
    """

    def __init__(self, services: AuthServices) -> None:
        self._services = services

    async def token(self, request: Request) -> Response:
        """Answer with tokens, for a code or for a refresh token."""
        try:
            form = await read_form(request)
            client = await self._client(request, form)
            # RFC 8707: a code and a refresh token are for this connector, and are no good for another.
            if form.one("resource") not in (None, self._services.settings.resource):
                raise OAuthError(Code.INVALID_TARGET, "Tokens are given for this connector's /mcp alone.")
            answer = await self._answer(form, client)
        except OAuthError as error:
            return error.response()
        return JSONResponse(answer.model_dump(exclude_none=True), headers=NOT_STORED)

    async def _answer(self, form: Fields, client: Client) -> "OAuthToken":
        kind = form.required("grant_type")
        if kind == "authorization_code":
            challenge = _challenge_of(form.required("code_verifier"))
            use = CodeUse(form.required("code"), client.id, form.one("redirect_uri"), challenge)
            return await self._services.grants.redeem(use)
        if kind == "refresh_token":
            asked = form.one("scope")
            scopes = frozenset(asked.split(" ")) - {""} if asked else None
            return await self._services.grants.refresh(form.required("refresh_token"), client.id, scopes)
        raise OAuthError(Code.UNSUPPORTED_GRANT_TYPE, "Codes and refresh tokens are taken, and nothing else.")

    async def revoke(self, request: Request) -> Response:
        """Take a token back. The answer says nothing about whether there was one."""
        try:
            form = await read_form(request)
            client = await self._client(request, form)
            await self._services.grants.revoke(form.required("token"), client.id)
        except OAuthError as error:
            return error.response()
        return Response(status_code=200, headers=NOT_STORED)

    async def _client(self, request: Request, form: Fields) -> Client:
        """Return the app that asks, after it has proven itself in the way that it can (RFC 6749, section 2.3).

        Raises:
            OAuthError: It is not known, or did not.
        """
        named, secret = form.one("client_id"), form.one("client_secret")
        headers = request.headers.getlist("authorization")
        if headers:
            if secret is not None or len(headers) > 1:
                raise OAuthError(Code.INVALID_REQUEST, "The app proves itself in more than one way.")
            in_header, secret = _read_basic(headers[0])
            if named not in (None, in_header):
                raise OAuthError(Code.INVALID_CLIENT, "The app names itself in two ways.")
            named = in_header
        client = await self._services.clients.known(named) if named else None
        if client is None or not client.proves(secret):
            # Hosts register again when they read this.
            raise OAuthError(Code.INVALID_CLIENT, "The app is not known here, or did not prove who it is.")
        return client


def _challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636, section 4.2)."""
    if not _VERIFIER.fullmatch(verifier):
        raise OAuthError(Code.INVALID_GRANT, "The code_verifier is not of its form.")
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def _read_basic(header: str) -> tuple[str, str]:
    found = _BASIC.fullmatch(header)
    try:
        pair = base64.b64decode(found[1], validate=True).decode() if found else ""
    except (binascii.Error, UnicodeDecodeError):
        pair = ""
    name, separator, secret = pair.partition(":")
    if not separator or not name or not secret:
        raise OAuthError(Code.INVALID_CLIENT, "The Authorization header names no app and its secret.")
    return unquote_plus(name), unquote_plus(secret)
