"""Handles View long polls before the SDK; the SDK only serializes the response.

A poll waits for up to 25 seconds, and needs little memory meanwhile: the SDK creates its tasks, streams and contexts
only once there is a response, for a few calls at a time. For earlier protocol versions, in which they cost most and add
nothing, the response is serialized here (decision 0029).
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intarsia.server.mcp_server.request_checks import version_of
from intarsia.server.wire.messages import VIEW_TOOL, CallResponse
from intarsia.server.wire.strict_json import JSON, object_of, replay

MAX_CONCURRENT_RESPONSES = 16
"""The number of responses serialized concurrently: one change ends many polls, and each response takes memory."""

RESPONSE_KEY = "intarsia.answered"
"""The key of the response in the request's ASGI scope.

A context variable would leak: later requests on the same connection run in a copy of the context that sends this
response.
"""


class ViewPolling(Protocol):
    """Handles the polls of open Views."""

    async def answer_view(self, arguments: Mapping[str, Any], meta: Mapping[str, Any]) -> CallResponse | None:
        """Return the response to a poll; `None` passes the call to the SDK, which rejects it."""
        ...

    def plain_result(self, answer: CallResponse, version: str) -> dict[str, Any] | None:
        """Return the serialized result of a response; `None` for versions in which the SDK adds to it."""
        ...


class ViewPollingMiddleware:
    """ASGI middleware between the request limits and the SDK.

    Args:
        app: Handles all other messages.
        view_app: Serializes the responses of polls.
        views: Handles polls.
    """

    def __init__(self, app: ASGIApp, view_app: ASGIApp, views: ViewPolling) -> None:
        self._app = app
        self._view_app = view_app
        self._views = views
        self._turns = asyncio.Semaphore(MAX_CONCURRENT_RESPONSES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request; respond to a poll when its widget changes or its time is up."""
        called = _view_call(scope)
        if called is None:
            await self._app(scope, receive, send)
            return
        body = (await receive())["body"]  # complete: the request limits have read all of it
        waiting = self._views.answer_view(called.arguments, called.meta)
        answering, leaving = asyncio.ensure_future(waiting), asyncio.create_task(_until_disconnected(receive))
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answer = None if answering.cancelled() else answering.result()
                await self._write(called, answer, scope, replay(body, lambda: asyncio.shield(leaving)), send)
        finally:
            answering.cancel()
            leaving.cancel()

    async def _write(
        self, called: "_ViewCall", answer: CallResponse | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if answer is None:
            await self._app(scope, receive, send)
            return
        plain = self._views.plain_result(answer, called.version)
        if plain is not None:
            message = {"jsonrpc": "2.0", "id": called.request, "result": plain}
            body = json.dumps(message, separators=(",", ":"))  # ASCII, as UTF-8 cannot encode a lone surrogate
            await Response(body, media_type="application/json")(scope, receive, send)
            return
        turn = _Turn(self._turns, send)
        try:
            await turn.begin()
            await self._view_app({**scope, RESPONSE_KEY: answer}, receive, turn.send)
        finally:
            turn.end()


class _Turn:
    """A slot to serialize a response. It is released at the first byte sent, so that slow clients block no others."""

    def __init__(self, turns: asyncio.Semaphore, send: Send) -> None:
        self._turns = turns
        self._send = send
        self._has_begun = False

    async def begin(self) -> None:
        """Wait for a free slot."""
        await self._turns.acquire()
        self._has_begun = True

    async def send(self, message: Message) -> None:
        """Release the slot, and send a message to the client."""
        self.end()
        await self._send(message)

    def end(self) -> None:
        """Release the slot."""
        if self._has_begun:
            self._has_begun = False
            self._turns.release()


async def _until_disconnected(receive: Receive) -> Message:
    while (message := await receive())["type"] != "http.disconnect":
        pass
    return message


class _ViewCall(NamedTuple):
    """A poll of an open View that passes the SDK's checks."""

    version: str
    request: str | int
    arguments: Mapping[str, Any]
    meta: Mapping[str, Any]


def _view_call(scope: Scope) -> _ViewCall | None:
    """Return the poll in a request's message, or `None` for any other message."""
    message = object_of(scope[JSON])
    params = object_of(message.get("params"))
    if message.get("method") != "tools/call" or params.get("name") != VIEW_TOOL or "id" not in message:
        return None
    version = version_of(scope, message)
    if version is None:
        return None
    return _ViewCall(version, message["id"], object_of(params.get("arguments")), object_of(params.get("_meta")))
