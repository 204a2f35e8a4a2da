"""T26, T27, T45, T76: streams tell each what they may read, are few for one person, and end with their access."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from intarsia import Connector, Introspection, Issuer, ResourceServer
from intarsia.host.server import running_server
from intarsia.server.mcp_server.server import Surface
from intarsia.server.mcp_server.subscriptions import MAX_ADDRESSES, MAX_PER_USER
from intarsia.server.switches.positions import Position
from intarsia.server.switches.service import Change
from tests.security.connector_server import MODERN, RESOURCE, Answers, build_connector, good_claims
from tests.security.issuer import RunningIssuer
from tests.security.other_process import turn_off_in_other_process

SOON = 12
ABOUT_ME = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "tester", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@dataclass
class Stream:
    """One open stream."""

    status: int
    lines: AsyncIterator[str]
    frames: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def next(self) -> dict[str, Any] | None:
        """Return the next message; none when the stream is over."""
        async with asyncio.timeout(SOON):
            async for line in self.lines:
                text = line.removeprefix("data: ")
                if text.startswith("{"):  # a refusal is no stream
                    self.frames.append(json.loads(text))
                    return self.frames[-1]
        return None

    async def acknowledged(self) -> dict[str, Any]:
        """Return what the server agreed to."""
        first = await self.next()
        assert first is not None
        assert first["method"] == "notifications/subscriptions/acknowledged", first
        found: dict[str, Any] = first["params"]["notifications"]
        return found

    async def rest(self) -> list[dict[str, Any]]:
        """Return all messages up to the end."""
        found: list[dict[str, Any]] = []
        while (message := await self.next()) is not None:
            found.append(message)
        return found


class World:
    """A server that asks an issuer about each token, and streams from it."""

    def __init__(self, address: str, connector: Connector, answers: Answers, issuer: RunningIssuer) -> None:
        self.address, self.connector, self.answers, self.issuer = address, connector, answers, issuer
        self.stack = AsyncExitStack()
        self.view = str(Surface(connector.catalog).views(None)[0].uri)

    def token(self, subject: str) -> str:
        token = self.issuer.sign(good_claims(self.issuer.url, sub=subject))
        self.answers.by_token[token] = {"active": True}
        return token

    async def listen(self, token: str, *uris: str, tools: bool = False) -> Stream:
        http = await self.stack.enter_async_context(httpx2.AsyncClient(timeout=SOON))
        wanted: dict[str, Any] = {"resourceSubscriptions": list(uris), "toolsListChanged": tools}
        params = {"notifications": wanted, "_meta": ABOUT_ME}
        headers = {
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": MODERN,
            "Mcp-Method": "subscriptions/listen",
            "Authorization": f"Bearer {token}",
        }
        body = {"jsonrpc": "2.0", "id": 7, "method": "subscriptions/listen", "params": params}
        response = await self.stack.enter_async_context(
            http.stream("POST", f"{self.address}/mcp", json=body, headers=headers)
        )
        return Stream(response.status_code, response.aiter_lines())


@pytest.fixture
async def world(issuer: RunningIssuer, tmp_path: Path) -> AsyncIterator[World]:
    answers = Answers()
    async with running_server(answers.app()) as address:
        asks = Introspection(client_id="intarsia", client_secret="made-up", endpoint=f"{address}/introspect")
        connector = build_connector(tmp_path / "listening.db", [])
        app = connector.app(auth=ResourceServer(RESOURCE, [Issuer(issuer.url, introspection=asks)]))
        async with running_server(app) as served:
            made = World(served, connector, answers, issuer)
            async with made.stack:
                yield made


def updated(stream: Stream) -> list[str]:
    return [str(each["params"]["uri"]) for each in stream.frames if each.get("method", "").endswith("updated")]


async def test_t26_a_listener_hears_of_what_they_may_read_and_of_nothing_else(world: World) -> None:
    foreign = ["ui://other/view-1.html", "file:///etc/passwd", "https://ada.example/notes", "ui://*", "**", ""]
    stream = await world.listen(world.token("ada"), world.view, *foreign)

    assert (await stream.acknowledged())["resourceSubscriptions"] == [world.view]
    world.connector.changed(*foreign[:3])
    world.connector.changed(world.view)
    await stream.next()
    assert updated(stream) == [world.view]


async def test_t26_a_stream_names_so_many_resources_and_no_more(world: World) -> None:
    token = world.token("ada")
    refused = await world.listen(token, *(f"ui://x/{number}" for number in range(MAX_ADDRESSES + 1)))
    taken = await world.listen(token, *(f"ui://x/{number}" for number in range(MAX_ADDRESSES)))

    message = await refused.next()
    assert message is not None
    assert "100 resources" in message["error"]["message"]
    assert "resourceSubscriptions" not in await taken.acknowledged()


async def test_t27_a_withdrawn_token_ends_the_stream_and_nothing_comes_after(world: World) -> None:
    token = world.token("ada")
    stream = await world.listen(token, world.view, tools=True)
    await stream.acknowledged()
    world.answers.by_token.clear()

    rest = await stream.rest()
    world.connector.changed(world.view)

    assert [each.get("method") for each in rest] == [None]
    assert "result" in rest[0]
    assert await stream.next() is None


async def test_t27_a_scope_that_was_taken_back_ends_the_stream(world: World) -> None:
    token = world.token("ada")
    stream = await world.listen(token, world.view)
    await stream.acknowledged()
    world.answers.by_token[token] = {"active": True, "scope": "tasks:write"}

    assert [each.get("method") for each in await stream.rest()] == [None]


async def test_t27_t45_a_view_that_was_turned_off_ends_its_stream_before_anything_is_told(world: World) -> None:
    ada = await world.listen(world.token("ada"), world.view, tools=True)
    bob = await world.listen(world.token("bob"), tools=True)
    await ada.acknowledged()
    await bob.acknowledged()
    await world.connector.switches.set([Change("tool:task_board", Position.OFF)], who="admin", by="admin")
    world.connector.changed(world.view)

    assert [each.get("method") for each in await ada.rest()] == [None]
    told = await bob.next()
    assert told is not None
    assert told["method"] == "notifications/tools/list_changed"


async def test_t45_a_view_that_another_process_turned_off_ends_its_stream_too(world: World, tmp_path: Path) -> None:
    stream = await world.listen(world.token("ada"), world.view, tools=True)
    await stream.acknowledged()

    await turn_off_in_other_process(tmp_path / "listening.db", "tool:task_board")

    assert [each.get("method") for each in await stream.rest()] == [None]


async def test_t76_one_person_has_so_many_streams_and_others_are_let_in(world: World) -> None:
    hers = world.token("ada")
    streams = [await world.listen(hers, tools=True) for _ in range(MAX_PER_USER)]
    for stream in streams:
        await stream.acknowledged()

    for _ in range(30):
        refused = await (await world.listen(hers, tools=True)).next()
        assert refused is not None
        assert "20 open streams" in refused["error"]["message"]
    his = await world.listen(world.token("bob"), tools=True)
    await his.acknowledged()
    world.connector.changed("intarsia:switches")
    assert [(await each.next() or {})["method"] for each in [*streams, his]] == ["notifications/tools/list_changed"] * (
        MAX_PER_USER + 1
    )
