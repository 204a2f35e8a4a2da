"""Bearer authentication of MCP requests, behind the request limits: verifies tokens and sends challenges (RFC 6750)."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.authentication import AuthCredentials
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from intarsia.permissions import ALLOWED, Decision, Grant, decide_without_arguments
from intarsia.server.audit.log import AuditEntry
from intarsia.server.auth.resource_server.claims import Bearer
from intarsia.server.auth.resource_server.errors import TokenError
from intarsia.server.auth.resource_server.issuer_http import IssuerError
from intarsia.server.auth.resource_server.settings import PROTECTED_RESOURCE, ResourceServer
from intarsia.server.auth.resource_server.verifier import Verifier
from intarsia.server.catalog import Catalog
from intarsia.server.changes.access_watch import ACCESS_WATCH
from intarsia.server.wire.counted_log import CountedLog
from intarsia.server.wire.messages import ACCESS_TOOL, DRAFT_TOOL, read_call
from intarsia.server.wire.strict_json import INVALID_REQUEST, JSON, object_of
from intarsia.server.wire.urls import route_path

logger = logging.getLogger(__name__)
_LOG = CountedLog(logger, logging.INFO)

WELL_KNOWN = PROTECTED_RESOURCE
RETRY_SECONDS = 5
ACCESS_SECONDS = 0.5
"""How often a waiting call checks its token again. This is cheap, because the verifier caches results."""

SERVICE_UNAVAILABLE = 503

_BEARER_KEY = "intarsia.bearer"
"""The key of the verified caller in the ASGI scope of a request."""

_BEARER = re.compile(r"bearer +(\S.*)", re.IGNORECASE)

AuthorizeCall = Callable[[Grant, str, Mapping[str, Any]], Decision]
"""Decides whether a caller may call a tool, by its name and arguments, as far as its scopes and roles tell."""

RecordDenial = Callable[[Grant, str, Mapping[str, Any], Decision], Awaitable[None]]
"""Records in the audit log that a call was denied."""


@dataclass(frozen=True)
class AuthRefusal:
    """An HTTP response that rejects a request.

    Args:
        status: The HTTP status.
        message: The message of the JSON-RPC error.
        challenge: The value of the `WWW-Authenticate` header; empty for none.
        data: The data of the JSON-RPC error.
    """

    status: int
    message: str
    challenge: str = ""
    data: Mapping[str, Any] | None = None


class ProtectedResource:
    """An OAuth protected resource: the metadata, the verification of tokens and the check of scopes.

    Args:
        server: The accepted issuers, and the requirements for their tokens.
        name: The display name of the connector.
        scopes: Returns all scopes of the connector's tools.
        authorize: Decides whether a caller may call a tool.
        record_denial: Records a denied call.
    """

    def __init__(
        self,
        server: ResourceServer,
        *,
        name: str,
        scopes: Callable[[], frozenset[str]],
        authorize: AuthorizeCall,
        record_denial: RecordDenial,
    ) -> None:
        self.server = server
        self.verifier = Verifier(server)
        self._name = name
        self._scopes = scopes
        self._authorize = authorize
        self._record_denial = record_denial
        parts = urlsplit(server.resource)
        own = server.metadata_path
        self._metadata_address = f"{parts.scheme}://{parts.netloc}{own}"
        # RFC 9728, section 3.1 appends the resource's path. Some clients only try the root, and a proxy may cut it.
        self._paths = dict.fromkeys((own, WELL_KNOWN, f"{WELL_KNOWN}/mcp"))

    @property
    def middleware(self) -> Middleware:
        """The middleware that authenticates requests, to be placed behind the request limits."""
        return Middleware(BearerAuth, resource=self, public=frozenset(self._paths))

    @property
    def scope_check(self) -> Middleware:
        """The middleware that checks the scopes of calls, to be placed behind what reads the body."""
        return Middleware(ScopeCheck, resource=self)

    @property
    def routes(self) -> list[Route]:
        """The protected resource metadata, which name the issuers (RFC 9728)."""
        return [Route(path, self._show_metadata, methods=["GET"]) for path in self._paths]

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep connections to the issuers open while the block runs."""
        async with self.verifier.running():
            yield

    async def _show_metadata(self, _request: Request) -> Response:
        metadata = {
            "resource": self.server.resource,
            "resource_name": self._name,
            "authorization_servers": [issuer.url for issuer in self.server.trusted()],
            "scopes_supported": sorted(self._scopes()),
            "bearer_methods_supported": ["header"],
        }
        return Response(json.dumps(metadata), media_type="application/json", headers={"Cache-Control": "no-cache"})

    async def authenticate(self, scope: Scope) -> Bearer | AuthRefusal:
        """Verify the token of a request, or return the response that rejects it (RFC 6750, section 3.1)."""
        headers = [value for name, value in scope["headers"] if name == b"authorization"]
        # Two headers could be read differently by a proxy in front of this server.
        if len(headers) > 1:
            return AuthRefusal(400, "Send one Authorization header.", self._challenge(error="invalid_request"))
        found = _BEARER.fullmatch(headers[0].decode("latin-1")) if headers else None
        if found is None:
            # Without an error code: no token was sent, so none is invalid (RFC 6750, section 3.1).
            return AuthRefusal(401, "Sign in to use this connector.", self._challenge(scopes=self._scopes()))
        try:
            return await self.verifier.verify(found[1])
        except TokenError as error:
            _LOG.note(f"An access token was rejected: {error}.")
            challenge = self._challenge(error="invalid_token", scopes=self._scopes())
            return AuthRefusal(401, "The access token is invalid or has expired. Sign in again.", challenge)
        except IssuerError:
            # Not a 401: the client would discard a token that may be valid.
            return AuthRefusal(
                SERVICE_UNAVAILABLE, "Your access token cannot be verified right now. Try again in a few seconds."
            )

    def watch_access(self, scope: Scope, bearer: Bearer) -> "TokenAccess":
        """Return an object that notices when the caller's access changes during a request."""
        return TokenAccess(lambda: self.authenticate(scope), bearer)

    async def check_scopes(self, bearer: Bearer, message: object) -> AuthRefusal | None:
        """Return the response that denies a tool call whose token lacks scopes, or `None` if the call may proceed.

        Args:
            bearer: The caller.
            message: The JSON-RPC message of the request.
        """
        call = _called_tool(message)
        grant = bearer.grant
        decision = self._authorize(grant, *call) if call else ALLOWED
        missing = decision.missing_scopes
        if not call or not missing:
            return None
        logger.info("A call of %s was denied: %s is missing.", call[0], " and ".join(sorted(missing)))
        await self._record_denial(grant, *call, decision)
        # The granted scopes too: many clients request exactly the scopes of the challenge, and would lose the others.
        required = (bearer.scopes & self._scopes()) | missing
        challenge = self._challenge(
            error="insufficient_scope", scopes=required, description="The access token lacks required scopes."
        )
        data = {"reason": decision.reason, "missing_scopes": sorted(missing), "how_to_fix": decision.how_to_fix}
        return AuthRefusal(403, decision.reason, challenge, data)

    def _challenge(self, *, error: str = "", scopes: frozenset[str] = frozenset(), description: str = "") -> str:
        parts = {
            "error": error,
            "error_description": description,
            "scope": " ".join(sorted(scopes)),
            "resource_metadata": self._metadata_address,
        }
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items() if value)


