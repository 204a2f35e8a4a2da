"""On a server that asks people to sign in, each of them has their own drafts and keys, and only what they granted."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastmcp import FastMCP
from fastmcp.server.auth import StaticTokenVerifier
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from pydantic import AnyHttpUrl
from starlette.applications import Starlette

import intarsia
from intarsia import Connector, Done, Grant, Issuer, ResourceServer
from intarsia.errors import SettingError
from intarsia.server.auth.caller import caller
from intarsia.widgets import DesignPanel, Slider, Text
from tests.server.server_kinds import ERAS, Served

ISSUER = "https://id.example"
PEOPLE: dict[str, dict[str, Any]] = {
    "token-ada": {"client_id": "chat", "sub": "ada", "scopes": ["notes:write"], "iss": ISSUER, "roles": ["editor"]},
    "token-bob": {"client_id": "chat", "sub": "bob", "scopes": ["notes:write"], "iss": ISSUER},
    "token-eve": {"client_id": "chat", "sub": "eve", "scopes": [], "iss": ISSUER},
}
AUTH = AuthSettings(
    issuer_url=AnyHttpUrl(ISSUER),
    resource_server_url=AnyHttpUrl("http://127.0.0.1:8484/mcp"),
    required_scopes=[],
    validate_token_resource=True,
)


class Verifier:
    """Knows the tokens of three people."""

    async def verify_token(self, token: str) -> AccessToken | None:
        known = PEOPLE.get(token)
        if known is None:
            return None
        claims = {name: value for name, value in known.items() if name in ("iss", "roles")}
        resource = str(AUTH.resource_server_url)
        return AccessToken(
            token=token,
            client_id=known["client_id"],
            scopes=known["scopes"],
            subject=known["sub"],
            resource=resource,
            claims=claims,
        )


def notes(path: Path, server: MCPServer[Any] | None = None) -> Connector:
    connector = Connector("Notes", store=path, server=server)
    count = iter(range(1, 99))

    @connector.action(scopes={"notes:write"})
    async def write(text: str, who: Grant) -> Done:
        """Write a note."""
        async with connector.change():
            return Done(f"{who.subject} of {who.issuer} wrote note {next(count)}: {text}, as {sorted(who.roles)}.")

    @connector.action(scopes=set())
    async def save(values: dict[str, float]) -> Done:
        """Save the size."""
        return Done(f"Saved {values}.")

    @connector.widget(scopes=set())
    async def panel() -> DesignPanel:
        """Adjust the size."""
        return DesignPanel([Slider("size", min=0, max=9, value=3)], draft=True, on_save=save.bind())

    @connector.widget(roles={"editor"})
    async def desk(who: Grant) -> Text:
        """Show the desk of an editor."""
        return Text(f"The desk of {who.subject}.")

    return connector


def signed_in_mcp_server() -> MCPServer[Any]:
    return MCPServer("Notes", auth=AUTH, token_verifier=Verifier())


def by_author(path: Path) -> Served:
    server = signed_in_mcp_server()
    return Served(notes(path, server), server.streamable_http_app(stateless_http=True))


def by_connector(path: Path) -> Served:
    connector = notes(path, signed_in_mcp_server())
    return Served(connector, connector.app())


def by_fastmcp(path: Path) -> Served:
    server = FastMCP[Any]("Notes", auth=StaticTokenVerifier(PEOPLE))
    connector = notes(path)
    intarsia.attach(connector, server)
    return Served(connector, server.http_app(stateless_http=True))


KINDS = {
    "MCPServer as its author serves it": by_author,
    "MCPServer behind our gate": by_connector,
    "FastMCP": by_fastmcp,
}


@pytest.fixture(params=KINDS)
async def served(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Served]:
    built = KINDS[request.param](tmp_path / "store.db")
    async with built.running():
        yield built


async def call(served: Served, era: str, token: str, name: str, meta: Any = None, /, **arguments: Any) -> Any:
    async with served.connected(era, token=f"token-{token}") as client:
        return await client.call_tool(name, arguments, meta=meta)


@pytest.mark.parametrize("era", ERAS)
async def test_two_people_share_no_draft(served: Served, era: str) -> None:
    shown = await call(served, era, "ada", "panel")
    meta = {"dev.intarsia/view": shown.meta["dev.intarsia/view"]}
    await call(served, era, "ada", "intarsia_draft", meta, tool="panel", arguments={}, values={"size": 7})

    assert 'value="7"' in str((await call(served, era, "ada", "panel")).meta)
    assert 'value="7"' not in str((await call(served, era, "bob", "panel")).meta)


@pytest.mark.parametrize("era", ERAS)
async def test_two_people_share_no_idempotency_key(served: Served, era: str) -> None:
    key = {"dev.intarsia/id": "key-00000001"}
    ada = await call(served, era, "ada", "write", key, text="hello")
    bob = await call(served, era, "bob", "write", key, text="hello")
    again = await call(served, era, "ada", "write", key, text="hello")

    assert ada.content[0].text == f"ada of {ISSUER} wrote note 1: hello, as ['editor']."
    assert bob.content[0].text == f"bob of {ISSUER} wrote note 2: hello, as []."
    assert again.content[0].text == ada.content[0].text
    assert again.meta["dev.intarsia/done"]["replayed"] is True


@pytest.mark.parametrize("era", ERAS)
async def test_who_granted_less_may_do_less(served: Served, era: str) -> None:
    refused = await call(served, era, "eve", "write", text="hello")
    hidden = await call(served, era, "bob", "desk")

    assert refused.is_error
    assert refused.meta["dev.intarsia/problem"]["missing_scopes"] == ["notes:write"]
    assert hidden.is_error
    assert "The desk of ada." in str((await call(served, era, "ada", "desk")).meta)


async def test_nobody_comes_in_without_a_token(served: Served) -> None:
    assert isinstance(served.target, Starlette)
    transport = httpx2.ASGITransport(app=served.target)
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
    body: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "panel", "arguments": {}},
    }
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8484", headers=headers) as http:
        for authorization in ({}, {"Authorization": "Bearer forged"}):
            answer = await http.post("/mcp", json=body, headers=authorization)
            assert answer.status_code == 401
            assert "Bearer" in answer.headers["www-authenticate"]
            assert "size" not in answer.text


def test_a_server_that_asks_for_tokens_cannot_be_given_others(tmp_path: Path) -> None:
    connector = notes(tmp_path / "store.db", signed_in_mcp_server())
    auth = ResourceServer("https://notes.example/mcp", issuers=[Issuer(ISSUER)])

    with pytest.raises(SettingError, match="'Notes' has its own `auth`"):
        connector.app(auth=auth)


def test_whom_a_token_stands_for() -> None:
    def token(value: str, **more: Any) -> AccessToken:
        return AccessToken(token=value, client_id="chat", scopes=["a"], **more)

    assert caller(token("t", subject="ada", claims={"iss": ISSUER, "sub": "bob"})) == Grant(
        "ada", "chat", {"a"}, issuer=ISSUER
    )
    assert caller(token("t", claims={"sub": "bob"})) == Grant("bob", "chat", {"a"})
    nameless, other = caller(token("t")), caller(token("u", claims={"sub": ""}))
    assert nameless is not None
    assert other is not None
    assert nameless.subject != other.subject
    assert caller(None) is None
