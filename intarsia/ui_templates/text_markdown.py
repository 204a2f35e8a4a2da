"""The Markdown of text forms: data becomes text that opens no structure (`docs/on-the-wire.md`, "The text form").

The environment of text templates passes everything that they print through `escape_data`, as HTML templates do by
autoescape. Only `Markdown`, which the functions of this module and macros return, is printed unchanged.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from jinja2.compiler import CodeGenerator, Frame, MacroRef

from intarsia.widgets.characters import visible as _visible

MAX_INLINE_CHARACTERS = 200
"""The default length at which data in a line is cut."""
EMPTY = "\N{EN DASH}"
"""What stands for data without a visible character, where Markdown cannot delimit an empty text."""

_BACKTICKS = re.compile("`+")
_MAY_OPEN = re.compile(r"[\\`*_~\]<|&#]|^[-+=>:\d]")
"""Finds texts that may need an escape. Most have none of these characters, and this search is cheap."""
_OPENS = re.compile(
    r"""
    # What opens a block, which data does only where it begins a line: headings, lists, quotes, lines that underline.
      ^ (?: \#{1,6}(?=\ |\Z) | [-+](?=\ |\Z) | -+\Z | =+\Z | > | :-[-:\ ]*\Z )
    | ^ \d{1,9} [.)] (?=\ |\Z)
    # What ends a heading.
    | (?<=\ ) \#+ \Z
    # Code, cells; links, images, footnotes and definitions, which all need a closing bracket before one of these.
    | [`|]
    | \] (?= [(\[:] | \Z )
    | ^ \[ (?= [\ xX] \] )
    # A backslash that would escape, or break the line.
    | \\ (?= [!-/:-@\[-`{-~] | \Z )
    # Tags, comments, addresses in angle brackets; entities.
    | < (?= [A-Za-z/!?] | \Z )
    | & (?= \#[0-9]{1,7}; | \#[xX][0-9A-Fa-f]{1,6}; | [A-Za-z][A-Za-z0-9]*; )
    # Emphasis, except "2 * 3" and "snake_case"; strikethrough, except "~5".
    | \* (?!\ ) | (?<!\ ) \*
    | (?<![^\W_]) _+ | _++ (?![^\W_])
    | ~ (?![^\W_]) | (?<=[^\ ]) ~
    """,
    re.VERBOSE,
)


class Markdown(str):
    """Text that is Markdown already. Operations on it return `str`, which is escaped again when it is printed."""

    __slots__ = ()


def plain(value: object, most: int | None = MAX_INLINE_CHARACTERS) -> Markdown:
    """Return data as Markdown text on one line, which reads as it was given and opens no structure.

    Args:
        value: The data. White space becomes single spaces, and invisible characters are removed.
        most: The length in characters at which it is cut; `None` for no limit.
    """
    # Twice, because an invisible character may stand between two spaces, or hide one at an end.
    shown = " ".join(_visible(" ".join(str(value).split())).split())
    cut = shown if most is None or len(shown) <= most else shown[: most - 1].rstrip() + "…"
    return Markdown(_OPENS.sub(_escaped, cut) if _MAY_OPEN.search(cut) else cut)


def paragraphs(text: str) -> Markdown:
    """Return a message as Markdown: paragraphs of plain text, separated by blank lines."""
    # Nothing follows a paragraph that could make a link of the brackets at its end.
    parts = (re.sub(r"\\\]\Z", "]", plain(part, None)) for part in text.split("\n\n"))
    return Markdown("\n\n".join(filter(None, parts)))


def bold(value: object, most: int = MAX_INLINE_CHARACTERS) -> Markdown:
    """Return data as strong text: the marks delimit it, and no data can contain them."""
    return Markdown(f"**{plain(value, most) or EMPTY}**")


def remark(value: object, most: int = MAX_INLINE_CHARACTERS) -> Markdown:
    """Return a sentence of Intarsia, such as a note on hidden data, as emphasized text, which data never is."""
    return Markdown(f"*{plain(value, most) or EMPTY}*")


def code(value: object) -> Markdown:
    """Return an id as Markdown code, exactly as it must be sent back, except for invisible characters."""
    # Markdown has no empty code, and takes two unmatched backticks for the start of code.
    text = _visible(str(value)) or " "
    if "`" not in text:
        # Markdown removes one space at both ends.
        return Markdown(f"` {text} `" if text[0] == text[-1] == " " and text.strip(" ") else f"`{text}`")
    # CommonMark: the fence must be longer than any run of backticks inside, and must not touch one.
    fence = "`" * (1 + max(len(run) for run in _BACKTICKS.findall(text)))
    return Markdown(f"{fence} {text} {fence}")


def cell_code(value: object) -> Markdown:
    """Return an id as Markdown code in a table, where a bar ends the cell even inside code."""
    # A table takes a backslash before a bar away, so that one in data has to be doubled; it is read as two.
    return Markdown(code(value).replace("\\|", "\\\\|").replace("|", "\\|"))


def joined(values: Iterable[object], separator: str = ", ") -> Markdown:
    """Return values joined by a separator, each escaped unless it is Markdown. Replaces Jinja's filter `join`."""
    return Markdown(separator.join(escape_data(value) for value in values))


def trimmed(value: str) -> str:
    """Return a text without white space at its ends; Markdown stays Markdown. Replaces Jinja's filter `trim`."""
    return type(value)(value.strip())


def hashes(level: int) -> Markdown:
    """Return the mark of a heading of a level from 1 to 6."""
    return Markdown("#" * level)


def escape_data(value: object) -> str:
    """Return what a text template prints: Markdown and numbers unchanged, everything else as `plain`."""
    if isinstance(value, Markdown):
        return value
    return str(value) if type(value) in (int, float) else plain(value)


class TextCodeGenerator(CodeGenerator):
    """Compiles text templates so that calls of macros return Markdown: what a macro prints is escaped already."""

    def macro_def(self, macro_ref: MacroRef, frame: Frame) -> None:
        """Write the definition of a macro."""
        self.write("environment.markdown_macro(")
        super().macro_def(macro_ref, frame)
        self.write(")")


def markdown_macro(macro: Callable[..., str]) -> Callable[..., Markdown]:
    """Return a macro of a text template that returns Markdown."""
    return lambda *values, **named: Markdown(macro(*values, **named))


def _escaped(found: re.Match[str]) -> str:
    opening = found[0]
    if opening[0].isdigit():
        return f"{opening[:-1]}\\{opening[-1]}"
    return opening.replace("_", "\\_") if opening[0] == "_" else f"\\{opening}"


TEXT_FILTERS: dict[str, Callable[..., Any]] = {
    "plain": plain,
    "bold": bold,
    "remark": remark,
    "code": code,
    "join": joined,
    "trim": trimmed,
    "hashes": hashes,
}
"""The filters that only text templates have."""
