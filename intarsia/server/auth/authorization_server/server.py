"""Puts the authorization server together, and stands it beside `/mcp`."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

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
from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer
from intarsia.server.auth.authorization_server.accounts.tables import TABLES
from intarsia.server.auth.authorization_server.clients.client_metadata import ClientMetadataReader
from intarsia.server.auth.authorization_server.clients.clients import Clients
from intarsia.server.auth.authorization_server.oauth.grants import OFFLINE, GrantStore
from intarsia.server.auth.authorization_server.oauth.registration import Registration
from intarsia.server.auth.authorization_server.oauth.scope_descriptions import check_meanings
from intarsia.server.auth.authorization_server.oauth.token_endpoint import TokenEndpoints
from intarsia.server.auth.authorization_server.pages.connected_apps_page import ConnectedAppsPage
from intarsia.server.auth.authorization_server.pages.consent_page import ConsentPage
from intarsia.server.auth.authorization_server.pages.login_page import LoginPage
from intarsia.server.auth.resource_server.settings import Issuer, ResourceServer
from intarsia.server.pages.browser_sessions import Sessions
from intarsia.server.pages.templates import STYLE_PATH, show_style
from intarsia.server.storage.store import Store

if TYPE_CHECKING:
    from intarsia.server.connector import Connector

Handler = Callable[[Request], Awaitable[Response]]

WELL_KNOWN = "/.well-known/oauth-authorization-server"
_METHODS = ["none", "client_secret_post", "client_secret_basic"]


class AuthorizationServer:
    """The authorization server of one connector.

    Args:
        connector: What people grant access to.
        settings: Where it is, and where accounts are.

    Raises:
        SettingError: A scope is explained that nobody asks for, or the library for passwords is missing.
    """

    def __init__(self, connector: "Connector", settings: EmbeddedIssuer) -> None:
        check_meanings(connector.scope_meanings, connector.scopes)
        self.settings = settings
        self.store = Store(settings.path, TABLES)
        self.audit = AuditLog(self.store)
        self.accounts = Accounts(self.store)
        # A server on this machine alone is for development: apps may be there too.
        self.clients = Clients(self.store, ClientMetadataReader(allow_loopback=not settings.is_https))
        self.sessions = Sessions(self.store, settings)
        self.ledger = GrantStore(self.store, settings)
        self.entrance = LoginPage(connector.name, self.accounts, self.sessions, self.audit)
        self._connector = connector
        self._routes = self._make_routes()

    @property
    def resource_server(self) -> ResourceServer:
        """What makes the connector take the tokens that are issued here: each is looked up, in this process."""
        issuer = Issuer(self.settings.public_url, vouches=self.ledger)
        return ResourceServer(self.settings.resource, [issuer])

    @property
    def form_paths(self) -> frozenset[str]:
        """Where forms are sent, and nothing else."""
        return FORM_PATHS | {"/sign-in", "/sign-out", "/consent", "/apps", "/token", "/revoke"}

    @property
    def paths(self) -> frozenset[str]:
        """Every path that is answered beside the connector."""
        return frozenset(route.path for route in self._routes)

    def beside(self, app: ASGIApp) -> "Beside":
        """Put the pages and endpoints in front of an application that asks for tokens."""
        return Beside(app, self._routes)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Open the store while the block runs."""
        async with self.store.open():
            await self.ledger.prune()
            await self.sessions.prune()
            try:
                yield
            finally:
                await self.clients.stop()

    def _make_routes(self) -> list[Route]:
        consent, apps = ConsentPage(self._connector, self), ConnectedAppsPage(self._connector, self)
        endpoints, registration = TokenEndpoints(self), Registration(self.clients)
        return [
            Route("/authorize", consent.authorize, methods=["GET"]),
            Route("/consent", consent.decide, methods=["POST"]),
            Route("/sign-in", self.entrance.sign_in, methods=["POST"]),
            Route("/sign-out", self.entrance.sign_out, methods=["POST"]),
            Route("/apps", apps.show, methods=["GET"]),
            Route("/apps", apps.withdraw, methods=["POST"]),
            *admin_routes(self._connector, AccountAdmins(self._connector.name, self), self),
            Route(STYLE_PATH, show_style, methods=["GET"]),
            _for_programs(WELL_KNOWN, self._show_metadata, "GET"),
            _for_programs("/token", endpoints.token, "POST"),
            _for_programs("/revoke", endpoints.revoke, "POST"),
            _for_programs("/register", registration.register, "POST"),
        ]

    async def _show_metadata(self, _request: Request) -> Response:
        """Answer with what clients have to know (RFC 8414)."""
        own = self.settings.public_url
        metadata: dict[str, Any] = {
            "issuer": own,
            "authorization_endpoint": f"{own}/authorize",
            "token_endpoint": f"{own}/token",
            "registration_endpoint": f"{own}/register",
            "revocation_endpoint": f"{own}/revoke",
            "scopes_supported": [*sorted(self._connector.scopes), OFFLINE],
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


def _for_programs(path: str, handler: Handler, method: str) -> Route:
    """Let pages of the origins that the gate lets in read the answers, as hosts in a browser do; without cookies."""
    plain = Route(path, handler, methods=[method])
    shared = CORSMiddleware(
        plain.app,
        allow_origins=["*"],
        allow_methods=[method],
        allow_headers=["Authorization", "Content-Type", "MCP-Protocol-Version"],
    )
    return Route(path, endpoint=shared, methods=[method, "OPTIONS"])
