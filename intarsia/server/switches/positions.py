"""The positions of all switches, and what they mean for one caller. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from intarsia.permissions import Grant

CONNECTOR = "connector"
"""The main switch: all tools at once."""
ACTIONS_IN_WIDGETS = "actions_in_widgets"
"""Whether users can act in widgets, rather than only read them."""
ACTIONS_BY_MODEL = "actions_by_model"
"""Whether models can call actions, rather than only users."""
NEW_TOOLS = "new_tools"
"""The initial position of tools that are new to the connector."""
EVERYONE = ""
"""The role that all callers have."""
SWITCHED = "intarsia:switches"
"""The topic of the switches, on which all widgets depend."""


class Position(StrEnum):
    """A position of a switch, from the least to the most restrictive."""

    ON = "on"
    TEXT_ONLY = "text_only"
    OFF = "off"

    @property
    def label(self) -> str:
        """The position as users see it."""
        return self.value.replace("_", " ")


TEXT_ONLY_NOTICE = "An admin turned off this widget. Here is its text version."
ACTIONS_OFF_NOTICE = "An admin turned off actions in widgets. Nothing was changed."
TURNED_OFF_NOTICES = {
    Position.TEXT_ONLY: "An admin turned off this widget. Ask in the chat for its text version.",
    Position.OFF: "This widget comes back by itself when it is turned on again.",
}

_ORDER = list(Position)


def switch_of(tool: str) -> str:
    """Return the name of the switch of a tool."""
    return f"tool:{tool}"


@dataclass(frozen=True)
class Positions:
    """A snapshot of all switches, so that a call is decided without a query.

    Args:
        rows: The positions by switch and role; missing switches are on.
    """

    rows: Mapping[tuple[str, str], Position] = field(default_factory=dict[tuple[str, str], Position])
    all_on: bool = field(init=False)
    """Whether all switches are on for all callers, as on most connectors: then no position needs to be looked up."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "all_on", not self.rows)

    @cached_property
    def key(self) -> frozenset[tuple[tuple[str, str], Position]]:
        """The positions as a hashable value, for cache keys."""
        return frozenset(self.rows.items())

    def position(self, what: str, grant: Grant) -> Position:
        """Return the position of a switch for a caller: the most restrictive one of all callers and the caller's roles.

        Args:
            what: The name of the switch.
            grant: The caller.
        """
        if self.all_on:
            return Position.ON
        found = (self.rows.get((what, role), Position.ON) for role in (EVERYONE, *grant.roles))
        return max(found, key=_ORDER.index)

    def tool_position(self, tool: str, grant: Grant) -> Position:
        """Return the position of a tool for a caller: the more restrictive one of its own and the main switch."""
        if self.all_on:
            return Position.ON
        return max(self.position(CONNECTOR, grant), self.position(switch_of(tool), grant), key=_ORDER.index)

    def is_available(self, tool: str, grant: Grant) -> bool:
        """Return whether a tool is listed for a caller and can be called."""
        return self.tool_position(tool, grant) is not Position.OFF

    def shows_widget(self, tool: str, grant: Grant) -> bool:
        """Return whether a widget tool returns its widget, rather than only its text."""
        return self.tool_position(tool, grant) is Position.ON

    def allows_user_actions(self, grant: Grant) -> bool:
        """Return whether a user can act in widgets."""
        return self.position(ACTIONS_IN_WIDGETS, grant) is Position.ON

    def allows_model_actions(self, grant: Grant) -> bool:
        """Return whether a model can call actions on behalf of a user."""
        return self.position(ACTIONS_BY_MODEL, grant) is Position.ON


ALL_ON = Positions()
