"""How connectors get tokens: the authorization code flow with PKCE (RFC 6749, RFC 7636), rotation and revocation."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from examples.issue_tracker.service.accounts import make_code, redeem_code, revoke, rotate, sign_in
from examples.issue_tracker.service.database import Database

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""A page with a password field cannot be framed, runs no scripts and is not cached."""

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True, undefined=StrictUndefined
)


class OAuth:
    """The tracker's authorization server.

    Args:
        database: Where accounts and tokens are.
        clients: Each known client with where its people are sent back to. On loopback any port is right (RFC 8252).
    """

    def __init__(self, database: Database, clients: dict[str, str]) -> None:
        self._database = database
        self._clients = clients

    @property
    def routes(self) -> list[Route]:
        """The routes under `/oauth`."""
        return [
            Route("/oauth/authorize", self._authorize, methods=["GET", "POST"]),
            Route("/oauth/token", self._token, methods=["POST"]),
            Route("/oauth/revoke", self._revoke, methods=["POST"]),
        ]

    async def _authorize(self, request: Request) -> Response:
        asked = request.query_params
        client, back = asked.get("client_id", ""), asked.get("redirect_uri", "")
        if not self._is_known(client, back):
            return _page("This address does not belong to a program that the tracker knows.", status=400)
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            return _back_to(back, error="invalid_request", state=asked.get("state", ""))
        challenge = asked.get("code_challenge", "")
        if not _CHALLENGE.fullmatch(challenge):
            return _back_to(back, error="invalid_request", state=asked.get("state", ""))
        if request.method == "GET":
            return _page(client=client)
        form = await request.form()
        if form.get("answer") != "allow":
            return _back_to(back, error="access_denied", state=asked.get("state", ""))
        async with self._database.write() as connection:
            user = await sign_in(connection, _field(form, "email"), _field(form, "password"))
            if user is None:
                return _page("No account has this address and this password.", client=client, status=403)
            code = await make_code(connection, user.id, client, back, challenge)
        return _back_to(back, code=code, state=asked.get("state", ""))

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        client = _field(form, "client_id")
        async with self._database.write() as connection:
            if form.get("grant_type") == "refresh_token":
                tokens = await rotate(connection, _field(form, "refresh_token"), client)
            else:
                challenge = challenge_of(_field(form, "code_verifier"))
                back = _field(form, "redirect_uri")
                tokens = await redeem_code(connection, _field(form, "code"), client, back, challenge)
        headers = {"Cache-Control": "no-store"}
        if tokens is None:
            return JSONResponse({"error": "invalid_grant"}, 400, headers)
        return JSONResponse(tokens, headers=headers)

    async def _revoke(self, request: Request) -> Response:
        form = await request.form()
        async with self._database.write() as connection:
            await revoke(connection, _field(form, "token"), _field(form, "client_id"))
        return Response()

    def _is_known(self, client: str, back: str) -> bool:
        known = self._clients.get(client)
        if known is None:
            return False
        asked, own = urlsplit(back), urlsplit(known)
        is_local = own.hostname in LOOPBACK and asked.hostname == own.hostname and asked.scheme == own.scheme
        return back == known or (is_local and (asked.path, asked.query) == (own.path, own.query))


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a code verifier (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _page(problem: str = "", *, client: str = "", status: int = 200) -> Response:
    html = _PAGES.get_template("sign_in.html").render(problem=problem, client=client)
    return HTMLResponse(html, status, HEADERS)


def _back_to(address: str, **fields: str) -> Response:
    return RedirectResponse(f"{address}?{urlencode(fields)}", 303, {"Cache-Control": "no-store"})


def _field(form: FormData, name: str) -> str:
    value: Any = form.get(name)
    return value if isinstance(value, str) else ""
