"""Widgets on servers that exist work in a real host, and the servers' own tools see what people did there."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from playwright.async_api import expect

from examples import reading_list, shopping_list
from inlay.testing.fixtures import OpenHost
from tests.browser.stories import SANDBOXES, served


@pytest.fixture
async def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(reading_list, "FILE", tmp_path / "reading-list.db")
    async with served(reading_list.connector, tmp_path), Client(reading_list.server) as client:
        for title in ("Emma", "Middlemarch <i>"):
            await client.call_tool("add_book", {"title": title})
        yield


@pytest.fixture
async def shopping(tmp_path: Path) -> AsyncIterator[None]:
    async with served(shopping_list.connector, tmp_path):
        yield


async def left_to_buy() -> Any:
    result = await shopping_list.server.call_tool("still_to_buy")
    return (result.structured_content or {})["result"]


@pytest.mark.parametrize("serve", ["by Inlay", "by its author"])
@pytest.mark.parametrize("sandbox", SANDBOXES)
@pytest.mark.usefixtures("books")
async def test_a_book_is_ticked_off_on_an_mcp_server(open_host: OpenHost, sandbox: str, serve: str) -> None:
    server = reading_list.server
    app = reading_list.connector.app() if serve == "by Inlay" else server.streamable_http_app(stateless_http=True)
    host = open_host(app)
    await host.open(sandbox=sandbox)
    view = await host.call("reading_list")

    await expect(view.body.get_by_text("2 of 2 left to read")).to_be_visible()
    await view.body.get_by_role("checkbox", name="Middlemarch <i>").check()
    await expect(view.body.get_by_text("1 of 2 left to read")).to_be_visible()

    assert reading_list.ask("SELECT title FROM books WHERE is_read") == [("Middlemarch <i>",)]


@pytest.mark.parametrize("sandbox", SANDBOXES)
@pytest.mark.usefixtures("shopping")
async def test_the_tools_of_a_fastmcp_server_read_what_was_done_in_the_widget(
    open_host: OpenHost, sandbox: str
) -> None:
    host = open_host(shopping_list.server.http_app(stateless_http=True))
    await host.open(sandbox=sandbox)
    view = await host.call("shopping_list")

    for item in ("Bread", "Olive oil"):
        await view.body.get_by_role("textbox", name="Add a card").fill(item)
        await view.body.get_by_role("textbox", name="Add a card").press("Enter")
        await expect(view.body.get_by_role("checkbox", name=f"Complete {item}")).to_be_visible()
    assert await left_to_buy() == ["Bread", "Olive oil"]

    await view.body.get_by_role("checkbox", name="Complete Bread").check()
    await view.wait_for_calls(1, "buy")
    assert await left_to_buy() == ["Olive oil"]
