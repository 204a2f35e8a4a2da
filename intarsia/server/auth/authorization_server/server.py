"""Puts the authorization server together, and serves it beside `/mcp`."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from intarsia.server.admin.account_sign_in import AccountAdmins
from intarsia.server.admin.routes import FORM_PATHS, admin_routes
from intarsia.server.audit.log import AuditLog
from intarsia.server.auth.authorization_server.accounts.accounts import Accounts
from intarsia.server.auth.authorization_server.clients.client_metadata import ClientMetadataReader
from intarsia.server.auth.authorization_server.clients.clients import Clients
from intarsia.server.auth.authorization_server.grants import OFFLINE_ACCESS, GrantStore
from intarsia.server.auth.authorization_server.pages.connected_apps_page import ConnectedAppsPage
from intarsia.server.auth.authorization_server.pages.consent_page import ConsentPage
from intarsia.server.auth.authorization_server.pages.login_page import LoginPage
from intarsia.server.auth.authorization_server.registration import Registration
from intarsia.server.auth.authorization_server.scope_descriptions import check_scope_descriptions
from intarsia.server.auth.authorization_server.settings import AUTHORIZATION_SERVER, EmbeddedIssuer
from intarsia.server.auth.authorization_server.tables import TABLES
from intarsia.server.auth.authorization_server.token_endpoint import TokenEndpoints
from intarsia.server.auth.resource_server.settings import Issuer, ResourceServer
from intarsia.server.http.request_limits import route_path
from intarsia.server.pages.browser_sessions import Sessions
from intarsia.server.pages.templates import BASE_PATH, STYLE_PATH, serve_style
from intarsia.server.storage.store import Store

if TYPE_CHECKING:
    from intarsia.server.connector import Connector

Handler = Callable[[Request], Awaitable[Response]]

_METHODS = ["none", "client_secret_post", "client_secret_basic"]


class AuthorizationServer:
    """The authorization server of one connector.

    Args:
        connector: The connector that users grant access to.
        settings: The public URL, the file with the accounts, and lifetimes.

    Raises:
        SettingError: `scope_descriptions` has a scope that no tool requires, or the password library is missing.
    """

    def __init__(self, connector: "Connector", settings: EmbeddedIssuer) -> None:
        check_scope_descriptions(connector.scope_descriptions, connector.scopes)
        self.settings = settings
        self.store = Store(settings.path, TABLES)
        self.audit = AuditLog(self.store)
        self.accounts = Accounts(self.store)
        # Without HTTPS the server is for development on this machine, where apps may run on loopback addresses.
        self.clients = Clients(self.store, ClientMetadataReader(allow_loopback=not settings.is_https))
        self.sessions = Sessions(self.store, settings)
        self.grants = GrantStore(self.store, settings)
        self.login_page = LoginPage(connector.name, self.accounts, self.sessions, self.audit)
        self._connector = connector
        self._routes = self._make_routes()

    @property
    def resource_server(self) -> ResourceServer:
        """The settings that make the connector accept the tokens that are issued here, by local introspection."""
        issuer = Issuer(self.settings.public_url, local_introspection=self.grants)
        return ResourceServer(self.settings.resource, [issuer])

    @property
    def form_paths(self) -> frozenset[str]:
        """The paths that accept form-encoded bodies and nothing else."""
        return FORM_PATHS | {"/sign-in", "/sign-out", "/consent", "/apps", "/token", "/revoke"}

    @property
    def paths(self) -> frozenset[str]:
        """All paths that the authorization server handles."""
        return frozenset(route.path for route in self._routes)

    def wrap(self, app: ASGIApp) -> "RoutesMiddleware":
        """Put the pages and endpoints in front of an application that requires tokens."""
        return RoutesMiddleware(app, self._routes, self.settings.public_url)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Open the store while the block runs."""
        async with self.store.open():
            await self.grants.prune()
            await self.sessions.prune()
            try:
                yield
            finally:
                await self.clients.stop()

    def _make_routes(self) -> list[Route]:
        consent, apps = ConsentPage(self._connector, self), ConnectedAppsPage(self._connector, self)
        endpoints, registration = TokenEndpoints(self), Registration(self.clients)
        # Without the issuer's path for proxies that leave it off.
        metadata_paths = dict.fromkeys((self.settings.metadata_path, AUTHORIZATION_SERVER))
        return [
            Route("/authorize", consent.authorize, methods=["GET"]),
            Route("/consent", consent.decide, methods=["POST"]),
            Route("/sign-in", self.login_page.sign_in, methods=["POST"]),
            Route("/sign-out", self.login_page.sign_out, methods=["POST"]),
            Route("/apps", apps.show, methods=["GET"]),
            Route("/apps", apps.revoke, methods=["POST"]),
            *admin_routes(self._connector, AccountAdmins(self._connector.name, self), self),
            Route(STYLE_PATH, serve_style, methods=["GET"]),
            *(_cors_route(path, self._metadata, "GET") for path in metadata_paths),
            _cors_route("/token", endpoints.token, "POST"),
            _cors_route("/revoke", endpoints.revoke, "POST"),
            _cors_route("/register", registration.register, "POST"),
        ]

    async def _metadata(self, _request: Request) -> Response:
        """Return the authorization server metadata (RFC 8414, section 2)."""
        issuer = self.settings.public_url
        metadata: dict[str, Any] = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "registration_endpoint": f"{issuer}/register",
            "revocation_endpoint": f"{issuer}/revoke",
            "scopes_supported": [*sorted(self._connector.scopes), OFFLINE_ACCESS],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": _METHODS,
            "revocation_endpoint_auth_methods_supported": _METHODS,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "client_id_metadata_document_supported": True,
        }
        return JSONResponse(metadata, headers={"Cache-Control": "no-cache"})


class RoutesMiddleware:
    """ASGI middleware that serves routes of its own, and passes all other requests on.

    Args:
        app: The application that handles the other paths.
        routes: The routes to serve.
        public_url: The URL where browsers find the pages. Links between pages stay below its path.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[Route], public_url: str) -> None:
        self._app = app
        self._base_path = urlsplit(public_url).path
        self._router = ExceptionMiddleware(Router(routes))
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


def _cors_route(path: str, handler: Handler, method: str) -> Route:
    """Return a route that web apps may call. Credentials are not allowed, so no cookie is sent along.

    Requests from unknown origins never get here: the request limits reject them.
    """
    plain = Route(path, handler, methods=[method])
    endpoint = CORSMiddleware(
        plain.app,
        allow_origins=["*"],
        allow_methods=[method],
        allow_headers=["Authorization", "Content-Type", "MCP-Protocol-Version"],
    )
    return Route(path, endpoint=endpoint, methods=[method, "OPTIONS"])
