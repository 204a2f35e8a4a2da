"""Deciding what a widget's controls may do, for the person it is drawn for, before it is drawn.

The same function decides as when the tool is called. Rules are asked about each thing by itself, each question once
for one reading, and nothing is remembered longer than that.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from intarsia.errors import ArgumentError
from intarsia.permissions import ALLOWED, Decision, Grant, decide, decide_without_arguments, is_offered
from intarsia.server.switches.positions import ALL_ON, Positions
from intarsia.server.tools.arguments import check_arguments, values_of
from intarsia.server.tools.tool import ActionTool, Tool
from intarsia.widgets import (
    BoardColumn,
    BoundAction,
    Button,
    Card,
    Checkbox,
    Dashboard,
    DesignPanel,
    Grid,
    Stack,
    TaskBoard,
    Text,
    Tile,
    Widget,
)

logger = logging.getLogger(__name__)

W = TypeVar("W", bound=Widget)

NOT_OFFERED = "Nothing here is offered to you."


@dataclass(frozen=True)
class Rights:
    """What decisions go by, at one moment.

    Args:
        tools: The tools of the connector.
        positions: How its switches stand.
    """

    tools: Mapping[str, Tool] = field(default_factory=dict[str, Tool])
    positions: Positions = ALL_ON

    def offered(self, name: str, grant: Grant) -> bool:
        """Say whether somebody gets to know of an action in a widget."""
        tool, positions = self.tools[name], self.positions
        is_on = positions.all_on or (positions.is_there(name, grant) and positions.lets_people_act(grant))
        return is_on and is_offered(grant, tool)


async def would_allow(grant: Grant, rights: Rights, name: str, arguments: Mapping[str, Any]) -> bool:
    """Say whether a call that is offered with all of its arguments would be let through.

    Args:
        grant: To whom it is offered.
        rights: What is decided by.
        name: The tool that would be called.
        arguments: What with, as in JSON.
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


class IdentityRequiredError(Exception):
    """What is decided depends on the person, not only on what they granted and what they are."""


