"""Lets calls start in a fair order, and refuses those for which there is no room.

A refused `tools/call` gets a result of the kind `busy` with the number of seconds to wait, because hosts pass a result
on to the View and to the model, but not the status and the headers of HTTP. Every other message gets 429.
"""

import asyncio
import json
import logging
from collections import Counter
from functools import partial
from math import ceil
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intarsia.errors import BusyError
from intarsia.server.changes.reading_turn import READING_TURN
from intarsia.server.http.body_limits import person_of
from intarsia.server.http.fair_queue import FairQueue, Kind, Lane, busy
from intarsia.server.http.limits import Limits
from intarsia.server.http.request_limits import RequestRejectedError, refuse
from intarsia.server.wire.counted_log import CountedLog
from intarsia.server.wire.messages import VIEW_TOOL, refusal
from intarsia.server.wire.peers import is_known_host, network_of
from intarsia.server.wire.strict_json import INVALID_REQUEST, JSON, object_of, replay

MAX_POLLS = 10_000
"""How many long polls wait at once, in all."""
POLL_RETRY_SECONDS = 5

_LISTEN = "subscriptions/listen"
"""The method whose answer is a stream without an end. It has limits of its own (`subscriptions.py`)."""

_LOG = CountedLog(logging.getLogger(__name__), logging.WARNING)


class CallLimits:
    """ASGI middleware between the checks of requests and the MCP server.

    Args:
        app: The application.
        limits: How much runs and waits at once.
    """

    def __init__(self, app: ASGIApp, *, limits: Limits | None = None) -> None:
        self._app = app
        self._limits = limits or Limits()
        self.queue = FairQueue(self._limits)
        self._polls: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on when it is its turn, or refuse it."""
        if scope["type"] != "http" or JSON not in scope:
            await self._app(scope, receive, send)
            return
        message = object_of(scope[JSON])
        method, params = message.get("method"), object_of(message.get("params"))
        try:
            if method == "tools/call" and params.get("name") == VIEW_TOOL:
                await self._poll(scope, receive, send)
            elif method == _LISTEN:
                await self._app(scope, receive, send)
            else:
                await self._call(scope, receive, send)
        except BusyError as error:
            await _refuse(scope, receive, send, message, error)

    async def _poll(self, scope: Scope, receive: Receive, send: Send) -> None:
        lane = _lane_of(scope, "view")
        most = MAX_POLLS if lane.is_shared else self._limits.max_polls_per_person
        if self._polls[lane.person] >= most or self._polls.total() >= MAX_POLLS:
            raise busy(POLL_RETRY_SECONDS)
        self._polls[lane.person] += 1
        before = READING_TURN.set(partial(self.queue.turn, lane))
        try:
            await self._app(scope, receive, send)
        finally:
            READING_TURN.reset(before)
            self._polls[lane.person] -= 1
            self._polls += Counter()  # removes persons without polls

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        lane = _lane_of(scope, "call")
        if self.queue.is_free(lane):
            await self.queue.enter(lane)
        else:
            body = (await receive())["body"]  # complete: `BodyLimits` has read all of it
            if not await self._wait(lane, receive):
                return
            receive = replay(body, receive)
        turn = _Turn(self.queue, lane, send)
        try:
            await self._app(scope, receive, turn.send)
        finally:
            turn.end()

    async def _wait(self, lane: Lane, receive: Receive) -> bool:
        """Wait for a turn. Return false if the client has gone meanwhile."""
        entering = asyncio.ensure_future(self.queue.enter(lane))
        leaving = asyncio.ensure_future(_until_disconnected(receive))
        try:
            await asyncio.wait((entering, leaving), return_when=asyncio.FIRST_COMPLETED)
            if entering.done():
                entering.result()
            return entering.done()
        except asyncio.CancelledError:
            if entering.done() and not entering.cancelled() and entering.exception() is None:
                self.queue.leave(lane)
            raise
        finally:
            entering.cancel()
            leaving.cancel()


class _Turn:
    """The turn of one call. It ends when the answer begins to leave, so that a slow reader keeps nobody waiting."""

    def __init__(self, queue: FairQueue, lane: Lane, send: Send) -> None:
        self._queue = queue
        self._lane = lane
        self._send = send
        self._has_ended = False

    async def send(self, message: Message) -> None:
        """Send a message to the client, and end the turn if it holds a part of the answer."""
        # Comments keep a stream open while the call runs.
        if message.get("body") and not message["body"].startswith(b":"):
            self.end()
        await self._send(message)

    def end(self) -> None:
        """End the turn."""
        if not self._has_ended:
            self._has_ended = True
            self._queue.leave(self._lane)


def _lane_of(scope: Scope, kind: Kind) -> Lane:
    person = person_of(scope)
    if person is not None:
        return Lane(person, kind)
    return Lane(f"network {network_of(scope)}", kind, is_shared=is_known_host(scope))


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(scope: Scope, receive: Receive, send: Send, message: dict[str, Any], error: BusyError) -> None:
    seconds = ceil(error.retry_after)
    request = message.get("id")
    _LOG.note("A call was refused: too many calls wait.")
    if message.get("method") != "tools/call" or not isinstance(request, str | int) or isinstance(request, bool):
        await refuse(send, RequestRejectedError(429, str(error), INVALID_REQUEST, retry_seconds=seconds))
        return
    answer = refusal(error)
    result = {
        "resultType": "complete",
        "content": [{"type": "text", "text": answer.text}],
        "isError": True,
        "_meta": answer.meta,
    }
    body = json.dumps({"jsonrpc": "2.0", "id": request, "result": result})
    headers = {"Retry-After": str(seconds)}
    await Response(body, media_type="application/json", headers=headers)(scope, receive, send)
