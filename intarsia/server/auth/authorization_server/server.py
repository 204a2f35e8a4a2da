"""Puts the authorization server together, and stands it beside `/mcp`."""

from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer
from intarsia.server.auth.authorization_server.oauth.grants import OFFLINE
from intarsia.server.auth.authorization_server.oauth.registration import Registration
from intarsia.server.auth.authorization_server.oauth.scope_descriptions import check_meanings
from intarsia.server.auth.authorization_server.oauth.services import AuthServices
from intarsia.server.auth.authorization_server.oauth.token_endpoint import TokenEndpoints
from intarsia.server.auth.authorization_server.pages.connected_apps_page import ConnectedAppsPage
from intarsia.server.auth.authorization_server.pages.consent_page import ConsentPage
from intarsia.server.auth.authorization_server.pages.login_page import LoginPage
from intarsia.server.auth.resource_server.settings import Issuer, ResourceServer
from intarsia.server.catalog import Catalog
from intarsia.server.pages.templates import STYLE_PATH, show_style

Handler = Callable[[Request], Awaitable[Response]]

FORM_PATHS = frozenset({"/sign-in", "/sign-out", "/consent", "/apps", "/token", "/revoke"})
"""Where forms are sent, and nothing else."""

WELL_KNOWN = "/.well-known/oauth-authorization-server"
_METHODS = ["none", "client_secret_post", "client_secret_basic"]


class AuthorizationServer:
    """The authorization server of one connector.

    Args:
        catalog: What people grant access to.
        settings: Where it is, and where accounts are.

    Raises:
        SettingError: A scope is explained that nobody asks for, or the library for passwords is missing.
    """

    def __init__(self, catalog: Catalog, settings: EmbeddedIssuer) -> None:
        check_meanings(catalog.scope_meanings, catalog.scopes)
        self.settings = settings
        self.services = AuthServices.of(settings)
        self.login_page = LoginPage(catalog.name, self.services.accounts, self.services.sessions, self.services.audit)
        self._catalog = catalog
        self.routes = self._make_routes()
        self.form_paths = FORM_PATHS

    @property
    def resource_server(self) -> ResourceServer:
        """What makes the connector take the tokens that are issued here: each is looked up, in this process."""
        issuer = Issuer(self.settings.public_url, vouches=self.services.grants)
        return ResourceServer(self.settings.resource, [issuer])

    def add_pages(self, routes: Sequence[Route], form_paths: AbstractSet[str]) -> None:
        """Answer more pages for those who sign in here.

        Args:
            routes: The pages.
            form_paths: Where their forms are sent, and nothing else.
        """
        self.routes = [*self.routes, *routes]
        self.form_paths = self.form_paths | form_paths

    def running(self) -> AbstractAsyncContextManager[None]:
        """Open the store while the block runs."""
        return self.services.running()

    def _make_routes(self) -> list[Route]:
        consent = ConsentPage(self._catalog, self.services, self.login_page)
        apps = ConnectedAppsPage(self._catalog, self.services, self.login_page)
        endpoints, registration = TokenEndpoints(self.services), Registration(self.services.clients)
        return [
            Route("/authorize", consent.authorize, methods=["GET"]),
            Route("/consent", consent.decide, methods=["POST"]),
            Route("/sign-in", self.login_page.sign_in, methods=["POST"]),
            Route("/sign-out", self.login_page.sign_out, methods=["POST"]),
            Route("/apps", apps.show, methods=["GET"]),
            Route("/apps", apps.withdraw, methods=["POST"]),
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
            "scopes_supported": [*sorted(self._catalog.scopes), OFFLINE],
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
