"""The whole way with the independent issuer: discovery, sign-in with code and PKCE, a call by the official client."""

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import ProtectedResourceMetadata

from intarsia import Introspection, Issuer, ResourceServer
from intarsia.host.server import running_server
from tests.security.conftest import METADATA
from tests.security.connector_server import (
    ERAS,
    RESOURCE,
    Served,
    build_connector,
    challenge,
    done,
    good_claims,
    running_connector_server,
)
from tests.security.issuer import ASKING, CLIENT_SECRET, RunningIssuer

SCOPE = "openid offline_access tasks:read tasks:write"
CLIENTS = ("signed", "opaque")


@asynccontextmanager
async def serving_both(issuer: RunningIssuer, folder: Path, **changed: Any) -> AsyncGenerator[Served]:
    asks = Introspection(client_id=ASKING[0], client_secret=ASKING[1], signed_tokens=False)
    trusted = Issuer(issuer.url, introspection=asks, **changed)
    async with running_connector_server(ResourceServer(RESOURCE, [trusted]), folder) as served:
        yield served


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.parametrize("client", CLIENTS)
async def test_who_signs_in_is_known_to_the_tools_and_the_token_is_not(
    issuer: RunningIssuer, tmp_path: Path, client: str, mode: str
) -> None:
    tokens = await issuer.sign_in("ada", SCOPE, RESOURCE, client)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    async with (
        serving_both(issuer, tmp_path) as served,
        httpx2.AsyncClient(headers=headers) as http,
        Client(streamable_http_client(f"{served.addresses[0]}/mcp", http_client=http), mode=mode) as caller,
    ):
        assert {tool.name for tool in (await caller.list_tools()).tools} >= {"task_board", "add_task", "say_who"}
        said: Any = (await caller.call_tool("say_who", {})).content[0]
        added: Any = (await caller.call_tool("add_task", {"title": "Water"})).content[0]

    assert added.text == "Added Water."
    assert json.loads(said.text) == {
        "subject": "ada",
        "client": client,
        "issuer": issuer.url,
        "scopes": ["tasks:read", "tasks:write"],
        "roles": ["editor"],
        "token": "",
    }


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("kind", ["refresh_token", "id_token"])
async def test_what_is_no_access_token_is_refused(
    issuer: RunningIssuer, tmp_path: Path, client: str, kind: str
) -> None:
    tokens = await issuer.sign_in("ada", SCOPE, RESOURCE, client)

    async with serving_both(issuer, tmp_path) as served:
        for era in ERAS:
            assert (await served.call(era, token=tokens[kind])).status_code == 401
    assert served.entered == []


async def test_an_id_token_is_refused_even_by_a_connector_that_is_called_like_the_client(
    issuer: RunningIssuer, tmp_path: Path
) -> None:
    tokens = await issuer.sign_in("ada", SCOPE, RESOURCE)

    async with serving_both(issuer, tmp_path, audience="signed") as served:
        response = await served.call(ERAS[0], token=tokens["id_token"])

    assert response.status_code == 401


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_token_for_another_connector_of_the_same_issuer_is_refused(
    issuer: RunningIssuer, tmp_path: Path, client: str
) -> None:
    tokens = await issuer.sign_in("ada", SCOPE, "https://other.example.com/mcp", client)

    async with serving_both(issuer, tmp_path) as served:
        assert (await served.call(ERAS[0], token=tokens["access_token"])).status_code == 401


async def test_a_client_may_sign_in_for_itself(issuer: RunningIssuer, tmp_path: Path) -> None:
    tokens = await issuer.as_client("tasks:read", RESOURCE)

    async with serving_both(issuer, tmp_path) as served:
        said = json.loads(done(await served.call(ERAS[0], token=tokens["access_token"], tool="say_who")))

    assert (said["subject"], said["client"], said["scopes"]) == ("signed", "signed", ["tasks:read"])


async def test_clients_find_the_issuer_from_the_first_refusal(issuer: RunningIssuer, tmp_path: Path) -> None:
    async with serving_both(issuer, tmp_path) as served:
        refused = challenge(await served.call(ERAS[0]))
        shown = [
            await served.http.get(f"{served.addresses[0]}{path}")
            for path in ("/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource")
        ]

    assert refused == {"scope": "tasks:read tasks:write", "resource_metadata": METADATA}
    for response in shown:
        metadata = ProtectedResourceMetadata.model_validate_json(response.text)
        assert str(metadata.resource) == RESOURCE
        assert [str(server).rstrip("/") for server in metadata.authorization_servers] == [issuer.url]
        assert metadata.scopes_supported == ["tasks:read", "tasks:write"]
        assert metadata.bearer_methods_supported == ["header"]
        assert response.json()["authorization_servers"] == [issuer.url]


async def test_no_log_holds_a_token_or_a_secret(
    issuer: RunningIssuer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    honest = [(await issuer.sign_in("ada", SCOPE, RESOURCE, client))["access_token"] for client in CLIENTS]
    refused = [issuer.sign(good_claims(issuer.url, aud="other", jti="made-up-jti")), "made-up-opaque-token"]
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        async with serving_both(issuer, tmp_path) as served:
            for era in ERAS:
                for token in (*honest, *refused):
                    await served.call(era, token=token, tool="add_task", arguments={"title": "x"})

    said = "\n".join(caplog.messages) + caplog.text
    assert "An access token was rejected" in said
    assert "/token/introspection" in said
    pieces = [piece for token in (*honest, *refused) for piece in token.split(".")]
    assert [piece for piece in (*pieces, ASKING[1], CLIENT_SECRET, "made-up-jti") if piece[:40] in said] == []


async def test_an_issuer_that_cannot_be_asked_lets_nobody_in_and_sends_nobody_away(tmp_path: Path) -> None:
    gone = "http://127.0.0.1:9"
    asks = Introspection(client_id="intarsia", client_secret="made-up", endpoint=f"{gone}/introspect")
    auth = ResourceServer(RESOURCE, [Issuer(gone, introspection=asks)])

    async with running_connector_server(auth, tmp_path) as served:
        for era in ERAS:
            response = await served.call(era, token="opaque-token")

            assert response.status_code == 503
            assert response.headers["retry-after"] == "5"
    assert served.entered == []


async def test_on_a_server_of_the_authors_own_every_tool_asks_for_a_token(
    issuer: RunningIssuer, tmp_path: Path
) -> None:
    entered: list[str] = []
    own = MCPServer("Own")

    @own.tool()
    async def own_tool() -> str:
        """Be there already."""
        entered.append("own_tool")
        return "Mine."

    connector = build_connector(tmp_path / "store.db", entered, server=own)
    async with (
        running_server(connector.app(auth=ResourceServer(RESOURCE, [issuer.url]))) as address,
        httpx2.AsyncClient() as http,
    ):
        served = Served([address], http, entered)
        for era in ERAS:
            token = issuer.sign(good_claims(issuer.url, scope="tasks:read"))
            assert (await served.call(era, tool="own_tool")).status_code == 401
            assert (await served.call(era, token=token, tool="add_task")).status_code == 403
            assert entered == []
            assert done(await served.call(era, token=token, tool="own_tool")) == "Mine."
            assert json.loads(done(await served.call(era, token=token, tool="say_who")))["subject"] == "ada"
            entered.clear()
