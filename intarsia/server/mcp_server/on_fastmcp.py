"""A connector on a FastMCP server, through FastMCP's public extension points (decision 0011).

A provider adds the tools and the View. A server extension, which FastMCP runs on the outermost of mounted servers,
checks that every tool can be called by its own name.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

from fastmcp import FastMCP
from fastmcp.resources import Resource, ResourceContent, ResourceResult
from fastmcp.server.context import Context
from fastmcp.server.dependencies import get_access_token, get_context
from fastmcp.server.extensions import ServerExtension
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.server.providers import Provider
from fastmcp.tools import Tool, ToolResult
from fastmcp.utilities.versions import VersionSpec
from mcp.server.apps import EXTENSION_ID
from mcp_types import InitializeRequest, InitializeResult
from mcp_types import Resource as ListedResource
from mcp_types import Tool as ListedTool
from pydantic import AnyUrl, PrivateAttr

from intarsia.errors import SettingError
from intarsia.server.auth.caller import caller
from intarsia.server.catalog import Catalog
from intarsia.server.mcp_server.server import Origin, Surface

NAME = "dev.intarsia/tool"
"""The key of a tool's `_meta` that holds its original name, since FastMCP can rename tools."""


def join(catalog: Catalog, server: FastMCP[Any]) -> None:
    """Add a connector to a FastMCP server, as documented in `intarsia.attach`."""
    _check_kind(server)
    for provider in server.providers:
        if isinstance(provider, ConnectorProvider):
            message = (
                f"The server {server.name!r} already has the connector {provider.catalog.name!r}. Include "
                f"{catalog.name!r} in that one instead: `connector.include(other)`."
            )
            raise SettingError(message)
    server.add_provider(ConnectorProvider(catalog))
    if catalog.instructions:
        server.instructions = "\n".join(text for text in (server.instructions, catalog.instructions) if text)


def _check_kind(server: object) -> None:
    if not isinstance(server, FastMCP):
        kind = f"{type(server).__module__}.{type(server).__qualname__}"
        hint = "For an MCPServer of the package 'mcp', pass it to the connector: `Connector(..., server=server)`."
        message = f"intarsia.attach takes a FastMCP server, not {kind}. {hint}"
        raise SettingError(message)