def protect(catalog: Catalog, server: ResourceServer) -> ProtectedResource:
    """Return the protected resource of a connector.

    Args:
        catalog: The catalog of the connector.
        server: The accepted issuers, and the requirements for their tokens.
    """

    def authorize(grant: Grant, name: str, arguments: Mapping[str, Any]) -> Decision:
        # Drafts and access requests name the tool that they are for, and need its scopes.
        tool = catalog.offered(str(arguments.get("tool")) if name in (DRAFT_TOOL, ACCESS_TOOL) else name, grant)
        return decide_without_arguments(grant, tool) if tool else ALLOWED

    async def record_denial(grant: Grant, name: str, arguments: Mapping[str, Any], decision: Decision) -> None:
        owner = catalog.owners.get(name)
        if owner is not None:
            catalog.counts.note(name, "refused")
            # The digest covers the same arguments that the call handler reads, so that both entries can be matched.
            digest = owner.audit.digest(name, read_call(arguments, {}, grant).arguments)
            await owner.audit.write_refusal(
                AuditEntry("refusal", grant.person, grant.client, "server", name, digest, f"refused: {decision.reason}")
            )

    return ProtectedResource(
        server, name=catalog.name, scopes=lambda: catalog.scopes, authorize=authorize, record_denial=record_denial
    )


