"""Jinja filters: numbers and dates for readers and for `Intl`, attributes, and data escaped for Markdown."""

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from markupsafe import Markup, escape

from intarsia.ui_templates.value_format import exact_text, json_attribute, number_format, quoted_json, value_text
from intarsia.ui_templates.value_format import moment_data as date_data
from intarsia.ui_templates.value_format import moment_text as date_text
from intarsia.ui_templates.value_format import value_data as number_data
from intarsia.widgets.action import BoundAction, refusals_of
from intarsia.widgets.characters import visible
from intarsia.widgets.number import Number
from intarsia.widgets.table import Cell, Table, TableColumn

number = value_text
_HIDDEN_CELL = Markup('<span class="intarsia-unknown">hidden</span>')
_NUMBERS = (int, float, Decimal)
_BACKTICKS = re.compile("`+")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|])")


def plain(value: object, most: int = 200) -> str:
    """Return data as Markdown text: on one line, escaped, without invisible characters, at most `most` characters."""
    shown = visible(" ".join(str(value).split()))
    cut = shown if len(shown) <= most else shown[: most - 1] + "…"
    return _MARKDOWN.sub(r"\\\1", cut)


def code(value: object) -> str:
    """Return an id as Markdown code, exactly as it must be sent back, except for invisible characters."""
    text = visible(str(value))
    if "`" not in text:
        return f"`{text}`"
    # CommonMark: the fence must be longer than any run of backticks inside, and must not touch one.
    fence = "`" * (1 + max(len(run) for run in _BACKTICKS.findall(text)))
    return f"{fence} {text} {fence}"


def row_items(table: Table, prefix: str) -> Iterator[tuple[str, Markup]]:
    """Yield the key and the markup of each row of a table.

    This is Python instead of a template, which would be too slow for tables of many cells.

    Args:
        table: The table.
        prefix: The prefix of row ids in the DOM, before the key.
    """
    for row in table.rows:
        key = table.key_of(row)
        cells = "".join(
            f"{_cell_opening(column.type, column.label, is_head=not place)}{_cell_data(row.get(column.key), column)}"
            f"</{'td' if place else 'th'}>"
            for place, column in enumerate(table.columns)
        )
        yield key, Markup(f'<tr id="{escape(prefix + key)}">{cells}</tr>')  # noqa: S704  # every value is escaped


@lru_cache(256)
def _cell_opening(kind: str, label: str, *, is_head: bool) -> str:
    tag = '<th scope="row"' if is_head else "<td"
    return f'{tag} data-type="{kind}" data-label="{escape(label)}">'


def _cell_data(value: Cell, column: TableColumn) -> str:
    if column.hidden:
        return _HIDDEN_CELL
    if type(value) is str:
        return escape(value)
    if type(value) in _NUMBERS:
        number = cast("Number", value)
        if column.type == "text":
            return exact_text(number)
        return number_format(column.unit, column.digits, compact=column.compact).markup(number)
    return number_data(value, column.unit, column.digits, compact=column.compact)


def row_lines(table: Table, columns: Sequence[TableColumn]) -> str:
    """Return the rows of a table for the text form, each starting with its key."""
    return "\n".join(
        f"| {code(table.key_of(row))} |"
        + "".join(f" {_cell_text(row.get(column.key), column)} |" for column in columns)
        for row in table.rows
    )


def _cell_text(value: Cell, column: TableColumn) -> str:
    if column.hidden:
        return "hidden"
    if isinstance(value, str):
        return plain(value)
    if type(value) in _NUMBERS:
        number = cast("Number", value)
        if column.type == "text":
            return plain(exact_text(number))
        return number_format(column.unit, column.digits, compact=column.compact).text(number)
    return value_text(value, column.unit, column.digits, compact=column.compact)


def outlet(action: BoundAction, name: str) -> Markup:
    """Return the hidden element through which several controls of a widget call one action."""
    markup = Markup(
        '<span hidden data-outlet="{}" hx-post="tool:{}" hx-trigger="intarsia:act" data-args="{}"'
        ' data-takes="{}"></span>'
    )
    return markup.format(name, action.tool, json_attribute(dict(action.arguments)), " ".join(action.parameters))


def action_attributes(action: BoundAction) -> Markup:
    """Return the attributes by which a control calls an action itself."""
    markup = Markup('hx-post="tool:{}" data-args="{}" data-takes="{}"')
    return markup.format(action.tool, json_attribute(dict(action.arguments)), " ".join(action.parameters))


FILTERS: dict[str, Callable[..., Any]] = {
    "plain": plain,
    "code": code,
    "number": number,
    "number_data": number_data,
    "row_items": row_items,
    "row_lines": row_lines,
    "date_text": date_text,
    "date_data": date_data,
    "json_attribute": json_attribute,
    "quoted_json": quoted_json,
    "outlet": outlet,
    "action_attributes": action_attributes,
    "refusals": refusals_of,
}
