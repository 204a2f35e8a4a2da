"""A FastMCP server stays as it was, its own extension points see our tools, and a name that cannot work is refused."""

import logging
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import fastmcp
import httpx2
import pytest
from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.server.transforms import Namespace
from fastmcp.tools import ToolResult
from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolRequestParams, Completion

import intarsia
from intarsia.errors import SettingError
from tests.server.existing_server import Log
from tests.server.server_kinds import ERAS, Served
from tests.server.traffic_recorder import all_that_is_theirs, complain_about_changes, greetings


class Watch(Middleware):
    """Sees calls, and marks what they are answered with."""

    def __init__(self, log: Log) -> None:
        self.log = log

    async def on_call_tool(
        self,
        context: MiddlewareContext[CallToolRequestParams],
        call_next: CallNext[CallToolRequestParams, ToolResult],
    ) -> ToolResult:
        self.log.intercepted.append(context.message.name)
        result = await call_next(context)
        result.meta = {**(result.meta or {}), "com.example/seen": True}
        return result


def build_fast_server(log: Log) -> FastMCP[Any]:
    @asynccontextmanager
    async def lifespan(_server: FastMCP[Any]) -> AsyncGenerator[dict[str, float]]:
        log.lifespans.append("in")
        yield {"Oslo": 3.5}
        log.lifespans.append("out")

    server = FastMCP[Any](
        "weather", instructions="Ask for a city.", version="7.1", lifespan=lifespan, middleware=[Watch(log)]
    )

    @server.tool(meta={"com.example/cost": 2})
    async def weather(city: str, ctx: Context) -> dict[str, float]:
        """Say how warm it is."""
        request = ctx.request_context
        degrees: dict[str, float] = request.lifespan_context if request else {}
        if city not in degrees:
            message = f"Nobody knows how warm it is in {city}."
            raise ToolError(message)
        return {"degrees": degrees[city]}

    @server.tool
    async def report(ctx: Context) -> str:
        """Call another tool of this server."""
        answer = await ctx.fastmcp.call_tool("greeting", {"name": "Ada"})
        return f"It answers: {answer.content[0]}"

    add_the_rest(server)
    return server


def add_the_rest(server: FastMCP[Any]) -> None:
    @server.resource("weather://stations", mime_type="text/csv")
    def stations() -> str:
        """List the stations."""
        return "city\nOslo\n"

    @server.resource("weather://{city}/history", meta={"com.example/years": 30})
    def history(city: str) -> str:
        """Say how warm it was."""
        return f"{city}: colder"

    @server.prompt
    def ask(city: str) -> str:
        """Ask about the weather."""
        return f"How is the weather in {city}?"

    def complete(*_asked: object) -> Completion:
        return Completion(values=["Oslo"])

    server.add_completion_handler(complete)


def attached(path: Path, log: Log | None = None) -> FastMCP[Any]:
    log = log or Log()
    server = build_fast_server(log)
    intarsia.attach(greetings(path, log=log), server)
    return server


def served(server: FastMCP[Any]) -> Served:
    return Served(greetings(Path("unused.db")), server.http_app(stateless_http=True))


@pytest.mark.parametrize("era", ERAS)
async def test_nothing_of_the_authors_changes_by_a_byte(tmp_path: Path, era: str) -> None:
    before = await all_that_is_theirs(build_fast_server(Log()).http_app(stateless_http=True), era)
    after = await all_that_is_theirs(attached(tmp_path / "store.db").http_app(stateless_http=True), era)

    # The lists of tools and resources, and in the earlier era what says who the server is.
    assert complain_about_changes(before, after, listings=3 if era == "legacy" else 2) == []
    assert len(before) >= 13


async def test_the_authors_middleware_and_tools_see_our_tools(tmp_path: Path) -> None:
    log = Log()
    server = served(attached(tmp_path / "store.db", log))

    async with server.client("auto") as client:
        direct = await client.call_tool("greeting", {"name": "Eve"})
        nested: Any = await client.call_tool("report", {})
        assert client.instructions == "Ask for a city.\nGreet."

    assert log.intercepted == ["greeting", "report", "greeting"]
    assert direct.meta is not None
    assert direct.meta["com.example/seen"] is True
    assert "dev.intarsia/parts" in direct.meta
    assert "Hello, Ada!" in nested.content[0].text
    assert log.lifespans == ["in", "starting", "stopping", "out"]


async def test_the_author_can_hide_one_of_our_tools(tmp_path: Path) -> None:
    fast = attached(tmp_path / "store.db")
    fast.disable(names={"greeting"})

    async with served(fast).client("auto") as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        hidden: Any = await client.call_tool("greeting", {"name": "Ada"})

    assert "greeting" not in names
    assert "panel" in names
    assert hidden.is_error
    assert "Hello" not in hidden.content[0].text


async def test_two_servers_that_offer_one_connector_share_it(tmp_path: Path) -> None:
    log = Log()
    connector = greetings(tmp_path / "store.db", log=log)
    first, second = FastMCP[Any]("First"), FastMCP[Any]("Second")
    intarsia.attach(connector, first)
    intarsia.attach(connector, second)

    async with served(first).client("auto") as one:
        async with served(second).client("auto") as other:
            await other.call_tool("greeting", {"name": "Eve"})
        answer: Any = await one.call_tool("greeting", {"name": "Ada"})

    assert "Hello, Ada!" in answer.content[0].text
    assert log.lifespans == ["starting", "stopping"]


