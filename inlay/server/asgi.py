"""The web application: one `/mcp`, both eras of the protocol, stateless, behind the gate."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from inlay.server.adapter import build_server
from inlay.server.gate import JSON, LOCAL_HOSTS, MOST_BYTES, Gate, GateError, checked_hosts, checked_origins, refuse
from inlay.server.strict_json import BodyError, check_message
from inlay.server.tokens.guard import Protection, protection_of
from inlay.server.tokens.settings import ResourceServer

if TYPE_CHECKING:
    from inlay.server.connector import Connector


class _Endpoint:
    """Passes messages on. A stateless server has nothing to stream to GET and no session to DELETE."""

    def __init__(self, app: StreamableHTTPASGIApp) -> None:
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
    if auth is None:
        return mount(build_server(connector), running=connector.running, hosts=hosts, origins=origins, routes=routes)
    return mount(
        build_server(connector),
        running=connector.running,
        hosts=hosts or (*LOCAL_HOSTS, auth.host),
        origins=origins,
        routes=routes,
        protection=protection_of(connector, auth),
    )


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
        # The gate has checked host, origin and size already, for this and every other route.
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        max_request_body_size=MOST_BYTES,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with running(), protection.running() if protection else nullcontext(), manager.run():
            yield

    middleware = [Middleware(Gate, hosts=checked_hosts(hosts or LOCAL_HOSTS), origins=checked_origins(origins or ()))]
    endpoint = _Endpoint(StreamableHTTPASGIApp(manager))
    all_routes = [Route("/mcp", endpoint=endpoint), *routes]
    if protection:
        middleware.append(protection.middleware)
        all_routes += protection.routes
    return Starlette(routes=all_routes, middleware=middleware, lifespan=lifespan)
