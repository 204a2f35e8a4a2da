"""The gate in front of everything: who may ask, how much, and only strict JSON.

The SDK lets NaN, lone surrogates and duplicate keys through and echoes values in its errors; here they stop, and every
refusal is in our own words.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
MOST_BYTES = 256 * 1024
MOST_HEADERS = 100
MOST_HEADER_BYTES = 32 * 1024
BODY_SECONDS = 15

PARSE_ERROR, INVALID_REQUEST = -32700, -32600

Headers = list[tuple[bytes, bytes]]


class GateError(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, message: str, code: int = INVALID_REQUEST) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


@dataclass(frozen=True)
class Gate:
    """ASGI middleware that checks every request before anything else sees it."""

    app: ASGIApp
    hosts: tuple[str, ...] = LOCAL_HOSTS
    origins: tuple[str, ...] = field(default=())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request, and pass it on or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            scope = {**scope, "headers": _checked_headers(scope["headers"])}
            self._check_host(scope["headers"])
            if scope["method"] == "POST":
                _check_content(scope["headers"])
                body = await _read_body(receive, scope["headers"])
                check_json(body)
                receive = _replay(body, receive)
        except GateError as error:
            await _refuse(send, error)
            return
        await self.app(scope, receive, send)

    def _check_host(self, headers: Headers) -> None:
        named = [value for name, value in headers if name == b"host"]
        if len(named) != 1 or _host_of(named[0]) not in self.hosts:
            raise GateError(421, "This host name is not served here.")
        for name, value in headers:
            if name == b"origin" and not self._is_allowed(value.decode("latin-1")):
                raise GateError(403, "This origin may not call.")

    def _is_allowed(self, origin: str) -> bool:
        if self.origins:
            return origin in self.origins
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and _host_of(parts.netloc.encode()) in self.hosts


def check_json(body: bytes) -> None:
    """Check that a body is one JSON value, without NaN, lone surrogates or keys that stand twice.

    Raises:
        GateError: It is not.
    """
    try:
        json.loads(body.decode("utf-8"), object_pairs_hook=_without_twins, parse_constant=_no_constant)
    except GateError:
        raise
    except UnicodeDecodeError:
        raise GateError(400, "The body is not UTF-8.", PARSE_ERROR) from None
    except RecursionError:
        raise GateError(400, "The body is nested too deeply.", PARSE_ERROR) from None
    except ValueError:
        raise GateError(400, "The body is not JSON.", PARSE_ERROR) from None
    if b"\\u" in body:
        _check_surrogates(body)


def _check_surrogates(body: bytes) -> None:
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise GateError(400, "The body holds half a character (a lone surrogate).", PARSE_ERROR) from None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise GateError(400, "The body has a key twice in one object.", PARSE_ERROR)
    return found


def _no_constant(_name: str) -> None:
    raise GateError(400, "The body holds NaN or an infinite number, which JSON does not have.", PARSE_ERROR)


def _checked_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    # A parser may keep white space after a value; RFC 9110 has it removed.
    checked = [(name, value.strip(b" \t")) for name, value in headers]
    if len(checked) > MOST_HEADERS or sum(len(name) + len(value) for name, value in checked) > MOST_HEADER_BYTES:
        raise GateError(431, "The request has too many headers.")
    return checked


def _check_content(headers: Headers) -> None:
    values = dict(headers)
    kind, _, options = values.get(b"content-type", b"").lower().partition(b";")
    charset = options.replace(b" ", b"").replace(b'"', b"")
    if kind.strip() != b"application/json" or charset not in (b"", b"charset=utf-8"):
        raise GateError(415, "The body must be application/json in UTF-8.")
    if values.get(b"content-encoding", b"identity").lower() != b"identity":
        raise GateError(415, "The body must not be compressed.")


async def _read_body(receive: Receive, headers: Headers) -> bytes:
    length = dict(headers).get(b"content-length", b"0")
    if length.isdigit() and int(length) > MOST_BYTES:
        raise GateError(413, _too_large())
    body = bytearray()
    try:
        with anyio.fail_after(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise GateError(400, "The request ended early.")
                body += message.get("body", b"")
                if len(body) > MOST_BYTES:
                    raise GateError(413, _too_large())
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise GateError(408, f"The body took longer than {BODY_SECONDS} seconds.") from None


def _too_large() -> str:
    return f"The body is larger than {MOST_BYTES // 1024} KB."


def _replay(body: bytes, receive: Receive) -> Receive:
    is_sent = False

    async def replayed() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _host_of(value: bytes) -> str:
    name = value.decode("latin-1").lower()
    head, separator, port = name.rpartition(":")
    return head if separator and port.isdigit() else name


async def _refuse(send: Send, error: GateError) -> None:
    answer = {"jsonrpc": "2.0", "id": None, "error": {"code": error.code, "message": error.message}}
    body = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if error.status in (408, 413):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
