"""Asks a server over HTTP as a host would: no redirects followed, a few seconds, a bounded answer."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2
from mcp.shared.inbound import MCP_METHOD_HEADER, MCP_PROTOCOL_VERSION_HEADER
from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY
from mcp_types.version import LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION

SECONDS = 10
"""How long anything may take to answer."""
MAX_BYTES = 256 * 1024
"""How much of an answer is read."""

MODERN, EARLIER = LATEST_MODERN_VERSION, LATEST_HANDSHAKE_VERSION

_CALLER = {"name": "intarsia-check", "version": "1"}
_ACCEPT = "application/json, text/event-stream"


@dataclass(frozen=True)
class HttpResponse:
    """What came back.

    Args:
        status: The HTTP status; 0 when there was no answer.
        headers: Its headers.
        body: Its body, as far as it was read.
        seconds: How long it took.
        trouble: Why there is no answer.
    """

    status: int
    headers: httpx2.Headers = field(default_factory=httpx2.Headers)
    body: bytes = b""
    seconds: float = 0
    trouble: str = ""

    @property
    def is_redirect(self) -> bool:
        """Whether it leads elsewhere."""
        return 300 <= self.status < 400

    @property
    def is_event_stream(self) -> bool:
        """Whether it is a stream of events (SSE)."""
        return self.headers.get("content-type", "").lower().startswith("text/event-stream")

    @property
    def value(self) -> Mapping[str, Any]:
        """The JSON object in its body, or in its last event; empty when there is none."""
        text = self.body.decode("utf-8", "replace")
        if self.is_event_stream:
            events = [line.removeprefix("data:") for line in text.splitlines() if line.startswith("data:")]
            text = events[-1] if events else ""
        try:
            found: object = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}

    @property
    def result(self) -> Mapping[str, Any]:
        """The result of a JSON-RPC message; empty when it is none, or an error."""
        found: object = self.value.get("result") if self.status == 200 else None
        return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}

    def __str__(self) -> str:
        return f"status {self.status}" if self.status else self.trouble


class HttpClient:
    """Connections to the connector and to those it names.

    Args:
        origin: The connector's scheme, name and port.
        to_connector: The client for its own pages.
        to_others: The client for everything else, which always verifies certificates.
    """

    def __init__(self, origin: str, to_connector: httpx2.AsyncClient, to_others: httpx2.AsyncClient) -> None:
        self.origin = origin
        self._to_connector = to_connector
        self._to_others = to_others

    async def get(self, address: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
        """Read a page. A stream of events is left as soon as it begins."""
        return await self._ask("GET", address, headers or {"Accept": "application/json"}, b"")

    async def post(self, address: str, message: "Message") -> HttpResponse:
        """Send a message."""
        return await self._ask("POST", address, message.headers, message.body)

    async def _ask(self, method: str, address: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        http = self._to_connector if origin_of(address) == self.origin else self._to_others
        started = monotonic()
        try:
            async with asyncio.timeout(SECONDS):
                request = http.build_request(method, address, headers=dict(headers), content=body or None)
                response = await http.send(request, stream=True)
                try:
                    answer = HttpResponse(response.status_code, response.headers)
                    read = b"" if method == "GET" and answer.is_event_stream else await _read(response)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx2.TimeoutException):
            return HttpResponse(0, trouble=f"no answer within {SECONDS} seconds")
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            # The kind alone: the text of an error may hold what was sent.
            return HttpResponse(0, trouble=f"no answer: {type(error).__name__}")
        return HttpResponse(response.status_code, response.headers, read, monotonic() - started)


async def _read(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MAX_BYTES:
            break
    return bytes(body)


@dataclass(frozen=True)
class Message:
    """A message of one of the two eras, and the headers that go with it."""

    headers: Mapping[str, str]
    body: bytes

    def with_headers(self, **more: str) -> "Message":
        """Return the same with more headers; an underscore stands for a dash."""
        return Message({**self.headers, **{name.replace("_", "-"): value for name, value in more.items()}}, self.body)


def discover(token: str | None = None, *, padding: int = 0) -> Message:
    """Return what opens the era of 2026-07-28.

    Args:
        token: The access token to send.
        padding: How many bytes to add that mean nothing.
    """
    meta: dict[str, Any] = {
        PROTOCOL_VERSION_META_KEY: MODERN,
        CLIENT_INFO_META_KEY: _CALLER,
        CLIENT_CAPABILITIES_META_KEY: {},
    }
    if padding:
        meta["dev.intarsia/padding"] = "x" * padding
    return _message(MODERN, "server/discover", {"_meta": meta}, token).with_headers(
        **{MCP_METHOD_HEADER: "server/discover"}
    )


def initialize(token: str | None = None) -> Message:
    """Return what opens the earlier era."""
    params = {"protocolVersion": EARLIER, "capabilities": {}, "clientInfo": _CALLER}
    return _message(EARLIER, "initialize", params, token)


def _message(version: str, method: str, params: Mapping[str, Any], token: str | None) -> Message:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    headers = {"Accept": _ACCEPT, "Content-Type": "application/json", MCP_PROTOCOL_VERSION_HEADER: version}
    return Message({**headers, **bearer(token)}, body)


def bearer(token: str | None) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def origin_of(address: str) -> str:
    """Return scheme, name and port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


@asynccontextmanager
async def asking(address: str, trust: ssl.SSLContext, *, is_verified: bool) -> AsyncGenerator[HttpClient]:
    """Keep connections open while the block runs.

    Args:
        address: The connector's.
        trust: Whose certificates are taken.
        is_verified: Whether the connector's own certificate is verified again; when it was found wrong, the other
            checks go on without it, and without any token.
    """
    own = trust if is_verified else httpx2.create_ssl_context(verify=False)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(_client(context)) for context in (own, trust)]
        yield HttpClient(origin_of(address), *clients)


def _client(context: ssl.SSLContext) -> httpx2.AsyncClient:
    headers = {"User-Agent": "intarsia-check", "Accept-Encoding": "identity"}
    # Proxies of this machine are left aside: a host has others.
    return httpx2.AsyncClient(verify=context, timeout=SECONDS, headers=headers, follow_redirects=False, trust_env=False)
