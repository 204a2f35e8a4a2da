"""No string of a widget forges structure in the text form that a model reads: a parser of Markdown is the judge."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.errors import ConflictError, RefusedError
from intarsia.server.rendering.text_form import text_answer
from intarsia.server.rendering.windows import NO_LISTS, ListSizes
from intarsia.server.wire.messages import done_answer, problem_answer, refusal, replayed
from intarsia.testing.markdown_text import parse_text, text_shape
from intarsia.testing.replace_text import reword
from intarsia.ui_templates import render, render_text
from intarsia.ui_templates.value_format import json_attribute
from intarsia.widgets import (
    WIDGETS,
    BoardColumn,
    Card,
    Done,
    Heading,
    Table,
    TableColumn,
    TaskBoard,
    Text,
    Widget,
)
from intarsia.widgets.select import label_from
from intarsia.widgets.windows import Windows
from tests.security.hostile_text import HOSTILE, on_a_line, visible
from tests.security.mutation import Guard, Mutants, Mutation, each_guard

EXAMPLES = {
    f"{widget.kind}, {name}": example
    for widget in WIDGETS
    for name, example in widget.examples().items()
    if name != "sixty cards"
}
NOTHING = "\N{EN DASH}"
"""What stands in a text form where nothing is."""
MARK = "zqm"
"""A harmless text. No example contains it, in either case."""


def strings_of(widget: Widget) -> list[str]:
    """Return the strings of a widget. Equal ones are one: they may refer to each other."""
    found: dict[str, None] = {}

    def note(text: str) -> str:
        found[text] = None
        return text

    reword(widget, note)
    return list(found)


def with_string(widget: Widget, old: str, new: str) -> Widget:
    """Return a widget with one string replaced, everywhere where it stands."""
    return reword(widget, lambda text: new if text == old else text)


@dataclass(frozen=True)
class Expected:
    """What stands in the text form for a hostile text, in place of the mark."""

    hostile: str
    is_cell: bool = False

    def in_text(self, text: str) -> str:
        derived = label_from(MARK)
        # What stands for a label that is derived from nothing but separators.
        label = on_a_line(label_from(self.hostile)) or NOTHING
        return text.replace(derived, label).replace(MARK, on_a_line(self.hostile))

    def in_code(self, text: str) -> str:
        is_json = text.startswith("{")
        shown = json_attribute(self.hostile)[1:-1] if is_json else self.hostile
        shown = visible(shown) or " "
        # A table reads a backslash before a bar away; ours is doubled so that the bar stays in its cell.
        return text.replace(MARK, shown.replace("\\|", "\\\\|") if self.is_cell else shown)


def expected(good: list[tuple[str, str]], hostile: str) -> list[tuple[str, str]]:
    """Return what is parsed of a text form with a hostile text, made of what is parsed with the mark."""
    made: list[tuple[str, str]] = []
    depth = 0
    for kind, text in good:
        depth += kind.startswith(("td_open", "th_open")) - kind.startswith(("td_close", "th_close"))
        told = Expected(hostile, depth > 0)
        made.append((kind, told.in_code(text) if kind.startswith("code_inline") else told.in_text(text)))
    return made


def without_spaces(tokens: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out the spaces of texts: which remain depends on whether a text stands alone or in a sentence."""
    squeezed = [(kind, text.replace(" ", "") if kind == "text" else text) for kind, text in tokens]
    return [(kind, text) for kind, text in squeezed if kind != "text" or text]


