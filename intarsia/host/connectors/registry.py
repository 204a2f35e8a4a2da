"""The connectors that somebody added to the host page, and what an owner blocked. Known while the process runs."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from intarsia.errors import SettingError
from intarsia.host.connectors.oauth_client import ConnectorSignIn, OAuthClient
from intarsia.server.auth.resource_server.settings import checked_address

BUILT_IN = "built-in"
"""What the connector is called that the host itself serves."""
CALLBACK_PATH = "/host/callback"
MAX_CONNECTORS = 20
MAX_BLOCKED = 1_000
MAX_NAME_LENGTH = 80
MAX_TOOL_LENGTH = 128
MAX_URL_LENGTH = 2_048

CALL_SECONDS = 310.0
"""How long a connector may be silent; the page itself gives up on a call before."""
CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class AddedConnector:
    """A connector that somebody added."""

    id: str
    name: str
    connecting: ConnectorSignIn

    def shown(self) -> dict[str, Any]:
        """Return what the page may know: no token, no secret."""
        connecting = self.connecting
        return {
            "id": self.id,
            "name": self.name,
            "url": connecting.url,
            "state": connecting.state,
            "scopes": connecting.scopes,
        }


@dataclass
class ConnectorRegistry:
    """Every connector of one host.

    Args:
        page: Where the host page is, such as `http://127.0.0.1:8484/`: people come back there from sign-in pages.
    """

    page: str
    blocked: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """The tools that an owner blocked for everybody, by connector."""
    _added: dict[str, AddedConnector] = field(default_factory=dict[str, AddedConnector])
    _http: httpx2.AsyncClient | None = None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Reach connectors while the block runs; sign-ins that are under way end with it."""
        timeout = httpx2.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS)
        async with httpx2.AsyncClient(timeout=timeout, follow_redirects=False) as http:
            self._http = http
            try:
                yield
            finally:
                for added in self._added.values():
                    await added.connecting.give_up()
                self._http = None

    @property
    def http(self) -> httpx2.AsyncClient:
        """What connectors are called with."""
        if self._http is None:
            message = "The connectors of a host are reached while it runs."
            raise RuntimeError(message)
        return self._http

    def all(self) -> list[AddedConnector]:
        """Return them in the order in which they were added."""
        return list(self._added.values())

    def get(self, name: str) -> AddedConnector | None:
        """Return the one with this id, if it is there."""
        return self._added.get(name)

    def add(self, name: str, url: str, client: OAuthClient | None = None) -> AddedConnector:
        """Add a connector; nothing is asked of it yet.

        Args:
            name: What people call it; left empty, its address.
            url: Its MCP endpoint: HTTPS, or on this machine.
            client: What this host is for its issuer, if somebody was given that.

        Raises:
            SettingError: The address cannot be one, it is there already, or there are too many.
        """
        if len(url) > MAX_URL_LENGTH:
            message = "The address of a connector must be shorter."
            raise SettingError(message)
        address = checked_address(url.strip(), "The address of a connector")
        if any(one.connecting.url == address for one in self._added.values()):
            message = "This connector is there already. Remove it first to add it anew."
            raise SettingError(message)
        if len(self._added) >= MAX_CONNECTORS:
            message = f"There are {MAX_CONNECTORS} connectors already. Remove one first."
            raise SettingError(message)
        callback = self.page.rstrip("/") + CALLBACK_PATH
        called = name.strip()[:MAX_NAME_LENGTH] or address.partition("://")[2]
        added = AddedConnector(secrets.token_urlsafe(8), called, ConnectorSignIn(address, callback, self.http, client))
        self._added[added.id] = added
        return added

    async def remove(self, added: AddedConnector) -> bool:
        """Disconnect a connector and forget it; return whether its issuer took the tokens back."""
        is_taken_back = await added.connecting.leave()
        self._added.pop(added.id, None)
        self.blocked.pop(added.id, None)
        return is_taken_back

    def coming_back(self, state: str) -> AddedConnector | None:
        """Return the connector whose sign-in page sends somebody back with this `state`."""
        return next((added for added in self._added.values() if added.connecting.expects(state)), None)

    def block(self, connector: str, tool: str, *, is_blocked: bool) -> None:
        """Block a tool for everybody, or no longer.

        Raises:
            SettingError: There is no such connector, or no tool can have this name.
        """
        if connector != BUILT_IN and connector not in self._added:
            message = "There is no such connector."
            raise SettingError(message)
        if not 0 < len(tool) <= MAX_TOOL_LENGTH:
            message = "No tool can have this name."
            raise SettingError(message)
        names = self.blocked.setdefault(connector, set())
        if not is_blocked:
            names.discard(tool)
        elif len(names) < MAX_BLOCKED:
            names.add(tool)
