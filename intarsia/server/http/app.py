"""The ASGI application: one `/mcp` for both protocol versions, stateless, behind the request limits."""

from collections.abc import AsyncGenerator, Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlsplit

from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from intarsia.errors import SettingError
from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer
from intarsia.server.auth.resource_server.middleware import ProtectedResource, protect
from intarsia.server.auth.resource_server.settings import ResourceServer
from intarsia.server.catalog import Catalog
from intarsia.server.http.body_limits import BodyBudget, BodyLimits
from intarsia.server.http.call_limits import CallLimits
from intarsia.server.http.known_hosts import KnownHosts
from intarsia.server.http.limits import Limits
from intarsia.server.http.request_limits import (
    LOCAL_HOSTS,
    MAX_BYTES,
    RequestLimits,
    RequestRejectedError,
    checked_hosts,
    checked_origins,
    refuse,
)
from intarsia.server.mcp_server.server import Surface, build_server
from intarsia.server.mcp_server.view_polling import ViewPolling, ViewPollingMiddleware
from intarsia.server.pages.browsers import BrowserSettings
from intarsia.server.pages.templates import BASE_PATH
from intarsia.server.wire.strict_json import JSON, BodyError, check_message
from intarsia.server.wire.urls import origin_of, route_path

PATH = "/mcp"
"""The path of the MCP endpoint."""

# `RequestLimits` has checked host, origin and size already, for this and every other route.
_NO_SECOND_CHECK = TransportSecuritySettings(enable_dns_rebinding_protection=False)


class BesidePages(Protocol):
    """The pages for users beside `/mcp`: to sign in, or to turn tools off."""

    @property
    def settings(self) -> BrowserSettings:
        """The URL where browsers find the pages, and how long sessions last."""
        ...

    @property
    def routes(self) -> Sequence[Route]:
        """The routes of the pages."""
        ...

    @property
    def form_paths(self) -> AbstractSet[str]:
        """The paths that accept forms and nothing else."""
        ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """Keep open what the pages need while the block runs."""
        ...


