"""The server's share: rendering, calls through the official client, and a whole action."""

import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx2
from mcp import Client
from mcp.client import advertise
from mcp.client.streamable_http import streamable_http_client
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from starlette.applications import Starlette

from benchmarks.measuring import Measure, Samples, interleave
from benchmarks.plain import plain_app
from benchmarks.playing_view import PARTS, PlayedView
from benchmarks.prefab import Form, Prefab
from benchmarks.report import Row, timed
from benchmarks.subject import build_subject
from inlay.ui_templates import render_widget

ERA = "2026-07-28"
"""The newer of the two eras of the protocol, and the cheaper one for both sides."""

FORMS: dict[Form, tuple[str, float]] = {
    "tree": ("Prefab, one component each", 0.1),
    "foreach": ("Prefab, with ForEach", 0.5),
}
"""Prefab's two ways to write a list, and how much of each ours may take."""

RENDER, CALLS, ACTION = "Server: rendering", "Server: calls", "Server: actions"


async def measure_rendering(folder: Path, prefab: Prefab | None, rounds: int) -> list[Row]:
    """Measure how long the board takes from data to what is sent, and how large that is."""
    make_board = build_subject(folder / "rendered.db").tools["board"].function
    what, size = "60-card board, data to markup", len(render_widget(await make_board()).html.encode())

    async def ours() -> float:
        started = time.process_time()
        render_widget(await make_board())
        return (time.process_time() - started) * 1_000

    if prefab is None:
        found = await interleave({"ours": ours}, rounds, warm_up=3)
        return [Row(RENDER, what, "ms CPU", found["ours"].minimum), Row(RENDER, f"{what}: size", "bytes", size)]
    found = await interleave({"ours": ours, **{form: prefab.measure(form) for form in FORMS}}, rounds, warm_up=3)
    times = [
        timed(RENDER, what, found["ours"], other, found[form], budget, "ms CPU")
        for form, (other, budget) in FORMS.items()
    ]
    sizes = [
        Row(RENDER, f"{what}: size", "bytes", size, other, prefab.sizes[form]) for form, (other, _) in FORMS.items()
    ]
    return [*times, *sizes]


@asynccontextmanager
async def client_of(app: Starlette) -> AsyncGenerator[Client]:
    """Connect the official client to an application in this process."""
    extensions = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app)) as http,
        Client(
            streamable_http_client("http://127.0.0.1:8484/mcp", http_client=http), mode=ERA, extensions=extensions
        ) as client,
    ):
        yield client


async def measure_calls(folder: Path, rounds: int) -> list[Row]:
    """Measure calls through the official client, beside plain text tools on the bare SDK."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    subject = build_subject(folder / "subject.db")
    async with client_of(subject.app()) as ours, client_of(plain_app()) as bare:
        calls = {
            "board": _call(ours, "board"),
            "board_text": _call(bare, "board_text"),
            "dashboard": _call(ours, "dashboard"),
            "dashboard_text": _call(bare, "dashboard_text"),
        }
        found = await interleave(calls, rounds, warm_up=5)
        rows = [
            timed(
                CALLS,
                "Dashboard: 4 metrics, 90 points, 50 rows",
                found["dashboard"],
                "as plain text",
                found["dashboard_text"],
                1.5,
            ),
            timed(CALLS, "60-card board", found["board"], "as plain text", found["board_text"], 2.0),
        ]
        return [*rows, *await _measure_action(ours, bare, rounds)]


def _call(client: Client, name: str) -> Measure:
    async def call() -> float:
        started = time.perf_counter()
        result = await client.call_tool(name, {})
        took = (time.perf_counter() - started) * 1_000
        assert not result.is_error, result.content
        return took

    return call


async def _measure_action(ours: Client, bare: Client, rounds: int) -> list[Row]:
    full: Any = (await ours.call_tool("stored_board", {})).meta
    view, state = PlayedView(full[PARTS]), {"version": 1}
    cpu: dict[str, list[float]] = {"move": [], "echo": []}

    async def move() -> None:
        version = state["version"]
        column = "doing" if version % 2 else "backlog"
        arguments = {"card": "T-1", "column": column, "index": 0, "version": version}
        result: Any = await ours.call_tool("move_card", arguments, meta=cast("Any", view.action()))
        assert not result.is_error, result.content
        view.take(result.meta[PARTS])
        state["version"] += 1

    async def echo() -> None:
        await bare.call_tool("echo", {"text": "Moved T-1."})

    measures = {"move": _timed_call(move, cpu["move"]), "echo": _timed_call(echo, cpu["echo"])}
    warm_up = 5
    found = await interleave(measures, rounds, warm_up)
    spent = {name: Samples(tuple(values[warm_up:])) for name, values in cpu.items()}
    what, other = "A card moved: checked, committed, diffed", "the bare SDK's echo"
    move_wall, echo_wall = found["move"], found["echo"]
    return [
        timed(ACTION, what, spent["move"], other, spent["echo"], 4.0, "ms CPU"),
        Row(ACTION, "The same, on the wall clock", "ms", move_wall.minimum, other, echo_wall.minimum),
        Row(ACTION, "The same, 95 of 100 calls", "ms", move_wall.percentile(0.95), budget=30),
    ]


def _timed_call(act: Callable[[], Awaitable[None]], cpu: list[float]) -> Measure:
    async def call() -> float:
        wall, spent = time.perf_counter(), time.process_time()
        await act()
        cpu.append((time.process_time() - spent) * 1_000)
        return (time.perf_counter() - wall) * 1_000

    return call
