"""Sends requests to the tracker: one address, no redirects, a short time-out."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from examples.issue_tracker.refusals import NO_CONNECTION, LostError, TroubleError

CONNECT_SECONDS = 2
ANSWER_SECONDS = 5

_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class Wire:
    """Connections to the tracker, open while the connector runs.

    Args:
        tracker: Its base address.
        transport: What carries requests; the network by default.
    """

    def __init__(self, tracker: str, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.tracker = tracker
        self.transport = transport
        self._http: httpx2.AsyncClient | None = None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep connections open while the block runs."""
        limits = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        async with httpx2.AsyncClient(base_url=self.tracker, timeout=limits, transport=self.transport) as self._http:
            yield

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Send one request, once.

        Raises:
            TroubleError: It never left.
            LostError: It left, and no answer came.
        """
        assert self._http is not None, "the connector does not run"  # noqa: S101 - for the type checker
        sent = {"headers": dict(headers or {}), "json": body, "data": dict(form) if form else None}
        try:
            return await self._http.request(method, path, **sent)  # type: ignore[arg-type]
        except _NEVER_SENT:
            raise TroubleError(NO_CONNECTION) from None
        except httpx2.HTTPError as error:
            # Only the type: the message of an error may contain the request.
            raise LostError(type(error).__name__) from None
