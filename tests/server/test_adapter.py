"""The names of the SDK that may change within 2.x are still there, and mean what the adapter takes them for."""

import inspect

from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID, client_supports_apps
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.session import ServerSession
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager

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
