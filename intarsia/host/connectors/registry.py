"""The connectors that users added to the host page, and the blocked tools, in the memory of the process."""

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
"""The id of the connector that the host itself serves."""
CALLBACK_PATH = "/host/callback"
MAX_CONNECTORS = 20
MAX_BLOCKED = 1_000
MAX_NAME_LENGTH = 80
MAX_TOOL_LENGTH = 128
MAX_URL_LENGTH = 2_048

CALL_SECONDS = 310.0
"""The time-out of a connector. The page cancels a call earlier."""
CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class AddedConnector:
    """A connector that a user added."""

    id: str
    name: str
    connecting: ConnectorSignIn

    def shown(self) -> dict[str, Any]:
        """Return the fields for the page, without tokens and secrets."""
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
    """All connectors of one host.

    Args:
        page: The address of the host page, such as `http://127.0.0.1:8484/`, for the redirect URI.
    """

    page: str
    blocked: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """The tools that an owner blocked for all users, by connector."""
    _added: dict[str, AddedConnector] = field(default_factory=dict[str, AddedConnector])
    _http: httpx2.AsyncClient | None = None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Open the HTTP client while the block runs. Open sign-ins are canceled at its end."""
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
        """The HTTP client for connectors."""
        if self._http is None:
            message = "The HTTP client is only available while the host runs."
            raise RuntimeError(message)
        return self._http

    def all(self) -> list[AddedConnector]:
        """Return the connectors in the order in which they were added."""
        return list(self._added.values())

    def get(self, name: str) -> AddedConnector | None:
        """Return the connector with this id, or `None`."""
        return self._added.get(name)

    def add(self, name: str, url: str, client: OAuthClient | None = None) -> AddedConnector:
        """Add a connector, without a request to it.

        Args:
            name: The display name; by default the address.
            url: The MCP endpoint: HTTPS, or on this machine.
            client: The OAuth client of this host at the issuer, if preregistered.

        Raises:
            SettingError: The address is invalid, the connector exists already, or there are too many.
        """
        if len(url) > MAX_URL_LENGTH:
            message = "The address of the connector is too long."
            raise SettingError(message)
        address = checked_address(url.strip(), "The address of a connector")
        if any(one.connecting.url == address for one in self._added.values()):
            message = "This connector has already been added. Remove it to add it again."
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
        """Disconnect and delete a connector; return whether its tokens were revoked."""
        is_taken_back = await added.connecting.leave()
        self._added.pop(added.id, None)
        self.blocked.pop(added.id, None)
        return is_taken_back

    def coming_back(self, state: str) -> AddedConnector | None:
        """Return the connector with an open sign-in for this `state`."""
        return next((added for added in self._added.values() if added.connecting.expects(state)), None)

    def block(self, connector: str, tool: str, *, is_blocked: bool) -> None:
        """Block or unblock a tool for all users.

        Raises:
            SettingError: There is no such connector, or the name is invalid.
        """
        if connector != BUILT_IN and connector not in self._added:
            message = "There is no such connector."
            raise SettingError(message)
        if not 0 < len(tool) <= MAX_TOOL_LENGTH:
            message = "This is not a valid name of a tool."
            raise SettingError(message)
        names = self.blocked.setdefault(connector, set())
        if not is_blocked:
            names.discard(tool)
        elif len(names) < MAX_BLOCKED:
            names.add(tool)
