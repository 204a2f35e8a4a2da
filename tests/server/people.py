"""Made-up people who call a connector in this process: the token `ada` is Ada's."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from time import time
from typing import Any

import httpx2
from starlette.types import ASGIApp

from intarsia import Connector, Issuer, ResourceServer
from intarsia.server.http.limits import Limits

URL = "https://tasks.example.com"
HEADERS = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "MCP-Protocol-Version": "2025-11-25",
}


class MadeUpTokens:
    """Introspection of tokens that are the names of people."""

    async def introspect(self, token: str) -> Mapping[str, Any] | None:
        """Return the claims of a token; `None` for one that is nobody's name."""
        if not token.isalnum():
            return None
        about = {"active": True, "iss": URL, "aud": f"{URL}/mcp", "client_id": "chat", "scope": "read"}
        return {**about, "sub": token, "exp": int(time()) + 3_600, "token_type": "Bearer"}


def app_of(connector: Connector, limits: Limits | None = None) -> Any:
    """Return a connector's application, which made-up people sign in to."""
    issuer = Issuer(URL, local_introspection=MadeUpTokens())
    return connector.app(auth=ResourceServer(f"{URL}/mcp", [issuer]), limits=limits)


class Client:
    """Calls an application in this process.

    Args:
        app: The application.
        sender: The address that calls come from.
    """

    def __init__(self, app: ASGIApp, sender: str = "192.0.2.1") -> None:
        transport = httpx2.ASGITransport(app=app, client=(sender, 1234))
        self.http = httpx2.AsyncClient(transport=transport, base_url=URL, headers=HEADERS)

    async def send(self, method: str, params: Mapping[str, Any], person: str = "ada") -> httpx2.Response:
        """Send a message as a person; as nobody for an empty name."""
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        headers = {"Authorization": f"Bearer {person}"} if person else {}
        return await self.http.post("/mcp", content=json.dumps(body, separators=(",", ":")), headers=headers)

    async def call(self, tool: str, person: str = "ada", /, **arguments: Any) -> httpx2.Response:
        """Call a tool as a person."""
        return await self.send("tools/call", {"name": tool, "arguments": arguments}, person)


@asynccontextmanager
async def running(app: Any) -> AsyncGenerator[Client]:
    """Run an application while the block runs, and return a client of it."""
    async with app.router.lifespan_context(app):
        yield Client(app)


def result_of(response: httpx2.Response) -> dict[str, Any]:
    """Return the result in a response, be it JSON or a stream."""
    assert response.status_code == 200, response.text
    lines = [line.removeprefix("data: ") for line in response.text.splitlines()]
    result: dict[str, Any] = json.loads(next(line for line in lines if line.startswith("{")))["result"]
    return result
