"""Each rule of markup bites on a mistake, names the element and says what to do, and lets its honest twin be."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import pytest

from intarsia.testing import assert_clean, assert_widget, markdown_text, widget_checks
from intarsia.testing.markup import elements, shape
from intarsia.testing.replace_text import HARMLESS, HOSTILE, reword
from intarsia.ui_templates import render_widget
from intarsia.widgets import BoundAction, Dashboard, PendingTile, Select, Table, TableColumn, Text, Tile, Widget

MISTAKES = {
    "unquoted": (
        '<p title="a b">x</p>',
        "<p title=a>x</p>",
        "<p>: the value of title has no quotes: a space in it begins another. Quote it.",
    ),
    "not nested": (
        "<p><b>x</b></p>",
        "<b><i>x</b></i>",
        "The markup is not well-formed: adoption agency",
    ),
    "not closed": (
        "<div><p>x</p></div>",
        "<div><p>x</div></div>",
        "The markup is not well-formed: end tag too early (div) at line 1, column 21. Close and nest every element.",
    ),
    "left open": (
        "<div><p>x</p></div>",
        "<div><p>x</p>",
        "The markup is not well-formed: expected closing tag but got eof at line 1",
    ),
    "the same id twice": (
        '<p id="a">x</p><p id="b">y</p>',
        '<p id="a">x</p><p id="a">y</p>',
        "The id 'a' stands 2 times. Make ids from the widget's own id and a key.",
    ),
    "a label that points nowhere": (
        '<label for="a">Name</label><input id="a">',
        '<label for="b">Name</label><input id="a" aria-label="Name">',
        "<label> 'Name': for names 'b', and nothing has that id. Correct the id.",
    ),
    "a description that is not there": (
        '<button aria-describedby="why">Go</button><p id="why">x</p>',
        '<button aria-describedby="why">Go</button><p>x</p>',
        "<button> 'Go': aria-describedby names 'why', and nothing has that id.",
    ),
    "a field without a label": (
        '<label>Name <input name="name"></label>',
        '<input name="name" placeholder="Name">',
        "<input> 'name' has no label. Point a <label for> at its id, or give it an aria-label.",
    ),
    "a button without words": (
        '<button aria-label="Close"><svg viewBox="0 0 1 1"></svg></button>',
        '<button><svg viewBox="0 0 1 1"></svg></button>',
        "<button> has no label.",
    ),
    "a script": ("<p>x</p>", "<p>x</p><script>go()</script>", "<script> 'go()' must not stand in a widget."),
    "a frame": ("<p>x</p>", "<iframe></iframe>", "<iframe> must not stand in a widget."),
    "a link": ("<p>x</p>", '<p href="https://example.org">x</p>', "<p> 'x': href leads out of the widget."),
    "a picture": ("<p>x</p>", '<img src="x.png" alt="">', "<img>: src leads out of the widget. Offer an action"),
    "a handler": ("<p>x</p>", '<p onclick="go()">x</p>', "<p> 'x': onclick is an inline handler. Listen in"),
    "a handler of htmx": ("<p>x</p>", '<p hx-on:click="go()">x</p>', "<p> 'x': hx-on:click needs eval. Listen in"),
    "values that are script": (
        '<p data-args="{}">x</p>',
        '<p hx-vals="js:{a: 1}">x</p>',
        "<p> 'x': hx-vals holds script, which needs eval. Say it with data.",
    ),
    "a trigger with a condition": (
        '<p hx-trigger="change">x</p>',
        '<p hx-trigger="click[ctrlKey]">x</p>',
        "<p> 'x': hx-trigger has a condition, which needs eval. Decide in a behavior.",
    ),
    "another attribute of htmx": (
        '<p hx-post="tool:go">x</p>',
        '<p hx-swap="innerHTML">x</p>',
        "<p> 'x': hx-swap is not among what widgets use",
    ),
    "a style": (
        '<p style="--intarsia-fill: 40.5%">x</p>',
        '<p style="position: fixed">x</p>',
        "<p> 'x': its style sets more than numbers. Set a custom property, and style by a class.",
    ),
}


@pytest.mark.parametrize(("right", "wrong", "complaint"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_and_its_twin_is_clean(right: str, wrong: str, complaint: str) -> None:
    assert_clean(right)

    with pytest.raises(AssertionError) as caught:
        assert_clean(wrong)
    assert complaint in str(caught.value)


def test_a_rendering_is_judged_whole() -> None:
    assert_clean(render_widget(Text("Fine.")))
    rendering = render_widget(Select("stage", options=["To do"]))
    rendering.frame = type(rendering.frame)(rendering.frame.html.replace("w-control", "w"), "hash")

    with pytest.raises(AssertionError, match=r"The id 'w' stands 2 times"):
        assert_clean(rendering)


def test_hostile_and_harmless_words_are_as_long_and_only_the_hostile_ones_are_markup() -> None:
    assert len(HOSTILE) == len(HARMLESS)
    assert shape(f"<p>{HARMLESS}</p>") == [("p", [])]
    assert [element.tag for element in elements(f"<p>{HOSTILE}</p>")][1:] == ["img"]


def test_other_words_go_everywhere_but_into_closed_sets_and_colors() -> None:
    table = Table(columns=[TableColumn("a", "A")], rows=[{"a": "one"}], row_key="a", caption="Ones")

    shouted = reword(table, str.upper)

    assert (shouted.caption, shouted.rows, shouted.row_key) == ("ONES", [{"A": "ONE"}], "A")
    assert shouted.columns[0].type == "text"
    assert table.caption == "Ones"


def test_an_action_keeps_its_tool_and_a_tile_that_was_not_read_is_shown_as_such() -> None:
    async def never() -> Widget:
        raise AssertionError

    select = reword(Select.examples()["calls an action"], str.upper)
    assert isinstance(select.on_change, BoundAction)
    assert (select.on_change.tool, select.on_change.title) == ("assign_card", "ASSIGN CARD")
    dashboard = reword(Dashboard(title="This machine", tiles=[PendingTile("cpu", "Load", never)]), str.upper)
    (tile,) = dashboard.tiles
    assert isinstance(tile, Tile)
    assert (tile.name, tile.title, tile.problem) == ("CPU", "LOAD", "NOT READ.")


class Unfinished(Text):
    """A widget that somebody has just begun."""

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"first": cls("")}


def test_a_widget_without_templates_and_default_example_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = widget_checks.complaints_about_class(Unfinished)

    assert told == [
        "It has no unfinished/view.html. Write one.",
        "It has no unfinished/text.md. Write one.",
        "It has no unfinished/style.css. Write one.",
        "It has no example 'default'. Return one by examples().",
    ]
    monkeypatch.setattr(widget_checks, "FOLDER", tmp_path)
    (tmp_path / "unfinished").mkdir()
    for name, source in {"view.html": "<p>\n{{ words|safe }}", "text.md": "", "style.css": ""}.items():
        (tmp_path / "unfinished" / name).write_text(source)
    assert widget_checks.complaints_about_class(Unfinished)[0] == (
        "unfinished/view.html:2 has a filter that ends escaping. Let autoescape do its work; make markup in a macro."
    )


def always(text: str) -> Callable[[Widget], str]:
    return lambda _widget: text


def raw_text(widget: Widget) -> str:
    assert isinstance(widget, Text)
    return widget.text


def test_a_broken_promise_names_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    assert_widget(Text)
    monkeypatch.setattr(widget_checks, "render_text", always("\x1b\n\n\n<b>"))
    monkeypatch.setattr(markdown_text, "render_text", raw_text)

    with pytest.raises(AssertionError) as caught:
        assert_widget(Text)
    told = str(caught.value)
    assert told.startswith("Text is not clean:")
    assert "example 'default': Its text form lets invisible characters through." in told
    assert "example 'default': Its text form has two blank lines in a row." in told
    assert "example 'default': Words become Markdown in its text form: '# x' makes" in told


def test_a_text_form_that_names_no_tool_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widget_checks, "render_text", always("A choice."))

    with pytest.raises(AssertionError, match="does not name the tool 'assign_card' of on_change"):
        assert_clean(Select.examples()["calls an action"])