@dataclass(frozen=True)
class Place:
    """A string of an example."""

    widget: Widget
    text: str

    @cached_property
    def harmless(self) -> list[tuple[str, str]]:
        """What is parsed with the mark in its place."""
        return parse_text(render_text(with_string(self.widget, self.text, MARK)))

    @property
    def shown(self) -> tuple[str, ...]:
        """Where the mark stands in the text form: the same for places that one line of a template makes."""
        before = ["", *(kind for kind, _ in self.harmless)]
        found = zip(before, self.harmless, strict=False)
        return (self.widget.kind, *(f"{last} {kind} {text}" for last, (kind, text) in found if MARK in text.lower()))

    def complaint(self, hostile: str) -> str:
        """Return what a hostile text changes beside this text; empty if nothing."""
        evil = parse_text(render_text(with_string(self.widget, self.text, hostile)))
        wanted, found = without_spaces(expected(self.harmless, hostile)), without_spaces(evil)
        pairs = zip([*found, ("end", "")], [*wanted, ("end", "")], strict=False)
        told = (f"{self.text!r} as {hostile!r}: {has} is not {should}" for has, should in pairs if has != should)
        return next(told, "")


PLACES = {name: [Place(example, text) for text in strings_of(example)] for name, example in EXAMPLES.items()}


def complaints(places: Iterable[Place]) -> list[str]:
    """Return what hostile texts change in some places."""
    found = (place.complaint(hostile) for place in places for hostile in HOSTILE.values())
    return [each for each in found if each]


@pytest.mark.parametrize("kind", [widget.kind for widget in WIDGETS])
def test_a_string_of_a_widget_changes_nothing_but_its_own_text(kind: str) -> None:
    places = [place for made in PLACES.values() for place in made if place.widget.kind == kind]
    different = {place.shown: place for place in places}

    assert complaints(different.values()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_string_of_an_example_changes_nothing_but_its_own_text(name: str) -> None:
    assert complaints(PLACES[name]) == []


# -- What a reader takes for ours -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReadCard:
    """A card as somebody reads it who knows how text forms are written: data is strong or code, the rest is ours."""

    id: str
    title: str
    assignee: str
    label: str
    is_done: bool
    version: str
    refusal: str


def read_cards(text: str) -> list[ReadCard]:
    """Read the cards of a board's text form."""
    cards: list[ReadCard] = []
    line: list[tuple[str, str]] = []
    for kind, content in parse_text(text):
        if kind.startswith("list_item_open"):
            line = []
        elif kind.startswith("list_item_close"):
            cards.append(_card([token for token in line if not token[0].startswith("paragraph")]))
        line.append((kind, content))
    return cards


def _card(tokens: list[tuple[str, str]]) -> ReadCard:
    line = _marked(tokens[1:])
    found = re.fullmatch(r"<c(\d+)> <s(\d+)>(?: \((.*?)\))?(?:: (.*))?", line.template)
    assert found, line.template
    facts = (found[3] or "").split(", ")
    known = {"assignee": "", "label": "", "version": ""}
    for fact in facts:
        if named := re.fullmatch(r"(label )?<s(\d+)>", fact):
            known["label" if named[1] else "assignee"] = line.data[int(named[2])]
        elif version := re.fullmatch(r"v(?:(\d+)|<c(\d+)>)", fact):
            known["version"] = version[1] or line.data[int(version[2])]
    return ReadCard(
        id=line.data[int(found[1])],
        title=line.data[int(found[2])],
        is_done="done" in facts,
        refusal=found[4] or "",
        **known,
    )


@dataclass
class Line:
    """The tokens of a line as our own words, with numbered holes for the data."""

    template: str
    data: list[str]


def _marked(tokens: list[tuple[str, str]]) -> Line:
    line = Line("", [])
    is_strong = False
    for kind, content in tokens:
        if kind.startswith("strong"):
            is_strong = kind.startswith("strong_open")
        elif kind.startswith("code_inline") or is_strong:
            line.template += f"<{'c' if kind.startswith('code') else 's'}{len(line.data)}>"
            line.data.append(content)
        else:
            assert kind == "text", kind
            line.template += content
    return line


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=list(HOSTILE))
def test_no_title_name_or_label_looks_like_the_state_of_a_card(hostile: str) -> None:
    cards = [
        Card(visible(f"1{hostile}"), hostile, assignee=f"a{hostile}", label=f"l{hostile}", version=3),
        Card(visible(f"2{hostile}"), f"x{hostile}", done=True, version=f"v{hostile}"),
        Card("T-3", f"{hostile}x", refusals=(("on_move", f"No: {hostile}"),)),
    ]
    move = TaskBoard.examples()["default"].on_move
    board = TaskBoard(title=hostile, columns=[BoardColumn("todo", hostile, cards)], on_move=move)

    first, second, third = read_cards(render_text(board))

    line = on_a_line
    assert (first.id, first.title) == (visible(f"1{hostile}"), line(hostile))
    assert (first.assignee, first.label) == (line(f"a{hostile}"), line(f"l{hostile}"))
    assert (first.is_done, first.version, first.refusal) == (False, "3", "")
    assert (second.title, second.is_done, second.version) == (line(f"x{hostile}"), True, visible(f"v{hostile}"))
    assert (second.assignee, second.label, second.refusal) == ("", "", "")
    assert (third.id, third.title, third.is_done) == ("T-3", line(f"{hostile}x"), False)
    assert (third.version, third.refusal) == ("0", line(f"No: {hostile}"))