class TokenAccess:
    """The access of the caller of one request, checked again while the request is open.

    Args:
        authenticate: Verifies the token of the request again.
        bearer: The caller, as verified when the request arrived.
    """

    def __init__(self, authenticate: Callable[[], Awaitable[Bearer | AuthRefusal]], bearer: Bearer) -> None:
        self._authenticate = authenticate
        self._grant = bearer.grant

    async def changed(self) -> Grant | None:
        """Wait until the caller's access changes, and return the new grant; `None` if the token is now rejected."""
        while True:
            await asyncio.sleep(ACCESS_SECONDS)
            found = await self._authenticate()
            if isinstance(found, Bearer) and found.grant != self._grant:
                return found.grant
            # An unreachable issuer changes nothing: the token may still be valid.
            if isinstance(found, AuthRefusal) and found.status != SERVICE_UNAVAILABLE:
                return None


class BearerAuth:
    """ASGI middleware that rejects requests without a valid bearer token, except for public paths.

    It looks at the headers only, so that the body of a stranger is never read.

    Args:
        app: The application to protect.
        resource: Verifies tokens and checks scopes.
        public: The paths that need no token.
    """

    def __init__(self, app: ASGIApp, resource: ProtectedResource, public: frozenset[str]) -> None:
        self._app = AuthContextMiddleware(app)
        self._resource = resource
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate one request, and pass it on without its token."""
        # Closed rather than passed on: the WebSocket handshake of a browser cannot carry a token.
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] == "lifespan" or (scope["type"] == "http" and route_path(scope) in self._public):
            await self._app(scope, receive, send)
            return
        bearer = await self._resource.authenticate(scope)
        if isinstance(bearer, AuthRefusal):
            await _refuse(send, bearer, None)
            return
        authenticated = _authenticated(scope, bearer, self._resource.server.resource)
        before = ACCESS_WATCH.set(self._resource.watch_access(scope, bearer))
        try:
            await self._app(authenticated, receive, send)
        finally:
            ACCESS_WATCH.reset(before)


class ScopeCheck:
    """ASGI middleware that rejects calls of tools whose scopes the token lacks.

    Args:
        app: The application to protect.
        resource: Checks scopes.
    """

    def __init__(self, app: ASGIApp, resource: ProtectedResource) -> None:
        self._app = app
        self._resource = resource

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the scopes of one request, and pass it on or reject it."""
        bearer: Bearer | None = scope.get(_BEARER_KEY)
        message = scope.get(JSON)
        refusal = await self._resource.check_scopes(bearer, message) if bearer else None
        if refusal is not None:
            await _refuse(send, refusal, message)
            return
        await self._app(scope, receive, send)


def _authenticated(scope: Scope, bearer: Bearer, resource: str) -> Scope:
    access = AccessToken(
        token="",  # kept in the verifier only, so that no tool function or log can leak it
        client_id=bearer.client,
        scopes=sorted(bearer.scopes),
        expires_at=bearer.expires_at,
        resource=resource,
        subject=bearer.subject,
        claims={**bearer.claims, "iss": bearer.issuer, "roles": sorted(bearer.roles)},
    )
    headers = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
    return {
        **scope,
        "headers": headers,
        "user": AuthenticatedUser(access),
        "auth": AuthCredentials(access.scopes),
        _BEARER_KEY: bearer,
    }


def _called_tool(message: object) -> tuple[str, Mapping[str, Any]] | None:
    """Return the tool that a message calls and its arguments. The body decides, because it is what is executed."""
    fields = object_of(message)
    params = object_of(fields.get("params"))
    name: object = params.get("name")
    if fields.get("method") != "tools/call" or not isinstance(name, str):
        return None
    return name, object_of(params.get("arguments"))


async def _refuse(send: Send, refusal: AuthRefusal, message: object) -> None:
    error: dict[str, Any] = {"code": INVALID_REQUEST, "message": refusal.message}
    if refusal.data:
        error["data"] = dict(refusal.data)
    body = json.dumps({"jsonrpc": "2.0", "id": _id_of(message), "error": error}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers.append((b"cache-control", b"no-store"))
    if refusal.challenge:
        headers.append((b"www-authenticate", refusal.challenge.encode()))
    if refusal.status == SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", str(RETRY_SECONDS).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _id_of(message: object) -> str | int | None:
    found: object = object_of(message).get("id")
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None