class RoutesMiddleware:
    """ASGI middleware that serves its own routes, and passes all other requests to the application.

    It reads the bodies of its own requests, and of no others.

    Args:
        app: The application that handles the other paths.
        routes: The routes to serve.
        public_url: The URL where browsers find the pages. Links between pages stay below its path.
        forms: The paths that take an HTML form instead of JSON.
        budget: Counts the bodies.
    """

    def __init__(
        self, app: ASGIApp, routes: Sequence[Route], public_url: str, *, forms: frozenset[str], budget: BodyBudget
    ) -> None:
        self._app = app
        self._base_path = urlsplit(public_url).path
        self._router = BodyLimits(ExceptionMiddleware(Router(routes)), budget=budget, forms=forms)
        self._paths = frozenset(route.path for route in routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass it on."""
        if scope["type"] != "http" or route_path(scope) not in self._paths:
            await self._app(scope, receive, send)
            return
        before = BASE_PATH.set(self._base_path)
        try:
            await self._router(scope, receive, send)
        finally:
            BASE_PATH.reset(before)


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
    catalog: Catalog,
    *,
    server: MCPServer[Any] | None = None,
    hosts: tuple[str, ...] | None = None,
    origins: tuple[str, ...] | None = None,
    routes: tuple[BaseRoute, ...] = (),
    auth: ResourceServer | EmbeddedIssuer | None = None,
    limits: Limits | None = None,
) -> Starlette:
    """Build the ASGI application of a connector.

    Args:
        catalog: The catalog of the connector to serve.
        server: The author's own server, if the connector was added to one.
        hosts: The allowed host names, without port; by default this machine's, and with `auth` also the one of the
            public address.
        origins: The origins from which browsers may call; by default those of the allowed hosts.
        routes: More routes to serve beside `/mcp`, behind the same limits.
        auth: The issuers whose tokens are accepted, or the settings of the connector's own sign-in. Without it, the
            connector requires no sign-in.
        limits: How much one person, one address and all callers together may use at once.
    """
    pages, trusted = pages_and_issuers(catalog, auth)
    protected_resource = protect(catalog, trusted) if trusted else None
    pages = pages or _admins_of(catalog, protected_resource)
    names = hosts or (*LOCAL_HOSTS, *((trusted.host,) if trusted else ()))
    if server:
        app = _app_of(server, trusted)
        inner = list(app.user_middleware)
        bounds = limits or Limits()
        served = [*(_with_checks(route, bounds) for route in app.routes), *routes]
        lifespan = partial(app.router.lifespan_context, app)
        return _with_limits(
            served,
            inner,
            running=lifespan,
            hosts=names,
            origins=origins,
            protected_resource=protected_resource,
            pages=pages,
            limits=bounds,
            signs_in=server.settings.auth is not None,
        )
    surface = Surface(catalog, signs_in=trusted is not None)
    return mount(
        build_server(catalog, surface), running=catalog.running, hosts=names, origins=origins, routes=routes,
        protected_resource=protected_resource, pages=pages, views=surface, limits=limits,
    )  # fmt: skip


def _admins_of(catalog: Catalog, protected_resource: ProtectedResource | None) -> BesidePages | None:
    """Return the admin pages with sign-in at another issuer, if they are configured."""
    if protected_resource is None or protected_resource.server.admin is None:
        return None
    from intarsia.server.admin.issuer_sign_in import IssuerAdmins  # noqa: PLC0415  # loaded only when it is used

    return IssuerAdmins(
        catalog, protected_resource.server, protected_resource.server.admin, protected_resource.verifier
    )


def pages_and_issuers(
    catalog: Catalog, auth: ResourceServer | EmbeddedIssuer | None
) -> tuple[BesidePages | None, ResourceServer | None]:
    """Return the pages of the connector's own authorization server, if it has one, and whose tokens are accepted."""
    if not isinstance(auth, EmbeddedIssuer):
        return None, auth
    # Loaded only when it is used: its pages, and the library that hashes passwords.
    from intarsia.server.admin.account_sign_in import AccountAdmins  # noqa: PLC0415
    from intarsia.server.admin.routes import FORM_PATHS, admin_routes  # noqa: PLC0415
    from intarsia.server.auth.authorization_server.server import AuthorizationServer  # noqa: PLC0415

    sign_in = AuthorizationServer(catalog, auth)
    admins = AccountAdmins(catalog.name, sign_in.services, sign_in.login_page)
    sign_in.add_pages(admin_routes(catalog, admins, sign_in.services), FORM_PATHS)
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


def _with_checks(route: BaseRoute, limits: Limits) -> BaseRoute:
    """Check messages and limit calls before the SDK handles them, but after the server's own authentication."""
    if not isinstance(route, Route) or route.path != PATH:
        return route
    if isinstance(route.app, RequireAuthMiddleware):
        route.app.app = CallLimits(_Endpoint(route.app.app), limits=limits)
        return route
    return Route(PATH, endpoint=_Endpoint(route.app))


def mount(  # noqa: PLR0913  # each is a setting of its own
    server: Server[Any],
    *,
    running: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
    hosts: tuple[str, ...] | None = None,
    origins: tuple[str, ...] | None = None,
    routes: tuple[BaseRoute, ...] = (),
    protected_resource: ProtectedResource | None = None,
    pages: BesidePages | None = None,
    views: ViewPolling | None = None,
    limits: Limits | None = None,
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
        limits: How much one person, one address and all callers together may use at once.

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
        all_routes, [], running=served, hosts=hosts, origins=origins, protected_resource=protected_resource,
        pages=pages, limits=limits,
    )  # fmt: skip


def _manager(server: Server[Any], *, json_response: bool = False) -> StreamableHTTPSessionManager:
    """Build the SDK's session manager. JSON responses are cheaper than streams of one message."""
    return StreamableHTTPSessionManager(
        server,
        json_response=json_response,
        stateless=True,
        security_settings=_NO_SECOND_CHECK,
        max_request_body_size=MAX_BYTES,
    )


def _with_limits(  # noqa: PLR0913  # each is a setting of its own
    routes: list[BaseRoute],
    middleware: list[Middleware],
    *,
    running: Callable[[], AbstractAsyncContextManager[object]],
    hosts: tuple[str, ...] | None,
    origins: tuple[str, ...] | None,
    protected_resource: ProtectedResource | None,
    pages: BesidePages | None,
    limits: Limits | None,
    signs_in: bool = False,
) -> Starlette:
    """Put the limits in front of routes. With `signs_in`, the routes know their callers, and limit their calls."""
    bounds, budget = limits or Limits(), BodyBudget()
    allowed, sites = checked_hosts(hosts or LOCAL_HOSTS), checked_origins(origins or ())
    forms = frozenset(pages.form_paths if pages else ())
    if sites and pages:  # the forms of the pages have the origin of the public URL
        sites = (*sites, origin_of(pages.settings.public_url))
    outer = [
        Middleware(KnownHosts, ranges=bounds.known_ranges),
        Middleware(RequestLimits, hosts=allowed, origins=sites, forms=forms),
    ]
    if pages:
        public_url = pages.settings.public_url
        outer.append(
            Middleware(RoutesMiddleware, routes=pages.routes, public_url=public_url, forms=forms, budget=budget)
        )
    # The token before the body, and the turn before whatever costs more than parsing.
    if protected_resource:
        outer.append(protected_resource.middleware)
    outer.append(Middleware(BodyLimits, budget=budget))
    if not signs_in:
        outer.append(Middleware(CallLimits, limits=bounds))
    if protected_resource:
        outer.append(protected_resource.scope_check)
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
