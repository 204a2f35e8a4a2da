"""Answers the call of an open View in front of the SDK, which then has only to write the answer down.

Such a call waits for up to 25 seconds. All that it needs for that is a place in the line; the SDK's tasks, streams and
contexts for it are made when there is an answer, for a few calls at a time. In the earlier versions of the protocol,
where they cost most and add nothing, the answer is written here (decision 0029).
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

AT_ONCE = 16
"""How many answers are written down at the same time: a change wakes everybody, and each takes memory meanwhile."""

ANSWERED = "intarsia.answered"
"""Where in a request's scope the answer is. A context variable would not do: what else comes on the same connection is
handled in a copy of the context in which this answer is sent."""


class ViewPolling(Protocol):
    """What the calls of open Views are answered by."""

    async def answer_view(self, arguments: Mapping[str, Any], meta: Mapping[str, Any]) -> CallResponse | None:
        """Answer a call; `None` leaves it to the SDK to refuse it."""
        ...

    def plain_result(self, answer: CallResponse, version: str) -> dict[str, Any] | None:
        """Return the result of an answer as it is sent; `None` where the SDK has more to say."""
        ...


class ViewPollingMiddleware:
    """ASGI application between the gate and the SDK.

    Args:
        app: Answers messages.
        view_app: Writes down the answers of calls that were answered here.
        views: Answers those calls.
    """

    def __init__(self, app: ASGIApp, view_app: ASGIApp, views: ViewPolling) -> None:
        self._app = app
        self._view_app = view_app
        self._views = views
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a message; that of a View when it is time."""
        called = _view_call(scope)
        if called is None:
            await self._app(scope, receive, send)
            return
        body = (await receive())["body"]  # whole, as the gate has it
        waiting = self._views.answer_view(called.arguments, called.meta)
        answering, leaving = asyncio.ensure_future(waiting), asyncio.create_task(_until_gone(receive))
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
            body = json.dumps(message, separators=(",", ":"))  # in ASCII: half a surrogate pair is no UTF-8
            await Response(body, media_type="application/json")(scope, receive, send)
            return
        turn = _Turn(self._turns, send)
        try:
            await turn.begin()
            await self._view_app({**scope, ANSWERED: answer}, receive, turn.send)
        finally:
            turn.end()


class _Turn:
    """A turn to write, which ends when the answer begins to leave: how fast a client reads keeps nobody waiting."""

    def __init__(self, turns: asyncio.Semaphore, send: Send) -> None:
        self._turns = turns
        self._send = send
        self._has_begun = False

    async def begin(self) -> None:
        """Wait for the turn."""
        await self._turns.acquire()
        self._has_begun = True

    async def send(self, message: Message) -> None:
        """Pass on a message to the client."""
        self.end()
        await self._send(message)

    def end(self) -> None:
        """Let somebody else write."""
        if self._has_begun:
            self._has_begun = False
            self._turns.release()


async def _until_gone(receive: Receive) -> Message:
    while (message := await receive())["type"] != "http.disconnect":
        pass
    return message


class _ViewCall(NamedTuple):
    """The call of an open View, which the SDK would let pass."""

    version: str
    request: str | int
    arguments: Mapping[str, Any]
    meta: Mapping[str, Any]


def _view_call(scope: Scope) -> _ViewCall | None:
    """Return what an open View calls with a message; nothing if it is any other message."""
    message = object_of(scope[JSON])
    params = object_of(message.get("params"))
    if message.get("method") != "tools/call" or params.get("name") != VIEW_TOOL or "id" not in message:
        return None
    version = version_of(scope, message)
    if version is None:
        return None
    return _ViewCall(version, message["id"], object_of(params.get("arguments")), object_of(params.get("_meta")))
