"""The routes of the host page for added connectors, and the redirect URI of their sign-in."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from intarsia.errors import SettingError
from intarsia.host.connectors.oauth_client import ConnectError, OAuthClient
from intarsia.host.connectors.proxy import pass_on
from intarsia.host.connectors.registry import CALLBACK_PATH, AddedConnector, ConnectorRegistry
from intarsia.host.same_origin import FRESH, Endpoint, InvalidFieldsError, fields_of, for_the_page, refused
from intarsia.server.http.body_limits import checked_requests

CONNECTORS = "/host/connectors"
WAIT_SECONDS = 20
"""How long a request of the page waits for the end of a sign-in."""
MAX_SCOPES = 100

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")
"""A scope-token of RFC 6749, section 3.3."""

_CALLBACK_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="/host/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/host/host.css">
</head>
<body class="came-back">
<main>
<h1>{title}</h1>
<p>{text}</p>
</main>
</body>
</html>
"""
_CALLBACK_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

OfOne = Callable[[Request, AddedConnector], Awaitable[Response]]


def connector_routes(connectors: ConnectorRegistry, hosts: tuple[str, ...]) -> list[BaseRoute]:
    """Return the routes for connectors that users add, all behind the request limits.

    Args:
        connectors: The registry of connectors.
        hosts: Host names that requests may name, without port.
    """
    of = _Endpoints(connectors)
    gate = checked_requests(hosts)
    one: dict[str, OfOne] = {
        "connect": of.connect,
        "wait": of.wait,
        "cancel": of.cancel,
        "disconnect": of.disconnect,
        "remove": of.remove,
        "mcp": of.pass_on,
    }
    posted = {"": of.add, "/blocked": of.block, **{f"/{{id}}/{name}": of.one(asked) for name, asked in one.items()}}
    return [
        Route(CONNECTORS, of.show, methods=["GET"], middleware=gate),
        Route(CALLBACK_PATH, of.come_back, methods=["GET"], middleware=gate),
        *(
            Route(f"{CONNECTORS}{path}", for_the_page(_in_words(asked)), methods=["POST"], middleware=gate)
            for path, asked in posted.items()
        ),
    ]


@dataclass(frozen=True)
class _Endpoints:
    connectors: ConnectorRegistry

    async def show(self, _request: Request) -> Response:
        blocked = {name: sorted(tools) for name, tools in self.connectors.blocked.items()}
        return _told({"connectors": [added.shown() for added in self.connectors.all()], "blocked": blocked})

    async def add(self, request: Request) -> Response:
        client_id, secret = _text(request, "client_id"), _text(request, "client_secret")
        if secret and not client_id:
            message = "A client secret needs a client ID."
            raise InvalidFieldsError(message)
        client = OAuthClient(client_id, secret) if client_id else None
        return _told(self.connectors.add(_text(request, "name"), _text(request, "url"), client).shown())

    async def block(self, request: Request) -> Response:
        is_blocked = fields_of(request).get("blocked") is True
        self.connectors.block(_text(request, "connector"), _text(request, "tool"), is_blocked=is_blocked)
        return await self.show(request)

    def one(self, asked: OfOne) -> Endpoint:
        """Wrap an endpoint for the connector in the path."""

        async def answer(request: Request) -> Response:
            added = self.connectors.get(request.path_params["id"])
            if added is None:
                return refused(404, "There is no such connector. Reload the page.")
            return await asked(request, added)

        return answer

    async def connect(self, request: Request, added: AddedConnector) -> Response:
        return _told({"address": await added.connecting.begin(_scopes(request))})

    async def wait(self, _request: Request, added: AddedConnector) -> Response:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await added.connecting.ended()
        except TimeoutError:
            return _told({"connector": None})
        return _told({"connector": added.shown()})

    async def cancel(self, _request: Request, added: AddedConnector) -> Response:
        await added.connecting.give_up()
        return _told({})

    async def disconnect(self, _request: Request, added: AddedConnector) -> Response:
        return _told({"is_taken_back": await added.connecting.leave()})

    async def remove(self, _request: Request, added: AddedConnector) -> Response:
        return _told({"is_taken_back": await self.connectors.remove(added)})

    async def pass_on(self, request: Request, added: AddedConnector) -> Response:
        return await pass_on(request, self.connectors, added)

    async def come_back(self, request: Request) -> Response:
        """Handle the redirect from a sign-in page. Its `state` proves that this host started the sign-in."""
        sent = request.query_params
        state, code, error = sent.get("state", ""), sent.get("code", ""), sent.get("error", "")
        added = self.connectors.coming_back(state)
        if added is None:
            return _page("Not connected", "This sign-in is unknown or has ended. Connect again.", 400)
        try:
            await added.connecting.come_back(code, state, sent.get("iss"), error or ("" if code else "no_code"))
        except ConnectError as problem:
            return _page("Not connected", f"{problem} You can close this tab.", 400)
        return _page("Connected", f"{added.name} is connected. You can close this tab.", 200)


def _in_words(asked: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        try:
            return await asked(request)
        except SettingError as error:
            return refused(400, str(error))
        except ConnectError as error:
            return refused(409, str(error))

    return answer


def _page(title: str, text: str, status: int) -> Response:
    headers = {**FRESH, "Content-Security-Policy": _CALLBACK_POLICY, "Referrer-Policy": "no-referrer"}
    return HTMLResponse(_CALLBACK_PAGE.format(title=escape(title), text=escape(text)), status, headers)


def _told(what: dict[str, object]) -> Response:
    return JSONResponse(what, headers=FRESH)


def _text(request: Request, name: str) -> str:
    value = fields_of(request).get(name, "")
    if not isinstance(value, str):
        message = f"{name} must be a string."
        raise InvalidFieldsError(message)
    return value.strip()


def _scopes(request: Request) -> list[str]:
    given: object = fields_of(request).get("scopes", [])
    scopes = [str(one) for one in given] if isinstance(given, list) else [""]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON
    if len(scopes) > MAX_SCOPES or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        message = "scopes must be a list of scope names."
        raise InvalidFieldsError(message)
    return scopes
