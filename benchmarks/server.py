"""The server's share: rendering, calls through the official client, and a whole action."""

import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, cast

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
from intarsia.ui_templates import render_widget

T = TypeVar("T")

ERA = "2026-07-28"
"""The newer of the two eras of the protocol, and the cheaper one for both sides."""

FORMS: dict[Form, tuple[str, float]] = {
    "tree": ("Prefab, one component each", 0.1),
    "foreach": ("Prefab, with ForEach", 0.5),
}
"""Prefab's two ways to write a list, and how much of each ours may take."""

BOARDS = {60: "60-card board, drawn for the first time", 1: "The same, one card changed since"}
"""How many cards have changed since the board was last drawn."""

RENDER, CALLS, ACTION = "Server: data to markup", "Server: a call through the official client", "Server: an action"


async def measure_rendering(folder: Path, prefab: Prefab | None, rounds: int) -> list[Row]:
    """Measure how long the board takes from data to what is sent, and how large that is."""
    make_board = build_subject(folder / "rendered.db").tools["board"].function

    def drawing(changed: int) -> Measure:
        async def draw() -> float:
            started = time.process_time()
            render_widget(await make_board(changed=changed))
            return (time.process_time() - started) * 1_000

        return draw

    measures: dict[str, Measure] = {what: drawing(changed) for changed, what in BOARDS.items()}
    if prefab is not None:
        measures.update({form: prefab.measure(form) for form in FORMS})
    found = await interleave(measures, rounds, warm_up=3)
    size = len(render_widget(await make_board()).html.encode())
    if prefab is None:
        times = [Row(RENDER, what, "ms CPU", found[what].minimum) for what in BOARDS.values()]
        return [*times, Row(RENDER, "The markup", "bytes", size)]
    rows = [
        timed(RENDER, what, found[what], other, found[form], budget, "ms CPU")
        for what in BOARDS.values()
        for form, (other, budget) in FORMS.items()
    ]
    sizes = [Row(RENDER, "The markup", "bytes", size, other, prefab.sizes[form]) for form, (other, _) in FORMS.items()]
    return [*rows, *sizes]


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
    subject = build_subject(folder / "subject.db")
    async with client_of(subject.app()) as ours, client_of(plain_app()) as bare:
        calls = {
            "dashboard": _call(ours, "dashboard"),
            "dashboard_text": _call(bare, "dashboard_text"),
            "board": _call(ours, "board", changed=1),
            "board_text": _call(bare, "board_text"),
        }
        found = await interleave(calls, rounds, warm_up=5)
        what = {"dashboard": ("Dashboard: 4 metrics, 90 points, 50 rows", 1.5), "board": ("60-card board", 2.0)}
        rows = [
            timed(CALLS, title, found[name], "a plain text tool", found[f"{name}_text"], budget)
            for name, (title, budget) in what.items()
        ]
        return [*rows, *await _measure_action(ours, bare, rounds)]


def _call(client: Client, name: str, **arguments: int) -> Measure:
    async def call() -> float:
        started = time.perf_counter()
        result = await client.call_tool(name, arguments)
        took = (time.perf_counter() - started) * 1_000
        assert not result.is_error, result.content
        return took

    return call


async def _measure_action(ours: Client, bare: Client, rounds: int) -> list[Row]:
    full: Any = (await ours.call_tool("board", {})).meta
    view, versions = PlayedView(full[PARTS]), count(1)
    cpu: dict[str, list[float]] = {"act": [], "echo": []}

    async def act() -> float:
        version, carried = next(versions), cast("Any", view.action())
        arguments = {"card": "T-1", "done": version % 2 == 1, "version": version}
        result, took = await _clocked(ours.call_tool("complete_card", arguments, meta=carried), cpu["act"])
        assert not result.is_error, result.content
        view.take((result.meta or {})[PARTS])
        return took

    async def echo() -> float:
        _result, took = await _clocked(bare.call_tool("echo", {"text": "T-1 is done."}), cpu["echo"])
        return took

    warm_up = 5
    found = await interleave({"act": act, "echo": echo}, rounds, warm_up)
    spent = {name: Samples(tuple(values[warm_up:])) for name, values in cpu.items()}
    what, other = "A card completed: checked, committed, keyed, diffed", "the bare SDK's echo"
    wall = found["act"]
    return [
        timed(ACTION, what, spent["act"], other, spent["echo"], 4.0, "ms CPU"),
        Row(ACTION, "The same, on the clock", "ms", wall.minimum, other, found["echo"].minimum),
        Row(ACTION, "The same, 95 of 100 calls", "ms", wall.percentile(0.95), budget=30),
    ]


async def _clocked(call: Awaitable[T], cpu: list[float]) -> tuple[T, float]:
    """Await a call; note the CPU it took, and return its result with what it took on the clock, in milliseconds."""
    wall, spent = time.perf_counter(), time.process_time()
    result = await call
    cpu.append((time.process_time() - spent) * 1_000)
    return result, (time.perf_counter() - wall) * 1_000
