"""A connector on an `MCPServer` that its author built: its tools and its View are added, and nothing else changes.

Like the adapter it touches names of the SDK that may change within 2.x (decision 0011).
`tests/server/test_mcp_server.py` watches them.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

from mcp.server.apps import EXTENSION_ID
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.tools import Tool as RegisteredTool
from mcp.server.mcpserver.tools import ToolManager
from mcp_types import (
    CallToolResult,
    ListResourcesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
)
from pydantic import PrivateAttr

from intarsia.errors import SettingError, ToolError
from intarsia.server.auth.caller import caller
from intarsia.server.catalog import Catalog
from intarsia.server.mcp_server.server import Request, Surface, advertise_apps

Handler = Callable[[Request, Any], Awaitable[Any]]
Lifespan = Callable[[Server[Any]], AbstractAsyncContextManager[Any]]

_CONNECTORS: "WeakKeyDictionary[MCPServer[Any], str]" = WeakKeyDictionary()
"""Which servers have a connector, and what it is called."""


class ExistingServer:
    """What a connector does with the server that it was given.

    Args:
        catalog: Whose tools are offered.
        server: The author's own; everything that it has stays as it is.

    Raises:
        SettingError: It is no `MCPServer`, or it has a connector already.
    """

    def __init__(self, catalog: Catalog, server: MCPServer[Any]) -> None:
        _check_kind(server)
        _take(catalog, server)
        self.server = server
        self._catalog = catalog
        self._surface = Surface(catalog)
        catalog.renders.keep_apart()
        low = _low_level(server)
        low.lifespan = self._lifespan(low.lifespan)
        low.extensions.setdefault(EXTENSION_ID, {})
        server.middleware.append(advertise_apps)
        for method, wrapped in (
            ("tools/list", self._list_tools),
            ("resources/list", self._list_resources),
            ("resources/read", self._read_resource),
        ):
            _wrap(low, method, wrapped)

    def check_free(self, name: str) -> None:
        """Check that the server has no tool of this name.

        Raises:
            ToolError: It has.
        """
        if name in _registered(self.server):
            message = (
                f"The server {self.server.name!r} has a tool {name!r} of its own, and {self._catalog.name!r} would "
                "add another of that name; rename one of them."
            )
            raise ToolError(message)

    def update(self) -> None:
        """Offer the tools that the connector got since it was last asked.

        Raises:
            ToolError: The server has a tool of that name.
        """
        offered = self._offered()
        for name in self._surface.names:
            if name not in offered:
                self.check_free(name)
                _registered(self.server)[name] = _OfferedTool.of(self._surface, name)

    def add_instructions(self, text: str) -> None:
        """Tell models this too, after what the author tells them."""
        low = _low_level(self.server)
        low.instructions = "\n".join(part for part in (low.instructions, text) if part)

    def _offered(self) -> set[str]:
        """Name the tools that are ours by now; whoever removed one of them, or took its name since, has it."""
        return {name for name, tool in _registered(self.server).items() if isinstance(tool, _OfferedTool)}

    def _lifespan(self, own: Lifespan) -> Lifespan:
        @asynccontextmanager
        async def lifespan(server: Server[Any]) -> AsyncGenerator[Any]:
            async with self._catalog.running(), own(server) as state:
                yield state

        return lifespan

    async def _list_tools(self, own: Handler, request: Request, page: PaginatedRequestParams | None) -> ListToolsResult:
        result: ListToolsResult = await own(request, page)
        shown = {tool.name: tool for tool in self._surface.listed(request)}
        offered = self._offered()
        tools = [shown.get(tool.name) if tool.name in offered else tool for tool in result.tools]
        return result.model_copy(update={"tools": [tool for tool in tools if tool is not None]})

    async def _list_resources(
        self, own: Handler, request: Request, page: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        result: ListResourcesResult = await own(request, page)
        if result.next_cursor is not None:
            return result
        return result.model_copy(update={"resources": [*result.resources, *self._surface.views(request)]})

    async def _read_resource(self, own: Handler, request: Request, params: ReadResourceRequestParams) -> Any:
        contents = self._surface.read(str(params.uri))
        return await own(request, params) if contents is None else ReadResourceResult(contents=[contents])


class _OfferedTool(RegisteredTool):
    """A tool of a connector among those of the server, so that the author's own interceptors and overrides see it."""

    _surface: Surface = PrivateAttr()

    @classmethod
    def of(cls, surface: Surface, name: str) -> "_OfferedTool":
        """Make it from what the connector says of it."""
        listed = surface.described(name)
        tool = cls.from_function(
            _answered_by_run, name=name, title=listed.title, description=listed.description, structured_output=False
        )
        assert isinstance(tool, cls)  # noqa: S101  # the SDK's class method does not say so
        tool.parameters = dict(listed.input_schema)
        tool.annotations = listed.annotations
        return tool.answered_by(surface)

    def answered_by(self, surface: Surface) -> "_OfferedTool":
        """Say who answers its calls."""
        self._surface = surface
        return self

    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,  # noqa: ARG002, FBT001, FBT002  # as the SDK calls it; it is one already
    ) -> CallToolResult:
        """Answer a call, whatever the arguments are."""
        try:
            request = context.request_context
        except ValueError:  # a function of the author's calls it, outside of any request
            request = None
        return await self._surface.call(request, self.name, arguments, caller())


async def _answered_by_run() -> None:
    """Stand where the SDK wants a function."""


def _check_kind(server: object) -> None:
    if not isinstance(server, MCPServer):
        kind = f"{type(server).__module__}.{type(server).__qualname__}"
        hint = "For a FastMCP server, make the connector without it and call `intarsia.attach(connector, server)`."
        message = f"Connector(server=...) takes an MCPServer of the package 'mcp', not {kind}. {hint}"
        raise SettingError(message)


def _take(catalog: Catalog, server: MCPServer[Any]) -> None:
    if server in _CONNECTORS:
        message = (
            f"The server {server.name!r} has the connector {_CONNECTORS[server]!r} already. Make {catalog.name!r} "
            "without a server, and let that one include it: `connector.include(other)`."
        )
        raise SettingError(message)
    _CONNECTORS[server] = catalog.name


def _low_level(server: MCPServer[Any]) -> Server[Any]:
    return server._lowlevel_server  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # nothing public gives it


def _registered(server: MCPServer[Any]) -> dict[str, RegisteredTool]:
    manager: ToolManager = server._tool_manager  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as above
    return manager._tools  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # `add_tool` takes functions alone


def _wrap(low: Server[Any], method: str, wrapped: Callable[[Handler, Request, Any], Awaitable[Any]]) -> None:
    entry = low.get_request_handler(method)
    if entry is None:
        message = f"The server {low.name!r} does not answer {method!r}, which every MCPServer does."
        raise SettingError(message)
    own = entry.handler

    async def handler(request: Request, params: Any) -> Any:
        return await wrapped(own, request, params)

    low.add_request_handler(method, entry.params_type, handler)
