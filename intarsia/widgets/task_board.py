"""A task board: columns of cards that users move, complete, add, delete and filter."""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from intarsia.errors import WidgetError
from intarsia.permissions import Decision, permissions_text
from intarsia.widgets.action import (
    NO_ACTION,
    BoundAction,
    ControlRefusal,
    JsonType,
    OptionalAction,
    Parameter,
    Sends,
    refusals_of,
)
from intarsia.widgets.characters import check_twins
from intarsia.widgets.filters import Filters
from intarsia.widgets.select import Select
from intarsia.widgets.values import KnownDate
from intarsia.widgets.widget import Id, Widget, hidden, hidden_items
from intarsia.widgets.windows import ListWindow, Windowed

Priority = Literal["low", "normal", "high", "urgent"]
Version = int | str

_VERSION: dict[str, set[JsonType]] = {"version": {"integer", "string"}}


MANY_REASONS = ["You can't change some of these cards."]

MAX_CARDS = 10_000
"""The maximum number of cards of a board. Only those of the windows are rendered, but all are built for each read."""


class Card(Widget):
    """One task."""

    id: Id = Field(kw_only=False, min_length=1, max_length=100)
    """The card's identifier, such as "T-12"; unique in the board. Actions receive it as `card`."""
    title: str = Field(kw_only=False)
    """The title of the task."""
    assignee: str | None = None
    """The assignee's name; shown as initials."""
    priority: Priority = "normal"
    """The priority; shown unless it is normal."""
    due: KnownDate = None
    """The due date."""
    overdue: bool = False
    """Whether the due date has passed. The tool decides, because the current date depends on the time zone."""
    label: str | None = None
    """A short label, such as "bug"."""
    done: bool = False
    """Whether it is completed."""
    version: Version = 0
    """The card's version. It is sent with every action that takes it, to detect stale writes."""
    refusals: tuple[tuple[str, str], ...] = ()
    """Pairs of an action field, such as `on_move`, and the reason why it is refused. Set when the widget is read."""

    def refusal_of(self, action: str) -> str:
        """Return why an action field, such as `on_move`, is refused for this card; empty if it is allowed."""
        return dict(self.refusals).get(action, "") if self.refusals else ""

    @property
    def initials(self) -> str:
        """The assignee's initials: up to two letters."""
        return "".join(word[0] for word in (self.assignee or "").split()[:2]).upper()


class BoardColumn(Widget):
    """One column of a task board, such as a stage of the work."""

    id: Id = Field(kw_only=False, min_length=1, max_length=100)
    """The column's identifier, such as "doing"; unique in the board. Actions receive it as `column`."""
    title: str = Field(kw_only=False, min_length=1)
    """The column header."""
    cards: Annotated[Sequence[Card], Windowed("card")] = Field(kw_only=False)
    """The cards from top to bottom."""
    limit: int | None = Field(default=None, ge=1)
    """The work-in-progress limit, in cards. It is shown, and marked when exceeded, but not enforced."""
    hidden: tuple[str, ...] = ()
    """Notes on the number of redacted cards. Set when the widget is read by a user without the required scopes."""
    add_refused: str = ""
    """Why cards cannot be added here; empty if they can. Set when the widget is read."""

    def stand_in(self, missing: AbstractSet[str]) -> Self:
        """Return the column with a note instead of its cards."""
        return self.model_copy(update={"cards": [], "limit": None, "add_refused": "", "hidden": (hidden(missing),)})

    def redacted(self, granted: AbstractSet[str], left_out: Sequence[AbstractSet[str]]) -> Self:
        """Return the column with notes on redacted cards."""
        del granted
        return self.model_copy(update={"hidden": hidden_items("card", left_out)}) if left_out else self

    def with_refusals(self, refused: Mapping[str, Mapping[str, Decision]]) -> Self:
        """Return the column with the refusals of its cards and of adding to it.

        Args:
            refused: Action field to the refusing decisions, by card id; for `on_add`, by column id.
        """
        by_card = {name: by_thing for name, by_thing in refused.items() if name != "on_add"}
        changes: dict[str, Any] = {}
        cards = [_with_refusals(card, by_card) for card in self.cards]
        if any(new is not old for new, old in zip(cards, self.cards, strict=True)):
            changes["cards"] = cards
        if (adding := refused.get("on_add", {}).get(self.id)) and adding.reason:
            changes["add_refused"] = adding.reason
        return self.model_copy(update=changes) if changes else self

    @property
    def is_over_limit(self) -> bool:
        """Whether it has more cards than its limit."""
        return self.limit is not None and self.card_count > self.limit

    @property
    def card_count(self) -> int:
        """The number of cards, including those outside of the window."""
        return self.total_of("cards")


