"""The web application: one `/mcp`, both eras of the protocol, stateless, behind the gate."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from inlay.errors import SettingError
from inlay.server.adapter import build_server
from inlay.server.gate import JSON, LOCAL_HOSTS, MOST_BYTES, Gate, GateError, checked_hosts, checked_origins, refuse
from inlay.server.strict_json import BodyError, check_message
from inlay.server.tokens.guard import Protection, protection_of
from inlay.server.tokens.settings import ResourceServer

if TYPE_CHECKING:
    from inlay.server.connector import Connector


PATH = "/mcp"
"""Where the server is."""

# The gate has checked host, origin and size already, for this and every other route.
_CHECKED_BY_GATE = TransportSecuritySettings(enable_dns_rebinding_protection=False)


class _Endpoint:
    """Passes messages on. A stateless server has nothing to stream to GET and no session to DELETE."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            response = PlainTextResponse("Use POST.\n", status_code=405, headers={"Allow": "POST"})
            await response(scope, receive, send)
            return
        try:
            # The SDK repeats what it does not understand, and takes a request with a wrong id for a notification.
            check_message(scope[JSON])
        except BodyError as error:
            await refuse(send, GateError.of_body(error))
            return
        await self._app(scope, receive, send)


def build_app(
    connector: "Connector",
    *,
    hosts: tuple[str, ...] | None = None,
    origins: tuple[str, ...] | None = None,
    routes: tuple[BaseRoute, ...] = (),
    auth: ResourceServer | None = None,
) -> Starlette:
    """Make the ASGI application of a connector.

    Args:
        connector: What is served.
        hosts: Host names that requests may name, without port; by default this machine's own, and with `auth` that
            of the public address.
        origins: Origins that browsers may call from; by default pages of those hosts.
        routes: More routes to serve beside `/mcp`, behind the same gate.
        auth: Whose tokens are taken. Without it nobody signs in.
    """
    protection = protection_of(connector, auth) if auth else None
    names = hosts or (*LOCAL_HOSTS, *((auth.host,) if auth else ()))
    if connector.existing:
        app = _app_of(connector.existing.server, auth)
        inner = list(app.user_middleware)
        served = [*(_checking(route) for route in app.routes), *routes]
        lifespan = partial(app.router.lifespan_context, app)
        return _behind_gate(served, inner, running=lifespan, hosts=names, origins=origins, protection=protection)
    server = build_server(connector, signs_in=auth is not None)
    return mount(server, running=connector.running, hosts=names, origins=origins, routes=routes, protection=protection)


def _app_of(server: MCPServer[Any], auth: ResourceServer | None) -> Starlette:
    """Return the author's own application, with what they put beside `/mcp`, stateless."""
    if auth and server.settings.auth:
        message = f"The server {server.name!r} asks for tokens by itself; give `auth` to it or to the connector."
        raise SettingError(message)
    return server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        max_request_body_size=MOST_BYTES,
        transport_security=_CHECKED_BY_GATE,
    )


def _checking(route: BaseRoute) -> BaseRoute:
    """Put our checks of messages before the SDK's, and after the author's question who it is."""
    if not isinstance(route, Route) or route.path != PATH:
        return route
    if isinstance(route.app, RequireAuthMiddleware):
        route.app.app = _Endpoint(route.app.app)
        return route
    return Route(PATH, endpoint=_Endpoint(route.app))


def mount(
    server: Server[Any],
    *,
    running: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
    hosts: tuple[str, ...] | None = None,
    origins: tuple[str, ...] | None = None,
    routes: tuple[BaseRoute, ...] = (),
    protection: Protection | None = None,
) -> Starlette:
    """Make the ASGI application of any MCP server: at `/mcp`, in both eras, stateless, behind the gate.

    Args:
        server: What answers.
        running: Makes a context that is entered before the first request and left after the last.
        hosts: Host names that requests may name, without port; by default this machine's own.
        origins: Origins that browsers may call from; by default pages of those hosts.
        routes: More routes to serve beside `/mcp`, behind the same gate.
        protection: Asks everybody for a token, on every route.

    Raises:
        SettingError: A host or an origin is not of its form.
    """
    manager = StreamableHTTPSessionManager(
        server,
        json_response=False,
        stateless=True,
        security_settings=_CHECKED_BY_GATE,
        max_request_body_size=MOST_BYTES,
    )

    @asynccontextmanager
    async def served() -> AsyncGenerator[None]:
        async with running(), manager.run():
            yield

    all_routes = [Route(PATH, endpoint=_Endpoint(StreamableHTTPASGIApp(manager))), *routes]
    return _behind_gate(all_routes, [], running=served, hosts=hosts, origins=origins, protection=protection)


def _behind_gate(
    routes: list[BaseRoute],
    middleware: list[Middleware],
    *,
    running: Callable[[], AbstractAsyncContextManager[object]],
    hosts: tuple[str, ...] | None,
    origins: tuple[str, ...] | None,
    protection: Protection | None,
) -> Starlette:
    outer = [Middleware(Gate, hosts=checked_hosts(hosts or LOCAL_HOSTS), origins=checked_origins(origins or ()))]
    if protection:
        outer.append(protection.middleware)
        routes = [*routes, *protection.routes]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with protection.running() if protection else nullcontext(), running():
            yield

    return Starlette(routes=routes, middleware=[*outer, *middleware], lifespan=lifespan)
