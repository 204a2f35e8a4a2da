"""A small connector for servers that exist, and the question whether they changed by it."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from mcp_types import PromptReference
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intarsia import Connector, Done
from intarsia.widgets import DesignPanel, Slider, Text
from tests.server.existing_server import Log
from tests.server.server_kinds import APPS

OURS = {"greeting", "panel", "save", "intarsia_draft"}


def greetings(path: Path, server: MCPServer[Any] | None = None, log: Log | None = None) -> Connector:
    """A connector with a widget, a panel and an action."""

    @asynccontextmanager
    async def lifespan(_connector: Connector) -> AsyncGenerator[None]:
        if log:
            log.lifespans.append("starting")
        yield
        if log:
            log.lifespans.append("stopping")

    connector = Connector("Greetings", instructions="Greet.", store=path, server=server, lifespan=lifespan)

    @connector.widget
    async def greeting(name: str) -> Text:
        """Greet somebody."""
        return Text(f"Hello, {name}!")

    @connector.action
    async def save(values: dict[str, float]) -> Done:
        """Save the size."""
        return Done(f"Saved {values}.")

    @connector.widget
    async def panel() -> DesignPanel:
        """Adjust the size."""
        return DesignPanel([Slider("size", min=0, max=9, value=3)], draft=True, on_save=save.bind())

    return connector


class Recorder:
    """An application that keeps the bodies of its answers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()

        async def recording(message: Message) -> None:
            if message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
            await send(message)

        await self.app(scope, receive, recording)
        self.bodies.append(bytes(body))


async def all_that_is_theirs(app: Starlette, era: str) -> list[bytes]:
    """Ask for everything that the author built, and return the bytes that came."""
    recorder = Recorder(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=recorder)) as http,
        Client(
            streamable_http_client("http://127.0.0.1:8484/mcp", http_client=http), mode=era, extensions=[APPS]
        ) as client,
    ):
        await client.list_tools()
        await client.call_tool("weather", {"city": "Oslo"})
        await client.call_tool("weather", {"city": "Rome"})
        await client.call_tool("weather", {"town": "Oslo"})
        await client.call_tool("no such tool", {})
        await client.list_resources()
        await client.list_resource_templates()
        await client.read_resource("weather://stations")
        await client.read_resource("weather://Oslo/history")
        with pytest.raises(Exception, match=r"[Rr]esource"):
            await client.read_resource("weather://nowhere")
        await client.list_prompts()
        await client.get_prompt("ask", {"city": "Oslo"})
        await client.complete(PromptReference(type="ref/prompt", name="ask"), {"name": "city", "value": "O"})
    return recorder.bodies


def complain_about_changes(before: list[bytes], after: list[bytes], listings: int) -> list[str]:
    """Compare what came before and after; only what lists things may differ, and only by what is ours."""
    complaints: list[str] = []
    changed = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
    if len(changed) != listings:
        complaints.append(f"{len(changed)} answers changed, not {listings}.")
    complaints += [f"{one!r} became {other!r}." for one, other in changed if theirs_of(one) != theirs_of(other)]
    return complaints


def theirs_of(body: bytes) -> str:
    """Write an answer anew, without what is ours."""
    lines = [line.removeprefix("data: ") for line in body.decode().splitlines() if line.startswith(("data: ", "{"))]
    answer = json.loads(lines[-1])
    result = answer["result"]
    for name in ("tools", "resources"):
        if name in result:
            result[name] = [
                one for one in result[name] if one["name"] not in OURS and not one.get("uri", "").startswith("ui:")
            ]
    if "instructions" in result:
        result["instructions"] = result["instructions"].removesuffix("\nGreet.")
        result["capabilities"].pop("extensions", None)
    return json.dumps(answer)
