"""A connector and its issuer that are made up, on no network, and answer as a test tells them to."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2

from intarsia.host.connectors.oauth_client import ConnectorSignIn, OAuthClient

CALLBACK = "http://127.0.0.1:8484/host/callback"


@dataclass
class MadeUp:
    """Everything that is asked, and what is answered.

    Args:
        url: The connector's endpoint.
        issuer: Its issuer.
        metadata: What the issuer says about itself beside the usual.
    """

    url: str = "https://tasks.example.com/mcp"
    issuer: str = "https://login.example.com"
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    statuses: dict[str, int] = field(default_factory=dict[str, int])
    asked: list[httpx2.Request] = field(default_factory=list[httpx2.Request])
    count: int = 0

    def connecting(self, client: OAuthClient | None = None) -> ConnectorSignIn:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(self.answer))
        return ConnectorSignIn(self.url, CALLBACK, http, client)

    def forms(self, path: str) -> list[dict[str, str]]:
        return [dict(parse_qsl(one.content.decode())) for one in self.asked if one.url.path == path]

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        path = request.url.path
        if path in self.statuses:
            return httpx2.Response(self.statuses[path], text="no")
        if path == "/mcp":
            return httpx2.Response(401, headers={"WWW-Authenticate": 'Bearer scope="tasks:read"'})
        if "oauth-protected-resource" in path:
            return httpx2.Response(200, json={"resource": self.url, "authorization_servers": [self.issuer]})
        if "oauth-authorization-server" in path:
            return httpx2.Response(200, json=self._about())
        if path == "/register":
            given = json.loads(request.content)
            return httpx2.Response(201, json={**given, "client_id": "registered"})
        if path == "/token":
            self.count += 1
            tokens = {"access_token": f"access-{self.count}", "refresh_token": f"refresh-{self.count}"}
            return httpx2.Response(200, json={**tokens, "token_type": "Bearer", "expires_in": 3600})
        return httpx2.Response(200 if path == "/revoke" else 404)

    def _about(self) -> dict[str, Any]:
        paths = {"authorization": "authorize", "token": "token", "registration": "register", "revocation": "revoke"}
        endpoints = {f"{name}_endpoint": f"{self.issuer}/{path}" for name, path in paths.items()}
        supported = {"response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"]}
        return {"issuer": self.issuer, **endpoints, **supported, **self.metadata}


async def signed_in(made_up: MadeUp, client: OAuthClient | None = None) -> ConnectorSignIn:
    """Connect, and come back from the sign-in page."""
    connecting = made_up.connecting(client)
    address = await connecting.begin()
    assert address is not None
    state = parse_qs(urlsplit(address).query)["state"][0]
    assert connecting.expects(state)
    await connecting.come_back("a-code", state, None, "")
    return connecting
