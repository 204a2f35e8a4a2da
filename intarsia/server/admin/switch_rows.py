"""The rows of the switches page: each switch with its position, its history and its use."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from intarsia.server.audit.export import iso_time
from intarsia.server.auth.authorization_server.oauth.scope_descriptions import default_description
from intarsia.server.storage.call_counts import CallCount
from intarsia.server.switches.positions import (
    ACTIONS_BY_MODEL,
    ACTIONS_IN_WIDGETS,
    CONNECTOR,
    EVERYONE,
    NEW_TOOLS,
    Position,
    switch_of,
)
from intarsia.server.switches.service import Switch
from intarsia.server.tools.tool import Tool, WidgetTool
from intarsia.widgets import Widget

ALL_POSITIONS = tuple(Position)
_ON_OFF = (Position.ON, Position.OFF)

_GENERAL: tuple[tuple[str, str, str, tuple[Position, ...]], ...] = (
    (CONNECTOR, "All tools", "The main switch: turns off all tools, or limits them to text.", ALL_POSITIONS),
    (ACTIONS_IN_WIDGETS, "Actions in widgets", "Off: widgets are read-only.", _ON_OFF),
    (
        ACTIONS_BY_MODEL,
        "Actions by the model",
        "Off: the model can't call actions. People still can, in widgets.",
        _ON_OFF,
    ),
    (NEW_TOOLS, "New tools", "The initial position of newly added tools.", ALL_POSITIONS),
)


@dataclass(frozen=True)
class SwitchRow:
    """The row of a switch.

    Args:
        what: The name of the switch, such as `tool:task_board`.
        title: The title that is shown.
        about: What the switch does.
        positions: The positions that it can have.
        position: Its position for everyone.
        version: The version of that position.
        set_by: Who set it, when and why; empty if it was never set.
        roles: The positions for roles, where they differ.
    """

    what: str
    title: str
    about: str
    positions: tuple[Position, ...]
    position: Position = Position.ON
    version: int = 0
    set_by: str = ""
    roles: tuple[Switch, ...] = ()


@dataclass(frozen=True)
class ToolRow(SwitchRow):
    """The row of a tool's switch.

    Args:
        name: The name of the tool.
        kind: `action`, or the kind of its widget.
        scopes: The scopes that it requires, each with its description.
        usage: The number of calls, errors and refusals in the last day.
        has_preview: Whether its widget has examples.
    """

    name: str = ""
    kind: str = "action"
    scopes: str = ""
    usage: str = ""
    has_preview: bool = False

    def matches(self, find: str, kind: str, at: str) -> bool:
        """Return whether the row matches the filters of the page; an empty filter matches all rows."""
        text = f"{self.title} {self.name} {self.about} {self.kind} {self.scopes}".lower()
        is_kind = not kind or (kind == "action") == (self.kind == "action")
        positions = {self.position, *(row.position for row in self.roles)}
        return find.lower() in text and is_kind and (not at or at in positions)


def general_rows(rows: Sequence[Switch]) -> list[SwitchRow]:
    """Return the rows of switches that apply to all tools."""
    return [SwitchRow(what, title, about, all_of, **_state(what, rows)) for what, title, about, all_of in _GENERAL]


def tool_rows(
    tools: Iterable[Tool],
    rows: Sequence[Switch],
    counts: Mapping[str, CallCount],
    scope_descriptions: Mapping[str, str],
) -> list[ToolRow]:
    """Return the rows of tools by title, widget tools first.

    Args:
        tools: The tools.
        rows: The switches that were ever set.
        counts: The calls of the last day, by tool.
        scope_descriptions: The developer's descriptions of scopes.
    """
    lines = [_tool_row(tool, rows, counts.get(tool.name, CallCount()), scope_descriptions) for tool in tools]
    return sorted(lines, key=lambda line: (line.kind == "action", line.title.lower()))


def widget_of(tool: Tool) -> type[Widget] | None:
    """Return the widget type of a tool; `None` for an action."""
    return cast("type[Widget]", cast("Any", tool).widget_type) if isinstance(tool, WidgetTool) else None


def title_of(what: str, tools: Mapping[str, Tool]) -> str:
    """Return the title of a switch."""
    titles = {general: title for general, title, *_ in _GENERAL}
    titles |= {switch_of(name): tool.title for name, tool in tools.items()}
    return titles.get(what, what)


def _tool_row(tool: Tool, rows: Sequence[Switch], count: CallCount, descriptions: Mapping[str, str]) -> ToolRow:
    what, widget = switch_of(tool.name), widget_of(tool)
    return ToolRow(
        what, tool.title, tool.description.partition("\n")[0], ALL_POSITIONS, **_state(what, rows),
        name=tool.name,
        kind=widget.kind.replace("_", " ") if widget else "action",
        scopes=", ".join(
            f"{descriptions.get(scope) or default_description(scope)} ({scope})" for scope in sorted(tool.scopes)
        ),
        usage=_usage(count),
        has_preview=bool(widget and widget.examples()),
    )  # fmt: skip


def _state(what: str, rows: Sequence[Switch]) -> dict[str, Any]:
    own = [row for row in rows if row.what == what]
    roles = tuple(row for row in own if row.role != EVERYONE and row.position is not Position.ON)
    row = next((row for row in own if row.role == EVERYONE), None)
    if row is None:
        return {"roles": roles}
    at = iso_time(row.at)[:16].replace("T", " ")
    state = f"{row.position.label.capitalize()} since {at} UTC, set by {row.who or 'the connector'}"
    set_by = f"{state}: {row.why}" if row.why else f"{state}."
    return {"position": row.position, "version": row.version, "set_by": set_by, "roles": roles}


def _usage(count: CallCount) -> str:
    if not count.calls:
        return "no calls in the last day"
    more = [_plural(count.errors, "error"), _plural(count.refusals, "refusal")]
    return ", ".join(["last day: " + _plural(count.calls, "call"), *(text for text in more if text[0] != "0")])


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
