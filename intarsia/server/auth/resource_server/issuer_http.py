"""Requests to issuers: a few seconds, no redirects, and a bounded response that must be a JSON object."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from intarsia.server.wire.bounded_http import JSON_HEADERS, FetchError, fetch, json_object

FETCH_SECONDS = 5
"""How long an issuer may take to respond."""
MAX_BYTES = 256 * 1024
MAX_CONNECTIONS = 32

_NOT_FOUND = frozenset({400, 403, 404, 405, 410})


class IssuerError(Exception):
    """A request to an issuer failed, or its response is not valid. Its tokens cannot be verified for now."""


class IssuerHttpClient:
    """Connections to issuers, open while the connector runs."""

    def __init__(self) -> None:
        self._http: httpx2.AsyncClient | None = None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep connections open while the block runs."""
        limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=60)
        async with httpx2.AsyncClient(timeout=FETCH_SECONDS, limits=limits, headers=JSON_HEADERS) as client:
            self._http = client
            try:
                yield
            finally:
                self._http = None

    async def get(self, address: str) -> Mapping[str, Any] | None:
        """Fetch a JSON object from an issuer.

        Args:
            address: The URL.

        Returns:
            The object, or `None` if the issuer has no document there, such as for status 404.

        Raises:
            IssuerError: The request failed, or the response is not a JSON object.
        """
        return await self._read("GET", address)

    async def ask(self, address: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Mapping[str, Any]:
        """Send a form to an issuer, and return the JSON object of the response.

        Args:
            address: The URL.
            form: The fields of the form.
            headers: Further headers, such as the client's credentials.

        Raises:
            IssuerError: The request failed, or the response is not a JSON object.
        """
        return await self._read("POST", address, dict(form), dict(headers)) or {}

    async def _read(
        self, method: str, address: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> Mapping[str, Any] | None:
        if self._http is None:
            message = "Tokens can be verified only while the connector runs: start the application's lifespan."
            raise IssuerError(message)
        request = self._http.build_request(method, address, data=form, headers=headers)

        def wants_body(response: httpx2.Response) -> bool:
            if method == "GET" and response.status_code in _NOT_FOUND:
                return False
            if response.status_code != 200:
                message = f"{address} responded with status {response.status_code}."
                raise IssuerError(message)
            return True

        try:
            response = await fetch(
                self._http, request, max_seconds=FETCH_SECONDS, max_bytes=MAX_BYTES, wants_body=wants_body
            )
        except FetchError as error:
            message = f"{address} cannot be used: {error}."
            raise IssuerError(message) from None
        if response.status != 200:
            return None
        found = json_object(response.body)
        if found is None:
            message = f"{address} did not respond with a JSON object."
            raise IssuerError(message)
        return found
