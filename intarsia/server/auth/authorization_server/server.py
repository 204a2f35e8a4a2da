"""Puts the authorization server together, and serves it beside `/mcp`."""

from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from intarsia.server.auth.authorization_server.accounts.settings import AUTHORIZATION_SERVER, EmbeddedIssuer
from intarsia.server.auth.authorization_server.oauth.grants import OFFLINE_ACCESS
from intarsia.server.auth.authorization_server.oauth.registration import Registration
from intarsia.server.auth.authorization_server.oauth.scope_descriptions import check_scope_descriptions
from intarsia.server.auth.authorization_server.oauth.services import AuthServices
from intarsia.server.auth.authorization_server.oauth.token_endpoint import TokenEndpoints
from intarsia.server.auth.authorization_server.pages.connected_apps_page import ConnectedAppsPage
from intarsia.server.auth.authorization_server.pages.consent_page import ConsentPage
from intarsia.server.auth.authorization_server.pages.login_page import LoginPage
from intarsia.server.auth.resource_server.settings import Issuer, ResourceServer
from intarsia.server.catalog import Catalog
from intarsia.server.pages.templates import STYLE_PATH, serve_style

Handler = Callable[[Request], Awaitable[Response]]

FORM_PATHS = frozenset({"/sign-in", "/sign-out", "/consent", "/apps", "/token", "/revoke"})
"""The paths that accept form-encoded bodies and nothing else."""

_METHODS = ["none", "client_secret_post", "client_secret_basic"]


class AuthorizationServer:
    """The authorization server of one connector.

    Args:
        catalog: The catalog that users grant access to.
        settings: The public URL, the file with the accounts, and lifetimes.

    Raises:
        SettingError: `scope_descriptions` has a scope that no tool requires, or the password library is missing.
    """

    def __init__(self, catalog: Catalog, settings: EmbeddedIssuer) -> None:
        check_scope_descriptions(catalog.scope_descriptions, catalog.scopes)
        self.settings = settings
        self.services = AuthServices.create(settings, shared_store=catalog.store.is_shared)
        self.login_page = LoginPage(catalog.name, self.services)
        self._catalog = catalog
        self.routes = self._make_routes()
        self.form_paths = FORM_PATHS

    @property
    def resource_server(self) -> ResourceServer:
        """The settings that make the connector accept the tokens that are issued here, by local introspection."""
        issuer = Issuer(self.settings.public_url, local_introspection=self.services.grants)
        return ResourceServer(self.settings.resource, [issuer])

    def add_pages(self, routes: Sequence[Route], form_paths: AbstractSet[str]) -> None:
        """Add pages for users who sign in here.

        Args:
            routes: The routes of the pages.
            form_paths: The paths of their forms, which accept forms and nothing else.
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
        # Without the issuer's path for proxies that leave it off.
        metadata_paths = dict.fromkeys((self.settings.metadata_path, AUTHORIZATION_SERVER))
        return [
            Route("/authorize", consent.authorize, methods=["GET"]),
            Route("/consent", consent.decide, methods=["POST"]),
            Route("/sign-in", self.login_page.sign_in, methods=["POST"]),
            Route("/sign-out", self.login_page.sign_out, methods=["POST"]),
            Route("/apps", apps.show, methods=["GET"]),
            Route("/apps", apps.revoke, methods=["POST"]),
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
            "scopes_supported": [*sorted(self._catalog.scopes), OFFLINE_ACCESS],
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
