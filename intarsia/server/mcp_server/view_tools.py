"""The tools that only the View calls, as they are listed."""

from typing import Any

from mcp_types import Tool as ListedTool
from mcp_types import ToolAnnotations

from intarsia.server.calls.long_poll import MAX_WAIT_SECONDS
from intarsia.server.wire.messages import ACCESS_TOOL, DRAFT_TOOL, VIEW_TOOL

_FOR_VIEWS: dict[str, Any] = {"_meta": {"ui": {"visibility": ["app"]}}}


def view_tool() -> ListedTool:
    """Describe what an open View reads itself again with."""
    return ListedTool(
        name=VIEW_TOOL,
        title="Refresh",
        description="Reads again what a widget shows, as soon as it changes. Called by the View.",
        input_schema={
            "type": "object",
            "properties": {
                "wait_seconds": {"type": "number", "minimum": 0, "maximum": MAX_WAIT_SECONDS},
                "take_over": {"type": "boolean"},
            },
        },
        annotations=ToolAnnotations(title="Refresh", read_only_hint=True, open_world_hint=False),
        **_FOR_VIEWS,
    )


def access_tool() -> ListedTool:
    """Describe what a View asks for more access with."""
    return ListedTool(
        name=ACCESS_TOOL,
        title="Grant access",
        description="Asks for the scopes that a tool needs. It changes nothing. Called by the View.",
        input_schema={"type": "object", "properties": {"tool": {"type": "string"}}, "required": ["tool"]},
        annotations=ToolAnnotations(title="Grant access", read_only_hint=True, open_world_hint=False),
        **_FOR_VIEWS,
    )


def draft_tool() -> ListedTool:
    """Describe what a View keeps a draft with."""
    return ListedTool(
        name=DRAFT_TOOL,
        title="Keep a draft",
        description="Keeps what a person changed in a design panel and has not saved yet. Called by the View.",
        input_schema={
            "type": "object",
            "properties": {
                "tool": {"type": "string"},
                "arguments": {"type": "object"},
                "values": {"type": ["object", "null"]},
            },
            "required": ["tool", "arguments", "values"],
        },
        annotations=ToolAnnotations(
            title="Keep a draft",
            read_only_hint=False,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
        **_FOR_VIEWS,
    )
