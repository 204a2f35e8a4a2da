"""The names of the SDK that may change within 2.x are still there, and mean what the adapter takes them for."""

import inspect
from typing import Any

import pytest
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID, client_supports_apps
from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.tools import Tool as RegisteredTool
from mcp.server.mcpserver.tools import ToolManager
from mcp.server.session import ServerSession
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp_types import DEFAULT_NEGOTIATED_VERSION
from starlette.routing import Route

from intarsia.server.mcp_server.request_checks import EARLIER_VERSIONS, version_of

ADAPTED = {"on_list_tools", "on_call_tool", "on_list_resources", "on_read_resource", "get_tool_input_schema"}


def test_the_low_level_server_still_takes_handlers_middleware_and_extensions() -> None:
    server: Server[object] = Server("canary")

    assert set(inspect.signature(Server.__init__).parameters) >= ADAPTED
    assert isinstance(server.middleware, list)
    assert isinstance(server.extensions, dict)


def test_a_request_still_says_what_the_client_shows() -> None:
    assert "session" in set(ServerRequestContext.__dataclass_fields__)
    assert isinstance(inspect.getattr_static(ServerSession, "client_capabilities"), property)
    assert list(inspect.signature(client_supports_apps).parameters)
    assert (APP_MIME_TYPE, EXTENSION_ID) == ("text/html;profile=mcp-app", "io.modelcontextprotocol/ui")


def test_the_session_manager_still_serves_statelessly() -> None:
    wanted = {"json_response", "stateless", "security_settings", "max_request_body_size"}

    assert set(inspect.signature(StreamableHTTPSessionManager.__init__).parameters) >= wanted
    assert callable(StreamableHTTPASGIApp.__call__)


def test_the_sdk_still_says_which_calls_it_would_refuse() -> None:
    good: dict[str, Any] = {"type": "http", "headers": [(b"accept", b"*/*"), (b"mcp-protocol-version", b"2025-11-25")]}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "intarsia_view"}}

    assert version_of(good, call) == "2025-11-25"
    assert version_of({**good, "headers": good["headers"][1:]}, call) is None
    assert version_of({**good, "headers": good["headers"][:1]}, call) == DEFAULT_NEGOTIATED_VERSION
    assert version_of(good, {**call, "params": {"name": "intarsia_view", "arguments": []}}) is None
    assert (
        version_of({**good, "headers": [*good["headers"][:1], (b"mcp-protocol-version", b"2026-07-28")]}, call) is None
    )
    assert "2025-11-25" in EARLIER_VERSIONS
    assert "2026-07-28" not in EARLIER_VERSIONS


def test_an_existing_server_still_gives_what_a_connector_needs_of_it() -> None:
    server = MCPServer("canary")
    low: Any = getattr(server, "_lowlevel_server")  # noqa: B009  # these names are what is watched
    manager: Any = getattr(server, "_tool_manager")  # noqa: B009

    assert (type(low), type(manager)) == (Server, ToolManager)
    assert getattr(manager, "_tools") == {}  # noqa: B009
    assert callable(low.lifespan)
    assert low.extensions == {}
    assert server.middleware is low.middleware
    assert server.settings.auth is None
    for method in ("tools/list", "resources/list", "resources/read"):
        entry = low.get_request_handler(method)
        assert entry is not None
        low.add_request_handler(method, entry.params_type, entry.handler)


def test_a_registered_tool_is_still_run_by_its_own_method() -> None:
    assert list(inspect.signature(RegisteredTool.run).parameters) == ["self", "arguments", "context", "convert_result"]
    assert {"parameters", "annotations"} <= set(RegisteredTool.model_fields)
    with pytest.raises(ValueError, match="outside of a request"):
        _ = Context[Any, Any]().request_context


def test_the_application_of_an_existing_server_still_has_one_route_that_asks_who_it_is() -> None:
    wanted = {"streamable_http_path", "stateless_http", "max_request_body_size", "transport_security"}
    assert set(inspect.signature(MCPServer.streamable_http_app).parameters) >= wanted
    assert list(inspect.signature(RequireAuthMiddleware.__init__).parameters)[:2] == ["self", "app"]
    routes = [route for route in MCPServer("canary").streamable_http_app().routes if isinstance(route, Route)]
    assert [(route.path, type(route.app)) for route in routes] == [("/mcp", StreamableHTTPASGIApp)]
