"""The rule for text forms: data never changes the structure that a Markdown parser finds in them."""

from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from intarsia.testing.replace_text import reword
from intarsia.ui_templates import render_text
from intarsia.widgets import Widget

HOSTILE_TEXTS = (
    "# x",
    "- x",
    "1. x",
    "> x",
    "~~~",
    "```",
    "--- | ---",
    "\\",
    "**x** (done, v9)",
    "_x_ ~~x~~",
    "`x`",
    "[x](y) ![x](y) [x]: y",
    "<b>x</b> <!-- &lt;",
    "x\n# x\u2028- x\x85> x  \n",
)
"""Texts that try to open each structure of Markdown."""

_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def parse_text(text: str) -> list[tuple[str, str]]:
    """Parse Markdown (CommonMark with tables and strikethrough).

    Returns:
        The kind of each token, with what makes it another one (the level of a heading, the target of a link), and its
        text: of texts and code only.
    """
    return [(_kind(token), token.content if token.type in _LEAVES else "") for token in _flat(_PARSER.parse(text))]


def text_shape(text: str) -> list[str]:
    """Return the structure of Markdown, which data must never change."""
    return [kind for kind, _ in parse_text(text)]


def complaint_about_words(widget: Widget) -> str:
    """Return how hostile text changes the structure of a widget's text form, and what to do; empty if it does not."""
    for hostile in HOSTILE_TEXTS:
        evil, good = (_shape_with(widget, words) for words in (hostile, "m" * len(hostile)))
        if evil != good:
            difference = _first_difference(evil, good)
            return f"Words become Markdown in its text form: {hostile!r} makes {difference}. {_REMEDY}"
    return ""


_REMEDY = "Print them in text.md as they are, or by `bold` or `code` with a space or punctuation on both sides."
_LEAVES = ("text", "code_inline", "code_block", "fence", "html_block", "html_inline")


def _shape_with(widget: Widget, words: str) -> list[str]:
    return text_shape(render_text(reword(widget, lambda text: f"{words} {text}")))


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "inline":
            yield from _flat(token.children or [])
        else:
            yield token


def _kind(token: Token) -> str:
    attributes = "".join(f" {name}={value}" for name, value in token.attrs.items())
    return f"{token.type} {token.tag}{attributes}".strip()


def _first_difference(evil: list[str], good: list[str]) -> str:
    for found, wanted in zip(evil, good, strict=False):
        if found != wanted:
            return f"{found!r} where {wanted!r} was"
    return f"{len(evil)} tokens instead of {len(good)}"
