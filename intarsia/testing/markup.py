"""The rules for the HTML of widgets and for their templates."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import html5lib

Shape = list[tuple[str, list[str]]]
"""Tags and the names of their attributes, in order. Text must never change them."""

REMEDIES = {
    "a filter that ends escaping": "Let autoescape do its work; make markup in a macro.",
    "escaping switched off": "Let autoescape do its work; make markup in a macro.",
    "hx-on": "It needs eval. Listen in a behavior.",
    "a js: value": "It needs eval. Say it with data, and let a behavior read them.",
    "an inline handler": "Listen in a behavior.",
    "an inline script": "Write a behavior.",
    "an unquoted value": "Quote the attribute, or fill it by the filter `quoted_json`.",
    "a link that data fill": "A widget leads nowhere by itself. Offer an action.",
}
"""Constructs that are not allowed in templates, with the alternative."""

_FORBIDDEN_IN_TEMPLATES = {
    "a filter that ends escaping": re.compile(r"\|\s*safe\b"),
    "escaping switched off": re.compile(r"autoescape\s+false"),
    "hx-on": re.compile(r"\bhx-on\b"),
    "a js: value": re.compile(r"\b(js|javascript):"),
    "an inline handler": re.compile(r"""(?<=[\s"'])on[a-z]+\s*=\s*["'{]""", re.IGNORECASE),
    "an inline script": re.compile(r"<script\b", re.IGNORECASE),
    "an unquoted value": re.compile(r"\s[\w-]+=\{\{(?![^}]*(?:\}(?!\})[^}]*)*\|\s*quoted_json\s*\}\})"),
    "a link that data fill": re.compile(
        r"""(?<![\w-])(?:href|src|srcset|action|formaction|srcdoc|poster)\s*=\s*["']?[^"'>]*\{\{""", re.IGNORECASE
    ),
}

HTMX = frozenset({"hx-get", "hx-post", "hx-trigger", "hx-sync", "hx-confirm", "hx-ignore"})
"""The htmx attributes that widgets may use; the others send requests elsewhere, swap content, or need eval."""

_FOREIGN = frozenset({"script", "style", "iframe", "object", "embed", "link", "meta", "base", "a"})
_LINKS = frozenset({"href", "src", "srcset", "action", "srcdoc", "formaction", "poster", "xlink:href", "data", "ping"})
_REFERENCES = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "aria-activedescendant")
_CONTROLS = frozenset({"input", "select", "textarea", "button"})
_SAFE_STYLE = re.compile(r"(?:--[\w-]+: ?[\d.]+(?:px|%)?;? ?)*")
_TAG = re.compile(r"""<([a-zA-Z][^\s/>]*)((?:[^<>"'=]|=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]*))*)>""")
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>]*))?""")


def parse(html: str, container: str = "div") -> Any:
    """Parse markup as the content of `container`. SVG elements are named without their namespace."""
    return _parsed(html, container)[0]


def elements(html: str, container: str = "div") -> list[Any]:
    """Return all elements of some markup, in order."""
    return [element for element in parse(html, container).iter() if isinstance(element.tag, str)][1:]


def shape(html: str) -> Shape:
    """Return the shape of some markup, which text must never change."""
    return [(element.tag, sorted(map(str, element.attrib))) for element in elements(html)]


def describe(element: Any) -> str:
    """Describe an element for an error message, by its id, its name or its text."""
    name = element.attrib.get("id") or element.attrib.get("name")
    if name:
        return f"<{element.tag}> {name!r}"
    words = " ".join("".join(element.itertext()).split())
    return f"<{element.tag}>" + (f" {words[:40]!r}" if words else "")


def complaints_about_template(text: str) -> Iterator[tuple[int, str]]:
    """Yield the violations in a template, with line numbers."""
    for number, line in enumerate(text.splitlines(), start=1):
        for what, pattern in _FORBIDDEN_IN_TEMPLATES.items():
            if pattern.search(line):
                yield number, what


def complaints_about_markup(html: str) -> list[str]:
    """Return the violations in a widget's markup: the element, the problem, and what to do."""
    tree, errors = _parsed(html, "div")
    found = [element for element in tree.iter() if isinstance(element.tag, str)][1:]
    told = [f"The markup is not well-formed: {error}. Close and nest every element." for error in errors]
    told += list(_unquoted(html))
    told += list(_ids(found))
    told += [complaint for element in found for rule in _RULES for complaint in rule(element)]
    return told + list(_nameless(tree, found))


