"""A server that its author built stays as it was, in every way that they run it."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.server.mcpserver import MCPServer

from intarsia import Connector
from intarsia.errors import SettingError, ToolError
from intarsia.widgets import Text
from tests.server.existing_server import Log, build_authors_server
from tests.server.server_kinds import APPS, ERAS
from tests.server.traffic_recorder import all_that_is_theirs, complain_about_changes, greetings

ROOT = str(Path(__file__).resolve().parents[2])


class Connection:
    """A client in a task of its own, so that it can end before one that began later."""

    def __init__(self, server: MCPServer[Any]) -> None:
        self.client = Client(server)
        self._ready, self._enough = asyncio.Event(), asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self.client:
            self._ready.set()
            await self._enough.wait()

    async def opened(self) -> "Connection":
        await asyncio.wait_for(self._ready.wait(), 10)
        return self

    async def close(self) -> None:
        self._enough.set()
        await self._task


@pytest.mark.parametrize("era", ERAS)
async def test_nothing_of_the_authors_changes_by_a_byte(tmp_path: Path, era: str) -> None:
    before = await all_that_is_theirs(build_authors_server(Log()).streamable_http_app(stateless_http=True), era)
    server = build_authors_server(Log())
    assert "greeting" in greetings(tmp_path / "store.db", server).tools
    after = await all_that_is_theirs(server.streamable_http_app(stateless_http=True), era)

    # The lists of tools and resources, and in the earlier era what says who the server is.
    assert complain_about_changes(before, after, listings=3 if era == "legacy" else 2) == []
    assert len(before) >= 13


async def test_what_is_advertised_of_the_authors_stays_beside_ours(tmp_path: Path) -> None:
    server = build_authors_server(Log())
    greetings(tmp_path / "store.db", server)

    async with Client(server, mode="auto") as client:
        assert client.server_capabilities.extensions == {"com.example/audit": {}, "io.modelcontextprotocol/ui": {}}
        assert client.instructions == "Ask for a city.\nGreet."


async def test_the_authors_middleware_interceptors_and_tools_see_our_tools(tmp_path: Path) -> None:
    log = Log()
    server = build_authors_server(log)
    greetings(tmp_path / "store.db", server)

    async with Client(server) as client:
        await client.call_tool("greeting", {"name": "Eve"})
        nested: Any = await client.call_tool("report", {})

    assert log.intercepted == ["greeting", "report"]
    assert log.methods.count("tools/call") == 2
    assert "Hello, Ada!" in nested.content[0].text


async def test_the_author_can_call_our_tools_without_any_request(tmp_path: Path) -> None:
    server = build_authors_server(Log())
    connector = greetings(tmp_path / "store.db", server)

    async with connector.running():
        answer: Any = await server.call_tool("greeting", {"name": "Ada"})

    assert "Hello, Ada!" in answer.content[0].text


async def test_the_connector_opens_with_the_first_connection_and_closes_with_the_last(tmp_path: Path) -> None:
    log = Log()
    server = build_authors_server(log)
    greetings(tmp_path / "store.db", server, log)

    first, second = await Connection(server).opened(), await Connection(server).opened()
    await first.close()
    assert log.lifespans == ["starting", "in", "in", "out"]
    answer: Any = await second.client.call_tool("greeting", {"name": "Ada"})
    await second.close()

    assert "Hello, Ada!" in answer.content[0].text
    assert log.lifespans == ["starting", "in", "in", "out", "out", "stopping"]


async def test_it_runs_over_stdio(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "from pathlib import Path\n"
        "from tests.server.existing_server import Log, build_authors_server\n"
        "from tests.server.traffic_recorder import greetings\n"
        "server = build_authors_server(Log())\n"
        f"greetings(Path({str(tmp_path / 'store.db')!r}), server)\n"
        "server.run()\n",
        encoding="utf-8",
    )
    async with Client(
        StdioServerParameters(command=sys.executable, args=[str(script)], env={"PYTHONPATH": ROOT})
    ) as client:
        greeted: Any = await client.call_tool("greeting", {"name": "Ada"})
        weather: Any = await client.call_tool("weather", {"city": "Oslo"})

    assert "Hello, Ada!" in greeted.content[0].text
    assert weather.structured_content == {"city": "Oslo", "degrees": 3.5}


async def test_it_runs_with_sessions(tmp_path: Path) -> None:
    server = build_authors_server(Log())
    greetings(tmp_path / "store.db", server)
    app = server.streamable_http_app(json_response=True)

    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1:8484") as http,
    ):
        opened = await http.post("/mcp", json=INITIALIZE, headers=ACCEPT)
        session = {**ACCEPT, "Mcp-Session-Id": opened.headers["mcp-session-id"]}
        await http.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=session)
        call = {"name": "greeting", "arguments": {"name": "Ada"}}
        answer = await http.post(
            "/mcp", json={"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}, headers=session
        )

    assert opened.json()["result"]["capabilities"]["extensions"] == {"io.modelcontextprotocol/ui": {}}
    assert "dev.intarsia/parts" in answer.json()["result"]["_meta"]


ACCEPT = {"Accept": "application/json, text/event-stream"}
INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {"extensions": {APPS.identifier: {"mimeTypes": ["text/html;profile=mcp-app"]}}},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


async def test_our_application_of_it_has_the_gate_and_the_authors_own_routes(tmp_path: Path) -> None:
    app = greetings(tmp_path / "store.db", build_authors_server(Log())).app()

    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1:8484") as http,
    ):
        assert (await http.get("/health")).text == "warm"
        assert (await http.get("/mcp")).status_code == 405
        assert (await http.get("/health", headers={"Host": "evil.example"})).status_code == 421
        twice = await http.post("/mcp", content='{"id": 1, "id": 2}', headers={"Content-Type": "application/json"})
        assert "a key twice" in twice.text


def test_a_name_that_the_server_has_is_refused_where_our_tool_is_declared() -> None:
    connector = Connector("Greetings", server=build_authors_server(Log()))

    async def weather() -> Text:
        """Show the weather."""
        return Text("warm")

    with pytest.raises(ToolError, match="The server 'weather' already has a tool 'weather'"):
        connector.widget(weather)
    assert "weather" not in connector.tools


async def test_a_later_tool_of_the_same_name_is_left_out_and_said_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = build_authors_server(Log())
    greetings(tmp_path / "store.db", server)

    def greeting(name: str) -> str:
        """Greet otherwise."""
        return f"Bye, {name}."

    with caplog.at_level(logging.WARNING):
        server.add_tool(greeting)
    async with Client(server) as client:
        ours: Any = await client.call_tool("greeting", {"name": "Ada"})
        server.remove_tool("greeting")
        server.add_tool(greeting)
        theirs: Any = await client.call_tool("greeting", {"name": "Ada"})
        listed = [tool for tool in (await client.list_tools()).tools if tool.name == "greeting"]

    assert "Tool already exists: greeting" in caplog.text
    assert "Hello, Ada!" in ours.content[0].text
    assert theirs.content[0].text == "Bye, Ada."
    assert [tool.description for tool in listed] == ["Greet otherwise."]


def test_what_cannot_work_is_refused_with_what_to_do() -> None:
    server = build_authors_server(Log())
    anything: Any = object()
    Connector("Greetings", server=server)

    with pytest.raises(SettingError, match=r"already has the connector 'Greetings'.*connector\.include"):
        Connector("Others", server=server)
    with pytest.raises(SettingError, match=r"takes an MCPServer of the package 'mcp', not builtins\.object.*attach"):
        Connector("Others", server=anything)


async def test_an_included_connector_comes_along(tmp_path: Path) -> None:
    server = MCPServer("Both")
    outer = Connector("Outer", store=tmp_path / "outer.db", server=server)
    outer.include(greetings(tmp_path / "inner.db", None))

    async with Client(server, extensions=[APPS]) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        answer: Any = await client.call_tool("greeting", {"name": "Ada"})

        assert client.instructions == "Greet."

    assert names == ["greeting", "save", "panel", "intarsia_draft"]
    assert "Hello, Ada!" in answer.content[0].text
