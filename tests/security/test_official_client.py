"""MCP's official client finds the issuer by itself, signs in, and asks for more when a call needs more."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from intarsia import ResourceServer
from intarsia.host.server import Listener, open_socket, running
from tests.security.connector_server import build_connector
from tests.security.issuer import CALLBACK, CLIENT_SECRET, RunningIssuer


@dataclass
class Person:
    """Somebody at a client: keeps its tokens, and signs in when the client shows the issuer's page."""

    issuer: RunningIssuer
    tokens: OAuthToken | None = None
    shown: list[str] = field(default_factory=list[str])

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return OAuthClientInformationFull(
            client_id="signed",
            client_secret=CLIENT_SECRET,
            redirect_uris=[AnyUrl(CALLBACK)],
            token_endpoint_auth_method="client_secret_basic",
            issuer=self.issuer.url,
        )

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        raise AssertionError(client_info)

    async def open_browser(self, address: str) -> None:
        self.shown.append(address)

    async def come_back(self) -> AuthorizationCodeResult:
        told = await self.issuer.consent(self.shown[-1], "ada")
        return AuthorizationCodeResult(code=told["code"], state=told["state"], iss=told.get("iss"))

    def scopes_asked_for(self) -> list[set[str]]:
        # The client adds what lets it stay signed in, when the issuer has it.
        return [set(httpx2.URL(address).params["scope"].split()) - {"offline_access"} for address in self.shown]


@asynccontextmanager
async def connected(person: Person, folder: Path, mode: str) -> AsyncGenerator[Client]:
    with open_socket("127.0.0.1", 0) as bound:
        address = f"http://127.0.0.1:{bound.getsockname()[1]}/mcp"
        app = build_connector(folder / "store.db", []).app(auth=ResourceServer(address, [person.issuer.url]))
        metadata = OAuthClientMetadata(redirect_uris=[AnyUrl(CALLBACK)])
        signs_in = OAuthClientProvider(address, metadata, person, person.open_browser, person.come_back)
        async with (
            running([Listener(app, bound)]),
            httpx2.AsyncClient(auth=signs_in, timeout=30) as http,
            Client(streamable_http_client(address, http_client=http), mode=mode) as client,
        ):
            yield client


async def text_of(client: Client, tool: str, **arguments: Any) -> str:
    content: Any = (await client.call_tool(tool, arguments)).content[0]
    text: str = content.text
    return text


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_one_sign_in_is_enough_for_everything(issuer: RunningIssuer, tmp_path: Path, mode: str) -> None:
    person = Person(issuer)

    async with connected(person, tmp_path, mode) as client:
        assert "Water the plants" in await text_of(client, "task_board")
        assert await text_of(client, "add_task", title="Rest") == "Added Rest."
        assert '"subject": "ada"' in await text_of(client, "say_who")

    assert person.scopes_asked_for() == [{"tasks:read", "tasks:write"}]


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_who_granted_less_is_asked_for_more_when_it_is_needed(
    issuer: RunningIssuer, tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(issuer)
    challenge_of_first = "intarsia.server.catalog.Catalog.scopes"
    with monkeypatch.context() as careless:
        # A client that was told of fewer scopes, as one that signed in before the connector could do more.
        careless.setattr(challenge_of_first, frozenset({"tasks:read"}))
        async with connected(person, tmp_path, mode) as client:
            assert "Water the plants" in await text_of(client, "task_board")
            careless.undo()
            assert await text_of(client, "add_task", title="Rest") == "Added Rest."

    assert person.scopes_asked_for() == [{"tasks:read"}, {"tasks:read", "tasks:write"}]
