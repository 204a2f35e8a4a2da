"""What the server says in the words of MCP Apps, over real HTTP, against the official schema."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2
import pytest
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp_types import CallToolResult, ListResourcesResult, ListToolsResult, ReadResourceResult

from intarsia import Connector
from intarsia.host.server import running_server
from tests.interop.apps_schema import Generation, apps_schema
from tests.interop.conftest import EARLIER, ERAS, Served, answer_of

SHOWN: dict[str, dict[str, Any]] = {
    "project_list": {},
    "task_board": {"project": "apollo"},
    "machine_monitor": {},
    "brand_panel": {"brand": "northwind"},
}
REFUSED: dict[str, dict[str, Any]] = {
    "task_board": {"project": "nowhere"},
    "move_card": {"project": "apollo", "card": "T-32", "column": "nowhere", "index": 0, "version": 1},
    "no_such_tool": {},
}
GENERATIONS: tuple[Generation, ...] = ("1", "2")


@pytest.fixture
async def everything(demo: Connector) -> AsyncIterator[Served]:
    async with running_server(demo.app()) as address, httpx2.AsyncClient(timeout=30) as http:
        yield Served(demo, address, http)


async def ask(served: Served, method: str, params: Mapping[str, Any], era: str) -> dict[str, Any]:
    result: dict[str, Any] = answer_of(await served.request(method, params, era))["result"]
    return result


@pytest.mark.parametrize("era", ERAS)
async def test_tools_and_the_view_are_described_as_the_schema_says(everything: Served, era: str) -> None:
    tools = (await ask(everything, "tools/list", {}, era))["tools"]
    resources = (await ask(everything, "resources/list", {}, era))["resources"]
    [contents] = (await ask(everything, "resources/read", {"uri": resources[0]["uri"]}, era))["contents"]

    ListToolsResult.model_validate({"tools": tools}, by_name=False)
    ListResourcesResult.model_validate({"resources": resources}, by_name=False)
    ReadResourceResult.model_validate({"contents": [contents]}, by_name=False)
    shown = {tool["name"]: tool["_meta"] for tool in tools if "resourceUri" in tool.get("_meta", {}).get("ui", {})}
    assert set(shown) == set(SHOWN)
    for generation in GENERATIONS:
        schema = apps_schema(generation)
        for tool in tools:
            assert schema.complain("McpUiToolMeta", tool.get("_meta", {}).get("ui", {})) == [], tool["name"]
        for meta in (resources[0]["_meta"], contents["_meta"]):
            assert schema.complain("McpUiResourceMeta", meta["ui"]) == []
    for meta in shown.values():
        assert meta["ui"]["resourceUri"] == meta["ui/resourceUri"] == resources[0]["uri"]
    assert resources[0]["uri"].startswith("ui://")
    assert {resources[0]["mimeType"], contents["mimeType"]} == {APP_MIME_TYPE}


@pytest.mark.parametrize("era", ERAS)
async def test_every_answer_can_be_pushed_to_a_view(everything: Served, era: str) -> None:
    for name, arguments in [*SHOWN.items(), *REFUSED.items()]:
        result = await ask(everything, "tools/call", {"name": name, "arguments": arguments}, era)

        CallToolResult.model_validate(result, by_name=False)
        assert "dev.intarsia/parts" in result["_meta"] or result["isError"], name
        pushed = {"jsonrpc": "2.0", "method": "ui/notifications/tool-result", "params": result}
        for generation in GENERATIONS:
            assert apps_schema(generation).complain_about_message(pushed) == [], name


async def test_the_extension_is_offered_under_its_official_name(everything: Served) -> None:
    about = {"protocolVersion": EARLIER, "capabilities": {}, "clientInfo": {"name": "tester", "version": "1"}}
    greeted = await ask(everything, "initialize", about, EARLIER)
    found = await ask(everything, "server/discover", {}, ERAS[-1])

    assert EXTENSION_ID in greeted["capabilities"]["extensions"]
    assert EXTENSION_ID in found["capabilities"]["extensions"]
    offered = {"mimeTypes": [APP_MIME_TYPE]}
    for generation in GENERATIONS:
        assert apps_schema(generation).complain("McpUiClientCapabilities", offered) == []
