"""A connector that offers every example of every widget, under every kind of access."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from intarsia import Connector, Done, Grant
from intarsia.testing import Tools
from intarsia.widgets import WIDGETS, BoardColumn, Card, TaskBoard, Widget
from intarsia.widgets.filters import filter_fields
from intarsia.widgets.places import Held, Place
from intarsia.widgets.tree import map_children

ISSUER = "https://id.example"
LOCKED = "T-7"


def _is_open(_grant: Grant, given: Mapping[str, Any]) -> bool | str:
    return given["place"] != "locked" or "This place is locked."


def _is_other_card(_grant: Grant, given: Mapping[str, Any]) -> bool | str:
    return given.get("card", LOCKED) != LOCKED or "T-7 is locked."


def _is_ada(grant: Grant, _given: Mapping[str, Any]) -> bool | str:
    return grant.subject == "ada" or "This is for Ada."


KINDS: dict[str, dict[str, Any]] = {
    "scope": {},
    "two scopes": {"scopes": {"do:both"}},
    "role": {"roles": {"lead"}},
    "rule on what is bound": {"allow": _is_open},
    "rule on what is sent": {"allow": _is_other_card},
    "rule on who": {"allow": _is_ada},
    "undeclared": {"scopes": None},
}
FIELDS = ("on_click", "on_change", "on_save", "on_propose", "on_move", "on_complete", "on_add", "on_delete")
ALL = frozenset({"see", "do:both", *(f"do:{name}" for name in FIELDS)})
ADA = Grant("ada", "chat", ALL, {"lead"}, issuer=ISSUER)
GRANTS: dict[str, Grant] = {
    "everything": ADA,
    "no role": replace(ADA, roles=frozenset[str]()),
    "somebody else": replace(ADA, subject="bob"),
    "nothing": replace(ADA, scopes=frozenset({"see"})),
    "nobody signs in": replace(ADA, issuer=""),
    **{f"not {scope}": replace(ADA, scopes=ALL - {scope}) for scope in sorted(ALL - {"see"})},
}
EXAMPLES: dict[str, Widget] = {
    f"{widget_type.__name__} {name}": example
    for widget_type in WIDGETS
    for name, example in widget_type.examples().items()
}
PLACES = ("open", "locked")
SENT: dict[str, Any] = {"index": 0, "column": "todo", "title": "New", "done": True, "values": {}, "version": 1}


@dataclass
class Room:
    """A connector with every example under every kind of access, and what its actions were let do."""

    connector: Connector
    done: list[str]
    widgets: dict[str, Widget] = field(default_factory=dict[str, Widget])
    """Each by the name of the tool that shows it, before anything is decided."""

    def tools(self, grant: Grant) -> Tools:
        """Call its tools as somebody."""
        return Tools(self.connector, grant, [])


def _functions(done: list[str]) -> dict[str, Any]:  # noqa: C901 - one function of each kind
    async def on_click(place: str, thing: Any = None) -> Done:
        """Press."""
        return did(f"{place} {thing}")

    async def on_change(place: str, value: Any) -> Done:
        """Change."""
        return did(f"{place} {value}")

    async def on_save(place: str, values: dict[str, Any], version: int = 0) -> Done:
        """Save."""
        return did(f"{place} {values} {version}")

    async def on_move(place: str, card: str, column: str, index: int, version: int) -> Done:
        """Move."""
        return did(f"{place} {card} {column} {index} {version}")

    async def on_complete(place: str, card: str, done: bool, version: int) -> Done:  # noqa: FBT001 - goes by name
        """Complete."""
        return did(f"{place} {card} {done} {version}")

    async def on_add(place: str, column: str, title: str) -> Done:
        """Add."""
        return did(f"{place} {column} {title}")

    async def on_delete(place: str, card: str, version: int) -> Done:
        """Delete."""
        return did(f"{place} {card} {version}")

    def did(what: str) -> Done:
        done.append(what)
        return Done("Done.")

    return {
        "on_click": on_click, "on_change": on_change, "on_save": on_save, "on_propose": on_save,
        "on_move": on_move, "on_complete": on_complete, "on_add": on_add, "on_delete": on_delete,
    }  # fmt: skip


def _actions(room: Connector, done: list[str], kind: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    options = KINDS[kind]
    for name, function in _functions(done).items():
        function.__name__ = f"{name}_by_{kind.replace(' ', '_')}"
        scopes = {"scopes": {f"do:{name}"} | options.get("scopes", set[str]())} if kind != "undeclared" else {}
        title = f"{name} {kind}".replace("_", " ").capitalize()
        made[name] = room.action(title=title, **{**options, **scopes} if kind != "undeclared" else {})(function)
    return made


def offering(widget: Widget, actions: Mapping[str, Any], place: str) -> Widget:
    """Return an example whose actions are those of the connector."""

    def visit(part: Held, _place: Place) -> Held:
        return offering(part, actions, place) if isinstance(part, Widget) else part

    inside = map_children(widget, visit)
    assert inside is not None
    unknown = {name for name, _action in inside.offered} - set(actions)
    assert not unknown, f"{type(widget).__name__} offers {min(unknown)}: add a function of that name to {__file__}."
    fields: dict[str, Any] = {name: actions[name].bind(place=place) for name, _action in inside.offered}
    fields |= {name: [] for name in filter_fields(cast("Any", type(inside)))}
    if isinstance(inside, TaskBoard):
        fields |= {"columns": [_unrefused(column) for column in inside.columns]}
        fields |= {"on_delete": actions["on_delete"].bind(place=place)} if inside.on_move else {}
    return inside.model_copy(update=fields) if fields else inside


def _unrefused(column: BoardColumn) -> BoardColumn:
    cards: list[Card] = [card.model_copy(update={"refusals": ()}) for card in column.cards]
    return column.model_copy(update={"cards": cards})


def view_name(example: str, kind: str, place: str) -> str:
    words = f"show_{example}_{kind}_{place}".lower()
    return "".join(letter if letter.isalnum() else "_" for letter in words)


def build_access_matrix(store: Path) -> Room:
    """Make the connector."""
    room = Room(Connector("Room", store=store), [])
    for kind in KINDS:
        actions = _actions(room.connector, room.done, kind)
        for example, widget in EXAMPLES.items():
            for place in PLACES:
                name = view_name(example, kind, place)
                room.widgets[name] = offering(widget, actions, place)
                _add_view(room.connector, name, room.widgets[name])
    return room


def _add_view(connector: Connector, name: str, widget: Widget) -> None:
    async def show() -> Widget:
        """Show the example."""
        return widget

    show.__name__ = name
    connector.widget(scopes={"see"})(show)
