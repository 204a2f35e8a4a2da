"""The View in Chromium: from a frame's creation to its first picture, and from a click to the change."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

from playwright.async_api import Frame, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from benchmarks.documents import HERE, Documents, bundle, with_probe
from benchmarks.measuring import Measure, Samples, interleave
from benchmarks.prefab import Prefab
from benchmarks.recording import Recording
from benchmarks.report import Row, timed
from benchmarks.samples import LAST_CARD
from intarsia.host.sandbox import content_security_policy
from intarsia.host.server import running_server
from intarsia.testing.chromium import running_chromium

Opening = Mapping[str, Any]
Flavor = Literal["same origin", "opaque"]

SANDBOXES: dict[Flavor, str] = {"same origin": "allow-scripts allow-same-origin", "opaque": "allow-scripts"}
PAINT, CLICK = "Frame created to first painted 60-card board", "Click to changed document, server excluded"
WAIT_SECONDS = 60
PAUSE_SECONDS = 0.05
"""Between rounds, so that what a View still does after a change is not counted in the next."""

_SELECTOR = f"#w-card-{LAST_CARD}, .card-{LAST_CARD}"

_CLICK = """(id) => new Promise((resolve) => {
  const read = () => document.getElementById(id).dataset.item;
  const before = read();
  const started = performance.now();
  const watch = new MutationObserver(() => {
    if (read() === before) return;
    watch.disconnect();
    resolve(performance.now() - started);
  });
  watch.observe(document.body, { subtree: true, childList: true, attributes: true });
  document.getElementById(id).querySelector("input").click();
})"""

_CALL = """(id) => new Promise((resolve) => {
  const started = performance.now();
  addEventListener("message", function hear({ data }) {
    if (data?.id !== id) return;
    removeEventListener("message", hear);
    resolve(performance.now() - started);
  });
  const params = { name: "bare", arguments: {} };
  parent.postMessage({ jsonrpc: "2.0", id, method: "tools/call", params }, "*");
})"""


class Bench:
    """The host page in Chromium.

    Args:
        page: It shows the host already.
        chromium: The browser's version.
    """

    def __init__(self, page: Page, chromium: str) -> None:
        self.page = page
        self.chromium = chromium

    async def open(self, opening: Opening) -> float:
        """Show a View; return the milliseconds until it was painted."""
        async with asyncio.timeout(WAIT_SECONDS):
            took: float = await self.page.evaluate("(opening) => bench.open(opening)", dict(opening))
        errors: list[str] = await self.page.evaluate("() => bench.errors")
        assert not errors, errors
        return took

    @property
    def view(self) -> Frame:
        """The View's own frame."""
        return self.page.frames[-1]


@asynccontextmanager
async def running_bench() -> AsyncGenerator[Bench]:
    """Serve the host page and its sandbox on two origins, and open it in Chromium."""
    script = bundle(HERE / "pages" / "host.ts")
    policy = {"Content-Security-Policy": content_security_policy(None)}
    sandbox = _serving({"/": ((HERE / "pages" / "sandbox.html").read_text("utf-8"), "text/html")}, policy)
    async with running_server(sandbox) as sandbox_address, running_chromium() as browser:
        html = (HERE / "pages" / "host.html").read_text("utf-8").replace("{{ sandbox }}", f"{sandbox_address}/")
        page_app = _serving({"/": (html, "text/html"), "/host.js": (script, "text/javascript")}, {})
        async with running_server(page_app) as address:
            page = await browser.new_page(viewport={"width": 800, "height": 600})
            await page.goto(f"{address}/")
            yield Bench(page, browser.version)


def _serving(files: Mapping[str, tuple[str, str]], headers: Mapping[str, str]) -> Starlette:
    async def serve(request: Request) -> Response:
        body, media_type = files[request.url.path]
        return HTMLResponse(body, media_type=media_type, headers=headers)

    return Starlette(routes=[Route(path, serve) for path in files])


async def measure_paint(
    bench: Bench, documents: Documents, recording: Recording, prefab: Prefab | None, rounds: int
) -> list[Row]:
    """Measure how long it takes until people see the board."""
    rows: list[Row] = []
    for flavor, sandbox in SANDBOXES.items():
        openings: dict[str, Opening] = {
            "intarsia": {"html": documents.intarsia, "result": recording.full, "tool": recording.tool},
            "static": {"html": documents.static},
            "app": {"html": documents.app, "result": {"content": [], "_meta": {"whole": recording.html}}},
        }
        found = await interleave(_openings(bench, openings, sandbox), rounds, warm_up=2)
        rows += [
            timed(PAINT, f"Intarsia, {flavor}", found["intarsia"], "a bare static page", found["static"], 1.5),
            timed(PAINT, f"Intarsia, {flavor}", found["intarsia"], "the official App and innerHTML", found["app"], 0.7),
        ]
        if prefab and documents.prefab:
            wire: Opening = {"content": [], "structuredContent": await prefab.wire("tree")}
            openings = {
                "intarsia": openings["intarsia"],
                "empty": {"html": documents.empty},
                "prefab": {"html": documents.prefab, "result": wire},
            }
            found = await interleave(_openings(bench, openings, sandbox), max(3, rounds // 4))
            floor = found["empty"].minimum
            what, other = f"Intarsia, {flavor}, above an empty frame's {floor:.0f} ms", "Prefab, above the same"
            rows.append(
                timed(PAINT, what, _above(found["intarsia"], floor), other, _above(found["prefab"], floor), 0.1)
            )
    return rows


def _openings(bench: Bench, openings: Mapping[str, Opening], sandbox: str) -> dict[str, Measure]:
    def measure(opening: Opening) -> Measure:
        complete = {**opening, "html": with_probe(opening["html"], _SELECTOR), "sandbox": sandbox}

        async def open_once() -> float:
            took = await bench.open(complete)
            await asyncio.sleep(PAUSE_SECONDS)
            return took

        return open_once

    return {name: measure(opening) for name, opening in openings.items()}


def _above(samples: Samples, floor: float) -> Samples:
    return Samples(tuple(max(0.0, value - floor) for value in samples.values))


async def measure_click(bench: Bench, documents: Documents, recording: Recording, rounds: int) -> list[Row]:
    """Measure how long it takes until people see what their click did."""
    rows: list[Row] = []
    warm_up = 5
    for flavor, sandbox in SANDBOXES.items():
        answers = {"complete_card": recording.answers[: rounds + warm_up], "bare": [recording.answers[-1]]}
        await bench.page.evaluate("(answers) => Object.assign(bench, {answers})", answers)
        html = with_probe(documents.intarsia, _SELECTOR)
        await bench.open({"html": html, "result": recording.full, "tool": recording.tool, "sandbox": sandbox})
        measures = {
            "click": _evaluating(bench, _CLICK, f"w-card-{recording.card}"),
            "call": _evaluating(bench, _CALL, "bare-call"),
        }
        found = await interleave(measures, rounds, warm_up)
        rows.append(
            timed(CLICK, f"A card completed, {flavor}", found["click"], "a bare tools/call", found["call"], 2.0)
        )
    return rows


def _evaluating(bench: Bench, script: str, argument: str) -> Measure:
    async def evaluate() -> float:
        await asyncio.sleep(PAUSE_SECONDS)
        async with asyncio.timeout(WAIT_SECONDS):
            took: float = await bench.view.evaluate(script, argument)
        return took

    return evaluate
