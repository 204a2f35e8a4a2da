"""The routes for a connector with demo users: those of the issuer, and those of the host page."""

import base64
import binascii
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from hmac import compare_digest
from typing import Any, cast
from urllib.parse import parse_qs, unquote_plus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from intarsia.errors import SettingError
from intarsia.host.app import USERS
from intarsia.host.demo_users.issuer import GUARD, DemoIssuer
from intarsia.host.demo_users.users import DemoGrants, DemoUser, demo_users_for, in_order, label_of
from intarsia.host.same_origin import FRESH, InvalidFieldsError, fields_of, for_the_page
from intarsia.host.server import THIS_MACHINE, HostAddresses
from intarsia.server.auth.resource_server.settings import Introspection, Issuer, ResourceServer
from intarsia.server.connector import Connector
from intarsia.server.http.body_limits import checked_requests
from intarsia.server.http.request_limits import LOCAL_HOSTS

ISSUER_PATH = "/host/issuer"
MAX_FORM_BYTES = 32 * 1024


def with_demo_users(
    connector: Connector, *, hosts: tuple[str, ...] = LOCAL_HOSTS
) -> Callable[[HostAddresses], Starlette]:
    """Serve a connector with demo users: a reader, an editor and an admin, among whom the host page switches.

    Args:
        connector: Any connector; its scopes are assigned by their suffixes.
        hosts: Host names that requests may name, without port: only those of this machine.

    Returns:
        A function for `running_host` that creates the application for given addresses.

    Raises:
        SettingError: Other machines could reach it, where any user could become admin. Also raised by the
            returned function.
    """
    others = ", ".join(sorted(set(hosts) - set(LOCAL_HOSTS)))
    if others:
        raise SettingError(_for_this_machine(f", but {others} is reachable from other machines. Remove that name"))

    def app(addresses: HostAddresses) -> Starlette:
        if addresses.listens_on not in THIS_MACHINE:
            raise SettingError(
                _for_this_machine(f", but {addresses.listens_on!r} is reachable from others. Use --host 127.0.0.1")
            )
        return _app(connector, addresses, hosts)

    return app


def _for_this_machine(what: str) -> str:
    return f"Demo users are for this machine only{what}, or turn them off: --no-users."


def _app(connector: Connector, addresses: HostAddresses, hosts: tuple[str, ...]) -> Starlette:
    scopes = connector.scopes
    url = addresses.page.rstrip("/") + ISSUER_PATH
    issuer = DemoIssuer(url, resource=addresses.mcp, grants=DemoGrants(demo_users_for(scopes), scopes))
    asks = Introspection(client_id=GUARD, client_secret=issuer.secret, opaque_tokens=False)
    inner = connector.app(auth=ResourceServer(addresses.mcp, [Issuer(url, introspection=asks)]), hosts=hosts)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with inner.router.lifespan_context(inner):
            yield

    # These routes come before the connector, which requires the tokens that are issued here.
    app = Starlette(
        routes=[*_issuer_routes(issuer, hosts), *_page_routes(issuer, hosts), Mount("/", inner)], lifespan=lifespan
    )
    app.state.users = USERS
    return app


def _issuer_routes(issuer: DemoIssuer, hosts: tuple[str, ...]) -> list[BaseRoute]:
    async def metadata(_request: Request) -> Response:
        return JSONResponse(issuer.metadata(), headers=FRESH)

    async def keys(_request: Request) -> Response:
        return JSONResponse(issuer.keys(), headers=FRESH)

    async def introspection(request: Request) -> Response:
        if not _is_guard(request, issuer.secret):
            return JSONResponse({"error": "invalid_client"}, status_code=401, headers=FRESH)
        form = parse_qs((await _read(request)).decode("ascii", "replace"))
        return JSONResponse(issuer.introspect(form.get("token", [""])[0]), headers=FRESH)

    gate = checked_requests(hosts)
    return [
        Route(f"/.well-known/oauth-authorization-server{ISSUER_PATH}", metadata, middleware=gate),
        Route(f"{ISSUER_PATH}/keys", keys, middleware=gate),
        # The request limits accept JSON only; introspection takes a form (RFC 7662), and needs the connector's secret.
        Route(f"{ISSUER_PATH}/introspection", introspection, methods=["POST"]),
    ]


def _is_guard(request: Request, secret: str) -> bool:
    kind, _, pair = request.headers.get("authorization", "").partition(" ")
    try:
        name, _, given = base64.b64decode(pair, validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return kind.lower() == "basic" and unquote_plus(name) == GUARD and compare_digest(unquote_plus(given), secret)


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_FORM_BYTES:
            return b""
    return bytes(body)


def _page_routes(issuer: DemoIssuer, hosts: tuple[str, ...]) -> list[BaseRoute]:
    grants = issuer.grants

    async def show(_request: Request) -> Response:
        return JSONResponse(
            {
                "users": [_shown(user, grants) for user in grants.users.values()],
                "scopes": [{"name": scope, "label": label_of(scope)} for scope in in_order(grants.scopes)],
            },
            headers=FRESH,
        )

    async def token(request: Request) -> Response:
        user, scopes = _asked(request, grants)
        minted = issuer.mint(user.key, scopes)
        return JSONResponse({"token": minted, "scopes": sorted(grants.granted(user.key) or ())}, headers=FRESH)

    async def narrow(request: Request) -> Response:
        user, scopes = _asked(request, grants)
        return JSONResponse({"scopes": sorted(grants.narrow(user.key, scopes or ()))}, headers=FRESH)

    async def disconnect(request: Request) -> Response:
        issuer.disconnect(_asked(request, grants)[0].key)
        return JSONResponse({}, headers=FRESH)

    gate = checked_requests(hosts)
    return [
        Route(USERS, show, methods=["GET"], middleware=gate),
        *(
            Route(f"{USERS}/{name}", for_the_page(endpoint), methods=["POST"], middleware=gate)
            for name, endpoint in (("token", token), ("narrow", narrow), ("disconnect", disconnect))
        ),
    ]


def _shown(user: DemoUser, grants: DemoGrants) -> dict[str, Any]:
    granted = grants.granted(user.key)
    return {
        "key": user.key,
        "name": user.name,
        "role": user.role,
        "granted": None if granted is None else sorted(granted),
    }


def _asked(request: Request, grants: DemoGrants) -> tuple[DemoUser, list[str] | None]:
    """Return the user and the scopes of a request, if it has scopes."""
    fields = fields_of(request)
    user = grants.users.get(str(fields.get("user")))
    if user is None:
        message = f"user must be one of {', '.join(grants.users)}."
        raise InvalidFieldsError(message)
    scopes: object = fields.get("scopes")
    if scopes is None:
        return user, None
    texts = cast("list[object]", scopes) if isinstance(scopes, list) else [None]
    if not all(isinstance(text, str) for text in texts):
        message = "scopes must be a list of texts."
        raise InvalidFieldsError(message)
    return user, cast("list[str]", texts)
