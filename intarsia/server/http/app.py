"""The web application: one `/mcp`, both eras of the protocol, stateless, behind the gate."""

from collections.abc import AsyncGenerator, Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Any, Protocol

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
from intarsia.server.auth.resource_server.middleware import Protection, protection_of
from intarsia.server.auth.resource_server.settings import ResourceServer
from intarsia.server.catalog import Catalog
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
from intarsia.server.wire.strict_json import JSON, BodyError, check_message

PATH = "/mcp"
"""Where the server is."""

# The gate has checked host, origin and size already, for this and every other route.
_CHECKED_BY_GATE = TransportSecuritySettings(enable_dns_rebinding_protection=False)


class BesidePages(Protocol):
    """What stands beside `/mcp` for people: where they get a token, or where admins turn tools off."""

    @property
    def settings(self) -> BrowserSettings:
        """Where browsers find it."""
        ...

    @property
    def routes(self) -> Sequence[Route]:
        """The pages."""
        ...

    @property
    def form_paths(self) -> AbstractSet[str]:
        """Where forms are sent, and nothing else."""
        ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """Keep what the pages need open while the block runs."""
        ...


class Beside:
    """ASGI middleware that answers on its own paths, and leaves all others to the application.

    Args:
        app: What has the other paths.
        routes: What it answers.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[Route]) -> None:
        self._app = app
        self._own = ExceptionMiddleware(Router(routes))
        self._paths = frozenset(route.path for route in routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        is_own = scope["type"] == "http" and scope["path"] in self._paths
        await (self._own if is_own else self._app)(scope, receive, send)


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
            await refuse(send, RequestRejectedError.of_body(error))
            return
        await self._app(scope, receive, send)


def build_app(
    catalog: Catalog,
    *,
    server: MCPServer[Any] | None = None,
    hosts: tuple[str, ...] | None = None,
    origins: tuple[str, ...] | None = None,
    routes: tuple[BaseRoute, ...] = (),
    auth: ResourceServer | EmbeddedIssuer | None = None,
) -> Starlette:
    """Make the ASGI application of a connector.

    Args:
        catalog: What is served.
        server: The author's own server, if the connector was added to one.
        hosts: Host names that requests may name, without port; by default this machine's own, and with `auth` that
            of the public address.
        origins: Origins that browsers may call from; by default pages of those hosts.
        routes: More routes to serve beside `/mcp`, behind the same gate.
        auth: Whose tokens are taken, or where people sign in at the connector itself. Without it nobody signs in.
    """
    pages, trusted = pages_and_issuers(catalog, auth)
    protection = protection_of(catalog, trusted) if trusted else None
    pages = pages or _admins_of(catalog, protection)
    names = hosts or (*LOCAL_HOSTS, *((trusted.host,) if trusted else ()))
    if server:
        app = _app_of(server, trusted)
        inner = list(app.user_middleware)
        served = [*(_checking(route) for route in app.routes), *routes]
        lifespan = partial(app.router.lifespan_context, app)
        return _behind_gate(
            served, inner, running=lifespan, hosts=names, origins=origins, protection=protection, pages=pages
        )
    surface = Surface(catalog, signs_in=trusted is not None)
    return mount(
        build_server(catalog, surface), running=catalog.running, hosts=names, origins=origins, routes=routes,
        protection=protection, pages=pages, views=surface,
    )  # fmt: skip


def _admins_of(catalog: Catalog, protection: Protection | None) -> BesidePages | None:
    """Return the pages of admins who sign in elsewhere, if they are asked for."""
    if protection is None or protection.server.admin is None:
        return None
    from intarsia.server.admin.issuer_sign_in import IssuerAdmins  # noqa: PLC0415  # its pages are for who asks for them

    return IssuerAdmins(catalog, protection.server, protection.server.admin, protection.verifier)


def pages_and_issuers(
    catalog: Catalog, auth: ResourceServer | EmbeddedIssuer | None
) -> tuple[BesidePages | None, ResourceServer | None]:
    """Return the pages of the issuer that is part of the server, if it is asked for, and whose tokens are taken."""
    if not isinstance(auth, EmbeddedIssuer):
        return None, auth
    # Its pages and hashes are for who asks for them.
    from intarsia.server.admin.account_sign_in import AccountAdmins  # noqa: PLC0415
    from intarsia.server.admin.routes import FORM_PATHS, admin_routes  # noqa: PLC0415
    from intarsia.server.auth.authorization_server.server import AuthorizationServer  # noqa: PLC0415

    sign_in = AuthorizationServer(catalog, auth)
    admins = AccountAdmins(catalog.name, sign_in.services, sign_in.login_page)
    sign_in.add_pages(admin_routes(catalog, admins, sign_in.services), FORM_PATHS)
    return sign_in, sign_in.resource_server


def _app_of(server: MCPServer[Any], auth: ResourceServer | None) -> Starlette:
    """Return the author's own application, with what they put beside `/mcp`, stateless."""
    if auth and server.settings.auth:
        message = f"The server {server.name!r} asks for tokens by itself; give `auth` to it or to the connector."
        raise SettingError(message)
    return server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        max_request_body_size=MAX_BYTES,
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
    pages: BesidePages | None = None,
    views: ViewPolling | None = None,
) -> Starlette:
    """Make the ASGI application of any MCP server: at `/mcp`, in both eras, stateless, behind the gate.

    Args:
        server: What answers.
        running: Makes a context that is entered before the first request and left after the last.
        hosts: Host names that requests may name, without port; by default this machine's own.
        origins: Origins that browsers may call from; by default pages of those hosts.
        routes: More routes to serve beside `/mcp`, behind the same gate.
        protection: Asks everybody for a token, on every route.
        pages: What stands beside the server for people: where they get a token, or where admins turn tools off.
        views: Answers the calls of open Views, if there are any. Such a server has no lifespan of its own.

    Raises:
        SettingError: A host or an origin is not of its form.
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
    return _behind_gate(
        all_routes, [], running=served, hosts=hosts, origins=origins, protection=protection, pages=pages
    )


def _manager(server: Server[Any], *, json_response: bool = False) -> StreamableHTTPSessionManager:
    """Make what answers messages: in streams where they are asked for, or each at once, which costs less."""
    return StreamableHTTPSessionManager(
        server,
        json_response=json_response,
        stateless=True,
        security_settings=_CHECKED_BY_GATE,
        max_request_body_size=MAX_BYTES,
    )


def _behind_gate(
    routes: list[BaseRoute],
    middleware: list[Middleware],
    *,
    running: Callable[[], AbstractAsyncContextManager[object]],
    hosts: tuple[str, ...] | None,
    origins: tuple[str, ...] | None,
    protection: Protection | None,
    pages: BesidePages | None,
) -> Starlette:
    allowed, sites = checked_hosts(hosts or LOCAL_HOSTS), checked_origins(origins or ())
    forms = frozenset(pages.form_paths if pages else ())
    if sites and pages:  # its own forms come from its own pages
        sites = (*sites, pages.settings.public_url)
    outer = [Middleware(RequestLimits, hosts=allowed, origins=sites, forms=forms)]
    if pages:
        outer.append(Middleware(Beside, routes=pages.routes))
    if protection:
        outer.append(protection.middleware)
        routes = [*routes, *protection.routes]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with (
            pages.running() if pages else nullcontext(),
            protection.running() if protection else nullcontext(),
            running(),
        ):
            yield

    return Starlette(routes=routes, middleware=[*outer, *middleware], lifespan=lifespan)
