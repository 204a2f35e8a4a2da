"""What every widget promises, for every one of its examples."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from pydantic.fields import FieldInfo

from inlay.errors import WidgetError
from inlay.ui_templates import render_text, render_widget
from inlay.widgets import WIDGETS, BoundAction, PendingTile, Widget
from tests.widgets.markup import parse

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [
    pytest.param(example, id=f"{widget.kind}, {name}")
    for widget in WIDGETS
    for name, example in widget.examples().items()
]

HOSTILE = "--><img src=x onerror=alert(1)>\"'></script></style><!--inlay:w-head-->{{ 7 * 7 }}&lt;b onload=x&gt;"
HARMLESS = "plain words"
SAFE_STYLE = re.compile(r"(?:--[\w-]+: ?[\d.]+(?:px|%)?;? ?)*")
ALLOWED_HTMX = {"hx-post", "hx-get", "hx-trigger", "hx-sync", "hx-confirm", "hx-ignore"}


def elements(html: str) -> list[Any]:
    return [element for element in parse(html).iter() if isinstance(element.tag, str)]


def shape(html: str) -> list[tuple[str, list[str]]]:
    """Tags and names of attributes, in order: all that text must never change."""
    return [(element.tag, sorted(element.attrib)) for element in elements(html)]


def is_text(field: FieldInfo) -> bool:
    """Whether people's words go there; a closed set or a color is not for words."""
    choices = (field.annotation, *get_args(field.annotation))
    is_closed = any(type(choice).__name__ == "_LiteralGenericAlias" for choice in choices)
    return not is_closed and "pattern=" not in repr(field)


def reword(value: Any, words: Callable[[str], str]) -> Any:
    """Return a copy of a widget with other words everywhere. Ids change in the same way wherever they are named."""
    match value:
        case Widget():
            fields = type(value).model_fields
            changed = {name: reword(getattr(value, name), words) for name in fields if is_text(fields[name])}
            return value.model_copy(update=changed)
        case BoundAction():
            return replace(value, title=words(value.title), arguments=reword(value.arguments, words))
        case str():
            return value if re.fullmatch("#[0-9a-f]{6}", value) else words(value)
        case Mapping():
            entries = cast("dict[Any, Any]", value)
            return {reword(key, words): reword(item, words) for key, item in entries.items()}
        case list() | tuple():
            return [reword(item, words) for item in cast("Sequence[Any]", value)]
        case _:
            return value


@pytest.mark.parametrize("widget", WIDGETS)
def test_a_widget_has_a_default_example_and_its_templates(widget: type[Widget]) -> None:
    folder = ROOT / "inlay/ui_templates" / widget.kind

    assert "default" in widget.examples()
    assert {"view.html", "text.md", "style.css"} <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("widget", EXAMPLES)
def test_the_root_is_one_element_that_says_its_kind(widget: Widget) -> None:
    html = render_widget(widget).html
    roots = list(parse(html))

    assert len(roots) == 1
    assert roots[0].attrib["id"] == "w"
    assert roots[0].attrib["data-inlay"] == widget.kind
    assert f"inlay-{widget.kind.replace('_', '-')}" in roots[0].attrib["class"]


@pytest.mark.parametrize("widget", EXAMPLES)
def test_ids_are_unique_and_labels_point_at_them(widget: Widget) -> None:
    found = elements(render_widget(widget).html)
    ids = [element.attrib["id"] for element in found if "id" in element.attrib]
    labelled = {element.attrib["for"] for element in found if "for" in element.attrib}
    described = {
        name
        for element in found
        for attribute in ("aria-labelledby", "aria-describedby", "aria-controls")
        for name in element.attrib.get(attribute, "").split()
    }

    assert len(ids) == len(set(ids))
    assert labelled | described <= set(ids)


@pytest.mark.parametrize("widget", EXAMPLES)
def test_each_part_and_each_item_is_one_element_with_its_id(widget: Widget) -> None:
    rendering = render_widget(widget)
    pieces = {name: part.html for name, part in rendering.parts.items()}
    for items in rendering.lists.values():
        pieces |= {items.prefix + key: item.html for key, item in items.items.items()}

    for name, html in pieces.items():
        container = "tbody" if html.startswith("<tr") else "div"
        (root,) = parse(html, container)
        assert root.attrib["id"] == name


@pytest.mark.parametrize("widget", EXAMPLES)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "frame"])
def test_hostile_words_leave_the_shape_as_harmless_ones_do(widget: Widget, whole: bool) -> None:  # noqa: FBT001 - a parameter of the test
    def render(words: str) -> str:
        rendering = render_widget(reword(widget, lambda text: f"{words} {text}"))
        return rendering.html if whole else rendering.frame.html

    assert shape(render(HOSTILE)) == shape(render(HARMLESS))


@pytest.mark.parametrize("widget", EXAMPLES)
def test_nothing_in_the_markup_runs_links_or_styles_by_itself(widget: Widget) -> None:
    for element in elements(render_widget(reword(widget, lambda text: HOSTILE + text)).html):
        assert element.tag not in {"script", "style", "iframe", "object", "embed", "link", "meta", "base", "a"}
        assert not {"src", "href", "action", "srcdoc", "formaction"} & set(element.attrib)
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert not name.startswith("hx-") or name in ALLOWED_HTMX
            assert name != "style" or SAFE_STYLE.fullmatch(value)


@pytest.mark.parametrize("widget", EXAMPLES)
def test_the_text_form_says_something_on_clean_lines(widget: Widget) -> None:
    text = render_text(reword(widget, lambda words: f"\u202e\x1b[31m{words}\u200b\x00"))

    assert text.strip()
    assert not set(text) & set("\x00\x1b\u202e\u200b\r")
    assert "\n\n\n" not in text


@pytest.mark.parametrize("widget", EXAMPLES)
def test_the_text_form_keeps_words_from_becoming_markdown(widget: Widget) -> None:
    text = render_text(reword(widget, lambda words: f"<b>![x](https://example.org)</b> {words}"))
    prose = re.sub(r"``.*?``|`[^`]*`", "", text)

    assert "<b>" not in prose
    assert "![x]" not in prose


@pytest.mark.parametrize("widget", EXAMPLES)
def test_the_text_form_names_every_tool_that_can_be_called(widget: Widget) -> None:
    text = render_text(widget)
    offered = [value for name in type(widget).model_fields if isinstance(value := getattr(widget, name), BoundAction)]

    assert [
        action.tool for action in offered if action.tool not in text and not getattr(widget, "disabled_reason", None)
    ] == []


def test_a_dashboard_whose_tiles_were_not_read_is_no_empty_one() -> None:
    async def never() -> Widget:
        raise AssertionError

    dashboard = next(widget for widget in WIDGETS if widget.kind == "dashboard").examples()["no tiles"]
    waiting = dashboard.model_copy(update={"tiles": [PendingTile("cpu", "CPU", never)]})

    for render in (render_text, render_widget):
        with pytest.raises(WidgetError, match="has tiles that were not read"):
            render(waiting)
