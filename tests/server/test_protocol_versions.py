"""The same server through the official client, in both eras of the protocol."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.client import advertise
from mcp.client.streamable_http import streamable_http_client
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from intarsia import Connector

ERAS = ["legacy", "2026-07-28"]


@asynccontextmanager
async def client_of(connector: Connector, era: str, *, shows_apps: bool) -> AsyncGenerator[Client]:
    app = connector.app()
    extensions = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})] if shows_apps else []
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with (
            httpx2.AsyncClient(transport=transport) as http,
            Client(
                streamable_http_client("http://127.0.0.1:8484/mcp", http_client=http), mode=era, extensions=extensions
            ) as client,
        ):
            yield client


@pytest.mark.parametrize("era", ERAS)
async def test_list_call_and_read_work(connector: Connector, era: str) -> None:
    async with client_of(connector, era, shows_apps=True) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        board = tools["task_board"]
        assert board.meta is not None
        uri = board.meta["ui"]["resourceUri"]
        assert board.meta["ui/resourceUri"] == uri
        assert board.annotations is not None
        assert board.annotations.read_only_hint is True
        move = tools["move_card"].annotations
        assert move is not None
        assert (move.read_only_hint, move.destructive_hint) == (False, False)
        for tool in tools.values():
            Draft202012Validator.check_schema(tool.input_schema)
            assert tool.title
            assert tool.description

        result = await client.call_tool("task_board", {})
        assert result.meta is not None
        assert "dev.intarsia/parts" in result.meta

        view = (await client.read_resource(uri)).contents[0]
        assert view.mime_type == APP_MIME_TYPE
        assert view.meta is not None
        assert view.meta["ui"] == {"prefersBorder": False}
        listed = (await client.list_resources()).resources
        assert [str(resource.uri) for resource in listed] == [uri]
        assert (await client.list_resource_templates()).resource_templates == []


@pytest.mark.parametrize("era", ERAS)
async def test_an_old_view_address_gets_the_current_view(connector: Connector, era: str) -> None:
    async with client_of(connector, era, shows_apps=True) as client:
        current: Any = (await client.read_resource((await client.list_resources()).resources[0].uri)).contents[0]
        old: Any = (await client.read_resource("ui://team-tasks/view-000000000000.html")).contents[0]

        assert old.text == current.text
        with pytest.raises(Exception, match="There is no such resource"):
            await client.read_resource("ui://other/view-000000000000.html")


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_without_apps_gets_text_with_ids_and_can_move_a_card(connector: Connector, era: str) -> None:
    async with client_of(connector, era, shows_apps=False) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        text: Any = (await client.call_tool("task_board", {})).content[0]
        assert "`T-1`" in text.text
        moved: Any = await client.call_tool("move_card", {"card": "T-1", "column": "done", "index": 0, "version": 1})
        assert moved.content[0].text == "Moved T-1."
        after: Any = (await client.call_tool("task_board", {"stage": "done"})).content[0]
        assert "`T-1`" in after.text

        if era != "legacy":  # an old, stateless client cannot say what it shows
            assert tools["task_board"].meta is None
            assert "intarsia_draft" not in tools
            assert (await client.list_resources()).resources == []
            assert (await client.call_tool("task_board", {})).structured_content is None


async def test_the_extension_is_advertised_in_both_eras(connector: Connector) -> None:
    for era in ("legacy", "auto"):
        async with client_of(connector, era, shows_apps=True) as client:
            extensions = client.server_capabilities.extensions or {}
            assert EXTENSION_ID in extensions, era


async def test_what_is_told_of_is_said_to_those_who_can_listen_and_to_nobody_else(connector: Connector) -> None:
    told: dict[str, tuple[object, ...]] = {}
    for era in ("legacy", "auto"):  # one that is told its era does not ask what there is
        async with client_of(connector, era, shows_apps=True) as client:
            found = client.server_capabilities
            assert found.tools
            assert found.resources
            told[era] = (found.tools.list_changed, found.resources.list_changed, found.resources.subscribe)

    assert set(map(bool, told["legacy"])) == {False}
    assert told["auto"] == (True, True, True)


async def test_the_view_is_the_same_bytes_for_everybody(connector: Connector) -> None:
    texts: set[str] = set()
    for era in ERAS:
        async with client_of(connector, era, shows_apps=True) as client:
            contents: Any = (await client.read_resource("ui://team-tasks/view-1.html")).contents[0]
            texts.add(contents.text)

    assert len(texts) == 1
