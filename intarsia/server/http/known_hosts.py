"""Marks requests that come from the addresses of known hosts, which call for many people."""

from starlette.types import ASGIApp, Receive, Scope, Send

from intarsia.server.http.ip_allow_list import Ranges, client_address
from intarsia.server.wire.peers import KNOWN_HOST


class KnownHosts:
    """ASGI middleware that marks requests of known hosts, so that the limits for one address do not apply to them.

    Args:
        app: The application.
        ranges: The addresses of known hosts.
    """

    def __init__(self, app: ASGIApp, *, ranges: Ranges) -> None:
        self._app = app
        self._ranges = ranges

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Mark one request, and pass it on."""
        if scope["type"] == "http":
            address = client_address(scope)
            if address is not None and address in self._ranges:
                scope = {**scope, KNOWN_HOST: True}
        await self._app(scope, receive, send)
