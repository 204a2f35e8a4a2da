"""A server to look at, in a process of its own: `python -m benchmarks.live_server ours|listening|waiting PORT FOLDER`.

`/change` changes what is shown once; `/stats` says when what changed, what was read and drawn, and how much memory
there is. The last two are servers of the bare SDK: one tells who listens, and one has a tool that waits.
"""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated, ServerEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from intarsia import Connector
from intarsia.host.server import running_server
from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.server.http.app import build_app
from intarsia.server.rendering import shared_renders
from intarsia.ui_templates import Rendering, render_widget
from intarsia.widgets import BoardColumn, Card, Dashboard, Metric, TaskBoard, Widget

ADDRESS = "live://dashboard"


class World:
    """What changes, and what was read and drawn of it."""

    def __init__(self) -> None:
        self.number = 0
        self.at: list[float] = []
        self.boards: list[int] = []
        self.changed = asyncio.Event()
        self.counts = {"read": 0, "overviews": 0, "drawn": 0, "overviews_drawn": 0}

    def step(self, board: int = 0) -> None:
        """Change it, and note when and which board."""
        self.number += 1
        self.boards.append(board)
        self.at.append(time.monotonic())
        self.changed.set()
        self.changed = asyncio.Event()

    def note(self, what: str, *, is_overview: bool) -> None:
        """Count a reading or a drawing."""
        self.counts[what] += 1
        self.counts["overviews" if what == "read" else "overviews_drawn"] += is_overview

    def stats(self, request: Request, waiting: int) -> Response:
        """Say what happened up to now; asked to settle, without what is only waiting to be collected."""
        if request.query_params.get("settle"):
            gc.collect()
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
        memory = {"bytes": pages * os.sysconf("SC_PAGE_SIZE"), "cpu": time.process_time()}
        return JSONResponse({"changes": self.at, "boards": self.boards, **self.counts, **memory, "waiting": waiting})


def count_drawings(world: World) -> None:
    """Count how often a widget is drawn for a View."""

    def counted(widget: Widget, *options: Any, **more: Any) -> Rendering:
        world.note("drawn", is_overview=isinstance(widget, Dashboard))
        return render_widget(widget, *options, **more)

    setattr(shared_renders, "render_widget", counted)  # noqa: B010  # a module that exports it to nobody


def ours(folder: Path) -> Starlette:
    """Make a connector with one dashboard for all, and boards for each."""
    world, connector = World(), Connector("Live", store=folder / "live.db")
    count_drawings(world)

    @connector.tile(topics="load")
    async def load() -> Metric:
        world.note("read", is_overview=True)
        return Metric("Load", world.number)

    @connector.tile()
    async def steady(number: int) -> Metric:
        return Metric(f"Steady {number}", number)

    @connector.widget(scopes=frozenset())
    async def overview() -> Dashboard:  # pyright: ignore[reportUnusedFunction]  # the decorator takes it
        """Show the load."""
        return Dashboard(title="Overview", tiles=[load()])

    @connector.widget(scopes=frozenset(), topics="board:{number}")
    async def board(number: int) -> TaskBoard:  # pyright: ignore[reportUnusedFunction]  # the decorator takes it
        """Show one of many boards."""
        world.note("read", is_overview=False)
        change = world.boards.count(number)
        cards = [Card(f"T-{card}", f"Task {card} of {number}, change {change}") for card in range(20)]
        return TaskBoard(columns=[BoardColumn("all", "All", cards)])

    async def change(request: Request) -> Response:
        number = int(request.query_params.get("board", "0"))
        world.step(number)
        connector.changed("load", f"board:{number}")
        return Response()

    async def stats(request: Request) -> Response:
        return world.stats(request, CHANGE_LOG.waiting)

    return build_app(connector.catalog, routes=(Route("/change", change), Route("/stats", stats)))


class CountingBus(InMemorySubscriptionBus):
    """The SDK's bus, which says how many listen."""

    count = 0

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Count a listener."""
        self.count += 1
        return super().subscribe(listener)


def listening(_folder: Path) -> Starlette:
    """Make a server of the bare SDK, on which clients listen to one resource."""
    world, bus = World(), CountingBus()
    server = MCPServer("bare", log_level="ERROR", subscriptions=bus)

    async def change(_request: Request) -> Response:
        world.step()
        await bus.publish(ResourceUpdated(ADDRESS))
        return Response()

    async def stats(request: Request) -> Response:
        return world.stats(request, bus.count)

    app = server.streamable_http_app(stateless_http=True)
    app.routes.extend([Route("/change", change), Route("/stats", stats)])
    return app


def waiting(_folder: Path) -> Starlette:
    """Make a server of the bare SDK with a tool that waits for the next change and says one word."""
    world, server = World(), MCPServer("bare", log_level="ERROR")
    those_who_wait = set[object]()

    @server.tool()
    async def wait() -> str:  # pyright: ignore[reportUnusedFunction]  # the decorator takes it
        """Wait for a change."""
        those_who_wait.add(me := object())
        try:
            await world.changed.wait()
        finally:
            those_who_wait.discard(me)
        return "Changed."

    async def change(_request: Request) -> Response:
        world.step()
        return Response()

    async def stats(request: Request) -> Response:
        return world.stats(request, len(those_who_wait))

    app = server.streamable_http_app(stateless_http=True)
    app.routes.extend([Route("/change", change), Route("/stats", stats)])
    return app


SERVERS = {"ours": ours, "listening": listening, "waiting": waiting}


async def main(kind: str, port: int, folder: Path) -> None:
    """Serve until the end of the input."""
    async with running_server(SERVERS[kind](folder), port=port) as address:
        print(address, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
