"""The listed definitions of the tools that only the View calls."""

from typing import Any

from mcp_types import Tool as ListedTool
from mcp_types import ToolAnnotations

from intarsia.server.calls.long_poll import MAX_WAIT_SECONDS
from intarsia.server.wire.messages import ACCESS_TOOL, DRAFT_TOOL, VIEW_TOOL

_FOR_VIEWS: dict[str, Any] = {"_meta": {"ui": {"visibility": ["app"]}}}


def view_tool() -> ListedTool:
    """Return the definition of the tool by which an open View reads its widget again."""
    return ListedTool(
        name=VIEW_TOOL,
        title="Refresh",
        description="Reads the data of a widget again when it changes. Called by the View.",
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
    """Return the definition of the tool by which a View requests missing scopes."""
    return ListedTool(
        name=ACCESS_TOOL,
        title="Grant access",
        description="Requests the scopes that a tool needs. It changes no data. Called by the View.",
        input_schema={"type": "object", "properties": {"tool": {"type": "string"}}, "required": ["tool"]},
        annotations=ToolAnnotations(title="Grant access", read_only_hint=True, open_world_hint=False),
        **_FOR_VIEWS,
    )


def draft_tool() -> ListedTool:
    """Return the definition of the tool by which a View saves a draft."""
    return ListedTool(
        name=DRAFT_TOOL,
        title="Save draft",
        description="Stores a user's unsaved changes in a design panel. Called by the View.",
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
            title="Save draft",
            read_only_hint=False,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
        **_FOR_VIEWS,
    )
