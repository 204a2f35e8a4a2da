"""What drawn markup offers, read from the markup alone: which tools, with which arguments, for which thing."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast
from xml.etree.ElementTree import Element

import html5lib

from intarsia.widgets import Button, DesignPanel, Select, TaskBoard, Widget
from intarsia.widgets.tree import walk

ACCESS_TOOL = "tool:intarsia_access"
OUTLETS = {"on_move": "move", "on_complete": "complete", "on_add": "add", "on_delete": "delete"}
PANEL = {"on_save": "save", "on_propose": "propose"}


@dataclass(frozen=True)
class Control:
    """What a person can do at one place."""

    field: str
    """The widget's field, such as `on_move`."""
    tool: str
    bound: str
    """What the developer bound, as JSON."""
    sent: str
    """What the control adds by itself, as JSON."""
    is_off: bool = False
    """Whether the widget says by itself that it cannot be used now, whoever looks."""

    @property
    def arguments(self) -> dict[str, Any]:
        """What the call would be made with, as far as it is known."""
        return {**json.loads(self.bound), **json.loads(self.sent)}


def control(field: str, tool: str, bound: Mapping[str, Any], **sent: Any) -> Control:
    """Make a control that is not off."""
    return Control(field, tool, json.dumps(dict(bound), sort_keys=True), json.dumps(sent, sort_keys=True))


def offering(widget: Widget) -> Iterator[Widget]:
    """Yield the widgets in a widget that offer something."""
    for part in walk(widget):
        if isinstance(part, Widget) and any(True for _each in part.offered):
            yield part


def is_off(widget: Widget) -> bool:
    """Whether a widget says by itself that it cannot be used."""
    if isinstance(widget, Select):
        return not widget.choices
    return isinstance(widget, Button) and bool(widget.disabled_reason)


def controls_of(widget: Widget) -> list[Control]:
    """Return everything that a widget would let somebody do who may do everything."""
    found: list[Control] = []
    for leaf in offering(widget):
        for field, action in leaf.offered:
            bound, takes = dict(action.arguments), action.parameters
            for sent in _things(leaf, field):
                kept = {name: value for name, value in sent.items() if name in takes}
                found.append(replace(control(field, action.tool, bound, **kept), is_off=is_off(leaf)))
    return found


def _things(leaf: Widget, field: str) -> list[dict[str, Any]]:
    if not isinstance(leaf, TaskBoard):
        version = leaf.version if isinstance(leaf, DesignPanel) else None
        return [{} if version is None else {"version": version}]
    if field == "on_add":
        return [{"column": column.id} for column in leaf.columns] if leaf.adds_to_columns else [{}]
    return [{"card": card.id, "version": card.version} for column in leaf.columns for card in column.cards]


class Drawn:
    """Markup, parsed as a browser would."""

    def __init__(self, html: str) -> None:
        parse = cast("Callable[..., Element]", html5lib.parseFragment)  # pyright: ignore[reportUnknownMemberType] - untyped
        self.tree = parse(html, treebuilder="etree", namespaceHTMLElements=False)
        self.by_id = {element.attrib["id"]: element for element in self.tree.iter() if "id" in element.attrib}
        self.text = " ".join("".join(self.tree.itertext()).split())

    @property
    def offered(self) -> list[Control]:
        """Everything that a person can do here."""
        found: list[Control] = []
        for element in self.tree.iter():
            if not element.get("hx-post", ACCESS_TOOL).startswith("tool:") or _tool(element) == _tool_of(ACCESS_TOOL):
                continue
            outlet = element.get("data-outlet")
            if outlet is None and element.get("disabled") is None:
                found.append(control(_field_of(element), _tool(element), _bound(element)))
            elif outlet is not None:
                found += self._through(outlet, element)
        return found

    def _through(self, outlet: str, element: Element) -> Iterator[Control]:
        takes = str(element.get("data-takes")).split()
        fields = {name: field for field, name in {**OUTLETS, **PANEL}.items()}
        for thing in self._places(outlet):
            kept = {name: value for name, value in thing.items() if name in takes}
            yield control(fields[outlet], _tool(element), _bound(element), **kept)

    def _places(self, outlet: str) -> list[dict[str, Any]]:
        """Return what stands at each place from which something can be done through an outlet."""
        if outlet in PANEL.values():
            panels = [each for each in self.tree.iter() if "intarsia-design-panel__body" in str(each.get("class"))]
            return [
                json.loads(panel.get("data-item", "{}"))
                for panel in panels
                if any(button.get("data-do") == outlet for button in panel.iter("button"))
            ]
        if outlet == "add":
            return [_column_of(self.tree, entry) for entry in self.tree.iter("input") if _is_open_entry(entry)]
        cards = [each for each in self.tree.iter("li") if each.get("data-item")]
        return [json.loads(str(card.get("data-item"))) for card in cards if _can(card, outlet)]

    @property
    def grants(self) -> dict[frozenset[str], str]:
        """The sets of scopes that "Grant access" is offered for, each with the tool that would ask for them."""
        buttons = [each for each in self.tree.iter() if each.get("hx-post") == ACCESS_TOOL]
        assert all(button.get("disabled") is None for button in buttons)
        labels = [str(button.get("aria-label")).removeprefix("Grant access to ") for button in buttons]
        return {
            frozenset(label.split(" and ")): str(_bound(button)["tool"])
            for label, button in zip(labels, buttons, strict=True)
        }

    @property
    def dangling(self) -> list[str]:
        """The descriptions that disabled controls name, and that are not there or empty."""
        names = [str(each.get("aria-describedby")) for each in self.tree.iter() if each.get("disabled") is not None]
        named = {name for name in names if name != "None" and not name.endswith("-problem")}
        return [name for name in named if name not in self.by_id or not "".join(self.by_id[name].itertext()).strip()]

    @property
    def usable(self) -> int:
        """How many elements take input or a press, but for those that ask for access."""
        elements = [each for each in _visible(self.tree) if each.tag in ("button", "input", "select")]
        return sum(each.get("disabled") is None and each.get("hx-post") != ACCESS_TOOL for each in elements)


def _visible(element: Element) -> Iterator[Element]:
    if element.get("hidden") is None:
        yield element
        for child in element:
            yield from _visible(child)


def _tool(element: Element) -> str:
    return _tool_of(element.get("hx-post", ACCESS_TOOL))


def _tool_of(target: str) -> str:
    return target.removeprefix("tool:")


def _bound(element: Element) -> dict[str, Any]:
    bound: dict[str, Any] = json.loads(str(element.get("data-args")))
    return bound


def _field_of(element: Element) -> str:
    return "on_change" if element.get("hx-trigger") == "change" else "on_click"


def _is_open_entry(entry: Element) -> bool:
    return entry.get("name") == "title" and entry.get("disabled") is None


def _column_of(tree: Element, entry: Element) -> dict[str, Any]:
    for group in tree.iter("div"):
        if group.get("role") == "group" and entry in group.iter():
            column: dict[str, Any] = json.loads(str(group.get("data-item")))
            return column
    return {}


def _can(card: Element, outlet: str) -> bool:
    if outlet == "complete":
        return any(box.get("type") == "checkbox" and box.get("disabled") is None for box in card.iter("input"))
    # Deleting is among the steps of a move; a card that is not to be deleted says so.
    return next(card.iter("button"), None) is not None and not (outlet == "delete" and "data-stays" in card.attrib)
