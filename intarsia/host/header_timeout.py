"""How long a connection may take to say what it wants.

uvicorn waits forever for the rest of a request's headers. `intarsia.server.http.request_limits` bounds the body.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 10
"""How long the headers of a request may take, from the first byte or from the opening of the connection."""


class HeaderTimeoutProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, which closes connections that do not get to the end of their headers."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what has come, and wait for the rest of a request that has only begun."""
        super().data_received(data)
        if getattr(self.cycle, "response_complete", True):  # before the first request there is no cycle
            self._wait()

    def on_headers_complete(self) -> None:
        """Stop waiting: from here on the application decides."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting: nobody is there."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        # Started once for each request: whoever sends a byte now and then gets no more time.
        if self._waiting is None and not self.transport.is_closing():
            self._waiting = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
