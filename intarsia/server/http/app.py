"""The ASGI application: one `/mcp` for both protocol versions, stateless, behind the request limits."""

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

from intarsia.errors import SettingError
from intarsia.server.auth.authorization_server.settings import EmbeddedIssuer
from intarsia.server.auth.resource_server.middleware import ProtectedResource, protect
from intarsia.server.auth.resource_server.settings import ResourceServer
from intarsia.server.http.request_limits import (
    JSON,
    LOCAL_HOSTS,
    MAX_BYTES,
    RequestLimits,
    RequestRejectedError,
    checked_hosts,
    checked_origins,
    origin_of,
    refuse,
)
from intarsia.server.mcp_server.server import Surface, build_server
from intarsia.server.mcp_server.view_polling import ViewPolling, ViewPollingMiddleware
from intarsia.server.wire.strict_json import BodyError, check_message

if TYPE_CHECKING:
    from intarsia.server.admin.issuer_sign_in import IssuerAdmins
    from intarsia.server.auth.authorization_server.server import AuthorizationServer
    from intarsia.server.connector import Connector


PATH = "/mcp"
"""The path of the MCP endpoint."""

# `RequestLimits` has checked host, origin and size already, for this and every other route.
_NO_SECOND_CHECK = TransportSecuritySettings(enable_dns_rebinding_protection=False)


class _Endpoint:
    """The MCP endpoint. It accepts only POST: a stateless server has no stream for GET and no session to DELETE."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            response = PlainTextResponse("Use POST.\n", status_code=405, headers={"Allow": "POST"})
            await response(scope, receive, send)
            return
        try:
            # The SDK echoes invalid messages, and treats a request with an invalid id as a notification.
            check_message(scope[JSON])
        except BodyError as error:
            await refuse(send, RequestRejectedError.of_body(error))
            return
        try:
            await self._app(scope, receive, send)
        except RuntimeError as error:
            if "Task group is not initialized" not in str(error):
                raise
            message = (
                "The connector's application was not started, because an application that is mounted gets no lifespan "
                "from the one around it. Write connector.mount_on(app, '/path') instead of app.mount(...)."
            )
            raise SettingError(message) from error


def build_app(
    connector: "Connector",
    *,
    hosts: tuple[str, ...] | None = None,
    origins: tuple[str, ...] | None = None,
    routes: tuple[BaseRoute, ...] = (),
    auth: ResourceServer | EmbeddedIssuer | None = None,
) -> Starlette:
    """Build the ASGI application of a connector.

    Args:
        connector: The connector to serve.
        hosts: The allowed host names, without port; by default this machine's, and with `auth` also the one of the
            public address.
        origins: The origins from which browsers may call; by default those of the allowed hosts.
        routes: More routes to serve beside `/mcp`, behind the same limits.
        auth: The issuers whose tokens are accepted, or the settings of the connector's own sign-in. Without it, the
            connector requires no sign-in.
    """
    sign_in, trusted = _issuers_of(connector, auth)
    protected_resource = protect(connector, trusted) if trusted else None
    pages = sign_in or _admins_of(connector, protected_resource)
    names = hosts or (*LOCAL_HOSTS, *((trusted.host,) if trusted else ()))
    if connector.existing:
        app = _app_of(connector.existing.server, trusted)
        inner = list(app.user_middleware)
        served = [*(_with_checks(route) for route in app.routes), *routes]
        lifespan = partial(app.router.lifespan_context, app)
        return _with_limits(
            served,
            inner,
            running=lifespan,
            hosts=names,
            origins=origins,
            protected_resource=protected_resource,
            pages=pages,
        )
    surface = Surface(connector, signs_in=trusted is not None)
    return mount(
        build_server(connector, surface), running=connector.running, hosts=names, origins=origins, routes=routes,
        protected_resource=protected_resource, pages=pages, views=surface,
    )  # fmt: skip


def _admins_of(connector: "Connector", protected_resource: ProtectedResource | None) -> "IssuerAdmins | None":
    """Return the admin pages with sign-in at another issuer, if they are configured."""
    if protected_resource is None or protected_resource.server.admin is None:
        return None
    from intarsia.server.admin.issuer_sign_in import IssuerAdmins  # noqa: PLC0415  # loaded only when it is used

    return IssuerAdmins(
        connector, protected_resource.server, protected_resource.server.admin, protected_resource.verifier
    )


def _issuers_of(
    connector: "Connector", auth: ResourceServer | EmbeddedIssuer | None
) -> "tuple[AuthorizationServer | None, ResourceServer | None]":
    """Return the connector's own authorization server, if it has one, and the settings for access tokens."""
    if not isinstance(auth, EmbeddedIssuer):
        return None, auth
    from intarsia.server.auth.authorization_server.server import AuthorizationServer  # noqa: PLC0415  # loaded only when it is used

    sign_in = AuthorizationServer(connector, auth)
    return sign_in, sign_in.resource_server


