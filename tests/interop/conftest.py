"""The team's board behind real HTTP, and what its tables hold."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from sqlalchemy import select

from examples import brand_studio, machine_monitor, team_tasks
from examples.team_tasks.tables import TABLES
from intarsia import Connector
from intarsia.cli import demo_connector
from intarsia.host.server import running_server

Rows = dict[str, list[tuple[Any, ...]]]

EARLIER, MODERN = "2025-11-25", "2026-07-28"
ERAS = (EARLIER, MODERN)

_ABOUT_ME = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "tester", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {"extensions": {EXTENSION_ID: {"mimeTypes": [APP_MIME_TYPE]}}},
}


@dataclass(frozen=True)
class Served:
    """A connector behind a real server, and a client that sends whatever bytes it is told to."""

    connector: Connector
    address: str
    http: httpx2.AsyncClient

    async def post(self, body: bytes | str, era: str, **headers: str) -> httpx2.Response:
        """Send a body as a client of an era would."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        accepts = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        return await self.http.post(
            f"{self.address}/mcp", content=body, headers={**accepts, "MCP-Protocol-Version": era, **named}
        )

    async def call(self, tool: str, arguments: str, era: str) -> httpx2.Response:
        """Call a tool; the arguments are the very text that goes out."""
        meta = _ABOUT_ME if era == MODERN else {}
        head = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call"})[:-1]
        body = (
            f'{head}, "params": {{"name": {json.dumps(tool)}, "_meta": {json.dumps(meta)}, "arguments": {arguments}}}}}'
        )
        return await self.post(body, era, **self.routing("tools/call", tool, era))

    def routing(self, method: str, name: str | None, era: str) -> dict[str, str]:
        """Return the headers by which the later era routes."""
        if era != MODERN:
            return {}
        return {"Mcp_Method": method} | ({"Mcp_Name": name} if name is not None else {})

    async def request(self, method: str, params: Mapping[str, Any], era: str) -> httpx2.Response:
        """Send a request that is JSON at least."""
        meta = {**_ABOUT_ME} if era == MODERN else {}
        sent = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {"_meta": meta, **params}}
        name = params.get("name", params.get("uri"))
        return await self.post(
            json.dumps(sent), era, **self.routing(method, name if isinstance(name, str) else None, era)
        )

    async def rows(self) -> Rows:
        """Read every row of the connector's own tables."""
        async with self.connector.read() as connection:
            return {
                table.name: [tuple(row) for row in await connection.execute(select(table))]
                for table in TABLES.sorted_tables
            }


def answer_of(response: httpx2.Response) -> dict[str, Any]:
    """Read the JSON-RPC answer, which the earlier era sends as an event."""
    is_event = response.headers["content-type"].startswith("text/event-stream")
    text = response.text.partition("data: ")[2] if is_event else response.text
    answer: dict[str, Any] = json.loads(text)
    return answer


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    tasks = team_tasks.connector
    monkeypatch.setattr(tasks.store, "path", tmp_path / "tasks.db")
    async with running_server(tasks.app()) as address, httpx2.AsyncClient(timeout=30) as http:
        yield Served(tasks, address, http)


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connector:
    monkeypatch.setenv("INTARSIA_STATE", str(tmp_path))
    for example in (team_tasks, machine_monitor, brand_studio):
        connector = example.connector
        monkeypatch.setattr(connector.store, "path", tmp_path / f"{connector.catalog.slug}.db")
    return demo_connector()
