"""Widgets on servers that exist work in a real host, and the servers' own tools see what people did there."""

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from examples import reading_list, shopping_list
from intarsia import Connector, Grant
from intarsia.testing import Host
from tests.browser.story_support import SANDBOXES

SERVED = ["MCPServer by Intarsia", "MCPServer by its author", "FastMCP"]


@pytest.fixture(params=SERVED)
def served(request: pytest.FixtureRequest) -> str:
    """Which server is run, and by whom."""
    return str(request.param)


@pytest.fixture
def connector(served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connector:
    monkeypatch.setattr(reading_list, "FILE", tmp_path / "reading-list.db")
    return shopping_list.connector if served == "FastMCP" else reading_list.connector


@pytest.fixture
def connector_app(running_connector: Connector, served: str) -> Starlette:
    if served == "FastMCP":
        return shopping_list.server.http_app(stateless_http=True)
    if served == "MCPServer by its author":
        return reading_list.server.streamable_http_app(stateless_http=True)
    return running_connector.app()


async def left_to_buy() -> Any:
    result = await shopping_list.server.call_tool("still_to_buy")
    return (result.structured_content or {})["result"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("sandbox", SANDBOXES)
@pytest.mark.parametrize("served", SERVED[:2], indirect=True)
async def test_a_book_that_the_authors_tool_added_is_ticked_off(host: Host, sandbox: str) -> None:
    await host.open(sandbox=sandbox)
    for title in ("Emma", "Middlemarch"):
        await reading_list.server.call_tool("add_book", {"title": title})
    books = await host.call("reading_list")

    assert "2 of 2 left to read" in books.text
    await books.press("Middlemarch")
    await books.until("1 of 2 left to read")

    assert reading_list.ask("SELECT title FROM books WHERE is_read") == [("Middlemarch",)]


@pytest.mark.parametrize("sandbox", SANDBOXES)
@pytest.mark.parametrize("served", ["FastMCP"], indirect=True)
async def test_the_tools_of_a_fastmcp_server_read_what_two_people_did(host: Host, sandbox: str) -> None:
    await host.open(sandbox=sandbox)
    adas = await host.call("shopping_list", as_=Grant("ada"))
    await adas.fill("Add a card", "Bread", enter=True)
    await adas.until("Bread")
    await adas.fill("Add a card", "Olive oil", enter=True)
    await adas.until("Olive oil")
    assert await left_to_buy() == ["Bread", "Olive oil"]

    bobs = await host.call("shopping_list", as_=Grant("bob"))
    await bobs.press("Complete Bread")
    await bobs.wait_for_calls(1, name="buy")

    assert await left_to_buy() == ["Olive oil"]
