"""The reference on the bare SDK: tools that answer with the same data as text, and one that echoes."""

from mcp.server import MCPServer
from starlette.applications import Starlette

from benchmarks.samples import STAGES, Numbers, make_tasks


def plain_app() -> Starlette:
    """Make a server of plain text tools with nothing but the SDK, stateless as Intarsia's."""
    server = MCPServer("plain", log_level="ERROR")
    tasks, numbers = make_tasks(), Numbers()

    @server.tool()
    async def board_text() -> str:  # pyright: ignore[reportUnusedFunction]  # the decorator takes it
        """Write the board as text."""
        lines: list[str] = []
        for stage, title in STAGES:
            lines.append(f"## {title}")
            for task in tasks:
                if task.stage == stage:
                    facts = [fact for fact in (task.assignee, task.priority, task.due, task.label) if fact]
                    lines.append(f"- `{task.id}` {task.title} ({', '.join(facts)})")
        return "\n".join(lines)

    @server.tool()
    async def dashboard_text() -> str:  # pyright: ignore[reportUnusedFunction]  # the decorator takes it
        """Write the dashboard as text."""
        numbers.advance()
        lines = [f"{name}: {value:.1f} %" for name, value in numbers.metrics.items()]
        lines.append("Load: " + " ".join(f"{point:.1f}" for point in numbers.points))
        lines += [
            f"| {row['pid']} | {row['name']} | {row['cpu']:.1f} | {row['memory']:.0f} |" for row in numbers.processes
        ]
        return "\n".join(lines)

    @server.tool()
    async def echo(text: str) -> str:  # pyright: ignore[reportUnusedFunction]  # the decorator takes it
        """Say it again."""
        return text

    return server.streamable_http_app(stateless_http=True)