def _parsed(html: str, container: str) -> tuple[Any, list[str]]:
    library: Any = html5lib  # it comes without useful types
    parser = library.HTMLParser(tree=library.getTreeBuilder("etree"), namespaceHTMLElements=False)
    tree = parser.parseFragment(html, container=container)
    for element in tree.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    errors = [_error(*error) for error in parser.errors]
    return tree, errors


def _error(position: tuple[int, int], code: str, data: Mapping[str, object]) -> str:
    name = data.get("name") or data.get("data") or ""
    line, column = position
    return f"{code.replace('-', ' ')}{f' ({name})' if name else ''} at line {line}, column {column}"


def _unquoted(html: str) -> Iterator[str]:
    bare = re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL)
    for tag, inside in _TAG.findall(bare):
        for name, value in _ATTRIBUTE.findall(inside):
            if value and value[0] not in "\"'":
                yield f"<{tag}>: the value of {name} has no quotes: a space in it begins another. Quote it."


def _ids(found: list[Any]) -> Iterator[str]:
    counted = Counter(element.attrib["id"] for element in found if "id" in element.attrib)
    for name, times in counted.items():
        if times > 1:
            yield f"The id {name!r} stands {times} times. Make ids from the widget's own id and a key."
    for element in found:
        for attribute in _REFERENCES:
            value = element.attrib.get(attribute, "")
            # A label's `for` is one id, which may contain spaces; the others are lists.
            for name in [value] if attribute == "for" and value else value.split():
                if name not in counted:
                    yield f"{describe(element)}: {attribute} names {name!r}, and nothing has that id. Correct the id."


def _foreign(element: Any) -> Iterator[str]:
    if element.tag in _FOREIGN:
        yield f"{describe(element)} must not stand in a widget. Use a behavior, and style.css."
    for name in sorted(_LINKS & set(element.attrib)):
        yield f"{describe(element)}: {name} leads out of the widget. Offer an action instead."


def _runs(element: Any) -> Iterator[str]:
    for name, value in element.attrib.items():
        if str(name).startswith("on"):
            yield f"{describe(element)}: {name} is an inline handler. Listen in a behavior."
        if str(name).startswith("hx-on"):
            yield f"{describe(element)}: {name} needs eval. Listen in a behavior."
        elif str(name).startswith("hx-") and name not in HTMX:
            yield f"{describe(element)}: {name} is not among what widgets use ({', '.join(sorted(HTMX))})."
        if re.match(r"\s*(js|javascript)\s*:", value, re.IGNORECASE):
            yield f"{describe(element)}: {name} holds script, which needs eval. Say it with data."
    if "[" in element.attrib.get("hx-trigger", ""):
        yield f"{describe(element)}: hx-trigger has a condition, which needs eval. Decide in a behavior."


def _styled(element: Any) -> Iterator[str]:
    if not _SAFE_STYLE.fullmatch(element.attrib.get("style", "")):
        yield f"{describe(element)}: its style sets more than numbers. Set a custom property, and style by a class."


_RULES: tuple[Callable[[Any], Iterator[str]], ...] = (_foreign, _runs, _styled)


def _nameless(tree: Any, found: list[Any]) -> Iterator[str]:
    pointed = {element.attrib["for"] for element in found if element.tag == "label" and "for" in element.attrib}
    inside = {id(inner) for label in tree.iter("label") for inner in label.iter() if _words(label)}
    for element in found:
        if element.tag not in _CONTROLS or element.attrib.get("type") == "hidden":
            continue
        named = {"aria-label", "aria-labelledby", "title"} & {name for name, value in element.attrib.items() if value}
        by_label = element.attrib.get("id") in pointed or id(element) in inside
        if not (named or (element.tag == "button" and _words(element)) or (element.tag != "button" and by_label)):
            yield f"{describe(element)} has no label. Point a <label for> at its id, or give it an aria-label."


def _words(element: Any) -> str:
    return "".join(element.itertext()).strip()
