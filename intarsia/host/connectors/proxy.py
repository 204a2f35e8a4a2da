"""Forwards the page's MCP messages to an added connector, with the access token of the signed-in user."""

from collections.abc import AsyncGenerator

import anyio
import httpx2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from intarsia.host.connectors.oauth_client import UNAUTHORIZED, ConnectError, ConnectorSignIn
from intarsia.host.connectors.registry import AddedConnector, ConnectorRegistry
from intarsia.host.same_origin import FRESH
from intarsia.server.wire.strict_json import JSON, object_of

MAX_BYTES = 32 * 1024 * 1024
"""The size limit of a response."""

REFUSED = -32000

_SENT_ON = frozenset({"accept", "content-type", "last-event-id"})
_SENT_BACK = frozenset({"content-type", "content-encoding", "retry-after"})
_KINDS = frozenset({"application/json", "text/event-stream", ""})

_HEADERS = {**FRESH, "Content-Security-Policy": "default-src 'none'; sandbox"}


async def pass_on(request: Request, connectors: ConnectorRegistry, added: AddedConnector) -> Response:
    """Forward a message, and return the connector's response."""
    message: object = request.scope.get(JSON)
    tool = _called_tool(message)
    if tool is not None and tool in connectors.blocked.get(added.id, ()):
        return _error(message, f"{tool} is blocked for everyone by an owner of this organization.")
    try:
        response = await _send(request, connectors.http, added.connecting)
    except (ConnectError, httpx2.HTTPError) as error:
        text = str(error) if isinstance(error, ConnectError) else f"{added.name} could not be reached. Try again."
        return _error(message, text)
    if response is None:
        return Response(status_code=499)  # the page has disconnected
    if response.status_code == UNAUTHORIZED:
        added.connecting.refuse(response.request.headers.get("authorization"))
    if response.is_redirect or _kind(response) not in _KINDS:
        await response.aclose()
        return _error(message, f"{added.name} did not send an MCP response (HTTP {response.status_code}).")
    headers = {name: value for name, value in response.headers.items() if _is_sent_back(name, value)}
    return StreamingResponse(_pieces(response), response.status_code, {**_HEADERS, **headers})


async def _send(request: Request, http: httpx2.AsyncClient, connecting: ConnectorSignIn) -> httpx2.Response | None:
    """Send a message with the user's token, refreshed once if it has expired; `None` if the page disconnects."""
    body = await request.body()
    found: httpx2.Response | None = None

    async def ask() -> None:
        nonlocal found
        found = await _ask(request, body, http, connecting)
        scope.cancel()

    async def hear_the_page_go() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hear_the_page_go)
            await ask()
    return found


async def _ask(request: Request, body: bytes, http: httpx2.AsyncClient, connecting: ConnectorSignIn) -> httpx2.Response:
    sent_on = {name: value for name, value in request.headers.items() if _is_sent_on(name)}
    while True:
        authorization = await connecting.authorization()
        headers = {**sent_on, "authorization": authorization} if authorization else sent_on
        asked = http.build_request("POST", connecting.url, headers=headers, content=body)
        response = await http.send(asked, stream=True)
        is_refused = response.status_code == UNAUTHORIZED
        if not (is_refused and authorization and connecting.expire(authorization)):
            return response
        await response.aclose()


async def _pieces(response: httpx2.Response) -> AsyncGenerator[bytes]:
    count = 0
    try:
        async for piece in response.aiter_raw():
            count += len(piece)
            if count > MAX_BYTES:
                return
            yield piece
    finally:
        with anyio.CancelScope(shield=True):
            await response.aclose()


def _is_sent_on(name: str) -> bool:
    return name in _SENT_ON or name.startswith("mcp-")


def _is_sent_back(name: str, value: str) -> bool:
    if name == "www-authenticate":  # browsers ask for a password for other schemes
        return value.lower().startswith("bearer")
    return name in _SENT_BACK or name.startswith("mcp-")


def _kind(response: httpx2.Response) -> str:
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower()


def _called_tool(message: object) -> str | None:
    fields = object_of(message)
    name = object_of(fields.get("params")).get("name")
    return name if fields.get("method") == "tools/call" and isinstance(name, str) else None


def _error(message: object, text: str) -> Response:
    """Return a JSON-RPC error whose message a widget can show."""
    error = {"code": REFUSED, "message": text}
    return JSONResponse({"jsonrpc": "2.0", "id": object_of(message).get("id"), "error": error}, headers=_HEADERS)
