"""A board as one writes it who has met no careless host yet: a server on the bare SDK, and a View by hand.

It keeps to the protocol and works in a good host. Each of its habits fails in a host with one of the faults:

* it shows cards from `structuredContent` and the columns' names from `_meta` of the pushed result alone;
* it says which project a change is about in `_meta` of the call;
* it shows a change, and says that it was done, before the server has answered, and never takes it back;
* it calls again when an answer is an error, with nothing that tells the server that it is the same change;
* it lets people press again while a change is on its way;
* it keeps one call open that waits for news, whatever else waits behind it;
* after a start it shows the pushed result, however old that is;
* it is 480 pixels high and never scrolls as a whole;
* it remembers in `localStorage`;
* it fills templates by compiling them, words of people included, wherever that is allowed;
* it drags with mouse events.
"""

from pathlib import Path
from typing import Any

import anyio
from mcp.server.apps import Apps
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from starlette.applications import Starlette

from tests.testing.board_data import COLUMNS, INBOX, Work

URI = "ui://naive/board.html"
META_COLUMNS = "example.test/columns"
META_PROJECT = "example.test/project"

_READS = ToolAnnotations(read_only_hint=True)
_NEWS_SECONDS = 20
"""How long a call for news waits."""


def naive_app(work: Work) -> Starlette:
    """Build the server.

    Args:
        work: What the board shows.
    """
    apps = Apps()
    apps.add_html_resource(URI, (Path(__file__).parent / "view.html").read_text(encoding="utf-8"), prefers_border=True)

    def show(project: str, text: str) -> CallToolResult:
        cards = {name: [vars(item) for item in items] for name, items in work.projects[project].items()}
        result = CallToolResult(
            content=[TextContent(type="text", text=text)], structured_content={"project": project, "cards": cards}
        )
        result.meta = {META_COLUMNS: COLUMNS}
        return result

    @apps.tool(resource_uri=URI, title="Board", annotations=_READS)
    async def task_board(project: str) -> CallToolResult:
        """Show a project's cards."""
        return show(project, f"The board of {project}.")

    @apps.tool(resource_uri=URI, visibility=["app"])
    async def add_card(title: str, context: Context) -> CallToolResult:
        """Add a card."""
        project = _project(context)
        work.add(project, title)
        return show(project, f"Added {title}.")

    @apps.tool(resource_uri=URI, visibility=["app"])
    async def move_card(card: str, column: str, index: int, context: Context) -> CallToolResult:
        """Move a card to a place in a column."""
        project = _project(context)
        title = work.move(project, card, column, index)
        return show(project, f"Moved {title}.")

    @apps.tool(resource_uri=URI, visibility=["app"], annotations=_READS)
    async def wait_for_news(context: Context) -> CallToolResult:
        """Return the board as soon as somebody changes it."""
        with anyio.move_on_after(_NEWS_SECONDS):
            await work.next_change()
        return show(_project(context), "News.")

    return MCPServer("Naive", extensions=[apps]).streamable_http_app(stateless_http=True)


def _project(context: Context) -> str:
    meta: dict[str, Any] = dict(context.request_context.meta or {})
    return str(meta.get(META_PROJECT, INBOX))
