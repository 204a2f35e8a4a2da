"""Requests to other servers, with limits: one deadline, no redirects, a bounded body, and strict JSON.

The servers that Intarsia calls (issuers, apps that describe themselves, connectors) may be slow, broken or hostile.
Callers set their own limits and error messages; this module holds the rules that all of them share.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import httpx2

from intarsia.server.wire.strict_json import BodyError, read_json

JSON_HEADERS: Mapping[str, str] = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "intarsia",
}
"""The headers of a request for JSON. Nothing is decompressed: a small body could become a large one."""


class FetchError(Exception):
    """No response within the limits.

    The message says what went wrong in general terms. It repeats nothing that was sent or received, because both may
    hold credentials.
    """


class ConnectFailedError(FetchError):
    """No connection to the server, so that the request was not sent."""


class DeadlineError(FetchError):
    """No complete response before the deadline."""


class TooLargeError(FetchError):
    """A body with more bytes than the limit."""


class EncodedError(FetchError):
    """A body that is compressed, although the request asked for it as it is."""


@dataclass(frozen=True)
class FetchedResponse:
    """A response that arrived within the limits."""

    status: int
    headers: httpx2.Headers
    body: bytes
    """The body; empty if it was not read."""


def is_encoded(response: httpx2.Response) -> bool:
    """Return whether a response has a compressed body."""
    return response.headers.get("Content-Encoding", "identity").strip().lower() != "identity"


def json_object(body: bytes) -> Mapping[str, Any] | None:
    """Return the JSON object in a body, or `None` if the body is anything else or is not strict JSON."""
    try:
        value = read_json(body)
    except BodyError:
        return None
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else None


async def fetch(
    client: httpx2.AsyncClient,
    request: httpx2.Request,
    *,
    max_seconds: float,
    max_bytes: int,
    wants_body: Callable[[httpx2.Response], bool] = lambda _: True,
    truncate: bool = False,
) -> FetchedResponse:
    """Send a request and read its response within limits. A redirect is a response like any other.

    Args:
        client: Sends the request.
        request: The request.
        max_seconds: The deadline in seconds, from connecting to the last byte.
        max_bytes: The maximum size of the body in bytes.
        wants_body: Returns whether to read the body, given status and headers. It may raise an error of its own.
        truncate: Whether to truncate a larger body instead of raising `TooLargeError`.

    Returns:
        The response, whatever its status.

    Raises:
        FetchError: There is no response within the limits; subclasses name the reason.
    """
    try:
        async with asyncio.timeout(max_seconds):
            response = await client.send(request, stream=True, follow_redirects=False)
            try:
                body = await _read(response, max_bytes, truncate=truncate) if wants_body(response) else b""
            finally:
                await response.aclose()
    # Messages name only the type of an error, because its text may contain what was sent.
    except (TimeoutError, httpx2.ReadTimeout, httpx2.WriteTimeout, httpx2.PoolTimeout):
        message = f"no complete response within {max_seconds:g} seconds"
        raise DeadlineError(message) from None
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        message = f"no connection: {type(error).__name__}"
        raise ConnectFailedError(message) from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        message = f"no valid HTTP response: {type(error).__name__}"
        raise FetchError(message) from None
    return FetchedResponse(response.status_code, response.headers, body)


async def _read(response: httpx2.Response, max_bytes: int, *, truncate: bool) -> bytes:
    if is_encoded(response):
        message = "a compressed response, although the request did not accept one"
        raise EncodedError(message)
    body = bytearray()
    # Nothing is decoded here: encoded bodies are refused above.
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > max_bytes:
            if truncate:
                return bytes(body[:max_bytes])
            message = f"a response of more than {max_bytes // 1024} KB"
            raise TooLargeError(message)
    return bytes(body)