class ConnectorProvider(Provider):
    """Provides the tools and the View of a connector to a FastMCP server.

    Args:
        catalog: The catalog of the connector.
    """

    def __init__(self, catalog: Catalog) -> None:
        super().__init__()
        self.catalog = catalog
        self._surface = Surface(catalog)
        catalog.renders.keep_apart()

    def required_extensions(self) -> Sequence[ServerExtension]:
        """Return the extension that checks tool names on the outermost server."""
        return [WidgetTools()]

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Run the connector while the server runs."""
        async with self.catalog.running():
            yield

    async def _list_tools(self) -> Sequence[Tool]:
        return [ConnectorTool.of(self._surface, listed) for listed in self._surface.listed(_origin())]

    async def _get_tool(self, name: str, version: VersionSpec | None = None) -> Tool | None:
        # A connector's tools have no versions, so a specific version matches none.
        if name not in self._surface.names or (version is not None and not version.matches(None)):
            return None
        return ConnectorTool.of(self._surface, self._surface.described(name))

    async def _list_resources(self) -> Sequence[Resource]:
        return [ViewResource.of(self._surface, listed) for listed in self._surface.views(_origin())]

    async def _get_resource(self, uri: str, version: VersionSpec | None = None) -> Resource | None:
        if self._surface.read(uri) is None or (version is not None and not version.matches(None)):
            return None
        listed = self._surface.views(None)[0]
        return ViewResource.of(self._surface, listed.model_copy(update={"uri": uri}))


class ConnectorTool(Tool):
    """A connector's tool as a FastMCP tool."""

    _surface: Surface = PrivateAttr()
    _own_name: str = PrivateAttr()

    @classmethod
    def of(cls, surface: Surface, listed: ListedTool) -> Self:
        """Create it from the connector's definition of the tool."""
        return cls(
            name=listed.name,
            title=listed.title,
            description=listed.description,
            parameters=dict(listed.input_schema),
            output_schema=listed.output_schema,
            annotations=listed.annotations,
            meta={**(listed.meta or {}), NAME: listed.name},
        ).with_surface(surface)

    def with_surface(self, surface: Surface) -> Self:
        """Set the surface that handles its calls."""
        self._surface, self._own_name = surface, self.name
        return self

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Handle a call. The connector validates the arguments itself."""
        grant = caller(get_access_token())
        result = await self._surface.call(_origin(), self._own_name, arguments, grant)
        return ToolResult(result.content, result.structured_content, result.meta, result.is_error)


class ViewResource(Resource):
    """The View as a FastMCP resource, under its current URI or an old one."""

    _surface: Surface = PrivateAttr()
    _bytes: int | None = PrivateAttr()

    @classmethod
    def of(cls, surface: Surface, listed: ListedResource) -> Self:
        """Create it from the connector's definition of the resource."""
        view = cls(
            uri=AnyUrl(listed.uri),
            name=listed.name,
            title=listed.title,
            description=listed.description,
            mime_type=listed.mime_type or "",
            meta=listed.meta,
        )
        return view.with_surface(surface, listed.size)

    def with_surface(self, surface: Surface, size: int | None) -> Self:
        """Set the surface that reads it, and its size in bytes."""
        self._surface, self._bytes = surface, size
        return self

    def to_mcp_resource(self, **overrides: Any) -> ListedResource:
        """Return its listed definition with the size, which FastMCP omits."""
        return super().to_mcp_resource(**overrides).model_copy(update={"size": self._bytes})

    async def read(self) -> ResourceResult:
        """Return the document.

        Raises:
            SettingError: The URI is not the URI of a View.
        """
        contents = self._surface.read(str(self.uri))
        if contents is None:
            message = f"{self.uri} is not the URI of a View."
            raise SettingError(message)
        return ResourceResult([ResourceContent(contents.text, contents.mime_type, contents.meta)])


class WidgetTools(ServerExtension):
    """Prepares the outermost server for widgets, whichever of the servers mounted on it has the connector."""

    identifier = "dev.intarsia/widgets"
    auto_register = True

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Check the names of all tools, and advertise MCP Apps to hosts of earlier protocol versions."""
        server = self.server
        await _check_names(server)
        if not any(isinstance(middleware, AdvertiseApps) for middleware in server.middleware):
            server.add_middleware(AdvertiseApps())
        yield


class AdvertiseApps(Middleware):
    """Adds the MCP Apps extension to the response to `initialize`, from which the SDK drops it."""

    async def on_initialize(
        self,
        context: MiddlewareContext[InitializeRequest],
        call_next: CallNext[InitializeRequest, InitializeResult | None],
    ) -> InitializeResult | None:
        """Add the extension to the server's response."""
        result = await call_next(context)
        if result is None:
            return None
        extensions = {EXTENSION_ID: {}, **(result.capabilities.extensions or {})}
        capabilities = result.capabilities.model_copy(update={"extensions": extensions})
        return result.model_copy(update={"capabilities": capabilities})


async def _check_names(server: FastMCP[Any]) -> None:
    """Refuse to start a server on which widgets would call missing tools, or tools of others.

    Raises:
        SettingError: A connector's tool is renamed, or another tool has its name.
    """
    tools = await server.list_tools(run_middleware=False)
    times = Counter(tool.name for tool in tools)
    for tool in tools:
        own = (tool.meta or {}).get(NAME)
        if own is None:
            continue
        if own != tool.name:
            message = (
                f"The server {server.name!r} lists the tool {own!r} as {tool.name!r}, but widgets call it by its own "
                "name. Mount without a namespace, and leave the names of a connector's tools as they are."
            )
            raise SettingError(message)
        if times[own] > 1:
            message = f"The server {server.name!r} has two tools named {own!r}, one of a connector; rename one of them."
            raise SettingError(message)


def _origin() -> Origin | None:
    """Return the current request; `None` outside of any, as when the server lists its tools at startup."""
    try:
        context: Context = get_context()
    except RuntimeError:
        return None
    return context.request_context
