"""Stands behind the gate and asks everybody for a token: who comes without one is told where to get it."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
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
from intarsia.server.auth.resource_server.settings import ResourceServer
from intarsia.server.auth.resource_server.verifier import Verifier
from intarsia.server.catalog import Catalog
from intarsia.server.changes.access_watch import ACCESS_WATCH
from intarsia.server.wire.messages import ACCESS_TOOL, DRAFT_TOOL, read_call
from intarsia.server.wire.strict_json import INVALID_REQUEST, JSON, object_of

logger = logging.getLogger(__name__)

WELL_KNOWN = "/.well-known/oauth-protected-resource"
RETRY_SECONDS = 5
ACCESS_SECONDS = 0.5
"""How often a call that waits asks what its token still says. The verifier remembers answers; this is cheap."""

SERVICE_UNAVAILABLE = 503

_BEARER = re.compile(r"bearer +(\S.*)", re.IGNORECASE)

Decides = Callable[[Grant, str, Mapping[str, Any]], Decision]
"""Says whether somebody may call a tool, by its name and its arguments, as far as that can be known in front of it."""

Notes = Callable[[Grant, str, Mapping[str, Any], Decision], Awaitable[None]]
"""Writes down that somebody was refused a tool."""


@dataclass(frozen=True)
class AuthRefusal:
    """An answer instead of the one that was asked for."""

    status: int
    message: str
    challenge: str = ""
    data: Mapping[str, Any] | None = None


class Protection:
    """What makes an application one that people sign in to.

    Args:
        server: Whose tokens are taken.
        name: What the connector is called.
        scopes: Returns every scope that its tools name.
        decides: Says which scopes somebody lacks for a tool.
        notes: Writes down that somebody was refused.
    """

    def __init__(
        self,
        server: ResourceServer,
        *,
        name: str,
        scopes: Callable[[], frozenset[str]],
        decides: Decides,
        notes: Notes,
    ) -> None:
        self.server = server
        self.verifier = Verifier(server)
        self._name = name
        self._scopes = scopes
        self._decides = decides
        self._notes = notes
        parts = urlsplit(server.resource)
        own = WELL_KNOWN + ("" if parts.path == "/" else parts.path)
        self._metadata_address = f"{parts.scheme}://{parts.netloc}{own}"
        # The root is where clients look that do not know the path, and where a proxy may leave it off.
        self._paths = dict.fromkeys((own, WELL_KNOWN, f"{WELL_KNOWN}/mcp"))

    @property
    def middleware(self) -> Middleware:
        """What stands between the gate and the application."""
        return Middleware(BearerAuth, protection=self, public=frozenset(self._paths))

    @property
    def routes(self) -> list[Route]:
        """Where clients read who issues tokens (RFC 9728)."""
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

    async def identify(self, scope: Scope) -> Bearer | AuthRefusal:
        """Say who sent a request, or what to answer instead."""
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(sent) > 1:
            return AuthRefusal(400, "Send one Authorization header.", self._challenge(error="invalid_request"))
        found = _BEARER.fullmatch(sent[0].decode("latin-1")) if sent else None
        if found is None:
            return AuthRefusal(401, "Sign in to use this connector.", self._challenge(scopes=self._scopes()))
        try:
            return await self.verifier.verify(found[1])
        except TokenError as error:
            logger.info("A token was refused: %s.", error)
            challenge = self._challenge(error="invalid_token", scopes=self._scopes())
            return AuthRefusal(401, "The access token is not valid here, or no longer. Sign in again.", challenge)
        except IssuerError:
            return AuthRefusal(
                SERVICE_UNAVAILABLE, "Who you are cannot be checked at the moment. Try again in a few seconds."
            )

    def access_of(self, scope: Scope, bearer: Bearer) -> "TokenAccess":
        """Return what tells a call that waits when the access of its caller changes."""
        return TokenAccess(lambda: self.identify(scope), bearer)

    async def refusal_of(self, bearer: Bearer, message: object) -> AuthRefusal | None:
        """Return what to answer to a call of a tool whose scopes are missing."""
        called = _called_tool(message)
        grant = bearer.grant
        decision = self._decides(grant, *called) if called else ALLOWED
        missing = decision.missing_scopes
        if not called or not missing:
            return None
        logger.info("A call of %s was denied: %s is missing.", called[0], " and ".join(sorted(missing)))
        await self._notes(grant, *called, decision)
        # All that is held and all that is needed: a client that asks for just this loses nothing.
        wanted = (bearer.scopes & self._scopes()) | missing
        challenge = self._challenge(
            error="insufficient_scope", scopes=wanted, description="The scopes of the token do not suffice."
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


def protection_of(catalog: Catalog, server: ResourceServer) -> Protection:
    """Return what protects a connector."""

    def decides(grant: Grant, name: str, arguments: Mapping[str, Any]) -> Decision:
        # A draft belongs to its widget, and needs what that needs; access is asked for a tool.
        tool = catalog.offered(str(arguments.get("tool")) if name in (DRAFT_TOOL, ACCESS_TOOL) else name, grant)
        return decide_without_arguments(grant, tool) if tool else ALLOWED

    async def notes(grant: Grant, name: str, arguments: Mapping[str, Any], decision: Decision) -> None:
        owner = catalog.owners.get(name)
        if owner is not None:
            catalog.counts.note(name, "refused")
            # What came with the call is not read here; a hand in a View is known by what the handler reads.
            digest = owner.audit.digest(name, read_call(arguments, {}, grant).arguments)
            await owner.audit.refuse(
                AuditEntry("refusal", grant.person, grant.client, "server", name, digest, f"refused: {decision.reason}")
            )

    return Protection(server, name=catalog.name, scopes=lambda: catalog.scopes, decides=decides, notes=notes)


class TokenAccess:
    """The access that the token of one request gives, for as long as the request is under way.

    Args:
        identify: Asks again who sends the request.
        bearer: Who it was when the request came.
    """

    def __init__(self, identify: Callable[[], Awaitable[Bearer | AuthRefusal]], bearer: Bearer) -> None:
        self._identify = identify
        self._grant = bearer.grant

    async def changed(self) -> Grant | None:
        """Wait until the token says something else than when the request came, or nothing any more."""
        while True:
            await asyncio.sleep(ACCESS_SECONDS)
            found = await self._identify()
            if isinstance(found, Bearer) and found.grant != self._grant:
                return found.grant
            if isinstance(found, AuthRefusal) and found.status != SERVICE_UNAVAILABLE:
                return None


class BearerAuth:
    """ASGI middleware that lets nobody pass without a token, but to the pages that say how to get one.

    Args:
        app: What it guards.
        protection: Knows tokens and scopes.
        public: Paths that need no token.
    """

    def __init__(self, app: ASGIApp, protection: Protection, public: frozenset[str]) -> None:
        self._app = AuthContextMiddleware(app)
        self._protection = protection
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask for the token of one request, and pass the request on without it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] == "lifespan" or (scope["type"] == "http" and scope["path"] in self._public):
            await self._app(scope, receive, send)
            return
        bearer = await self._protection.identify(scope)
        message = scope.get(JSON)
        refusal = bearer if isinstance(bearer, AuthRefusal) else await self._protection.refusal_of(bearer, message)
        if refusal is not None:
            await _refuse(send, refusal, message)
            return
        known = cast("Bearer", bearer)
        signed_in = _signed_in(scope, known, self._protection.server.resource)
        before = ACCESS_WATCH.set(self._protection.access_of(scope, known))
        try:
            await self._app(signed_in, receive, send)
        finally:
            ACCESS_WATCH.reset(before)


def _signed_in(scope: Scope, bearer: Bearer, resource: str) -> Scope:
    access = AccessToken(
        token="",  # the token stays with the verifier: a function could pass it on, or a log could keep it
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
    }


def _called_tool(message: object) -> tuple[str, Mapping[str, Any]] | None:
    """Return the tool that a message calls: the body is what is run, whatever the headers say."""
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
