"""A server to look at, in a process of its own: `python -m benchmarks.live_server ours|bare PORT FOLDER`.

`/change` changes what is shown once; `/stats` says when what changed, what was read, and how much memory there is.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from mcp.server.mcpserver import MCPServer
from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from inlay import Connector
from inlay.host.serving import running_server
from inlay.server.asgi import build_app
from inlay.server.live.changes import CHANGES
from inlay.widgets import Card, Column, Dashboard, Metric, TaskBoard

ADDRESS = "live://dashboard"


class World:
    """What changes."""

    def __init__(self) -> None:
        self.number = 0
        self.at: list[float] = []
        self.read = 0
        self.boards_read = 0

    def step(self) -> None:
        """Change it, and note when."""
        self.number += 1
        self.at.append(time.monotonic())

    def stats(self, **more: int) -> Response:
        """Say what happened up to now."""
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
        facts = {"changes": self.at, "read": self.read, "boards_read": self.boards_read}
        cpu = time.process_time()
        return JSONResponse({**facts, "bytes": pages * os.sysconf("SC_PAGE_SIZE"), "cpu": cpu, **more})


def ours(folder: Path) -> Starlette:
    """Make a connector with one dashboard for all, and boards for each."""
    world, connector = World(), Connector("Live", store=folder / "live.db")

    @connector.tile(topics="load")
    async def load() -> Metric:
        world.read += 1
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
        world.boards_read += 1
        cards = [Card(f"T-{card}", f"Task {card} of {number}, change {world.number}") for card in range(20)]
        return TaskBoard(columns=[Column("all", "All", cards)])

    async def change(request: Request) -> Response:
        world.step()
        connector.changed("load", f"board:{request.query_params.get('board', '0')}")
        return Response()

    async def stats(_request: Request) -> Response:
        return world.stats(waiting=CHANGES.waiting)

    return build_app(connector, routes=(Route("/change", change), Route("/stats", stats)))


def bare(_folder: Path) -> Starlette:
    """Make a server of the bare SDK, on which clients listen to one resource."""
    world, bus = World(), InMemorySubscriptionBus()
    server = MCPServer("bare", log_level="ERROR", subscriptions=bus)

    async def change(_request: Request) -> Response:
        world.step()
        await bus.publish(ResourceUpdated(ADDRESS))
        return Response()

    async def stats(_request: Request) -> Response:
        return world.stats()

    app = server.streamable_http_app(stateless_http=True)
    app.routes.extend([Route("/change", change), Route("/stats", stats)])
    return app


async def main() -> None:
    """Serve until the end of the input."""
    kind, port, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    app = ours(folder) if kind == "ours" else bare(folder)
    async with running_server(app, port=port) as address:
        print(address, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