class ControlAuthorizer:
    """Decides for one person, during one reading.

    Args:
        grant: Who will see the widget.
        rights: What is decided by.
    """

    def __init__(self, grant: Grant, rights: Rights) -> None:
        self._grant = grant
        self._tools = rights.tools
        self._rights = rights
        self._answers: dict[tuple[str, str], Decision] = {}

    @property
    def person(self) -> str:
        """For whom it decides."""
        return self._grant.person

    async def apply(self, widget: Widget) -> Widget:
        """Return a widget whose controls say what may be done; the widget itself where that is everything."""
        return await self._applied(widget) or Text(NOT_OFFERED, tone="muted")

    async def _applied(self, widget: Widget) -> Widget | None:
        """Return a widget with its decisions; `None` for a control that is not offered to this person at all."""
        match widget:
            case Stack() | Grid():
                applied = [await self._applied(child) for child in widget.children]
                children = [child for child in applied if child is not None]
                return widget if _are_same(children, widget.children) else _copy(widget, children=children)
            case Dashboard():
                tiles = [await self._applied(tile) if isinstance(tile, Tile) else tile for tile in widget.tiles]
                return widget if _are_same(tiles, widget.tiles) else _copy(widget, tiles=tiles)
            case Tile():
                content = None if widget.content is None else await self.apply(widget.content)
                return widget if content is widget.content else _copy(widget, content=content)
            case TaskBoard():
                return await self._board(widget)
            case _:
                return await self._control(widget)

    async def _control(self, widget: W) -> W | None:
        changes: dict[str, BoundAction | None] = {}
        for name, action in widget.offered:
            decided = await self._decided(action, _sent_by(widget, action))
            if decided is not action:
                changes[name] = decided
        if isinstance(widget, Button) and "on_click" in changes and changes["on_click"] is None:
            return None
        return _copy(widget, **changes) if changes else widget

    async def _board(self, board: TaskBoard) -> TaskBoard:
        changes: dict[str, Any] = {}
        for name, action in board.offered:
            decided = self._decided_early(action)
            if decided is not action:
                changes[name] = decided
        board = _copy(board, **changes) if changes else board
        has_rules = any(self._asks(action) for _name, action in board.offered)
        return await self._board_by_rules(board) if has_rules else board

    async def _board_by_rules(self, board: TaskBoard) -> TaskBoard:
        by_card = [(name, action) for name, action in board.offered if name != "on_add" and self._asks(action)]
        columns = [await self._column(column, board, by_card) for column in board.columns]
        changes: dict[str, Any] = {} if _are_same(columns, board.columns) else {"columns": columns}
        for name, action in by_card:
            refused = [card.refusal_of(name) for column in columns for card in column.cards]
            if refused and refused[0] and len(set(refused)) == 1:  # one sentence over the board says it for all
                changes[name] = replace(action, decision=Decision(allowed=False, reason=refused[0]))
        adds = [column.add_refused for column in columns]
        if board.on_add and adds[0] and len(set(adds)) == 1:
            changes["on_add"] = replace(board.on_add, decision=Decision(allowed=False, reason=adds[0]))
        return _copy(board, **changes) if changes else board

    async def _column(
        self, column: BoardColumn, board: TaskBoard, by_card: Iterable[tuple[str, BoundAction]]
    ) -> BoardColumn:
        changes: dict[str, Any] = {}
        if board.on_add and self._asks(board.on_add):
            sent = {"column": column.id} if board.adds_to_columns else {}
            changes["add_refused"] = (await self._decide(board.on_add, sent)).reason
        cards = [await self._card(card, by_card) for card in column.cards]
        if not _are_same(cards, column.cards):
            changes["cards"] = cards
        return _copy(column, **changes) if any(changes.values()) else column

    async def _card(self, card: Card, actions: Iterable[tuple[str, BoundAction]]) -> Card:
        thing = {"card": card.id, "version": card.version, "done": not card.done}
        decisions = [(name, await self._decide(action, thing)) for name, action in actions]
        refusals = tuple((name, decision.reason) for name, decision in decisions if not decision.allowed)
        return _copy(card, refusals=refusals) if refusals else card

    async def _decided(self, action: BoundAction, sent: Mapping[str, Any]) -> BoundAction | None:
        early = self._decided_early(action)
        if early is not action or not self._has_rule(action):
            return early
        decision = await self._decide(action, sent)
        return action if decision.allowed else replace(action, decision=decision)

    def _decided_early(self, action: BoundAction) -> BoundAction | None:
        """Decide as far as no rule is needed; `None` for an action that this person is not to know of."""
        tool = self._tools.get(action.tool)
        if tool is None:
            return action
        if not self._rights.offered(action.tool, self._grant):
            return None
        decision = decide_without_arguments(self._grant, tool)
        return action if decision.allowed else replace(action, decision=decision)

    def _has_rule(self, action: BoundAction) -> bool:
        tool = self._tools.get(action.tool)
        return tool is not None and tool.allow is not None

    def _asks(self, action: BoundAction) -> bool:
        return not action.is_refused and self._has_rule(action)

    async def _decide(self, action: BoundAction, sent: Mapping[str, Any]) -> Decision:
        tool = cast("ActionTool[...]", self._tools[action.tool])
        known = {**action.arguments, **{name: sent[name] for name in sent if name in action.parameters}}
        question = (action.tool, repr(sorted(known.items())))
        if question not in self._answers:
            self._answers[question] = await self.ask_rule(tool, known)
        return self._answers[question]

    async def ask_rule(self, tool: "ActionTool[...]", known: Mapping[str, Any]) -> Decision:
        """Ask the rule of a tool."""
        try:
            return await decide(self._grant, tool, tool.as_given(known))
        except KeyError:
            # The rule looks at what only the person's hand will say, such as where a card goes: the call decides.
            return ALLOWED
        except Exception:
            logger.exception("The rule of %r could not be asked for drawing.", tool.name)
            return Decision(allowed=False, reason=f"Whether you may {tool.title.lower()} could not be checked.")


class SharedControlAuthorizer(ControlAuthorizer):
    """Decides for everybody with the same permissions at once, and refuses where it would have to know who it is.

    Args:
        grant: The permissions, without the person.
        rights: What is decided by.
    """

    @property
    def person(self) -> str:
        """Nobody.

        Raises:
            PersonalError: Always.
        """
        raise IdentityRequiredError

    async def ask_rule(self, tool: "ActionTool[...]", known: Mapping[str, Any]) -> Decision:  # noqa: ARG002  # as above
        """Ask no rule: each is told who calls.

        Raises:
            PersonalError: Always.
        """
        raise IdentityRequiredError


def _sent_by(widget: Widget, action: BoundAction) -> Mapping[str, Any]:
    """Return what a control is sure to send."""
    if isinstance(widget, Checkbox):
        return {"value": not widget.value}
    if isinstance(widget, DesignPanel) and widget.version is not None and "version" in action.parameters:
        return {"version": widget.version}
    return {}


def _are_same(new: Sequence[object], old: Sequence[object]) -> bool:
    return len(new) == len(old) and all(one is other for one, other in zip(new, old, strict=True))


def _copy(widget: W, **changes: Any) -> W:
    return widget.model_copy(update=changes)
