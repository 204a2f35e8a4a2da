"""Sends the requests of the checks as a host would: no redirects, a few seconds, and a bounded response."""

import json
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx2
from mcp.shared.inbound import MCP_METHOD_HEADER, MCP_PROTOCOL_VERSION_HEADER
from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY
from mcp_types.version import LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION

from intarsia.server.wire.bounded_http import FetchError, fetch, is_encoded, json_object
from intarsia.server.wire.strict_json import object_of

MAX_SECONDS = 10
"""How long a response may take."""
MAX_BYTES = 256 * 1024
"""How much of a response is read."""
EVENT_STREAM = "text/event-stream"

MODERN, EARLIER = LATEST_MODERN_VERSION, LATEST_HANDSHAKE_VERSION

_CLIENT_INFO = {"name": "intarsia-check", "version": "1"}
_ACCEPT = f"application/json, {EVENT_STREAM}"


@dataclass(frozen=True)
class HttpResponse:
    """A response, or why there is none.

    Args:
        status: The HTTP status; 0 if there was no response.
        headers: The response headers.
        body: The body, cut off after `MAX_BYTES`.
        seconds: How long the response took.
        error: Why there is no response.
    """

    status: int
    headers: httpx2.Headers = field(default_factory=httpx2.Headers)
    body: bytes = b""
    seconds: float = 0
    error: str = ""

    @property
    def is_redirect(self) -> bool:
        """Whether the response is a redirect."""
        return 300 <= self.status < 400

    @property
    def is_event_stream(self) -> bool:
        """Whether the response is an event stream (SSE)."""
        return self.headers.get("content-type", "").lower().startswith(EVENT_STREAM)

    @property
    def value(self) -> Mapping[str, Any]:
        """The JSON object in the body or in its last event; empty if there is none."""
        body = self.body
        if self.is_event_stream:
            events = [line.removeprefix(b"data:") for line in body.splitlines() if line.startswith(b"data:")]
            body = events[-1] if events else b""
        return json_object(body) or {}

    @property
    def result(self) -> Mapping[str, Any]:
        """The result of a JSON-RPC response; empty if the response is an error or is not JSON-RPC."""
        return object_of(self.value.get("result")) if self.status == 200 else {}

    def __str__(self) -> str:
        return f"status {self.status}" if self.status else self.error


class HttpClient:
    """The connections of the checks.

    Args:
        origin: The connector's scheme, host and port.
        to_connector: The client for the connector's own addresses.
        to_others: The client for all other addresses. It always verifies certificates.
    """

    def __init__(self, origin: str, to_connector: httpx2.AsyncClient, to_others: httpx2.AsyncClient) -> None:
        self.origin = origin
        self._to_connector = to_connector
        self._to_others = to_others

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
        """Send a GET request. An event stream is closed as soon as it begins."""
        return await self._send("GET", url, headers or {"Accept": "application/json"}, b"")

    async def post(self, url: str, message: "Message") -> HttpResponse:
        """Send a JSON-RPC message."""
        return await self._send("POST", url, message.headers, message.body)

    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        http = self._to_connector if origin_of(url) == self.origin else self._to_others

        def wants_body(response: httpx2.Response) -> bool:
            is_stream = response.headers.get("content-type", "").lower().startswith(EVENT_STREAM)
            return not is_encoded(response) and not (method == "GET" and is_stream)

        started = monotonic()
        try:
            request = http.build_request(method, url, headers=dict(headers), content=body or None)
            found = await fetch(
                http, request, max_seconds=MAX_SECONDS, max_bytes=MAX_BYTES, wants_body=wants_body, truncate=True
            )
        except (FetchError, httpx2.InvalidURL) as error:
            return HttpResponse(0, error=str(error) if isinstance(error, FetchError) else "no valid address")
        return HttpResponse(found.status, found.headers, found.body, monotonic() - started)


@dataclass(frozen=True)
class Message:
    """A JSON-RPC message of one version of the protocol, with its HTTP headers."""

    headers: Mapping[str, str]
    body: bytes

    def with_headers(self, **more: str) -> "Message":
        """Return the same message with more headers. An underscore in a name stands for a hyphen."""
        return Message({**self.headers, **{name.replace("_", "-"): value for name, value in more.items()}}, self.body)


def discover(token: str | None = None, *, padding: int = 0) -> Message:
    """Return the first request of protocol version 2026-07-28.

    Args:
        token: The access token to send.
        padding: How many meaningless bytes to add to the body.
    """
    meta: dict[str, Any] = {
        PROTOCOL_VERSION_META_KEY: MODERN,
        CLIENT_INFO_META_KEY: _CLIENT_INFO,
        CLIENT_CAPABILITIES_META_KEY: {},
    }
    if padding:
        meta["dev.intarsia/padding"] = "x" * padding
    return _message(MODERN, "server/discover", {"_meta": meta}, token).with_headers(
        **{MCP_METHOD_HEADER: "server/discover"}
    )


def initialize(token: str | None = None) -> Message:
    """Return the first request of the earlier protocol versions."""
    params = {"protocolVersion": EARLIER, "capabilities": {}, "clientInfo": _CLIENT_INFO}
    return _message(EARLIER, "initialize", params, token)


def _message(version: str, method: str, params: Mapping[str, Any], token: str | None) -> Message:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    headers = {"Accept": _ACCEPT, "Content-Type": "application/json", MCP_PROTOCOL_VERSION_HEADER: version}
    return Message({**headers, **bearer(token)}, body)


def bearer(token: str | None) -> dict[str, str]:
    """Return the header that carries an access token; empty without a token."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def origin_of(url: str) -> str:
    """Return the scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@asynccontextmanager
async def http_client(url: str, trust: ssl.SSLContext, *, is_verified: bool) -> AsyncGenerator[HttpClient]:
    """Keep connections open while the block runs.

    Args:
        url: The connector's address.
        trust: The certificate authorities to trust.
        is_verified: Whether to verify the connector's own certificate. If it is known to be invalid, the other checks
            continue without verifying it, and without a token.
    """
    own = trust if is_verified else httpx2.create_ssl_context(verify=False)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(_client(context)) for context in (own, trust)]
        yield HttpClient(origin_of(url), *clients)


def _client(context: ssl.SSLContext) -> httpx2.AsyncClient:
    headers = {"User-Agent": "intarsia-check", "Accept-Encoding": "identity"}
    # Without the HTTP proxies of this machine, because hosts do not use them.
    return httpx2.AsyncClient(verify=context, timeout=MAX_SECONDS, headers=headers, trust_env=False)
