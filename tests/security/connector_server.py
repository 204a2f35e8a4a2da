"""A connector that people sign in to, behind a real server, and its callers: honest, careless and hostile."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any

import httpx2
from mcp.server.auth.middleware.auth_context import get_access_token
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from intarsia import Connector, Done, Grant, ResourceServer
from intarsia.host.server import running_server
from intarsia.widgets import BoardColumn, Card, TaskBoard

RESOURCE = "https://tasks.example.com/mcp"
EARLIER, MODERN = "2025-11-25", "2026-07-28"
ERAS = (EARLIER, MODERN)

_ABOUT_ME = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "tester", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
SHOWS_WIDGETS = {
    **_ABOUT_ME,
    "io.modelcontextprotocol/clientCapabilities": {
        "extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}
    },
}


def build_connector(store: Path, entered: list[str], **options: Any) -> Connector:
    """Make a connector whose tools write down that they were entered."""
    connector = Connector("Guarded tasks", store=store, **options)

    @connector.widget(scopes={"tasks:read"})
    async def task_board() -> TaskBoard:
        """Show the tasks."""
        entered.append("task_board")
        return TaskBoard(columns=[BoardColumn("todo", "To do", [Card("T-1", "Water the plants")])])

    @connector.action(scopes={"tasks:read", "tasks:write"})
    async def add_task(title: str) -> Done:
        """Add a task."""
        entered.append("add_task")
        return Done(f"Added {title}.")

    @connector.action(scopes=frozenset())
    async def say_who(grant: Grant) -> Done:
        """Say who calls."""
        entered.append("say_who")
        token = get_access_token()
        about = {"subject": grant.subject, "client": grant.client, "issuer": grant.issuer}
        held = {"scopes": sorted(grant.scopes), "roles": sorted(grant.roles), "token": token.token if token else None}
        return Done(json.dumps({**about, **held}))

    return connector


@dataclass
class Served:
    """A connector behind one server or several, and what happened inside."""

    addresses: list[str]
    http: httpx2.AsyncClient
    entered: list[str]

    async def call(
        self,
        era: str,
        *,
        token: str | None = None,
        tool: str = "task_board",
        arguments: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
        replica: int = 0,
        query: str = "",
        shows_widgets: bool = False,
    ) -> httpx2.Response:
        """Call a tool as a client of an era does, with a token or with headers of one's own."""
        about = SHOWS_WIDGETS if shows_widgets else _ABOUT_ME
        params = {"name": tool, "arguments": dict(arguments or {}), "_meta": about if era == MODERN else {}}
        sent = [
            ("Accept", "application/json, text/event-stream"),
            ("Content-Type", "application/json"),
            ("MCP-Protocol-Version", era),
            *([("Mcp-Method", "tools/call"), ("Mcp-Name", tool)] if era == MODERN else []),
            *([("Authorization", f"Bearer {token}")] if token is not None else []),
            *(headers.items() if isinstance(headers, Mapping) else headers or []),
        ]
        body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
        return await self.http.post(
            f"{self.addresses[replica]}/mcp{query}",
            content=json.dumps(body),
            headers=[(name.encode(), value.encode("latin-1")) for name, value in sent],
        )


@dataclass
class Answers:
    """An introspection endpoint that says what it is told to say."""

    by_token: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    asked: int = 0
    is_down: bool = False

    def app(self) -> Starlette:
        """Return the endpoint."""

        async def introspect(request: Request) -> Response:
            self.asked += 1
            if self.is_down:
                return Response(status_code=503)
            async with request.form() as form:
                return JSONResponse(self.by_token.get(str(form["token"]), {"active": False}))

        return Starlette(routes=[Route("/introspect", introspect, methods=["POST"])])


@asynccontextmanager
async def running_connector_server(auth: ResourceServer, folder: Path, replicas: int = 1) -> AsyncGenerator[Served]:
    """Serve the connector while the block runs.

    Args:
        auth: Whose tokens are taken.
        folder: Where the store is.
        replicas: How many servers there are; each has an application of its own.
    """
    entered: list[str] = []
    async with AsyncExitStack() as stack:
        apps = [build_connector(folder / f"{number}.db", entered).app(auth=auth) for number in range(replicas)]
        addresses = [await stack.enter_async_context(running_server(app)) for app in apps]
        http = await stack.enter_async_context(httpx2.AsyncClient(timeout=30))
        yield Served(addresses, http, entered)


def good_claims(issuer: str, **changed: Any) -> dict[str, Any]:
    """Return the claims of a token that is in order, with some changed; `...` leaves a claim out."""
    now = int(time())
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": RESOURCE,
        "sub": "ada",
        "client_id": "made-up-client",
        "iat": now,
        "exp": now + 300,
        "scope": "tasks:read tasks:write",
        **changed,
    }
    return {name: value for name, value in claims.items() if value is not ...}


def done(response: httpx2.Response) -> str:
    """Return the sentence that a call was answered with."""
    assert response.status_code == 200, response.text
    is_event = response.headers["content-type"].startswith("text/event-stream")
    answer = json.loads(response.text.partition("data: ")[2] if is_event else response.text)
    text: str = answer["result"]["content"][0]["text"]
    return text


def challenge(response: httpx2.Response) -> dict[str, str]:
    """Return what a refusal asks for (RFC 6750, RFC 9728)."""
    scheme, _, parts = response.headers["www-authenticate"].partition(" ")
    assert scheme == "Bearer"
    pairs = (part.partition("=") for part in parts.split('", '))
    return {name: value.strip('"') for name, _, value in pairs}
