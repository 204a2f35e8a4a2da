"""Switches as the page shows them: each with what it is about, where it stands, and who set it so."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from intarsia.server.audit.export import moment
from intarsia.server.storage.call_counts import CallCount
from intarsia.server.switches.positions import (
    ACTIONS_BY_MODEL,
    ACTIONS_IN_WIDGETS,
    CONNECTOR,
    EVERYBODY,
    NEW_TOOLS,
    Position,
    switch_of,
)
from intarsia.server.switches.service import Switch
from intarsia.server.tools.tool import Tool, WidgetTool
from intarsia.widgets import Widget

ALL_POSITIONS = tuple(Position)
_TWO_WAYS = (Position.ON, Position.OFF)

_GENERAL: tuple[tuple[str, str, str, tuple[Position, ...]], ...] = (
    (CONNECTOR, "All tools", "The main switch: it stands above every other.", ALL_POSITIONS),
    (ACTIONS_IN_WIDGETS, "Actions in widgets", "Off: widgets can be read, and their controls are away.", _TWO_WAYS),
    (ACTIONS_BY_MODEL, "Actions by the model", "Off: only people act, in widgets.", _TWO_WAYS),
    (NEW_TOOLS, "New tools", "Where a tool starts that was not there before.", ALL_POSITIONS),
)


@dataclass(frozen=True)
class SwitchRow:
    """One switch.

    Args:
        what: Its name, such as `tool:task_board`.
        title: What people read.
        about: What it is for.
        positions: Those it has.
        position: The one it is in for everybody.
        version: Of that.
        set_by: Who set it so, when and why; empty if nobody did.
        roles: Where it stands for roles, where that is not the same.
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
    """The switch of a tool.

    Args:
        name: The tool's.
        kind: `action`, or which widget.
        scopes: What it asks for.
        counted: What happened to it in the last day.
        has_preview: Whether there is something to look at.
    """

    name: str = ""
    kind: str = "action"
    scopes: str = ""
    counted: str = ""
    has_preview: bool = False

    def matches(self, find: str, kind: str, at: str) -> bool:
        """Say whether it is one of those that are looked for."""
        text = f"{self.title} {self.name} {self.about} {self.kind} {self.scopes}".lower()
        is_kind = not kind or (kind == "action") == (self.kind == "action")
        stands = {self.position, *(row.position for row in self.roles)}
        return find.lower() in text and is_kind and (not at or at in stands)


def general_lines(rows: Sequence[Switch]) -> list[SwitchRow]:
    """Return the switches that are about everything."""
    return [SwitchRow(what, title, about, all_of, **_set(what, rows)) for what, title, about, all_of in _GENERAL]


def tool_lines(tools: Iterable[Tool], rows: Sequence[Switch], counts: Mapping[str, CallCount]) -> list[ToolRow]:
    """Return the switches of tools, those that show widgets first."""
    lines = [_tool_line(tool, rows, counts.get(tool.name, CallCount())) for tool in tools]
    return sorted(lines, key=lambda line: (line.kind == "action", line.title.lower()))


def widget_of(tool: Tool) -> type[Widget] | None:
    """Return what a widget tool shows."""
    return cast("type[Widget]", cast("Any", tool).widget_type) if isinstance(tool, WidgetTool) else None


def title_of(what: str, tools: Mapping[str, Tool]) -> str:
    """Return what people read for the name of a switch."""
    titles = {general: title for general, title, *_ in _GENERAL}
    titles |= {switch_of(name): tool.title for name, tool in tools.items()}
    return titles.get(what, what)


def _tool_line(tool: Tool, rows: Sequence[Switch], count: CallCount) -> ToolRow:
    what, widget = switch_of(tool.name), widget_of(tool)
    return ToolRow(
        what, tool.title, tool.description.partition("\n")[0], ALL_POSITIONS, **_set(what, rows),
        name=tool.name,
        kind=widget.kind.replace("_", " ") if widget else "action",
        scopes=", ".join(sorted(tool.scopes)),
        counted=_counted(count),
        has_preview=bool(widget and widget.examples()),
    )  # fmt: skip


def _set(what: str, rows: Sequence[Switch]) -> dict[str, Any]:
    own = [row for row in rows if row.what == what]
    roles = tuple(row for row in own if row.role != EVERYBODY and row.position is not Position.ON)
    row = next((row for row in own if row.role == EVERYBODY), None)
    if row is None:
        return {"roles": roles}
    at = moment(row.at)[:16].replace("T", " ")
    by = f"{row.position.words.capitalize()} by {row.who or 'the connector'} since {at} UTC"
    set_by = f"{by}: {row.why}" if row.why else f"{by}."
    return {"position": row.position, "version": row.version, "set_by": set_by, "roles": roles}


def _counted(count: CallCount) -> str:
    if not count.calls:
        return "no calls in the last day"
    more = [_several(count.errors, "error"), _several(count.refusals, "refusal")]
    return ", ".join(["last day: " + _several(count.calls, "call"), *(text for text in more if text[0] != "0")])


def _several(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
