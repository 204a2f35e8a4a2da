"""Asserts on the markup and the text form of widgets."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, runtime_checkable

from intarsia.testing.markdown_text import complaint_about_words
from intarsia.testing.markup import (
    REMEDIES,
    Shape,
    complaints_about_markup,
    complaints_about_template,
    parse,
    shape,
)
from intarsia.testing.replace_text import HARMLESS, HOSTILE, reword
from intarsia.ui_templates import render_text, render_widget
from intarsia.ui_templates.render import FOLDER, Rendering
from intarsia.widgets import BoundAction, Widget

_INVISIBLE = "\u202e\x1b\u200b\x00"


@runtime_checkable
class HasHtml(Protocol):
    """An object with markup: a `Rendering`, or a `Reply`."""

    @property
    def html(self) -> str:
        """The complete markup."""
        ...


def assert_clean(what: str | HasHtml | Widget) -> None:
    """Assert that markup follows the rules, and for a widget also that text cannot break out of its context.

    Args:
        what: HTML, a rendering or reply, or a widget.

    Raises:
        AssertionError: There are violations. The message names each element, the problem, and what to do.
    """
    if isinstance(what, Widget):
        _refuse(complaints_about(what), type(what).__name__)
    else:
        _refuse(complaints_about_markup(what if isinstance(what, str) else what.html), "The markup")


def assert_widget(widget: type[Widget]) -> None:
    """Assert that a widget class and each of its examples follow all rules for widgets.

    Args:
        widget: The widget class.

    Raises:
        AssertionError: There are violations. The message names the example, the problem, and what to do.
    """
    told = complaints_about_class(widget)
    for name, example in widget.examples().items():
        told += [f"example {name!r}: {complaint}" for complaint in complaints_about(example)]
    _refuse(told, widget.__name__)


def complaints_about(widget: Widget) -> list[str]:
    """Return the violations of one widget."""
    return [complaint for promise in PROMISES.values() for complaint in promise(widget)]


def complaints_about_class(widget: type[Widget]) -> list[str]:
    """Return the violations of a widget class itself, apart from its examples."""
    told = list(_about_templates(widget))
    return told if "default" in widget.examples() else [*told, "It has no example 'default'. Return one by examples()."]


def _about_markup(widget: Widget) -> Iterator[str]:
    yield from complaints_about_markup(render_widget(widget).html)


def _about_templates(widget: type[Widget]) -> Iterator[str]:
    folder = FOLDER / widget.kind
    for name in ("view.html", "text.md", "style.css"):
        if not (folder / name).is_file():
            yield f"It has no {folder.name}/{name}. Write one."
    for path in sorted(folder.glob("*.html")):
        for number, what in complaints_about_template(path.read_text(encoding="utf-8")):
            yield f"{folder.name}/{path.name}:{number} has {what}. {REMEDIES[what]}"


def _about_root(widget: Widget) -> Iterator[str]:
    roots = list(parse(render_widget(widget).html))
    if len(roots) != 1:
        yield f"Its markup has {len(roots)} roots. Wrap it into one element."
        return
    (root,) = roots
    style = f"intarsia-{widget.kind.replace('_', '-')}"
    wanted = {"id": "w", "data-intarsia": widget.kind}
    for name, value in wanted.items():
        if root.attrib.get(name) != value:
            yield f"Its root has {name}={root.attrib.get(name)!r} instead of {value!r}. Write it into view.html."
    if style not in root.attrib.get("class", ""):
        yield f"Its root has no class that begins with {style}. Write it into view.html."


def _about_pieces(widget: Widget) -> Iterator[str]:
    rendering = render_widget(widget)
    pieces = {name: part.html for name, part in rendering.parts.items()}
    for items in rendering.lists.values():
        pieces |= {items.prefix + key: item.html for key, item in items.items.items()}
    for name, html in pieces.items():
        roots = list(parse(html, "tbody" if html.startswith("<tr") else "div"))
        if len(roots) != 1 or roots[0].attrib.get("id") != name:
            yield f"The part {name!r} is not one element with that id. Wrap it, and give it the id."


def _about_words(widget: Widget) -> Iterator[str]:
    hostile, harmless = (_with_words(widget, words) for words in (HOSTILE, HARMLESS))
    for place, evil, good in (
        ("markup", hostile.html, harmless.html),
        ("frame", hostile.frame.html, harmless.frame.html),
    ):
        difference = _first_difference(shape(evil), shape(good))
        if difference:
            yield f"Words become {place}: {difference}. Let autoescape write them, inside of quotes."
    yield from (f"with hostile words: {complaint}" for complaint in complaints_about_markup(hostile.html))


def _with_words(widget: Widget, words: str) -> Rendering:
    return render_widget(reword(widget, lambda text: f"{words} {text}"))


def _first_difference(hostile: Shape, harmless: Shape) -> str:
    for evil, good in zip(hostile, harmless, strict=False):
        if evil != good:
            return f"where <{good[0]} {' '.join(good[1])}> was, there is <{evil[0]} {' '.join(evil[1])}>"
    if len(hostile) == len(harmless):
        return ""
    return f"there are {len(hostile)} elements instead of {len(harmless)}"


def _about_text(widget: Widget) -> Iterator[str]:
    text = render_text(widget)
    if not text.strip():
        yield "Its text form is empty. Say in text.md what a model should know."
    for name in type(widget).model_fields:
        offered = getattr(widget, name)
        is_offered = isinstance(offered, BoundAction) and not offered.is_refused
        is_offered = is_offered and not getattr(widget, "disabled_reason", None)
        if is_offered and offered.tool not in text:
            yield f"Its text form does not name the tool {offered.tool!r} of {name}. Say how it is called."


def _about_words_in_text(widget: Widget) -> Iterator[str]:
    text = render_text(reword(widget, lambda words: f"{_INVISIBLE[:2]}[31m{words}{_INVISIBLE[2:]}"))
    if set(text) & set(_INVISIBLE + "\r"):
        yield "Its text form lets invisible characters through. Use the filter `plain` or `code` in text.md."
    if "\n\n\n" in text:
        yield "Its text form has two blank lines in a row. Trim the blocks of text.md."
    if complaint := complaint_about_words(widget):
        yield complaint


PROMISES: Mapping[str, Callable[[Widget], Iterator[str]]] = {
    "markup": _about_markup,
    "root": _about_root,
    "parts": _about_pieces,
    "words": _about_words,
    "text form": _about_text,
    "words in the text form": _about_words_in_text,
}
"""The rules for widgets, by topic."""


def _refuse(complaints: list[str], what: str) -> None:
    if complaints:
        told = "\n".join(f"  {complaint}" for complaint in dict.fromkeys(complaints))
        message = f"{what} is not clean:\n{told}"
        raise AssertionError(message)
