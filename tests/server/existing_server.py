"""A server with everything that an author can put on an `MCPServer`, as if Intarsia did not exist."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolRequestParams, Completion, EmptyResult, RequestParams
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response


class Weather(BaseModel):
    """What the tool `weather` returns."""

    city: str
    degrees: float


@dataclass
class Log:
    """What the author's own code saw."""

    lifespans: list[str] = field(default_factory=list[str])
    methods: list[str] = field(default_factory=list[str])
    intercepted: list[str] = field(default_factory=list[str])


class Audit(Extension):
    """Sees every call of a tool, and answers a method of its own."""

    identifier = "com.example/audit"

    def __init__(self, log: Log) -> None:
        self.log = log

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        self.log.intercepted.append(params.name)
        return await call_next(ctx)

    def methods(self) -> Sequence[MethodBinding]:
        async def count(_ctx: ServerRequestContext[Any, Any], _params: RequestParams) -> EmptyResult:
            return EmptyResult()

        return [MethodBinding("audit/count", RequestParams, count)]


def build_authors_server(log: Log) -> MCPServer[Any]:
    @asynccontextmanager
    async def lifespan(_server: MCPServer[Any]) -> AsyncGenerator[dict[str, float]]:
        log.lifespans.append("in")
        yield {"Oslo": 3.5}
        log.lifespans.append("out")

    async def watch(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        log.methods.append(ctx.method)
        return await call_next(ctx)

    server = MCPServer(
        "weather",
        title="Weather",
        instructions="Ask for a city.",
        version="7.1",
        lifespan=lifespan,
        middleware=[watch],
        extensions=[Audit(log)],
    )

    add_tools(server)
    add_the_rest(server)
    return server


def add_tools(server: MCPServer[Any]) -> None:
    @server.tool(title="Weather now", meta={"com.example/cost": 2})
    async def weather(city: str, ctx: Context[Any, Any]) -> Weather:
        """Say how warm it is."""
        degrees: dict[str, float] = ctx.request_context.lifespan_context
        if city not in degrees:
            message = f"Nobody knows how warm it is in {city}."
            raise ToolError(message)
        return Weather(city=city, degrees=degrees[city])

    @server.tool()
    async def report(ctx: Context[Any, Any]) -> str:
        """Call another tool of this server."""
        answer: Any = await server.call_tool("greeting", {"name": "Ada"}, ctx)
        return f"It answers: {answer.content[0].text}"


def add_the_rest(server: MCPServer[Any]) -> None:
    @server.resource("weather://stations", mime_type="text/csv")
    def stations() -> str:
        """List the stations."""
        return "city\nOslo\n"

    @server.resource("weather://{city}/history", meta={"com.example/years": 30})
    def history(city: str) -> str:
        """Say how warm it was."""
        return f"{city}: colder"

    @server.prompt(title="Ask about a city")
    def ask(city: str) -> str:
        """Ask about the weather."""
        return f"How is the weather in {city}?"

    @server.completion()  # type: ignore[no-untyped-call,untyped-decorator]  # the SDK gives no types here
    async def complete(*_asked: Any) -> Completion:
        return Completion(values=["Oslo"])

    @server.custom_route("/health", methods=["GET"])  # type: ignore[untyped-decorator]  # nor here
    async def health(_request: Request) -> Response:
        return PlainTextResponse("warm")
