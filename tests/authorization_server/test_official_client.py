"""MCP's official client registers or names its document, signs in, and asks for more when a call needs more."""

from collections.abc import AsyncGenerator
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack, asynccontextmanager
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

from intarsia import EmbeddedIssuer
from intarsia.host.server import Listener, open_socket, running
from tests.authorization_server.accounts import with_account
from tests.authorization_server.browser import Browser, opened
from tests.authorization_server.sign_in_site import site_on_this_machine
from tests.security.connector_server import build_connector

CALLBACK = "http://127.0.0.1:3999/callback"
BOTH = {"tasks:read", "tasks:write"}


@dataclass
class App:
    """A client's own storage, and the browser of the person in front of it."""

    browser: Browser
    untick: AbstractSet[str] = frozenset()
    tokens: OAuthToken | None = None
    registered: OAuthClientInformationFull | None = None
    shown: list[str] = field(default_factory=list[str])

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.registered

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.registered = client_info

    async def open_browser(self, address: str) -> None:
        self.shown.append(address)

    async def come_back(self) -> AuthorizationCodeResult:
        untick = self.untick if len(self.shown) == 1 else frozenset[str]()
        told = await self.browser.consent(self.shown[-1], untick=untick)
        return AuthorizationCodeResult(code=told["code"], state=told["state"], iss=told["iss"])

    def asked(self) -> list[set[str]]:
        return [set(httpx2.URL(address).params["scope"].split()) for address in self.shown]


@asynccontextmanager
async def connected(
    folder: Path, mode: str, *, untick: AbstractSet[str] = frozenset(), document: str | None = None
) -> AsyncGenerator[tuple[Client, App]]:
    await with_account(folder / "accounts.db", "ada", roles=["editor"])
    async with AsyncExitStack() as stack:
        bound = stack.enter_context(open_socket("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
        app = build_connector(folder / "store.db", []).app(auth=EmbeddedIssuer(origin, accounts=folder / "accounts.db"))
        person = App(await stack.enter_async_context(opened(origin)), untick)
        metadata = OAuthClientMetadata(redirect_uris=[AnyUrl(CALLBACK)], client_name="Test chat")
        signs_in = OAuthClientProvider(
            f"{origin}/mcp", metadata, person, person.open_browser, person.come_back, client_metadata_url=document
        )
        await stack.enter_async_context(running([Listener(app, bound)]))
        http = await stack.enter_async_context(httpx2.AsyncClient(auth=signs_in, timeout=30))
        chat = Client(streamable_http_client(f"{origin}/mcp", http_client=http), mode=mode)
        yield await stack.enter_async_context(chat), person


async def text_of(client: Client, tool: str, **arguments: Any) -> str:
    content: Any = (await client.call_tool(tool, arguments)).content[0]
    text: str = content.text
    return text


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_one_sign_in_is_enough_for_everything(tmp_path: Path, mode: str) -> None:
    async with connected(tmp_path, mode) as (client, app):
        assert "Water the plants" in await text_of(client, "task_board")
        assert await text_of(client, "add_task", title="Rest") == "Added Rest."
        said = await text_of(client, "say_who")

    assert '"subject": "ada"' in said
    assert '"roles": ["editor"]' in said
    assert app.asked() == [BOTH | {"offline_access"}]
    assert app.registered is not None
    assert app.registered.token_endpoint_auth_method == "none"
    assert app.tokens is not None
    assert app.tokens.refresh_token is not None


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_who_granted_less_grants_more_when_a_call_needs_it_and_the_call_succeeds(
    tmp_path: Path, mode: str
) -> None:
    async with connected(tmp_path, mode, untick={"tasks:write"}) as (client, app):
        assert "Water the plants" in await text_of(client, "task_board")
        assert app.tokens is not None
        assert app.tokens.scope == "offline_access tasks:read"
        assert await text_of(client, "add_task", title="Rest") == "Added Rest."

    assert len(app.shown) == 2
    assert app.asked()[1] >= BOTH


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_an_app_that_names_its_document_need_not_register(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site_on_this_machine(tmp_path, monkeypatch) as site:
        site.says(site.document(redirect_uris=["http://127.0.0.1/callback"]))
        untick = {"tasks:write"}
        async with connected(tmp_path, mode, untick=untick, document=site.client_id) as (client, app):
            assert "Water the plants" in await text_of(client, "task_board")
            assert await text_of(client, "add_task", title="Rest") == "Added Rest."
            said = await text_of(client, "say_who")

    assert f'"client": "{site.client_id}"' in said
    assert site.connections == 1
    assert len(app.shown) == 2
