"""A connector on an existing `MCPServer`: its tools and View are added, and nothing else changes.

Like `server.py` this module uses names of the SDK that may change within 2.x (decision 0011);
`tests/server/test_mcp_server.py` detects that.
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
"""Each server that has a connector, with the connector's name."""


class ExistingServer:
    """The existing server of a connector.

    Args:
        catalog: The catalog of the connector.
        server: The author's server. Its own tools, resources and middleware are unchanged.

    Raises:
        SettingError: `server` is not an `MCPServer`, or already has a connector.
    """

    def __init__(self, catalog: Catalog, server: MCPServer[Any]) -> None:
        _check_kind(server)
        _claim(catalog, server)
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

    @property
    def low_level(self) -> Server[Any]:
        """The low-level server of the author's server, whose lifespan starts the connector."""
        return _low_level(self.server)

    def check_free(self, name: str) -> None:
        """Check that the server has no tool with this name.

        Raises:
            ToolError: It has one.
        """
        if name in _registered(self.server):
            message = (
                f"The server {self.server.name!r} already has a tool {name!r}, and {self._catalog.name!r} would "
                "add another with that name; rename one of them."
            )
            raise ToolError(message)

    def update(self) -> None:
        """Add the tools that the connector registered since the last update.

        Raises:
            ToolError: The server already has a tool with one of the names.
        """
        offered = self._offered()
        for name in self._surface.names:
            if name not in offered:
                self.check_free(name)
                _registered(self.server)[name] = _ConnectorTool.of(self._surface, name)

    def add_instructions(self, text: str) -> None:
        """Append to the server's instructions for models."""
        low = _low_level(self.server)
        low.instructions = "\n".join(part for part in (low.instructions, text) if part)

    def _offered(self) -> set[str]:
        """Return the names of tools that are still the connector's: the author may have removed or replaced some."""
        return {name for name, tool in _registered(self.server).items() if isinstance(tool, _ConnectorTool)}

    def _lifespan(self, own: Lifespan) -> Lifespan:
        @asynccontextmanager
        async def lifespan(server: Server[Any]) -> AsyncGenerator[Any]:
            # The connector starts first, so that the author's lifespan can use it.
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
        # The View is listed once: on the last page.
        if result.next_cursor is not None:
            return result
        return result.model_copy(update={"resources": [*result.resources, *self._surface.views(request)]})

    async def _read_resource(self, own: Handler, request: Request, params: ReadResourceRequestParams) -> Any:
        contents = self._surface.read(str(params.uri))
        return await own(request, params) if contents is None else ReadResourceResult(contents=[contents])


class _ConnectorTool(RegisteredTool):
    """A connector's tool registered on the server, so that the author's interceptors and overrides apply to it."""

    _surface: Surface = PrivateAttr()

    @classmethod
    def of(cls, surface: Surface, name: str) -> "_ConnectorTool":
        """Create it from the connector's definition of the tool."""
        listed = surface.described(name)
        tool = cls.from_function(
            _placeholder, name=name, title=listed.title, description=listed.description, structured_output=False
        )
        assert isinstance(tool, cls)  # noqa: S101  # the SDK's class method does not say so
        tool.parameters = dict(listed.input_schema)
        tool.annotations = listed.annotations
        return tool.with_surface(surface)

    def with_surface(self, surface: Surface) -> "_ConnectorTool":
        """Set the surface that handles its calls."""
        self._surface = surface
        return self

    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,  # noqa: ARG002, FBT001, FBT002  # the SDK passes it; the result needs none
    ) -> CallToolResult:
        """Handle a call. The connector validates the arguments itself."""
        try:
            request = context.request_context
        except ValueError:  # the author's own code calls it outside of a request
            request = None
        return await self._surface.call(request, self.name, arguments, caller())


async def _placeholder() -> None:
    """Placeholder for the function that the SDK requires; `_ConnectorTool.run` handles the calls."""


def _check_kind(server: object) -> None:
    if not isinstance(server, MCPServer):
        kind = f"{type(server).__module__}.{type(server).__qualname__}"
        hint = "For a FastMCP server, create the connector without it and call `intarsia.attach(connector, server)`."
        message = f"Connector(server=...) takes an MCPServer of the package 'mcp', not {kind}. {hint}"
        raise SettingError(message)


def _claim(catalog: Catalog, server: MCPServer[Any]) -> None:
    if server in _CONNECTORS:
        message = (
            f"The server {server.name!r} already has the connector {_CONNECTORS[server]!r}. Create {catalog.name!r} "
            "without a server, and include it in that one: `connector.include(other)`."
        )
        raise SettingError(message)
    _CONNECTORS[server] = catalog.name


def _low_level(server: MCPServer[Any]) -> Server[Any]:
    return server._lowlevel_server  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # there is no public access


def _registered(server: MCPServer[Any]) -> dict[str, RegisteredTool]:
    manager: ToolManager = server._tool_manager  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as above
    return manager._tools  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # `add_tool` takes functions alone


def _wrap(low: Server[Any], method: str, wrapped: Callable[[Handler, Request, Any], Awaitable[Any]]) -> None:
    entry = low.get_request_handler(method)
    if entry is None:
        message = f"The server {low.name!r} has no handler for {method!r}, which every MCPServer has."
        raise SettingError(message)
    own = entry.handler

    async def handler(request: Request, params: Any) -> Any:
        return await wrapped(own, request, params)

    low.add_request_handler(method, entry.params_type, handler)
