"""Looks into a widget's markup as a browser would parse it."""

from typing import Any

import html5lib

from inlay.ui_templates import render_widget
from inlay.widgets import Widget


def parse(html: str, container: str = "div") -> Any:
    """Parse markup as what `container` holds; drawings are named without their namespace."""
    parser: Any = html5lib  # it comes without useful types
    tree = parser.parseFragment(html, container=container, namespaceHTMLElements=False, treebuilder="etree")
    for element in tree.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    return tree


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