def _app_of(server: MCPServer[Any], auth: ResourceServer | None) -> Starlette:
    """Return the stateless application of an existing server, with the routes that it has beside `/mcp`."""
    if auth and server.settings.auth:
        message = f"The server {server.name!r} has its own `auth`. Pass it to the server or to the connector, not both."
        raise SettingError(message)
    return server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        max_request_body_size=MAX_BYTES,
        transport_security=_NO_SECOND_CHECK,
    )


def _with_checks(route: BaseRoute) -> BaseRoute:
    """Check messages before the SDK does, but after the server's own authentication."""
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
    protected_resource: ProtectedResource | None = None,
    pages: "AuthorizationServer | IssuerAdmins | None" = None,
    views: ViewPolling | None = None,
) -> Starlette:
    """Build the ASGI application of any MCP server: at `/mcp`, in both protocol versions, stateless, with limits.

    Args:
        server: The MCP server.
        running: Makes a context manager that is entered before the first request and left after the last one.
        hosts: The allowed host names, without port; by default this machine's.
        origins: The origins from which browsers may call; by default those of the allowed hosts.
        routes: More routes to serve beside `/mcp`, behind the same limits.
        protected_resource: Requires a token on every route.
        pages: The pages for users beside the server: to sign in, or to turn tools off.
        views: Handles the long polls of open Views. Such a server has no lifespan of its own.

    Raises:
        SettingError: A host or an origin is malformed.
    """
    manager, quick = _manager(server), _manager(server, json_response=True) if views else None

    @asynccontextmanager
    async def served() -> AsyncGenerator[None]:
        async with running(), manager.run(), quick.run() if quick else nullcontext():
            yield

    app: ASGIApp = StreamableHTTPASGIApp(manager)
    if views and quick:
        app = ViewPollingMiddleware(app, StreamableHTTPASGIApp(quick), views)
    all_routes = [Route(PATH, endpoint=_Endpoint(app)), *routes]
    return _with_limits(
        all_routes, [], running=served, hosts=hosts, origins=origins, protected_resource=protected_resource, pages=pages
    )


def _manager(server: Server[Any], *, json_response: bool = False) -> StreamableHTTPSessionManager:
    """Build the SDK's session manager. JSON responses are cheaper than streams of one message."""
    return StreamableHTTPSessionManager(
        server,
        json_response=json_response,
        stateless=True,
        security_settings=_NO_SECOND_CHECK,
        max_request_body_size=MAX_BYTES,
    )


def _with_limits(
    routes: list[BaseRoute],
    middleware: list[Middleware],
    *,
    running: Callable[[], AbstractAsyncContextManager[object]],
    hosts: tuple[str, ...] | None,
    origins: tuple[str, ...] | None,
    protected_resource: ProtectedResource | None,
    pages: "AuthorizationServer | IssuerAdmins | None",
) -> Starlette:
    allowed, sites = checked_hosts(hosts or LOCAL_HOSTS), checked_origins(origins or ())
    forms = pages.form_paths if pages else frozenset[str]()
    if sites and pages:  # its forms are sent from its own pages
        sites = (*sites, origin_of(pages.settings.public_url))
    outer = [Middleware(RequestLimits, hosts=allowed, origins=sites, forms=forms)]
    if pages:
        outer.append(Middleware(pages.wrap))
    if protected_resource:
        outer.append(protected_resource.middleware)
        routes = [*routes, *protected_resource.routes]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with (
            pages.running() if pages else nullcontext(),
            protected_resource.running() if protected_resource else nullcontext(),
            running(),
        ):
            yield

    return Starlette(routes=routes, middleware=[*outer, *middleware], lifespan=lifespan)
