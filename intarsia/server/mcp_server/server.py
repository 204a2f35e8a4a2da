"""The MCP server: a connector's tools and View on the SDK.

Only this module, `on_mcpserver.py` and `request_checks.py` use names of the SDK that may change within 2.x;
`tests/server/test_mcp_server.py` detects that.
"""

from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any, Protocol, cast

from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID, client_supports_apps
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)
from mcp_types import Tool as ListedTool
from mcp_types.methods import serialize_server_result

from intarsia.permissions import Grant
from intarsia.server.auth.caller import ANONYMOUS, caller
from intarsia.server.calls.handler import CallHandler
from intarsia.server.catalog import Catalog
from intarsia.server.changes.access_watch import ACCESS_WATCH
from intarsia.server.mcp_server.request_checks import EARLIER_VERSIONS
from intarsia.server.mcp_server.subscriptions import Subscriptions
from intarsia.server.mcp_server.view_polling import RESPONSE_KEY
from intarsia.server.mcp_server.view_tools import access_tool, draft_tool, view_tool
from intarsia.server.rendering.load import AnyWidgetTool
from intarsia.server.tools.tool import STRUCTURED_SCHEMA, ActionTool, Tool, WidgetTool
from intarsia.server.tools.visibility import ALL_AUDIENCES
from intarsia.server.wire.messages import VIEW_TOOL, CallResponse
from intarsia.ui_templates import ViewDocument, load_document
from intarsia.version import __version__

Request = ServerRequestContext[Any, Any]


class Origin(Protocol):
    """The attributes of a request context that are used here; the SDK and FastMCP both provide them."""

    @property
    def session(self) -> ServerSession:
        """The session, with the client's capabilities."""
        ...

    @property
    def meta(self) -> Mapping[str, object] | None:
        """The `_meta` of the request."""
        ...


_RESOURCE_META = {"ui": {"prefersBorder": False}}


def build_server(catalog: Catalog, surface: "Surface | None" = None) -> Server[Any]:
    """Create the MCP server of a connector.

    Args:
        catalog: The catalog of the connector.
        surface: The handlers of requests; by default those of a server without sign-in.
    """
    surface = surface or Surface(catalog)
    server: Server[Any] = Server(
        catalog.slug,
        title=catalog.name,
        version=__version__,
        instructions=catalog.instructions or None,
        # Without it the SDK lists all tools for each call with arguments, to find parameters sent as headers.
        get_tool_input_schema=surface.input_schema,
        on_list_tools=surface.list_tools,
        on_call_tool=surface.call_tool,
        on_list_resources=surface.list_resources,
        on_list_resource_templates=surface.list_resource_templates,
        on_read_resource=surface.read_resource,
        on_subscriptions_listen=Subscriptions(surface, surface.who).listen,
    )
    server.extensions[EXTENSION_ID] = {}
    server.middleware += [_hide_method_name, advertise_apps]
    return server


