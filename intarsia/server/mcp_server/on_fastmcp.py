"""A connector on a FastMCP server, through what FastMCP offers to everybody who extends it (decision 0011).

A provider gives it tools and the View, and an extension checks, where the servers that are mounted on one another come
together, that every tool can be called by its own name.
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
"""Under which key of a tool's `_meta` its own name is, however a server calls it."""


def join(catalog: Catalog, server: FastMCP[Any]) -> None:
    """Do what `intarsia.attach` says."""
    _check_kind(server)
    for provider in server.providers:
        if isinstance(provider, ConnectorProvider):
            message = (
                f"The server {server.name!r} has the connector {provider.catalog.name!r} already; let that one "
                f"include {catalog.name!r}: `connector.include(other)`."
            )
            raise SettingError(message)
    server.add_provider(ConnectorProvider(catalog))
    if catalog.instructions:
        server.instructions = "\n".join(text for text in (server.instructions, catalog.instructions) if text)


def _check_kind(server: object) -> None:
    if not isinstance(server, FastMCP):
        kind = f"{type(server).__module__}.{type(server).__qualname__}"
        hint = "For an MCPServer of the package 'mcp', make the connector with it: `Connector(..., server=server)`."
        message = f"intarsia.attach takes a server of FastMCP, not {kind}. {hint}"
        raise SettingError(message)


class ConnectorProvider(Provider):
    """Gives a FastMCP server the tools and the View of a connector.

    Args:
        catalog: Whose they are.
    """

    def __init__(self, catalog: Catalog) -> None:
        super().__init__()
        self.catalog = catalog
        self._surface = Surface(catalog)
        catalog.renders.keep_apart()

    def required_extensions(self) -> Sequence[ServerExtension]:
        """Bring the check of names along, to whichever server is run in the end."""
        return [WidgetTools()]

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Open the connector with the server."""
        async with self.catalog.running():
            yield

    async def _list_tools(self) -> Sequence[Tool]:
        return [ConnectorTool.of(self._surface, listed) for listed in self._surface.listed(_origin())]

    async def _get_tool(self, name: str, version: VersionSpec | None = None) -> Tool | None:
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
    """A tool of a connector, as FastMCP knows tools."""

    _surface: Surface = PrivateAttr()
    _own_name: str = PrivateAttr()

    @classmethod
    def of(cls, surface: Surface, listed: ListedTool) -> Self:
        """Make it from what the connector says of it."""
        return cls(
            name=listed.name,
            title=listed.title,
            description=listed.description,
            parameters=dict(listed.input_schema),
            annotations=listed.annotations,
            meta={**(listed.meta or {}), NAME: listed.name},
        ).answered_by(surface)

    def answered_by(self, surface: Surface) -> Self:
        """Say who answers its calls."""
        self._surface, self._own_name = surface, self.name
        return self

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Answer a call, whatever the arguments are."""
        grant = caller(get_access_token())
        result = await self._surface.call(_origin(), self._own_name, arguments, grant)
        return ToolResult(result.content, result.structured_content, result.meta, result.is_error)


class ViewResource(Resource):
    """The View, under its current address or an old one."""

    _surface: Surface = PrivateAttr()
    _bytes: int | None = PrivateAttr()

    @classmethod
    def of(cls, surface: Surface, listed: ListedResource) -> Self:
        """Make it from what the connector says of it."""
        view = cls(
            uri=AnyUrl(listed.uri),
            name=listed.name,
            title=listed.title,
            description=listed.description,
            mime_type=listed.mime_type or "",
            meta=listed.meta,
        )
        return view.answered_by(surface, listed.size)

    def answered_by(self, surface: Surface, size: int | None) -> Self:
        """Say who answers when it is read, and how many bytes that will be."""
        self._surface, self._bytes = surface, size
        return self

    def to_mcp_resource(self, **overrides: Any) -> ListedResource:
        """Describe it with its size, which FastMCP leaves out."""
        return super().to_mcp_resource(**overrides).model_copy(update={"size": self._bytes})

    async def read(self) -> ResourceResult:
        """Return the document."""
        contents = self._surface.read(str(self.uri))
        if contents is None:
            message = f"{self.uri} is no address of a View."
            raise SettingError(message)
        return ResourceResult([ResourceContent(contents.text, contents.mime_type, contents.meta)])


class WidgetTools(ServerExtension):
    """Holds for the server that is run what widgets need, whichever of the servers mounted on it has the connector."""

    identifier = "dev.intarsia/widgets"
    auto_register = True

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Check the names of all tools, and see to it that hosts of the earlier era are told of Apps."""
        server = self.server
        await _check_names(server)
        if not any(isinstance(middleware, AdvertiseApps) for middleware in server.middleware):
            server.add_middleware(AdvertiseApps())
        yield


class AdvertiseApps(Middleware):
    """Names the Apps extension in the answer to `initialize`, from which the SDK drops it."""

    async def on_initialize(
        self,
        context: MiddlewareContext[InitializeRequest],
        call_next: CallNext[InitializeRequest, InitializeResult | None],
    ) -> InitializeResult | None:
        """Add it to what the server answers."""
        result = await call_next(context)
        if result is None:
            return None
        extensions = {EXTENSION_ID: {}, **(result.capabilities.extensions or {})}
        capabilities = result.capabilities.model_copy(update={"extensions": extensions})
        return result.model_copy(update={"capabilities": capabilities})


async def _check_names(server: FastMCP[Any]) -> None:
    """Refuse to start a server on which a widget would call tools that are not there, or not its own.

    Raises:
        SettingError: A tool is renamed, or another has its name.
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
    """Return the request that is answered; `None` when the server looks at itself."""
    try:
        context: Context = get_context()
    except RuntimeError:
        return None
    return context.request_context
