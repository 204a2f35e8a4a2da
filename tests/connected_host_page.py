"""A host whose page's questions are asked by a test, and a connector elsewhere that people sign in to."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from intarsia import Connector, EmbeddedIssuer
from intarsia.host import running_host
from intarsia.host.server import Listener, open_socket, running
from tests.authorization_server.accounts import with_account
from tests.authorization_server.browser import Browser, opened
from tests.security.connector_server import build_connector

READ, WRITE = "tasks:read", "tasks:write"


@dataclass
class World:
    """A host, a connector elsewhere, and the person who uses both."""

    page: str
    remote: str
    http: httpx2.AsyncClient
    browser: Browser
    folder: Path
    callbacks: list[str] = field(default_factory=list[str])

    @property
    def origin(self) -> str:
        return self.page.rstrip("/")

    async def ask(self, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        """Ask as the host page does."""
        sent = {"Origin": self.origin, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.http.post(f"{self.origin}/host/connectors{path}", json=body or {}, headers=sent)

    async def told(self, path: str, body: Any = None) -> Any:
        answer = await self.ask(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def add(self, **given: str) -> str:
        added: str = (await self.told("", {"name": "Tasks", "url": f"{self.remote}/mcp", **given}))["id"]
        return added

    async def one(self, connector: str) -> dict[str, Any]:
        known = (await self.http.get(f"{self.origin}/host/connectors")).json()["connectors"]
        return next(one for one in known if one["id"] == connector)

    async def sign_in(self, connector: str, *scopes: str, untick: tuple[str, ...] = ()) -> httpx2.Response:
        """Connect as a person does, up to the page that says how it ended."""
        address = (await self.told(f"/{connector}/connect", {"scopes": scopes}))["address"]
        self.callbacks.append(address)
        told = await self.browser.consent(address, untick=untick)
        return await self.come_back(address, told)

    async def come_back(self, address: str, told: dict[str, str]) -> httpx2.Response:
        callback = dict(parse_qsl(urlsplit(address).query))["redirect_uri"]
        return await self.http.get(callback, params=told)

    async def call(self, connector: str, tool: str, **arguments: Any) -> httpx2.Response:
        message = {
            "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments},
        }  # fmt: skip
        return await self.ask(
            f"/{connector}/mcp",
            message,
            Accept="application/json, text/event-stream",
            MCP_Protocol_Version="2025-11-25",
        )


@asynccontextmanager
async def signing_in(folder: Path, **settings: Any) -> AsyncGenerator[str]:
    """Run a connector with sign-in and one account while the block runs; gives its address."""
    await with_account(folder / "accounts.db", "ada")
    with open_socket("127.0.0.1", 0) as bound:
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        issuer = EmbeddedIssuer(address, accounts=folder / "accounts.db", **settings)
        app = build_connector(folder / "remote.db", []).app(auth=issuer)
        async with running([Listener(app, bound)]):
            yield address


@asynccontextmanager
async def running_host_page(folder: Path, **settings: Any) -> AsyncGenerator[World]:
    """Run a host and a connector elsewhere while the block runs."""
    own = Connector("Own", store=folder / "own.db")
    async with AsyncExitStack() as stack:
        remote = await stack.enter_async_context(signing_in(folder, **settings))
        host = await stack.enter_async_context(running_host(own.app()))
        http = await stack.enter_async_context(httpx2.AsyncClient(timeout=30))
        browser = await stack.enter_async_context(opened(remote))
        yield World(host.page, remote, http, browser, folder)
