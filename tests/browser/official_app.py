"""A small server on the bare SDK whose View is the official `App`: what the host is tested with."""

from typing import Annotated, Any, Literal

import anyio
from mcp.server.apps import Apps
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field
from starlette.applications import Starlette

from intarsia.testing import View
from tests.browser.view_scripts import bundle_test_script

URI = "ui://oracle/view.html"
SILENT_URI = "ui://oracle/silent.html"

_DOCUMENT = """<!doctype html>
<html lang="en" data-sizes="{sizes}"><meta charset="utf-8"><title>Oracle</title>
<style>body {{ margin: 0; padding: 12px; font: 14px/20px sans-serif }} p {{ overflow-wrap: anywhere }}</style>
<body><h1>Oracle</h1><script type="module">{script}</script></body></html>"""


def official_app() -> Starlette:
    """Build the server."""
    apps = Apps()
    script = bundle_test_script("oracle_view").replace("</script", "<\\/script")
    apps.add_html_resource(URI, _DOCUMENT.format(script=script, sizes="own"), prefers_border=True)
    apps.add_html_resource(SILENT_URI, _DOCUMENT.format(script=script, sizes="none"), prefers_border=True)
    bumped: list[int] = []

    @apps.tool(resource_uri=URI, title="Counter", annotations=ToolAnnotations(read_only_hint=True))
    async def show_counter(name: str, start: int = 0) -> CallToolResult:
        """Show a counter. It starts where you say."""
        result = CallToolResult(
            content=[TextContent(type="text", text=f"{name} stands at {start}")],
            structured_content={"name": name, "start": start},
        )
        result.meta = {"example.test/kept": True}
        return result

    @apps.tool(resource_uri=SILENT_URI, annotations=ToolAnnotations(read_only_hint=True))
    async def show_silent() -> str:
        """Show a View that reports no size by itself."""
        return "silent"

    @apps.tool(resource_uri=URI, visibility=["app"])
    async def bump(by: int, context: Context) -> CallToolResult:
        """Count on."""
        bumped.append(by)
        meta = dict(context.request_context.meta or {})
        return CallToolResult(
            content=[TextContent(type="text", text=f"{sum(bumped)}")],
            structured_content={"total": sum(bumped), "meta": sorted(key for key in meta if key.startswith("example"))},
        )

    @apps.tool(resource_uri=URI, visibility=["app"])
    async def never_answer() -> str:
        """Wait until the caller gives up."""
        await anyio.sleep_forever()
        return "never"

    @apps.tool(resource_uri=URI, visibility=["model"])
    async def for_models_only() -> str:
        """Is not for widgets."""
        return "model"

    server = MCPServer("Oracle", extensions=[apps])

    @server.tool(title="Every kind of argument")
    async def every_kind(
        text: str,
        whole: Annotated[int, Field(ge=1, le=9)],
        real: float = 0.5,
        is_on: bool = False,  # noqa: FBT001, FBT002 - one kind of argument that a tool has
        choice: Literal["small", "large"] = "small",
        names: list[str] | None = None,
        shape: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return what was given."""
        return {"given": [text, whole, real, is_on, choice, names, shape]}

    @server.tool()
    async def fail() -> str:
        """Fail."""
        raise RuntimeError

    return server.streamable_http_app(stateless_http=True)


async def heard(view: View, event: str) -> list[dict[str, object]]:
    """Wait until the official View has heard a kind of event; return the parameters of each."""
    await view.frame.wait_for_function("(event) => oracle.heard.some((one) => one.event === event)", arg=event)
    found: list[dict[str, object]] = await view.frame.evaluate(
        "(event) => oracle.heard.filter((one) => one.event === event).map((one) => one.params)", event
    )
    return found


async def bump(view: View, by: int, meta: dict[str, object] | None = None) -> dict[str, object]:
    """Let the official View call the app-only tool; return the result, or how it was refused."""
    answer: dict[str, object] = await view.frame.evaluate(
        """([by, _meta]) => oracle.app.callServerTool({name: "bump", arguments: {by}, ...(_meta && {_meta})})
            .catch((error) => ({refused: error.message, code: error.code}))""",
        [by, meta],
    )
    return answer
