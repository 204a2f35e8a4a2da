"""Two connectors in one process do not meet, whatever servers they are on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastmcp import FastMCP
from mcp.server.mcpserver import MCPServer
from sqlalchemy import Column, MetaData, String, Table, insert, select

import intarsia
from intarsia import Connector, Done
from intarsia.widgets import DesignPanel, Slider, Text
from tests.server.server_kinds import ERAS, Served

KEY = {"dev.intarsia/id": "key-00000001"}


class Notes:
    """A connector with the tools that the other has too; its action waits until it is told to go on."""

    def __init__(self, name: str, path: Path, server: MCPServer[Any] | None = None) -> None:
        self.name = name
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()
        tables = MetaData()
        self.notes = Table("notes", tables, Column("text", String, primary_key=True))
        self.connector = connector = Connector(name, store=path, tables=tables, server=server)

        @connector.action
        async def write(text: str) -> Done:
            """Write a note."""
            async with connector.change() as connection:
                self.begun.set()
                with anyio.fail_after(10):
                    await self.may_end.wait()
                await connection.execute(insert(self.notes).values(text=text))
            return Done(f"Written in {self.name}.")

        @connector.widget
        async def all_notes() -> Text:
            """Show the notes."""
            async with connector.read() as connection:
                texts = (await connection.execute(select(self.notes.c.text))).scalars().all()
            return Text(", ".join([f"Notes of {self.name}", *sorted(texts)]))

        @connector.widget
        async def panel() -> DesignPanel:
            """Adjust the size."""
            return DesignPanel([Slider("size", min=0, max=9, value=3)], draft=True, on_save=save.bind())

        @connector.action
        async def save(values: dict[str, float]) -> Done:
            """Save the size."""
            return Done(f"Saved {values} in {self.name}.")


Pair = tuple[tuple[Notes, Served], tuple[Notes, Served]]


def on_its_own(name: str, path: Path) -> tuple[Notes, Served]:
    notes = Notes(name, path)
    return notes, Served(notes.connector, notes.connector.app())


def on_mcp_server(name: str, path: Path) -> tuple[Notes, Served]:
    server = MCPServer(name)
    notes = Notes(name, path, server)
    return notes, Served(notes.connector, server.streamable_http_app(stateless_http=True))


def on_fastmcp(name: str, path: Path) -> tuple[Notes, Served]:
    server, notes = FastMCP[Any](name), Notes(name, path)
    intarsia.attach(notes.connector, server)
    return notes, Served(notes.connector, server.http_app(stateless_http=True))


KINDS: dict[str, Callable[[str, Path], tuple[Notes, Served]]] = {
    "own": on_its_own,
    "MCPServer": on_mcp_server,
    "FastMCP": on_fastmcp,
}


@pytest.fixture(params=["own+own", "MCPServer+MCPServer", "FastMCP+FastMCP", "MCPServer+FastMCP", "own+MCPServer"])
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pair]:
    left, right = request.param.split("+")
    first = KINDS[left]("Left notes", tmp_path / "left.db")
    second = KINDS[right]("Right notes", tmp_path / "right.db")
    async with first[1].running(), second[1].running():
        yield first, second


async def call(served: Served, era: str, name: str, meta: Any = None, /, **arguments: Any) -> Any:
    async with served.connected(era) as client:
        return await client.call_tool(name, arguments, meta=meta)


@pytest.mark.parametrize("era", ERAS)
async def test_calls_with_one_key_that_run_at_once_are_two_calls(pair: Pair, era: str) -> None:
    (left, left_server), (right, right_server) = pair

    slow = asyncio.create_task(call(left_server, era, "write", KEY, text="left"))
    await asyncio.wait_for(left.begun.wait(), 10)
    right.may_end.set()
    quick = await call(right_server, era, "write", KEY, text="right")
    left.may_end.set()
    answers = [await slow, quick]
    again = await call(left_server, era, "write", KEY, text="left")

    assert [answer.content[0].text for answer in answers] == ["Written in Left notes.", "Written in Right notes."]
    assert again.meta["dev.intarsia/done"] == {"message": "Written in Left notes.", "replayed": True}
    assert "Notes of Left notes, left" in (await call(left_server, era, "all_notes")).content[0].text
    assert "Notes of Right notes, right" in (await call(right_server, era, "all_notes")).content[0].text


@pytest.mark.parametrize("era", ERAS)
async def test_a_draft_is_kept_in_one_of_them(pair: Pair, era: str) -> None:
    (_, left), (_, right) = pair
    shown = await call(left, era, "panel")
    meta = {"dev.intarsia/view": shown.meta["dev.intarsia/view"]}
    await call(left, era, "intarsia_draft", meta, tool="panel", arguments={}, values={"size": 7})

    assert 'value="7"' in str((await call(left, era, "panel")).meta)
    assert 'value="7"' not in str((await call(right, era, "panel")).meta)


async def test_each_has_a_view_of_its_own_and_knows_no_other(pair: Pair) -> None:
    (_, left), (_, right) = pair
    async with left.connected("auto") as one, right.connected("auto") as other:
        addresses = [
            [view.uri for view in (await client.list_resources()).resources if view.uri.startswith("ui:")]
            for client in (one, other)
        ]
        assert [len(found) for found in addresses] == [1, 1]
        assert addresses[0] != addresses[1]
        with pytest.raises(Exception, match=r"[Rr]esource"):
            await one.read_resource(addresses[1][0])
