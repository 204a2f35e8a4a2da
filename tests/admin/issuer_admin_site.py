"""A connector whose admins sign in at the independent issuer, and browsers of people who try."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from starlette.applications import Starlette

from intarsia import AdminSignIn, Connector, Introspection, Issuer, ResourceServer
from tests.authorization_server.browser import Page
from tests.security.connector_server import RESOURCE, build_connector
from tests.security.issuer import ASKING, CLIENT_SECRET, RunningIssuer

ORIGIN = "https://tasks.example.com"
BACK = f"{ORIGIN}/admin/callback"
COOKIE = "__Host-intarsia"
BOARD = "tool:task_board"

Client = Literal["opaque-admin", "signed-admin"]


def resource_server(
    issuer: str, client: Client = "opaque-admin", resource: str = RESOURCE, **more: Any
) -> ResourceServer:
    """Take the issuer's tokens, of the kind that a client of it gets; admins sign in as people of that client."""
    asks = Introspection(client_id=ASKING[0], client_secret=ASKING[1], signed_tokens=False)
    own = Issuer(issuer, introspection=asks if client == "opaque-admin" else None)
    admin = AdminSignIn(client_id=client, client_secret=CLIENT_SECRET, **more)
    return ResourceServer(resource, [own], admin=admin)


@dataclass
class AdminBrowser:
    """A browser that runs no script."""

    http: httpx2.AsyncClient
    issuer: RunningIssuer

    @property
    def cookie(self) -> str | None:
        return self.http.cookies.get(COOKIE)

    async def get(self, address: str = "/admin", **headers: str) -> httpx2.Response:
        return await self.http.get(address, headers=headers)

    async def leave(self, address: str = "/admin") -> str:
        """Go to a page, and return where at the issuer that leads."""
        answer = await self.get(address)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def answer_for(self, login: str) -> dict[str, str]:
        """Begin here, sign in at the issuer, and return what the issuer has the browser come back with."""
        return await self.issuer.consent(await self.leave(), login, BACK)

    async def come_back(self, answer: dict[str, str]) -> httpx2.Response:
        return await self.get(f"/admin/callback?{urlencode(answer)}")

    async def sign_in(self, login: str = "ruth") -> httpx2.Response:
        return await self.come_back(await self.answer_for(login))

    async def csrf_token(self) -> str:
        page = Page(await self.get())
        return dict(page.form("/sign-out").fields)["csrf_token"]

    async def post(self, path: str, form: dict[str, str], **headers: str) -> httpx2.Response:
        kind = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return await self.http.post(path, content=urlencode(form), headers=kind)

    async def turn_off(self, csrf_token: str, version: int = 0, **headers: str) -> httpx2.Response:
        """Send the form that turns the board off."""
        form = {"csrf_token": csrf_token, "tool": BOARD, "position": "off", f"version {BOARD}": str(version)}
        return await self.post("/admin/switches", form, **headers)


@dataclass
class AdminPlace:
    """A connector in this process, and its issuer."""

    app: Starlette
    connector: Connector
    issuer: RunningIssuer

    def browser(self) -> AdminBrowser:
        transport = httpx2.ASGITransport(app=self.app, client=("192.0.2.1", 1234))
        return AdminBrowser(httpx2.AsyncClient(transport=transport, base_url=ORIGIN), self.issuer)

    async def board_is(self) -> str:
        """Say in which position the board's switch is."""
        rows = {row.what: row.position.value for row in await self.connector.switches.rows()}
        return rows.get(BOARD, "on")


@asynccontextmanager
async def running_issuer_admin_site(
    folder: Path, issuer: RunningIssuer, client: Client = "opaque-admin", **more: Any
) -> AsyncGenerator[AdminPlace]:
    """Open a connector while the block runs."""
    connector = build_connector(folder / f"{client}.db", [])
    app = connector.app(auth=resource_server(issuer.url, client, **more))
    async with app.router.lifespan_context(app):
        yield AdminPlace(app, connector, issuer)


def query_of(address: str) -> dict[str, str]:
    """Return the query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
