"""The same connector on every kind of server that it can be on, and in every way that these are run."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from fastmcp import FastMCP
from mcp import Client
from mcp.client import advertise
from mcp.client.streamable_http import streamable_http_client
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette

import intarsia
from intarsia import Connector
from tests.server.conftest import build_connector

APPS = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})
ERAS = ("legacy", "2026-07-28")


@dataclass
class Served:
    """A connector, and what is run."""

    connector: Connector
    target: "Starlette | MCPServer[Any]"

    @asynccontextmanager
    async def client(self, era: str, *, shows_apps: bool = True, token: str = "") -> AsyncGenerator[Client]:
        """Open a client of one era, while the server runs."""
        async with self.running(), self.connected(era, shows_apps=shows_apps, token=token) as client:
            yield client

    def running(self) -> AbstractAsyncContextManager[Any]:
        """Run the server; in memory, each client does."""
        if isinstance(self.target, Starlette):
            return self.target.router.lifespan_context(self.target)
        return self.connector.running()

    @asynccontextmanager
    async def connected(self, era: str, *, shows_apps: bool = True, token: str = "") -> AsyncGenerator[Client]:
        """Open a client of a server that is running."""
        extensions = [APPS] if shows_apps else []
        if not isinstance(self.target, Starlette):
            async with Client(self.target, mode=era, extensions=extensions) as client:
                yield client
            return
        transport = httpx2.ASGITransport(app=self.target)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            httpx2.AsyncClient(transport=transport, headers=headers) as http,
            Client(
                streamable_http_client("http://127.0.0.1:8484/mcp", http_client=http), mode=era, extensions=extensions
            ) as client,
        ):
            yield client


def own(path: Path) -> Served:
    connector = build_connector(path)
    return Served(connector, connector.app())


def existing_by_connector(path: Path) -> Served:
    connector = build_connector(path, with_own_tool(MCPServer("Existing")))
    return Served(connector, connector.app())


def existing_by_author(path: Path) -> Served:
    server = with_own_tool(MCPServer("Existing"))
    connector = build_connector(path, server)
    return Served(connector, server.streamable_http_app(stateless_http=True))


def existing_in_memory(path: Path) -> Served:
    server = with_own_tool(MCPServer("Existing"))
    return Served(build_connector(path, server), server)


def fastmcp(path: Path) -> Served:
    server = with_own_tool(FastMCP[Any]("Fast"))
    connector = build_connector(path)
    intarsia.attach(connector, server)
    return Served(connector, server.http_app(stateless_http=True))


def fastmcp_mounted(path: Path) -> Served:
    child, parent = FastMCP[Any]("Child"), with_own_tool(FastMCP[Any]("Parent"))
    connector = build_connector(path)
    intarsia.attach(connector, child)
    parent.mount(child)
    return Served(connector, parent.http_app(stateless_http=True))


S = TypeVar("S", MCPServer[Any], FastMCP[Any])


def with_own_tool(server: S) -> S:
    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    return server


KINDS: dict[str, Callable[[Path], Served]] = {
    "own": own,
    "MCPServer behind our gate": existing_by_connector,
    "MCPServer as its author serves it": existing_by_author,
    "MCPServer in memory": existing_in_memory,
    "FastMCP": fastmcp,
    "FastMCP mounted on another": fastmcp_mounted,
}
