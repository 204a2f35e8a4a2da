"""How a user connects a tracker account: a personal link, a confirmation page, and the tracker's sign-in page.

The link stands for who asked for it, for a quarter of an hour and until they are connected. Whoever opens it reads
whose connector it is before they sign in, and only the browser in which they agreed can come back (RFC 6749, section
10.12).
"""

import secrets
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Column, Float, String, Table, delete, insert, select
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from examples.issue_tracker.grants import TABLES, Grants
from examples.issue_tracker.refusals import LostError, understood
from examples.issue_tracker.settings import Sealer, Settings
from examples.issue_tracker.wire import Wire
from intarsia import Grant, RefusedError
from intarsia.server.storage.store import Store

LINKS = Table(
    "links",
    TABLES,
    Column("digest", String(64), primary_key=True),
    Column("person", String(200), nullable=False),
    Column("name", String(200), nullable=False),
    Column("until", Float, nullable=False),
)
"""The users who requested links. Only digests of the secret tickets in links are stored."""

PATH = "/connect/tracker"
CALLBACK = f"{PATH}/callback"
COOKIE = "connect-tracker"
LINK_SECONDS = 900
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

_FOLDER = FileSystemLoader(Path(__file__).parent / "pages")
_PAGES = Environment(loader=_FOLDER, autoescape=True, undefined=StrictUndefined)


class Connecting:
    """The pages between the chat and the tracker.

    Args:
        settings: Where everything is.
        store: Where links are kept.
        wire: The way to the tracker.
        grants: Where what is granted goes.
        sealer: Seals what comes back from the tracker.
    """

    def __init__(self, settings: Settings, store: Store, wire: Wire, grants: Grants, sealer: Sealer) -> None:
        self.settings = settings
        self._store = store
        self._wire = wire
        self._grants = grants
        self._sealer = sealer
        self._links: dict[str, tuple[str, float]] = {}

    @property
    def routes(self) -> list[Route]:
        """The pages, to serve beside the connector."""
        return [Route(PATH, self._ask, methods=["GET", "POST"]), Route(CALLBACK, self._finish, methods=["GET"])]

    async def link_for(self, grant: Grant) -> str:
        """Return the link for a user. It stays the same for a while, so that widgets do not change."""
        link, made = self._links.get(grant.person, ("", float("-inf")))
        if made < time.monotonic() - LINK_SECONDS / 2:
            ticket = secrets.token_hex(16)
            link = f"{self.settings.public}{PATH}?ticket={ticket}"
            self._links[grant.person] = (link, time.monotonic())
            await self._keep(ticket, grant)
        return link

    async def _keep(self, ticket: str, grant: Grant) -> None:
        name = str(grant.claims.get("name") or grant.subject)[:200]
        row = {"digest": _digest(ticket), "person": grant.person, "name": name, "until": time.time() + LINK_SECONDS}
        async with self._store.write() as connection:
            await connection.execute(delete(LINKS).where(LINKS.c.until < time.time()))
            await connection.execute(insert(LINKS).values(row))

    async def _asked_by(self, ticket: str) -> dict[str, str] | None:
        here = (LINKS.c.digest == _digest(ticket)) & (LINKS.c.until > time.time())
        async with self._store.read() as connection:
            row = (await connection.execute(select(LINKS.c.person, LINKS.c.name).where(here))).mappings().first()
        return dict(row) if row else None

    async def _end_links(self, person: str) -> None:
        self._links.pop(person, None)
        async with self._store.write() as connection:
            await connection.execute(delete(LINKS).where(LINKS.c.person == person))

    async def _ask(self, request: Request) -> Response:
        """Show the user for whom the tracker will be connected, and redirect to it after confirmation."""
        asked = await self._asked_by(request.query_params.get("ticket", ""))
        if asked is None:
            return _page("This link is no longer good. Ask for a new one in the chat.", status=400)
        if request.method == "GET":
            return _page(name=asked["name"])
        browser, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        state = self._sealer.seal("state", {**asked, "browser": _digest(browser), "verifier": verifier})
        response = RedirectResponse(self._authorize_address(state, verifier), 303, {"Cache-Control": "no-store"})
        is_secure = self.settings.public.startswith("https:")
        response.set_cookie(
            COOKIE, browser, max_age=LINK_SECONDS, path=PATH, httponly=True, samesite="lax", secure=is_secure
        )
        return response

    async def _finish(self, request: Request) -> Response:
        """Handle the redirect from the tracker with the code."""
        back = self._sealer.unseal("state", request.query_params.get("state", ""), LINK_SECONDS)
        browser = _digest(request.cookies.get(COOKIE, ""))
        if back is None or not compare_digest(back["browser"], browser):
            return _page("This is not where you began. Ask for a new link in the chat.", status=400)
        code = request.query_params.get("code")
        if code is None:
            return _page("Nothing was connected: the tracker was not allowed to.")
        try:
            account = await self._exchange(code, back)
        except (RefusedError, LostError):
            return _page("The tracker did not answer. Open the link in the chat again.", status=502)
        if account is None:
            return _page("The tracker did not take it. Open the link in the chat again.", status=400)
        return _page(f"The tracker is connected as {account}. You can close this page and go on in the chat.")

    async def _exchange(self, code: str, back: dict[str, Any]) -> str | None:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._callback}
        tokens = await self._grants.ask({**form, "code_verifier": back["verifier"]})
        if tokens is None:
            return None
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        account = understood(await self._wire.send("GET", "/v1/me", headers=headers)).json()["name"]
        await self._grants.keep(back["person"], account, tokens)
        await self._end_links(back["person"])
        return str(account)

    @property
    def _callback(self) -> str:
        return f"{self.settings.public}{CALLBACK}"

    def _authorize_address(self, state: str, verifier: str) -> str:
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.settings.client,
            "redirect_uri": self._callback,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.settings.tracker}/oauth/authorize?{urlencode(asked)}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _page(said: str = "", *, name: str = "", status: int = 200) -> Response:
    return HTMLResponse(_PAGES.get_template("connect.html").render(said=said, name=name), status, HEADERS)
