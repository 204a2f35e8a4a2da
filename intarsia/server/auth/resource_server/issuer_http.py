"""Asks issuers over HTTP: no redirects, a few seconds, a bounded answer that must be strict JSON."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx2

from intarsia.server.wire.strict_json import BodyError, read_json

FETCH_SECONDS = 5
"""How long an issuer may take to answer."""
MAX_BYTES = 256 * 1024
MAX_CONNECTIONS = 32

_NOTHING_THERE = frozenset({400, 403, 404, 405, 410})


class IssuerError(Exception):
    """An issuer that cannot be asked, or whose answer makes no sense. Nothing can be said about its tokens now."""


class IssuerHttpClient:
    """Connections to issuers, open while the connector runs."""

    def __init__(self) -> None:
        self._http: httpx2.AsyncClient | None = None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep connections open while the block runs."""
        limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=60)
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "intarsia"}
        made = httpx2.AsyncClient(timeout=FETCH_SECONDS, limits=limits, headers=headers, follow_redirects=False)
        async with made:
            self._http = made
            try:
                yield
            finally:
                self._http = None

    async def get(self, address: str) -> Mapping[str, Any] | None:
        """Read a JSON object; None when the issuer has none there.

        Raises:
            IssuerError: It cannot be read.
        """
        return await self._read("GET", address)

    async def ask(self, address: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Mapping[str, Any]:
        """Send a form, and read the JSON object that answers it.

        Raises:
            IssuerError: There is no such answer.
        """
        return await self._read("POST", address, dict(form), dict(headers)) or {}

    async def _read(
        self, method: str, address: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> Mapping[str, Any] | None:
        if self._http is None:
            message = "Tokens can be verified only while the connector runs: start the application's lifespan."
            raise IssuerError(message)
        request = self._http.build_request(method, address, data=form, headers=headers)
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                response = await self._http.send(request, stream=True)
                try:
                    if method == "GET" and response.status_code in _NOTHING_THERE:
                        return None
                    return await _read_object(response, address)
                finally:
                    await response.aclose()
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            # The kind alone: the text of an error may hold what was sent.
            message = f"{address} did not answer: {type(error).__name__}."
            raise IssuerError(message) from None


async def _read_object(response: httpx2.Response, address: str) -> Mapping[str, Any]:
    if response.status_code != 200:
        message = f"{address} answered with status {response.status_code}."
        raise IssuerError(message)
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MAX_BYTES:
            message = f"{address} answered with more than {MAX_BYTES // 1024} KB."
            raise IssuerError(message)
    try:
        value = read_json(bytes(body))
    except BodyError:
        value = None
    if not isinstance(value, dict):
        message = f"{address} did not answer with a JSON object."
        raise IssuerError(message)
    return cast("Mapping[str, Any]", value)