class Surface:
    """The handlers of MCP requests for a connector, independent of the server that it runs on.

    Args:
        catalog: The catalog of the connector.
        signs_in: Whether every caller must have signed in. An anonymous call is then an internal error.
    """

    def __init__(self, catalog: Catalog, *, signs_in: bool = False) -> None:
        self._catalog = catalog
        self._signs_in = signs_in
        self._prefix = f"ui://{catalog.slug}/view-"
        self._handler = CallHandler(catalog)

    @cached_property
    def _document(self) -> ViewDocument:
        return load_document(self._catalog.name, self._catalog.inline_height)

    @property
    def _uri(self) -> str:
        return f"{self._prefix}{self._document.hash}.html"

    def input_schema(self, name: str) -> Mapping[str, Any] | None:
        """Return the JSON schema of a tool's arguments; `None` for an unknown tool."""
        tool = self._catalog.tools.get(name)
        return tool.schema if tool else None

    async def list_tools(self, request: Request, _page: PaginatedRequestParams | None) -> ListToolsResult:
        """Handle `tools/list`."""
        return ListToolsResult(tools=self.listed(request))

    def listed(self, request: Origin | None) -> list[ListedTool]:
        """List the tools for the client of a request; without a request, for a host that shows widgets."""
        shows_apps = _may_show_apps(request)
        grant = self._caller()
        positions = self._catalog.switches.positions
        offered = [tool for name in self._catalog.tools if (tool := self._catalog.offered(name, grant))]
        # Tools for Views only are useless to a client that shows no widgets.
        is_for_people = partial(_is_for_people, models_act=positions.allows_model_actions(grant))
        listed = [tool for tool in offered if shows_apps or not is_for_people(tool)]
        tools = [
            self._listed(
                tool, shows_apps and positions.shows_widget(tool.name, grant), is_for_people=is_for_people(tool)
            )
            for tool in listed
        ]
        return [*tools, *(self._own_tools() if shows_apps and self._shows_anything(grant) else [])]

    def _caller(self) -> Grant:
        return caller() or (ANONYMOUS if self._signs_in else self._catalog.local)

    def who(self) -> tuple[Grant, bool]:
        """Return the caller of the current request, and whether they signed in."""
        return self._caller(), caller() is not None

    def may_read(self, uri: str, grant: Grant) -> bool:
        """Return whether a user may currently read a resource."""
        return self._is_view(uri) and self._shows_anything(grant)

    def _is_view(self, uri: str) -> bool:
        # Any hash returns the current View: hosts cache tool lists for longer than a deployment lasts.
        return uri.startswith(self._prefix) and uri.endswith(".html")

    def _shows_anything(self, grant: Grant) -> bool:
        """Whether at least one widget may be shown to a user, as the admin's switches stand."""
        positions = self._catalog.switches.positions
        tools = self._catalog.tools.values()
        return any(isinstance(tool, WidgetTool) and positions.shows_widget(tool.name, grant) for tool in tools)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all tools, including those that only the View calls."""
        return (*self._catalog.tools, *(tool.name for tool in self._own_tools()))

    def described(self, name: str) -> ListedTool:
        """Return the definition of a tool, as listed for a host that shows widgets."""
        own = {tool.name: tool for tool in self._own_tools()}
        return own[name] if name in own else self._listed(self._catalog.tools[name], shows_apps=True)

    def _listed(self, tool: Tool, shows_apps: bool, *, is_for_people: bool = False) -> ListedTool:  # noqa: FBT001  # private
        meta = self._widget_meta(tool, is_for_people=is_for_people) if shows_apps else None
        return ListedTool(
            name=tool.name,
            title=tool.title,
            description=tool.description,
            input_schema=tool.schema,
            output_schema=dict(STRUCTURED_SCHEMA) if shows_apps and _kind(tool) is not None else None,
            annotations=_annotations(tool),
            **_with_meta(meta),
        )

    def _widget_meta(self, tool: Tool, *, is_for_people: bool) -> dict[str, Any] | None:
        kind = _kind(tool)
        if kind is None:
            visible = frozenset({"app"}) if is_for_people else tool.visibility
            return None if visible == ALL_AUDIENCES else {"ui": {"visibility": sorted(visible)}}
        # Both keys: hosts that predate the nested key read the flat one only.
        return {
            "ui": {"resourceUri": self._uri},
            "ui/resourceUri": self._uri,
            "dev.intarsia/widget": kind,
        }

    def _has_drafts(self) -> bool:
        return any(_can_keep_draft(tool) for tool in self._catalog.tools.values())

    def _own_tools(self) -> list[ListedTool]:
        """Return the definitions of tools that only the View calls."""
        return [
            *([draft_tool()] if self._has_drafts() else []),
            *([access_tool()] if self._catalog.scopes else []),
            *([view_tool()] if self._waits() else []),
        ]

    def _waits(self) -> bool:
        """Whether open Views poll: topics, or a revoked access, can change a widget while it is open."""
        return self._signs_in or self._catalog.names_topics or ACCESS_WATCH.get() is not None

    async def call_tool(self, request: Request, params: CallToolRequestParams) -> CallToolResult:
        """Handle `tools/call`."""
        answered = _early_response(request)
        if answered:
            return _result(answered, shows_apps=_may_show_apps(request))
        return await self.call(request, params.name, params.arguments or {}, caller())

    async def answer_view(self, arguments: Mapping[str, Any], meta: Mapping[str, Any]) -> CallResponse | None:
        """Handle a View's poll before the SDK; return `None` if sign-in is required and the caller is unknown."""
        grant = caller() or (None if self._signs_in else self._catalog.local)
        return await self._handler.answer(VIEW_TOOL, arguments, meta, grant) if grant else None

    def plain_result(self, answer: CallResponse, version: str) -> dict[str, Any] | None:
        """Return the serialized result for a host of an earlier protocol version; `None` for any other version."""
        if version not in EARLIER_VERSIONS:
            return None
        result = _result(answer, shows_apps=True).model_dump(mode="json", by_alias=True, exclude_none=True)
        return serialize_server_result("tools/call", version, result)

    async def call(
        self, request: Origin | None, name: str, arguments: Mapping[str, Any], grant: Grant | None
    ) -> CallToolResult:
        """Handle a call of one of the connector's tools.

        Args:
            request: The request of the call; `None` if code of the server calls the tool outside of a request.
            name: The name of the tool.
            arguments: The arguments as received, not validated yet.
            grant: The caller, if they signed in.

        Raises:
            MCPError: Sign-in is required, and there is no caller.
        """
        if grant is None and self._signs_in:
            raise MCPError(INTERNAL_ERROR, "The caller of this request is unknown, and this server requires sign-in.")
        meta: Mapping[str, Any] = dict((request.meta if request else None) or {})
        answer = await self._handler.answer(name, arguments, meta, grant or self._catalog.local)
        has_schema = isinstance(self._catalog.tools.get(name), WidgetTool)
        return _result(answer, shows_apps=_may_show_apps(request), has_schema=has_schema)

    async def list_resources(self, request: Request, _page: PaginatedRequestParams | None) -> ListResourcesResult:
        """Handle `resources/list`."""
        return ListResourcesResult(resources=self.views(request))

    def views(self, request: Origin | None) -> list[Resource]:
        """List the View, if the client shows MCP Apps and the user may see a widget."""
        if not _may_show_apps(request) or not self._shows_anything(self._caller()):
            return []
        view = Resource(
            uri=self._uri,
            name="view",
            title=self._catalog.name,
            description="Shows this connector's widgets. It holds no data.",
            mime_type=APP_MIME_TYPE,
            size=len(self._document.html.encode()),
            **_with_meta(_RESOURCE_META),
        )
        return [view]

    async def list_resource_templates(
        self, _request: Request, _page: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        """Handle `resources/templates/list` with an empty list: hosts that list resources call it too."""
        return ListResourceTemplatesResult(resource_templates=[])

    async def read_resource(self, _request: Request, params: ReadResourceRequestParams) -> ReadResourceResult:
        """Handle `resources/read`."""
        contents = self.read(str(params.uri))
        if contents is None:
            raise MCPError(INVALID_PARAMS, "There is no such resource.")
        return ReadResourceResult(contents=[contents])

    def read(self, uri: str) -> TextResourceContents | None:
        """Return the View if `uri` is its URI and the user may see a widget; otherwise `None`."""
        if not self._is_view(uri) or not self._shows_anything(self._caller()):
            return None
        return TextResourceContents(
            uri=uri, mime_type=APP_MIME_TYPE, text=self._document.html, **_with_meta(_RESOURCE_META)
        )


def _is_for_people(tool: Tool, *, models_act: bool) -> bool:
    """Whether only a View may call a tool: by declaration, or because a switch bars models from actions."""
    return tool.is_app_only or (isinstance(tool, ActionTool) and not models_act)


def _kind(tool: Tool) -> str | None:
    return cast("AnyWidgetTool", tool).widget_type.kind if isinstance(tool, WidgetTool) else None


def _can_keep_draft(tool: Tool) -> bool:
    return isinstance(tool, WidgetTool) and cast("AnyWidgetTool", tool).widget_type.can_keep_draft


def _annotations(tool: Tool) -> ToolAnnotations:
    if isinstance(tool, ActionTool):
        return ToolAnnotations(
            title=tool.title,
            read_only_hint=False,
            destructive_hint=tool.destructive,
            idempotent_hint=tool.idempotent,
            open_world_hint=tool.open_world,
        )
    return ToolAnnotations(title=tool.title, read_only_hint=True, open_world_hint=False)


def _result(answer: CallResponse, *, shows_apps: bool, has_schema: bool = False) -> CallToolResult:
    structured = answer.structured
    if structured is None and has_schema and not answer.is_error:
        # Clients keep the list of tools for long, and refuse results without what an output schema announced.
        structured = {}
    return CallToolResult(
        content=[TextContent(type="text", text=answer.text)],
        # Data for the View would only fill the context of a model without one.
        structured_content=structured if shows_apps else None,
        is_error=answer.is_error,
        **_with_meta(answer.meta or None if shows_apps else None),
    )


def _early_response(request: Request) -> CallResponse | None:
    """Return the response that `view_polling.py` made before the SDK got the call, if any."""
    scope: Mapping[str, Any] = getattr(request.request, "scope", None) or {}
    return scope.get(RESPONSE_KEY)


def _may_show_apps(request: Origin | None) -> bool:
    """Whether the client shows MCP Apps. Stateless clients of earlier versions cannot declare it, so they count too."""
    if request is None or request.session.client_capabilities is None:
        return True
    return client_supports_apps(cast("Request", request))


async def _hide_method_name(ctx: Request, call_next: CallNext) -> HandlerResult:
    try:
        return await call_next(ctx)
    except MCPError as error:
        # The SDK's message repeats the method's name, which is text of the caller that models would read.
        if error.error.code == METHOD_NOT_FOUND:
            raise MCPError(METHOD_NOT_FOUND, "There is no such method.") from None
        raise


async def advertise_apps(ctx: Request, call_next: CallNext) -> HandlerResult:
    """Add the MCP Apps extension to the response to `initialize`; middleware of the SDK.

    The SDK drops `extensions` from this response, where hosts of earlier protocol versions look for it.
    """
    result = await call_next(ctx)
    if ctx.method == "initialize" and isinstance(result, dict) and isinstance(result.get("capabilities"), dict):
        capabilities: dict[str, Any] = result["capabilities"]
        extensions: dict[str, Any] = {EXTENSION_ID: {}, **(capabilities.get("extensions") or {})}
        return {**result, "capabilities": {**capabilities, "extensions": extensions}}
    return result


def _with_meta(meta: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return `_meta` under its wire name, which the SDK's models expect as an argument."""
    return {"_meta": meta}
