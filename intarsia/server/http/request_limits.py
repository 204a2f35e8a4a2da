"""The first check of every request: host, origin, headers and the kind of its body.

The body is read later, behind the check of the access token (`body_limits.py`). The error messages are fixed texts.
They repeat nothing from the request.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from intarsia.errors import SettingError
from intarsia.server.wire.strict_json import INVALID_REQUEST, BodyError, RequestId
from intarsia.server.wire.urls import route_path

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
MAX_BYTES = 256 * 1024
MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024

_MAX_LENGTH_DIGITS = 18
"""Longer numbers are too large anyway, and Python refuses to parse much longer ones."""

Headers = list[tuple[bytes, bytes]]


def checked_hosts(hosts: Iterable[str]) -> tuple[str, ...]:
    """Return host names in the form in which they are compared.

    Raises:
        SettingError: `hosts` is a string instead of a tuple, or one of the hosts is more than a name.
    """
    # A string contains its letters: the host "e" would be in "example.com".
    if isinstance(hosts, str):
        message = f"hosts must be a tuple of names, such as ({hosts!r},), not a string."
        raise SettingError(message)
    names = tuple(host.lower() for host in hosts)
    for name in names:
        if not name or "/" in name or _host_of(name.encode()) != name:
            message = f"The host {name!r} must be a name such as 'example.com', without scheme, port or path."
            raise SettingError(message)
    return names


def checked_origins(origins: Iterable[str]) -> tuple[str, ...]:
    """Return origins in the form that browsers send.

    Raises:
        SettingError: `origins` is a string instead of a tuple, or one of them is not an origin.
    """
    if isinstance(origins, str):
        message = f"origins must be a tuple, such as ({origins!r},), not a string."
        raise SettingError(message)
    found = tuple(origins)
    for origin in found:
        scheme, separator, rest = origin.partition("://")
        if not (scheme and separator and rest) or "/" in rest:
            message = f"The origin {origin!r} must be only a scheme and a host, such as 'https://example.com'."
            raise SettingError(message)
    return found


class RequestRejectedError(Exception):
    """A request that is refused.

    Args:
        status: The HTTP status of the response.
        message: Why it is refused.
        code: The code of the JSON-RPC error.
        request: The id of the JSON-RPC request, if it could be read.
        retry_seconds: After how many seconds the request may be sent again; 0 for never.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: int = INVALID_REQUEST,
        request: RequestId = None,
        retry_seconds: int = 0,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.request = status, message, code, request
        self.retry_seconds = retry_seconds

    @classmethod
    def of_body(cls, error: BodyError) -> "RequestRejectedError":
        """Return the error for an invalid body."""
        return cls(400, str(error), error.code, error.request)


@dataclass(frozen=True)
class RequestLimits:
    """ASGI middleware that checks every request before anything else handles it, without its body.

    Args:
        app: The application.
        hosts: The allowed host names.
        origins: The allowed origins; by default those of the allowed hosts.
    """

    app: ASGIApp
    hosts: tuple[str, ...] = LOCAL_HOSTS
    origins: tuple[str, ...] = field(default=())
    forms: frozenset[str] = frozenset()
    """The paths that take an HTML form instead of JSON."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, and pass it on or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            scope = {**scope, "headers": _checked_headers(scope["headers"])}
            self._check_host(scope["headers"])
            if scope["method"] == "POST":
                _check_content(scope["headers"], is_form=route_path(scope) in self.forms)
        except RequestRejectedError as error:
            await refuse(send, error)
            return
        await self.app(scope, receive, send)

    def _check_host(self, headers: Headers) -> None:
        named = [value for name, value in headers if name == b"host"]
        if len(named) != 1 or _host_of(named[0]) not in self.hosts:
            raise RequestRejectedError(421, "This host name is not served here.")
        for name, value in headers:
            if name == b"origin" and not self._is_allowed(value.decode("latin-1")):
                raise RequestRejectedError(403, "This origin may not call.")

    def _is_allowed(self, origin: str) -> bool:
        if self.origins:
            return origin in self.origins
        try:
            parts = urlsplit(origin)
        except ValueError:  # such as an unclosed bracket
            return False
        return parts.scheme in ("http", "https") and _host_of(parts.netloc.encode()) in self.hosts


def _checked_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    # A parser may keep white space around a value, which RFC 9110 excludes.
    checked = [(name, value.strip(b" \t")) for name, value in headers]
    if len(checked) > MAX_HEADERS or sum(len(name) + len(value) for name, value in checked) > MAX_HEADER_BYTES:
        raise RequestRejectedError(431, "The request has too many headers.")
    return checked


def _check_content(headers: Headers, *, is_form: bool) -> None:
    values = dict(headers)
    kind, _, options = values.get(b"content-type", b"").lower().partition(b";")
    charset = options.replace(b" ", b"").replace(b'"', b"")
    wanted = "application/x-www-form-urlencoded" if is_form else "application/json"
    if kind.strip() != wanted.encode() or charset not in (b"", b"charset=utf-8"):
        message = f"The body must be {wanted} in UTF-8."
        raise RequestRejectedError(415, message)
    if values.get(b"content-encoding", b"identity").lower() != b"identity":
        raise RequestRejectedError(415, "The body must not be compressed.")
    length = values.get(b"content-length", b"0")
    if length.isdigit() and (len(length) > _MAX_LENGTH_DIGITS or int(length) > MAX_BYTES):
        raise too_large()


def too_large() -> RequestRejectedError:
    """Return the error for a body of more than `MAX_BYTES`."""
    return RequestRejectedError(413, f"The body is larger than {MAX_BYTES // 1024} KB.")


def _host_of(value: bytes) -> str:
    name = value.decode("latin-1").lower()
    head, separator, port = name.rpartition(":")
    return head if separator and port.isdigit() else name


async def refuse(send: Send, error: RequestRejectedError) -> None:
    """Respond with an error."""
    answer = {"jsonrpc": "2.0", "id": error.request, "error": {"code": error.code, "message": error.message}}
    body = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    # After 413 the connection stays open: if it were closed now, a reset could reach the client before the response.
    if error.status == 408:
        headers.append((b"connection", b"close"))
    if error.retry_seconds:
        headers.append((b"retry-after", str(error.retry_seconds).encode()))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