@pytest.mark.parametrize("nothing", ["", "\u200b", " \u2028 "])
def test_what_cannot_be_seen_is_delimited_too(nothing: str) -> None:
    unseen = Card("T-1", nothing).model_copy(update={"id": f"{nothing}\u200b"})  # a new card with this id is refused
    board = TaskBoard(title=f"{nothing}\u200b", columns=[BoardColumn("x", "X", [unseen])])

    (card,) = read_cards(render_text(board))

    assert (card.id, card.title) == (visible(nothing) or " ", NOTHING)
    assert render_text(board).startswith(f"**{NOTHING}**: 1 card\n")


# -- Texts that nobody thought of -------------------------------------------------------------------------------------

FRAGMENTS = st.sampled_from([
    *"`~*_-+=#>|<[]()!&;:\\\"'.1 \t\n\r\u2028\x85\u200b\u202e\u00a0aé",
    "&#42;", "&lt;", "**", "__", "~~", "```", "![", "](", "]:", "<!--", "<b", "</", "- [ ] ", "1. ", "v9", "(done",
])  # fmt: skip
TEXTS = st.lists(FRAGMENTS, max_size=24).map("".join)


def leaves(text: str) -> list[str]:
    """Return the texts of Markdown, one for each run of text and each piece of code."""
    return [content for _kind, content in parse_text(text) if content]


@settings(max_examples=300, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_any_text_is_read_as_it_was_given(one: str, two: str, three: str) -> None:
    shown = [on_a_line(text) for text in (one, two, three)]
    table = Table(
        columns=[TableColumn("a", f"h{one}"), TableColumn("b", f"i{two}")],
        rows=[{"key": visible(f"k{three}"), "a": f"a{one}", "b": f"b{two}"}],
        row_key="key", caption=f"c{three}",
    )  # fmt: skip
    key_shown = visible(f"k{three}").replace("\\|", "\\\\|")
    card = Card(visible(f"i{three}"), one, assignee=f"a{two}")
    board = TaskBoard(title=f"t{two}", columns=[BoardColumn("x", f"c{one}", [card])])

    assert text_shape(render_text(Heading(f"h{one}"))) == text_shape(render_text(Heading("h")))
    assert "".join(leaves(render_text(Heading(f"h{one}")))) == on_a_line(f"h{one}")
    # Blank lines separate paragraphs, which are read one by one.
    assert "".join(leaves(render_text(Text(f"{one} h")))).replace(" ", "") == on_a_line(f"{one} h").replace(" ", "")
    assert leaves(render_text(table)) == [
        on_a_line(f"c{three}"), "key", on_a_line(f"h{one}"), on_a_line(f"i{two}"),
        key_shown, on_a_line(f"a{one}"), on_a_line(f"b{two}"),
    ]  # fmt: skip
    (read,) = read_cards(render_text(board))
    assert (read.id, read.title, read.assignee) == (visible(f"i{three}"), shown[0] or NOTHING, on_a_line(f"a{two}"))


# -- Messages ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A widget that is ready to be rendered as text."""

    widget: Widget
    sizes: ListSizes = NO_LISTS


async def answered(widget: Widget, arguments: Mapping[str, object]) -> str:
    """Return the text that a call of a widget tool is answered with."""
    shown = Shown(widget)

    async def finish(_windows: Windows) -> Shown:
        return shown

    return await text_answer(shown, "board", arguments, 1, finish)


async def messages(text: str) -> dict[str, str]:
    """Return the texts of responses that hold a text of the connector, of a user or of another system."""
    return {
        "done": done_answer(Done(text)).text,
        "done before": replayed({"message": text}).text,
        "refused": refusal(RefusedError(text)).text,
        "conflict": refusal(ConflictError("Ada was faster.", current={f"n{text}": text, "due": text})).text,
        "problem": problem_answer("failed", text).text,
        "reference": await answered(Heading("x"), {"project": text}),
        "next page": await answered(Text("\n\n".join(["m" * 1_900] * 5)), {"project": text}),
    }


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=list(HOSTILE))
async def test_a_message_is_text_and_not_markdown(hostile: str) -> None:
    good, evil = await messages(MARK), await messages(hostile)

    assert {name: text_shape(text) for name, text in evil.items()} == {
        name: text_shape(text) for name, text in good.items()
    }
    for name in ("done", "done before", "refused", "problem"):
        assert "".join(leaves(evil[name])) == on_a_line(hostile)


