"""A connector that people sign in to, in this process, and an app that asks for access there."""

import json
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from intarsia import EmbeddedIssuer
from intarsia.server.auth.authorization_server.clients.client_metadata import ClientMetadataReader
from intarsia.server.auth.authorization_server.oauth import services
from intarsia.server.switches.service import Switches
from intarsia.server.wire.peers import KNOWN_HOST
from tests.authorization_server.accounts import with_accounts
from tests.authorization_server.browser import PASSWORD, Browser
from tests.authorization_server.document_site import HERE, HOST, Authority, Names, Site, is_here, running_site
from tests.security.connector_server import build_connector, done

ORIGIN = "https://tasks.example.com"
CALLBACK = "https://chat.example.com/callback"
VERIFIER = "a-verifier-that-is-long-enough-for-the-rule-of-43"
CHALLENGE = "aTHcuf1dzpEf1zNTFBMtRAg5g90QcrIBm3OIExpj7a0"


@dataclass
class Place:
    """A connector in this process, and everything that can be sent there."""

    app: Starlette
    folder: Path
    origin: str = ORIGIN
    entered: list[str] = field(default_factory=list[str])
    switches: Switches | None = None
    _senders: int = 1

    def http(self, sender: str = "192.0.2.1", *, is_known_host: bool = False) -> httpx2.AsyncClient:
        """Return a client with cookies of its own."""
        app = _of_known_host(self.app) if is_known_host else self.app
        transport = httpx2.ASGITransport(app=app, client=(sender, 1234))
        return httpx2.AsyncClient(transport=transport, base_url=self.origin)

    def browser(self, account: str = "ada", sender: str = "192.0.2.1", password: str = PASSWORD) -> Browser:
        return Browser(self.http(sender), account, password)

    async def register(self, **changed: Any) -> str:
        """Register an app, and return its id."""
        metadata = {"client_name": "Chat", "redirect_uris": [CALLBACK], **changed}
        self._senders += 1  # one sender may not register many
        answer = await self.http(f"192.0.2.{self._senders}").post("/register", json=metadata)
        assert answer.status_code == 201, answer.text
        client_id: str = answer.json()["client_id"]
        return client_id

    def asks(self, client_id: str, **changed: str | None) -> str:
        """Return the address that an app shows to a person."""
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "state": "a state",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "resource": f"{self.origin}/mcp",
            "scope": "tasks:read tasks:write offline_access",
            **changed,
        }
        return f"/authorize?{urlencode({name: value for name, value in query.items() if value is not None})}"

    async def post(self, path: str, form: Mapping[str, str | None], **headers: str) -> httpx2.Response:
        """Send what an app sends, without a browser; fields that are None are left out."""
        sent = urlencode({name: value for name, value in form.items() if value is not None})
        kind = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return await self.http().post(path, content=sent, headers=kind)

    async def redeem(self, client_id: str, code: str, **changed: str | None) -> httpx2.Response:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code", "client_id": client_id, "code": code, "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER, "resource": f"{self.origin}/mcp",
        }  # fmt: skip
        return await self.post("/token", {**form, **changed})

    async def refresh(self, client_id: str, token: str, **changed: str | None) -> httpx2.Response:
        form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": token}
        return await self.post("/token", {**form, **changed})

    async def connect(self, browser: Browser | None = None, **changed: str | None) -> "Connection":
        """Connect an app as a person does, and return what it holds."""
        client_id = await self.register()
        told = await (browser or self.browser()).consent(self.asks(client_id, **changed))
        return Connection(client_id, (await self.redeem(client_id, told["code"])).json(), told["code"])

    async def call(self, token: str, tool: str = "task_board") -> int:
        """Call a tool, and return the status."""
        return (await self.answer(token, tool)).status_code

    async def roles(self, token: str) -> list[str]:
        """Return the roles that a tool's function gets to see."""
        answer = await self.answer(token, "say_who")
        told: list[str] = json.loads(done(answer))["roles"]
        return told

    async def answer(self, token: str, tool: str) -> httpx2.Response:
        """Call a tool."""
        params = {"name": tool, "arguments": {"title": "Rest"} if tool == "add_task" else {}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-11-25",
        }
        return await self.http().post("/mcp", content=json.dumps(body), headers=headers)


@dataclass(frozen=True)
class Connection:
    """What an app holds."""

    client_id: str
    tokens: dict[str, Any]
    code: str

    @property
    def access(self) -> str:
        token: str = self.tokens["access_token"]
        return token

    @property
    def renewing(self) -> str:
        token: str = self.tokens["refresh_token"]
        return token


def _of_known_host(app: ASGIApp) -> ASGIApp:
    """Mark requests as the middleware for the ranges of known hosts does."""

    async def marked(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, KNOWN_HOST: True}, receive, send)

    return marked


@asynccontextmanager
async def running_sign_in_site(
    folder: Path,
    origin: str = ORIGIN,
    *,
    accounts: Path | None = None,
    names: Mapping[str, Collection[str]] | None = None,
    **settings: Any,
) -> AsyncGenerator[Place]:
    """Open a connector while the block runs, with accounts that are there, or with new ones: by default with two."""
    file = accounts or folder / "accounts.db"
    if accounts is None:
        await with_accounts(file, names or {"ada": ["editor"], "bob": []})
    entered: list[str] = []
    issuer = EmbeddedIssuer(origin, accounts=file, **settings)
    connector = build_connector(folder / "store.db", entered)
    app = connector.app(auth=issuer)
    async with app.router.lifespan_context(app):
        yield Place(app, folder, origin, entered, connector.switches)


@asynccontextmanager
async def site_on_this_machine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Site]:
    """Serve an app's document on this machine, as a site that connectors take for a public one."""
    authority = Authority(folder)
    reads = partial(ClientMetadataReader, resolve=Names([str(HERE)]), may_ask=is_here, ssl_context=authority.trusting)
    monkeypatch.setattr(services, "ClientMetadataReader", reads)
    async with running_site(authority.serving(HOST)) as site:
        yield site