class TaskBoard(Widget):
    """Columns of cards. Each action field enables one operation; without actions the board is read-only."""

    title: str = Field(default="Tasks", min_length=1)
    """The heading, such as the project's name."""
    columns: Sequence[BoardColumn] = Field(min_length=1, max_length=12)
    """The columns from left to right; 1 to 12, with at most 10,000 cards in total."""
    filters: Filters = Field(default_factory=list[Select | str])
    """Selects above the board. A string is the name of a tool parameter, and becomes a select of its choices."""
    on_move: Annotated[
        OptionalAction,
        Sends({"card": {"string"}, "column": {"string"}, "index": {"integer"}}, _VERSION),
    ] = NO_ACTION
    """Moves a card. `index` is the new position in `column`, from 0, counted without the card itself."""
    on_complete: Annotated[OptionalAction, Sends({"card": {"string"}}, {"done": {"boolean"}, **_VERSION})] = NO_ACTION
    """Completes a card. An action with a parameter `done` can also reopen it."""
    on_add: Annotated[OptionalAction, Sends({"title": {"string"}}, {"column": {"string"}})] = NO_ACTION
    """Adds a card at the end of a column. An action without a parameter `column` chooses the column itself."""
    on_delete: Annotated[OptionalAction, Sends({"card": {"string"}}, _VERSION)] = NO_ACTION
    """Deletes a card permanently. Its button is part of the move menu, so it requires `on_move`."""

    @model_validator(mode="after")
    def _deleting_has_a_place(self) -> Self:
        if self.on_delete and not self.on_move:
            message = f"TaskBoard {self.title!r}: on_delete is part of the move menu and needs on_move; set both."
            raise WidgetError(message)
        return self

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        cards = [card.id for column in self.columns for card in column.cards]
        for what, ids in (("columns", [column.id for column in self.columns]), ("cards", cards)):
            if len(set(ids)) < len(ids):
                twice = min(name for name, count in Counter(ids).items() if count > 1)
                message = f"TaskBoard {self.title!r} has two {what} with id {twice!r}; give each its own id."
                raise WidgetError(message)
            check_twins(f"TaskBoard.{what}", ids)
        if len(cards) > MAX_CARDS:
            message = (
                f"TaskBoard {self.title!r} has {len(cards)} cards; show at most {MAX_CARDS}, for example with a filter."
            )
            raise WidgetError(message)
        return self

    def sent_with(self, field: str) -> Mapping[str, Mapping[str, Any]]:
        """Return the known arguments of an action field's calls, by card id; for `on_add`, by column id."""
        if field != "on_add":
            cards = [card for column in self.columns for card in column.cards]
            return {card.id: {"card": card.id, "version": card.version, "done": not card.done} for card in cards}
        return {column.id: {"column": column.id} if self.adds_to_columns else {} for column in self.columns}

    def decided_by_thing(self, refused: Mapping[str, Mapping[str, Decision]]) -> Self:
        """Return the board with refusals of some or all of its cards and columns.

        Args:
            refused: Action field to the refusing decisions, by card id; for `on_add`, by column id.
        """
        if not refused:
            return self
        columns = [column.with_refusals(refused) for column in self.columns]
        changes: dict[str, Any] = {"columns": columns}
        for name, by_thing in refused.items():
            reasons = {decision.reason for decision in by_thing.values()}
            if len(reasons) == 1 and len(by_thing) == len(self.sent_with(name)):
                # The same reason everywhere is said once above the board, and not on every card.
                whole = Decision(allowed=False, reason=reasons.pop())
                changes[name] = getattr(self, name).with_decision(whole)
        return self.model_copy(update=changes)

    @property
    def selects(self) -> list[Select]:
        """The filters as selects; names are resolved to selects when the widget is read."""
        return [item for item in self.filters if isinstance(item, Select)]

    @property
    def can_reopen(self) -> bool:
        """Whether a completed card can be reopened."""
        return self.on_complete is not None and "done" in self.on_complete.parameters

    @property
    def adds_to_columns(self) -> bool:
        """Whether the user chooses the column of a new card."""
        return self.on_add is not None and "column" in self.on_add.parameters

    @property
    def actions(self) -> list[BoundAction]:
        """The actions of the board."""
        every = (self.on_move, self.on_complete, self.on_add, self.on_delete)
        return [action for action in every if action is not None]

    @property
    def refusals(self) -> list[ControlRefusal]:
        """The refused actions of the board, with reasons, in as few sentences as possible."""
        found = refusals_of(self.actions)
        if found and all(action.is_refused for action in self.actions):
            what = "move" if self.actions == [self.on_move] else "change"
            found[0] = replace(found[0], reason=f"You can't {what} these cards: {found[0].reason}")
        return found + [ControlRefusal(reason, "") for reason in self._refused_in_part]

    @property
    def _refused_in_part(self) -> list[str]:
        """Reasons that apply to some cards or columns only."""
        whole = {action.decision.reason for action in self.actions if action.is_refused}
        told = [reason for column in self.columns for card in column.cards for _name, reason in card.refusals]
        adds = [column.add_refused for column in self.columns if column.add_refused]
        reasons = list(dict.fromkeys(reason for reason in [*told, *adds] if reason not in whole))
        return [f"You can't change every card: {reasons[0]}"] if len(reasons) == 1 else MANY_REASONS if reasons else []

    @property
    def shows_versions(self) -> bool:
        """Whether any action takes a card's version, so that the text form must state it."""
        return any("version" in action.parameters for action in self.actions)

    @property
    def card_count(self) -> int:
        """The number of cards."""
        return sum(column.card_count for column in self.columns)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        plain = [
            BoardColumn(
                "todo",
                "To do",
                [_card(12, "Fix login", assignee="Ada Lovelace", priority="high"), _card(7, "Write docs")],
            ),
            BoardColumn(
                "doing", "Doing", [_card(3, "Ship beta", assignee="Grace Hopper", due=date(2026, 12, 1))], limit=2
            ),
            BoardColumn("done", "Done", [_card(1, "Set up CI", done=True)]),
        ]
        not_yours = (("on_move", "It is Ada's card."),)
        hostile = '<img src=x onerror="alert(1)">'
        return {
            "default": cls(
                title="Apollo",
                columns=plain,
                filters=[Select("assignee", options=["Ada Lovelace", "Grace Hopper"])],
                on_move=_action("move_card", card="string", column="string", index="integer", version="integer"),
                on_complete=_action("complete_card", card="string", done="boolean", version="integer"),
                on_add=_action("add_card", column="string", title="string"),
            ),
            "read only": cls(title="Apollo", columns=plain),
            "refused": cls(
                title="Apollo",
                columns=[plain[0].model_copy(update={"hidden": hidden_items("card", [{"tasks:private"}])}), *plain[1:]],
                on_move=_refused("move_card", card="string", column="string", index="integer", version="integer"),
                on_complete=_refused("complete_card", card="string", done="boolean", version="integer"),
                on_add=_refused("add_card", column="string", title="string"),
            ),
            "some cards refused": cls(
                title="Apollo",
                columns=[
                    BoardColumn("todo", "To do", [_card(12, "Fix login"), _card(7, "Write docs", refusals=not_yours)]),
                    BoardColumn("done", "Done", [_card(1, "Set up CI", done=True)]),
                ],
                on_move=_action("move_card", card="string", column="string", index="integer", version="integer"),
            ),
            "no cards yet": cls(
                columns=[BoardColumn("todo", "To do", []), BoardColumn("done", "Done", [])],
                on_add=_action("add_card", column="string", title="string"),
            ),
            "over its limit": cls(
                columns=[BoardColumn("doing", "Doing", [_card(n, f"Task {n}") for n in range(1, 5)], limit=2)]
            ),
            "sixty cards": cls(
                columns=[
                    BoardColumn(
                        f"c{c}", f"Stage {c}", [_card(c * 100 + n, f"Task {n} of stage {c}") for n in range(15)]
                    )
                    for c in range(1, 5)
                ],
                on_move=_action("move_card", card="string", column="string", index="integer", version="integer"),
                on_complete=_action("complete_card", card="string", done="boolean", version="integer"),
            ),
            "a part of its cards": cls(
                title="Apollo",
                columns=[
                    BoardColumn("todo", "To do", plain[0].cards, list_windows=(_part(0),)),
                    BoardColumn("doing", "Doing", plain[1].cards, list_windows=(_part(100),)),
                ],
            ),
            "text is markup": cls(
                title=hostile,
                columns=[BoardColumn("todo", hostile, [Card(hostile, hostile, assignee=hostile, label=hostile)])],
                on_move=_action("move_card", card="string", column="string", index="integer"),
            ),
        }


def _with_refusals(card: Card, refused: Mapping[str, Mapping[str, Decision]]) -> Card:
    refusals = tuple((name, by_thing[card.id].reason) for name, by_thing in refused.items() if card.id in by_thing)
    return card.model_copy(update={"refusals": refusals}) if refusals else card


def _part(start: int) -> ListWindow:
    place, length = ("doing/cards", 1) if start else ("todo/cards", 2)
    return ListWindow("cards", place, start, length, 1_250, "cards", 50)


def _card(number: int, title: str, **fields: object) -> Card:
    return Card.model_validate({"id": f"T-{number}", "title": title, "version": 1, **fields})


def _action(tool: str, **types: JsonType) -> BoundAction:
    parameters = {name: Parameter(required=True, json_types=frozenset([kind])) for name, kind in types.items()}
    return BoundAction(tool, tool.replace("_", " ").capitalize(), {"project": "apollo"}, parameters)


def _refused(tool: str, **types: JsonType) -> BoundAction:
    action = _action(tool, **types)
    missing = frozenset({"tasks:write"})
    reason = f"{action.title} needs {permissions_text(missing)}."
    return replace(action, decision=Decision(allowed=False, reason=reason, missing_scopes=missing))