def test_a_message_of_two_paragraphs_stays_two_paragraphs() -> None:
    assert done_answer(Done("Moved.\n\n# Now\nrest")).text == "Moved.\n\n\\# Now rest"


# -- Templates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "{{ widget.text }}",
        "{{ widget.text ~ '' }}",
        "{{ widget.text|plain ~ widget.text }}",
        "{{ [widget.text|plain, widget.text]|join('') }}",
        "{{ widget.text|trim }}",
        "{{ (widget.text|bold)|replace('x', widget.text) }}",
        "{{ '%s'|format(widget.text) }}",
        "{% macro told(words) %}{{ words }}{% endmacro %}{{ told(widget.text) }}",
        "{% set words %}{{ widget.text }}{% endset %}{{ words }}",
        "{% macro box() %}{{ caller() }}{% endmacro %}{% call box() %}{{ widget.text }}{% endcall %}",
        "{% for each in [widget.text] %}{{ each }}{% endfor %}",
    ],
)
@pytest.mark.parametrize("hostile", ["# x", "- x *y* [z](u) <b>", "~~~", "> x"])
def test_a_template_that_forgets_to_escape_is_safe(source: str, hostile: str) -> None:
    environment = render.text_environment()
    template = environment.from_string(source)
    printed = template.render(widget=Heading(hostile))

    assert set(text_shape(printed)) <= {"paragraph_open p", "text", "paragraph_close p"}


def test_a_macro_may_print_markdown() -> None:
    environment = render.text_environment()
    source = "{% macro title(words) %}## {{ words }}\n{% endmacro %}{{ title('# x')|trim }}"

    assert environment.from_string(source).render() == "## \\# x"


@pytest.mark.parametrize(
    "text",
    [
        "Fix snake_case in C:\\Users", "a < b & c > d", "2 * 3 = 6", "~5 minutes", "#12", "-5", "+1", "1.5", "e.g. x-y",
        "AT&T & co.", "Really?!", "50% (all)", "100 $", "https://example.org/a_b?x=1&y=2", "a@example.org", "é",
        "[", '{"a": [1]}', "[draft] a[0] b",
    ],
)  # fmt: skip
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert render_text(Heading(text)) == f"## {text}\n"