def under_a_namespace(child: FastMCP[Any]) -> FastMCP[Any]:
    parent = FastMCP[Any]("Parent")
    parent.mount(child, namespace="team")
    return parent


def under_another_name(child: FastMCP[Any]) -> FastMCP[Any]:
    parent = FastMCP[Any]("Parent")
    parent.mount(child, tool_names={"save": "keep"})
    return parent


def transformed(server: FastMCP[Any]) -> FastMCP[Any]:
    server.add_transform(Namespace("team"))
    return server


def beside_another(server: FastMCP[Any]) -> FastMCP[Any]:
    @server.tool
    def greeting() -> str:
        """Greet otherwise."""
        return "Bye."

    return server


def mounted_beside_another(child: FastMCP[Any]) -> FastMCP[Any]:
    parent = beside_another(FastMCP[Any]("Parent"))
    parent.mount(child)
    return parent


@pytest.mark.parametrize(
    ("arrange", "complaint"),
    [
        (under_a_namespace, r"'Parent' lists the tool 'greeting' as 'team_greeting'.*Mount without a namespace"),
        (under_another_name, r"'Parent' lists the tool 'save' as 'keep'"),
        (transformed, r"'weather' lists the tool 'greeting' as 'team_greeting'"),
        (beside_another, r"'weather' has two tools named 'greeting', one of a connector; rename"),
        (mounted_beside_another, r"'Parent' has two tools named 'greeting'"),
    ],
)
async def test_a_server_on_which_widgets_would_not_find_their_tools_does_not_start(
    tmp_path: Path, arrange: Callable[[FastMCP[Any]], FastMCP[Any]], complaint: str
) -> None:
    server = arrange(attached(tmp_path / "store.db"))
    app = server.http_app()

    with pytest.raises(SettingError, match=complaint):
        async with app.router.lifespan_context(app):
            pass


async def test_a_tool_of_the_authors_that_comes_later_takes_the_name_and_is_said_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("fastmcp"), "propagate", True)
    fast = attached(tmp_path / "store.db")

    async with served(fast).client("auto") as client:
        beside_another(fast)
        listed = [tool for tool in (await client.list_tools(cache_mode="refresh")).tools if tool.name == "greeting"]
        answer: Any = await client.call_tool("greeting", {})

    assert [tool.description for tool in listed] == ["Greet otherwise."]
    assert answer.content[0].text == "Bye."
    assert "Duplicate list_tools component 'tool:greeting@'" in caplog.text


async def test_it_runs_with_sessions(tmp_path: Path) -> None:
    app = attached(tmp_path / "store.db").http_app(json_response=True)
    accept = {"Accept": "application/json, text/event-stream"}
    capabilities = {"extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}}
    client = {
        "protocolVersion": "2025-06-18",
        "capabilities": capabilities,
        "clientInfo": {"name": "t", "version": "1"},
    }

    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1:8484") as http,
    ):
        opened = await http.post(
            "/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client}, headers=accept
        )
        session = {**accept, "Mcp-Session-Id": opened.headers["mcp-session-id"]}
        await http.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=session)
        call = {"name": "greeting", "arguments": {"name": "Ada"}}
        body = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}
        answer = await http.post("/mcp", json=body, headers=session)

    assert opened.json()["result"]["capabilities"]["extensions"] == {"io.modelcontextprotocol/ui": {}}
    assert "dev.intarsia/parts" in answer.json()["result"]["_meta"]


def test_what_cannot_work_is_refused_with_what_to_do(tmp_path: Path) -> None:
    server, other = attached(tmp_path / "store.db"), greetings(tmp_path / "other.db")
    wrong: Any = MCPServer("Existing")

    with pytest.raises(SettingError, match=r"already has the connector 'Greetings'.*connector\.include"):
        intarsia.attach(other, server)
    with pytest.raises(SettingError, match=r"takes a FastMCP server, not mcp\.server.*Connector\(\.\.\., server="):
        intarsia.attach(other, wrong)


@pytest.mark.parametrize("version", ["3.4.11", "4.0.11", "5.0.0", "5.0.0b1"])
def test_another_version_of_fastmcp_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    server = FastMCP[Any]("Server")
    monkeypatch.setattr(fastmcp, "__version__", version)

    with pytest.raises(SettingError, match=rf"4\.1 and later 4\.x, not with {version}.*pip install"):
        intarsia.attach(greetings(Path("unused.db")), server)


@pytest.mark.parametrize("version", ["4.1.0", "4.1.6", "4.9.1rc1"])
def test_later_versions_of_the_same_major_are_taken(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    server = FastMCP[Any]("Server")
    monkeypatch.setattr(fastmcp, "__version__", version)

    intarsia.attach(greetings(Path("unused.db")), server)

    assert len(server.providers) == 2


def test_without_fastmcp_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    anything: Any = object()
    monkeypatch.setitem(sys.modules, "fastmcp", None)

    with pytest.raises(SettingError, match=r"needs FastMCP, which is not installed.*pip install 'fastmcp>=4\.1,<5'"):
        intarsia.attach(greetings(Path("unused.db")), anything)
