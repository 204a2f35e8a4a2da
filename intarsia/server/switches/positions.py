"""What switches come to for one person. Nothing here reads or writes anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from intarsia.permissions import Grant

CONNECTOR = "connector"
"""The main switch: all tools at once."""
ACTIONS_IN_WIDGETS = "actions_in_widgets"
"""Whether people act in widgets, or only read them."""
ACTIONS_BY_MODEL = "actions_by_model"
"""Whether models call actions, or only people do."""
NEW_TOOLS = "new_tools"
"""The position in which a tool starts that was not seen before."""
EVERYBODY = ""
"""The role that everybody has."""
SWITCHED = "intarsia:switches"
"""The topic of an admin's switches, on which everything depends."""


class Position(StrEnum):
    """The positions of a switch, from the widest to the most restrictive."""

    ON = "on"
    TEXT_ONLY = "text_only"
    OFF = "off"

    @property
    def words(self) -> str:
        """What people read."""
        return self.value.replace("_", " ")


NO_VIEW = "The view of this is turned off by an admin; the text is all there is."
NO_ACTIONS = "Actions in widgets are turned off by an admin. Nothing was changed."
TURNED_OFF = {
    Position.TEXT_ONLY: "The view of this is turned off. Ask in the chat: it still answers in text.",
    Position.OFF: "It comes back here by itself when it is turned on again.",
}

_ORDER = list(Position)


def switch_of(tool: str) -> str:
    """Return what the switch of a tool is called."""
    return f"tool:{tool}"


@dataclass(frozen=True)
class Positions:
    """All switches at one moment. Each call is decided by one of these, without asking the store.

    Args:
        rows: The position of each switch for a role; what is not there is on.
    """

    rows: Mapping[tuple[str, str], Position] = field(default_factory=dict[tuple[str, str], Position])
    all_on: bool = field(init=False)
    """Whether nothing is turned off for anybody, as on most connectors at most times: then nothing need be asked."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "all_on", not self.rows)

    @cached_property
    def mark(self) -> frozenset[tuple[tuple[str, str], Position]]:
        """All of it in a form that can be a key."""
        return frozenset(self.rows.items())

    def of(self, what: str, grant: Grant) -> Position:
        """Return the position of one switch: the most restrictive of those for everybody and for the person's roles."""
        if self.all_on:
            return Position.ON
        found = (self.rows.get((what, role), Position.ON) for role in (EVERYBODY, *grant.roles))
        return max(found, key=_ORDER.index)

    def of_tool(self, tool: str, grant: Grant) -> Position:
        """Return the position of a tool, under the main switch."""
        if self.all_on:
            return Position.ON
        return max(self.of(CONNECTOR, grant), self.of(switch_of(tool), grant), key=_ORDER.index)

    def is_there(self, tool: str, grant: Grant) -> bool:
        """Say whether somebody gets to know of a tool."""
        return self.of_tool(tool, grant) is not Position.OFF

    def shows(self, tool: str, grant: Grant) -> bool:
        """Say whether a widget tool shows its widget, and not only its text."""
        return self.of_tool(tool, grant) is Position.ON

    def lets_people_act(self, grant: Grant) -> bool:
        """Say whether somebody acts in widgets."""
        return self.of(ACTIONS_IN_WIDGETS, grant) is Position.ON

    def lets_models_act(self, grant: Grant) -> bool:
        """Say whether a model calls actions in somebody's name."""
        return self.of(ACTIONS_BY_MODEL, grant) is Position.ON


ALL_ON = Positions()
