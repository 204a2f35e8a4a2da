"""Jinja filters: numbers and dates for readers and for `Intl`, rows of tables, and attributes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast
from zlib import crc32

from markupsafe import Markup, escape

from intarsia.ui_templates.text_markdown import Markdown, bold, cell_code, code, plain, remark
from intarsia.ui_templates.value_format import exact_text, json_attribute, number_format, quoted_json, value_text
from intarsia.ui_templates.value_format import moment_data as date_data
from intarsia.ui_templates.value_format import moment_text as date_text
from intarsia.ui_templates.value_format import value_data as number_data
from intarsia.widgets.action import BoundAction, refusals_of
from intarsia.widgets.number import Number
from intarsia.widgets.table import Cell, Table, TableColumn

number = value_text
_HIDDEN_CELL = Markup('<span class="intarsia-unknown">hidden</span>')
_NUMBERS = (int, float, Decimal)


def bare(value: float) -> str:
    """Return a number without a trailing ".0": 8, not 8.0."""
    return str(int(value)) if value == int(value) else str(value)


def setting(value: str | float | bool | None, unit: str = "") -> str:  # noqa: FBT001  # a value of any type
    """Return the value of a design token for the text form."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return code(value) if isinstance(value, str) else bold(bare(value) + unit) if unit else bare(value)


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


def row_lines(table: Table, columns: Sequence[TableColumn]) -> Markdown:
    """Return the rows of a table for the text form, each starting with its key."""
    return Markdown("\n".join(_row_line(table, row, columns) for row in table.rows))


def _row_line(table: Table, row: Mapping[str, Cell], columns: Sequence[TableColumn]) -> str:
    cells = "".join(f" {_cell_text(row.get(column.key), column)} |" for column in columns)
    return f"| {cell_code(table.key_of(row))} |{cells}"


def _cell_text(value: Cell, column: TableColumn) -> str:
    if column.hidden:
        return remark("hidden")
    if value is None:
        return remark("not known")
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


def hue(name: str) -> int:
    """Return which of the eight data colors a name has, from 1 to 8; it is the same in every process."""
    return crc32(name.casefold().encode("utf-8", "surrogatepass")) % 8 + 1


FILTERS: dict[str, Callable[..., Any]] = {
    "bare": bare,
    "setting": setting,
    "number": number,
    "number_data": number_data,
    "row_items": row_items,
    "row_lines": row_lines,
    "date_text": date_text,
    "date_data": date_data,
    "json_attribute": json_attribute,
    "hue": hue,
    "quoted_json": quoted_json,
    "outlet": outlet,
    "action_attributes": action_attributes,
    "refusals": refusals_of,
}
