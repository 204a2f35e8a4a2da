"""Decides which actions a widget's controls may run, for one user, before the widget is rendered.

The same function decides when a tool is called. Rules are evaluated for each item by itself, and once for each set of
arguments during one read; nothing is cached longer than that.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from intarsia.errors import ArgumentError
from intarsia.permissions import ALLOWED, Decision, Grant, decide, decide_without_arguments, is_offered
from intarsia.server.switches.positions import ALL_ON, Positions
from intarsia.server.tools.arguments import check_arguments, values_of
from intarsia.server.tools.tool import ActionTool, Tool
from intarsia.widgets import BoundAction, Widget
from intarsia.widgets.places import Held, Place
from intarsia.widgets.text import note
from intarsia.widgets.tree import map_children, walk

logger = logging.getLogger(__name__)

NOT_OFFERED = "Nothing here is offered to you."


@dataclass(frozen=True)
class Rights:
    """What decisions are based on at one moment.

    Args:
        tools: The tools of the connector.
        positions: The positions of its switches.
    """

    tools: Mapping[str, Tool] = field(default_factory=dict[str, Tool])
    positions: Positions = ALL_ON

    def offered(self, name: str, grant: Grant) -> bool:
        """Return whether an action is visible to a user in a widget."""
        tool, positions = self.tools[name], self.positions
        is_on = positions.all_on or (positions.is_available(name, grant) and positions.allows_user_actions(grant))
        return is_on and is_offered(grant, tool)


async def would_allow(grant: Grant, rights: Rights, name: str, arguments: Mapping[str, Any]) -> bool:
    """Return whether a call with these arguments would be allowed.

    Args:
        grant: The permissions of the user.
        rights: What decisions are based on.
        name: The name of the tool.
        arguments: The arguments as JSON values.
    """
    tool = rights.tools.get(name)
    if tool is None or not rights.offered(name, grant):
        return False
    try:
        decision = await decide(grant, tool, values_of(check_arguments(tool.model, arguments)))
    except ArgumentError:
        return False
    except Exception:
        logger.exception("The rule of %r could not be asked for an Undo.", name)
        return False
    return decision.allowed


@dataclass(frozen=True)
class _Decided:
    """The decisions that refuse actions of a widget."""

    early: Mapping[str, Decision | None]
    """By field: refused for all items. `None` if the action is not visible to the user."""
    by_thing: Mapping[str, Mapping[str, Decision]]
    """By field and by the id of the item for which the rule refuses the action."""


@cache
def offers(found: type) -> bool:
    """Return whether widgets of a class offer actions."""
    return issubclass(found, Widget) and found.offers_actions()


class IdentityRequiredError(Exception):
    """A decision depends on the user, and not only on scopes and roles."""


class ControlAuthorizer:
    """Decides for one user, during one read.

    Args:
        grant: The permissions of the user that sees the widget.
        rights: What decisions are based on.
    """

    def __init__(self, grant: Grant, rights: Rights) -> None:
        self._grant = grant
        self._tools = rights.tools
        self._rights = rights
        self._answers: dict[tuple[str, str], Decision] = {}

    @property
    def person(self) -> str:
        """The user that the decisions are for."""
        return self._grant.person

    async def apply(self, widget: Widget) -> Widget:
        """Return a widget with the decisions about its controls, or the same widget if all actions are allowed."""
        offering = [
            (part, list(part.offered))
            for part in walk(widget, offers)
            if isinstance(part, Widget) and offers(cast("Any", type(part)))
        ]
        decided: dict[int, _Decided] = {}
        for part, offered in offering:
            if offered and (found := await self._decide_offers(part, offered)):
                decided[id(part)] = found
        return (_applied(widget, decided) or note(NOT_OFFERED)) if decided else widget

    async def _decide_offers(self, widget: Widget, offered: Sequence[tuple[str, BoundAction]]) -> "_Decided | None":
        """Return the refused actions of a widget, or `None` if all are allowed."""
        early: dict[str, Decision | None] = {}
        refused: dict[str, dict[str, Decision]] = {}
        for name, action in offered:
            decision = self._decide_early(action)
            if decision is not ALLOWED:
                early[name] = decision
            elif self._has_rule(action):
                found = {thing: await self._decide(action, sent) for thing, sent in widget.sent_with(name).items()}
                if by_thing := {thing: decision for thing, decision in found.items() if not decision.allowed}:
                    refused[name] = by_thing
        return _Decided(early, refused) if early or refused else None

    def _decide_early(self, action: BoundAction) -> Decision | None:
        """Decide by scopes and roles, without the rule; `None` for an action that is not visible to the user."""
        if action.tool not in self._tools:
            return ALLOWED
        if not self._rights.offered(action.tool, self._grant):
            return None
        tool = self._tools[action.tool]
        decision = decide_without_arguments(self._grant, tool)
        return ALLOWED if decision.allowed else decision

    def _has_rule(self, action: BoundAction) -> bool:
        tool = self._tools.get(action.tool)
        return tool is not None and tool.allow is not None and not action.is_refused

    async def _decide(self, action: BoundAction, sent: Mapping[str, Any]) -> Decision:
        tool = cast("ActionTool[..., Any]", self._tools[action.tool])
        known = {**action.arguments, **{name: sent[name] for name in sent if name in action.parameters}}
        question = (action.tool, repr(sorted(known.items())))
        if question not in self._answers:
            self._answers[question] = await self.ask_rule(tool, known)
        return self._answers[question]

    async def ask_rule(self, tool: "ActionTool[..., Any]", known: Mapping[str, Any]) -> Decision:
        """Evaluate the rule of a tool."""
        try:
            return await decide(self._grant, tool, tool.as_given(known))
        except KeyError:
            # The rule reads an argument that is known only when the user acts, such as the target column of a card.
            # The rule is evaluated again with the call, so it is safe to show the control.
            return ALLOWED
        except Exception:
            logger.exception("The rule of %r could not be asked for drawing.", tool.name)
            return Decision(allowed=False, reason=f"Whether you may {tool.title.lower()} could not be checked.")


class SharedControlAuthorizer(ControlAuthorizer):
    """Decides once for all users with the same permissions, and raises where a decision depends on the user.

    Args:
        grant: The permissions, without the user.
        rights: What decisions are based on.
    """

    @property
    def person(self) -> str:
        """No user.

        Raises:
            IdentityRequiredError: Always.
        """
        raise IdentityRequiredError

    async def ask_rule(self, tool: "ActionTool[..., Any]", known: Mapping[str, Any]) -> Decision:  # noqa: ARG002
        """Evaluate no rule, because rules get the user.

        Raises:
            IdentityRequiredError: Always.
        """
        raise IdentityRequiredError


def _applied(widget: Widget, decided: Mapping[int, _Decided]) -> Widget | None:
    """Return a widget with its decisions; `None` if it requires an action that is not visible to the user."""

    def visit(part: Held, place: Place) -> Held | None:
        if not isinstance(part, Widget):
            return part
        shown = _applied(part, decided)
        if shown is None and not place.is_item and place.takes(instead := note(NOT_OFFERED)):
            return instead
        return shown

    found = decided.get(id(widget))
    inside = widget if found and len(decided) == 1 else map_children(widget, visit, offers)
    if inside is None or found is None:
        return inside
    early = inside.decided(found.early) if found.early else inside
    return early.decided_by_thing(found.by_thing) if early is not None and found.by_thing else early
