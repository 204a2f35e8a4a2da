"""Looks into a widget's markup as a browser would parse it."""

from typing import Any

from intarsia.testing.markup import parse
from intarsia.ui_templates import render_widget
from intarsia.widgets import Widget


def tree_of(widget: Widget) -> Any:
    """Parse a widget's markup; the root is what holds it."""
    return parse(render_widget(widget).html)


def find(widget: Widget, path: str) -> Any:
    """Return the first element at an ElementTree path, such as `.//dd[@class='x']`."""
    element = tree_of(widget).find(path)
    assert element is not None, path
    return element


def find_all(widget: Widget, path: str) -> list[Any]:
    """Return every element at an ElementTree path."""
    return list(tree_of(widget).iterfind(path))


def words(element: Any) -> str:
    """Return the text in an element, with single spaces."""
    return " ".join("".join(element.itertext()).split())
