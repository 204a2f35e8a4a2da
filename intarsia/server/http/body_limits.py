"""Reads the bodies of requests: bounded in size and time, and how many are received at once is bounded too.

It runs behind the check of the access token, so that a stranger's body is never kept. Where there is no token, or none
yet (the sign-in pages), each network has its share; from then on each person has.
"""

import logging
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from intarsia.server.auth.caller import caller
from intarsia.server.http.request_limits import MAX_BYTES, RequestLimits, RequestRejectedError, refuse, too_large
from intarsia.server.wire.counted_log import CountedLog
from intarsia.server.wire.peers import is_known_host, network_of
from intarsia.server.wire.strict_json import JSON, BodyError, read_json, replay
from intarsia.server.wire.urls import route_path

BODY_SECONDS = 15
MAX_BODIES = 1_000
"""How many bodies are received at once, in all."""
MAX_BODIES_PER_NETWORK = 50
"""How many are received at once from one network, without a token. Does not apply to known hosts."""
MAX_BODIES_PER_PERSON = 50
MAX_TOTAL_BYTES = 64 * 1024 * 1024
"""How much of unfinished bodies is kept in all."""
RETRY_SECONDS = 2

_LOG = CountedLog(logging.getLogger(__name__), logging.WARNING)


def person_of(scope: Scope) -> str | None:
    """Return the person whose token was verified for a request; `None` without one."""
    user = scope.get("user")
    found = caller(user.access_token) if isinstance(user, AuthenticatedUser) else None
    return found.person if found else None


def checked_requests(hosts: tuple[str, ...]) -> tuple[Middleware, ...]:
    """Return the middleware that checks requests and reads their bodies, for routes that require no token.

    Args:
        hosts: The allowed host names.
    """
    return Middleware(RequestLimits, hosts=hosts), Middleware(BodyLimits)


class BodyBudget:
    """Counts the bodies that are being received by one application."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """How much of unfinished bodies is kept."""
        return self._bytes

    @contextmanager
    def receiving(self, scope: Scope) -> Generator["ReceivedBody"]:
        """Count a body while the block runs.

        Raises:
            RequestRejectedError: Too many bodies are being received already.
        """
        person = person_of(scope)
        sender = f"person {person}" if person is not None else f"network {network_of(scope)}"
        most = MAX_BODIES_PER_PERSON if person is not None else MAX_BODIES_PER_NETWORK
        if person is None and is_known_host(scope):
            most = MAX_BODIES
        if self._open[sender] >= most:
            raise _too_many(429, "Too many requests are being sent at once.")
        if self._open.total() >= MAX_BODIES:
            raise _too_many(503, "The server is busy.")
        self._open[sender] += 1
        body = ReceivedBody(self)
        try:
            yield body
        finally:
            self._bytes -= len(body.content)
            self._open[sender] -= 1
            if not self._open[sender]:
                del self._open[sender]

    def add(self, count: int) -> None:
        """Count bytes that were received.

        Raises:
            RequestRejectedError: Too much is kept already.
        """
        if self._bytes + count > MAX_TOTAL_BYTES:
            raise _too_many(503, "The server is busy.")
        self._bytes += count


class ReceivedBody:
    """What was received of one body.

    Args:
        budget: Counts its bytes.
    """

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self.content = bytearray()

    def add(self, piece: bytes) -> None:
        """Keep a piece.

        Raises:
            RequestRejectedError: The body is too large, or too much is kept of all bodies.
        """
        if len(self.content) + len(piece) > MAX_BYTES:
            raise too_large()
        self._budget.add(len(piece))
        self.content += piece


class BodyLimits:
    """ASGI middleware that reads the bodies of POST requests, and passes them on complete.

    Args:
        app: The application.
        budget: Counts the bodies; by default only those of this middleware.
        forms: The paths that take an HTML form instead of JSON.
    """

    def __init__(self, app: ASGIApp, *, budget: BodyBudget | None = None, forms: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._budget = budget or BodyBudget()
        self._forms = forms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body of a request, or refuse it."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(scope, receive)
            if route_path(scope) not in self._forms:
                scope[JSON] = read_json(body)
        except BodyError as error:
            await refuse(send, RequestRejectedError.of_body(error))
        except RequestRejectedError as error:
            await refuse(send, error)
        else:
            await self._app(scope, replay(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        try:
            with self._budget.receiving(scope) as body, anyio.fail_after(BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise RequestRejectedError(400, "The request ended early.")
                    body.add(message.get("body", b""))
                    if not message.get("more_body", False):
                        return bytes(body.content)
        except TimeoutError:
            raise RequestRejectedError(408, f"The body took longer than {BODY_SECONDS} seconds.") from None


def _too_many(status: int, reason: str) -> RequestRejectedError:
    _LOG.note(f"A request was refused with {status}: {reason}")
    return RequestRejectedError(status, f"{reason} Try again in {RETRY_SECONDS} seconds.", retry_seconds=RETRY_SECONDS)