MARKDOWN, MESSAGES = "intarsia/ui_templates/text_markdown.py", "intarsia/server/wire/messages.py"
HERE = "tests/security/test_text_form.py"
STRINGS = f"{HERE} -k 'nothing_but_its_own_text and not example'"
GUARDS = {
    "templates escape": (
        f"{HERE} -k forgets_to_escape",
        Mutation("intarsia/ui_templates/render.py", "        finalize=escape_data,\n", ""),
    ),
    "joined data": (
        f"{HERE} -k forgets_to_escape", Mutation(MARKDOWN, '    "join": joined,\n', '    "join": bold,\n'),
    ),
    "headings and lists": (STRINGS, Mutation(MARKDOWN, r"\#{1,6}(?=\ |\Z) | [-+](?=\ |\Z) | ", "")),
    "quotes": (STRINGS, Mutation(MARKDOWN, r" | > | ", " | ")),
    "underlines": (STRINGS, Mutation(MARKDOWN, r" | -+\Z", "")),
    "numbers": (STRINGS, Mutation(MARKDOWN, r"    | ^ \d{1,9} [.)] (?=\ |\Z)" + "\n", "")),
    "ends of headings": (STRINGS, Mutation(MARKDOWN, r"    | (?<=\ ) \#+ \Z" + "\n", "")),
    "code and cells": (STRINGS, Mutation(MARKDOWN, r"    | [`|]" + "\n", "")),
    "links": (STRINGS, Mutation(MARKDOWN, r"    | \] (?= [(\[:] | \Z )" + "\n", "")),
    "backslashes": (STRINGS, Mutation(MARKDOWN, r"    | \\ (?= [!-/:-@\[-`{-~] | \Z )" + "\n", "")),
    "tags": (STRINGS, Mutation(MARKDOWN, r"    | < (?= [A-Za-z/!?] | \Z )" + "\n", "")),
    "entities": (
        STRINGS,
        Mutation(MARKDOWN, r"    | & (?= \#[0-9]{1,7}; | \#[xX][0-9A-Fa-f]{1,6}; | [A-Za-z][A-Za-z0-9]*; )" + "\n", ""),
    ),
    "stars": (STRINGS, Mutation(MARKDOWN, r"    | \* (?!\ ) | (?<!\ ) \*" + "\n", "")),
    "underscores": (STRINGS, Mutation(MARKDOWN, r"    | (?<![^\W_]) _+ | _++ (?![^\W_])" + "\n", "")),
    "struck text": (STRINGS, Mutation(MARKDOWN, r"    | ~ (?![^\W_]) | (?<=[^\ ]) ~" + "\n", "")),
    "invisible characters": (
        STRINGS, Mutation(MARKDOWN, '" ".join(_visible(" ".join(str(value).split())).split())', "str(value)"),
    ),
    "empty code": (
        f"{HERE} -k cannot_be_seen",
        Mutation(MARKDOWN, '_visible(str(value)) or " "', "_visible(str(value))"),
    ),
    "spaces of code": (
        STRINGS, Mutation(MARKDOWN, 'if text[0] == text[-1] == " " and text.strip(" ") else', "if False else"),
    ),
    "bars in keys": (
        STRINGS, Mutation(MARKDOWN, 'return Markdown(code(value).replace("\\\\|", "\\\\\\\\|").replace("|", "\\\\|"))',
                          "return code(value)"),
    ),
    "titles": (
        f"{HERE} -k state_of_a_card",
        Mutation("intarsia/ui_templates/task_board/card.md", "{{ card.title|bold }}", "{{ card.title }}"),
    ),
    "versions": (
        f"{HERE} -k state_of_a_card",
        Mutation("intarsia/ui_templates/task_board/card.md", "card.version|code]", "card.version]"),
    ),
    "messages of actions": (
        f"{HERE} -k message_is_text", Mutation(
            MESSAGES, 'paragraphs(done["message"]), meta={DONE: dict(done)}', 'done["message"], meta={DONE: dict(done)}'
        ),
    ),
    "messages of refusals": (
        f"{HERE} -k message_is_text", Mutation(MESSAGES, "paragraphs(message) + (", "message + ("),
    ),
    "values of conflicts": (
        f"{HERE} -k message_is_text", Mutation(MESSAGES, "{bold(value)}", "{value}"),
    ),
}  # fmt: skip


@each_guard(GUARDS)
async def test_the_guards_bite(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
