"""Jinja filters: numbers and dates for readers and for `Intl`, rows of tables, and attributes."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zlib import crc32

from markupsafe import Markup, escape

from intarsia.ui_templates.text_markdown import Markdown, bold, cell_code, code, plain, remark
from intarsia.widgets.action import BoundAction, refusals_of
from intarsia.widgets.number import SHORT_UNITS
from intarsia.widgets.table import Cell, Table, TableColumn

_UNKNOWN = Markup('<span class="intarsia-unknown">&ndash;</span>')
_HIDDEN_CELL = Markup('<span class="intarsia-unknown">hidden</span>')
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_NUMBERS = (int, float)
_CLOSE_UNITS = ("percent", "celsius", "fahrenheit")
"""Units written without a space after the number."""
_NOT_IN_SINGLE_QUOTES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&#39;"))


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


def number(value: object, unit: str | None = None, digits: int = 1) -> str:
    """Return a number with its unit for the text form, in English format; return a word unchanged."""
    if value is None:
        return "not known"
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        return str(value)
    shown = f"{value:,.{digits}f}"
    shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
    # Rounding a small negative number leaves a negative zero.
    shown = "0" if shown == "-0" else shown
    return f"{shown}{'' if unit in _CLOSE_UNITS else ' '}{SHORT_UNITS[unit]}" if unit else shown


def number_data(value: object, unit: str | None = None, digits: int = 1, sign: bool = False) -> Markup:  # noqa: FBT001, FBT002  # template call
    """Return a number as a `<data>` element that the View formats for the user's locale."""
    if value is None:
        return _UNKNOWN
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        return escape(str(value))
    text = ("+" if sign and value > 0 else "") + number(value, unit, digits)
    style = _number_style(unit, digits, sign)
    # Not `Markup.format`, which takes ten times as long: tables hold many numbers. A number needs no escaping.
    bare = repr(value) if type(value) in _NUMBERS else escape(repr(value))
    return Markup(f'<data value="{bare}" data-format={style}>{text}</data>')  # noqa: S704


@lru_cache(256)
def _number_style(unit: str | None, digits: int, sign: bool) -> Markup:  # noqa: FBT001  # private, read at one place
    style: dict[str, object] = {"maximumFractionDigits": digits}
    if unit:
        style |= {"style": "unit", "unit": unit, "unitDisplay": "short"}
    if sign:
        style["signDisplay"] = "exceptZero"
    return quoted_json(style)


def date_text(value: date) -> str:
    """Return a date, or a time to the minute, for the text form (ISO 8601)."""
    return value.strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else value.isoformat()


def date_data(value: date, style: Mapping[str, object] | None = None) -> Markup:
    """Return a date or a time as a `<time>` element that the View formats for the user's locale and time zone."""
    shown = quoted_json(style) if style else _DATE_STYLES[isinstance(value, datetime)]
    day, text = escape(value.isoformat()), escape(date_text(value))
    return Markup(f'<time datetime="{day}" data-format={shown}>{text}</time>')  # noqa: S704  # every value is escaped


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


def _cell_data(value: Cell, column: TableColumn) -> Markup:
    if column.hidden:
        return _HIDDEN_CELL
    if value is None:
        return _UNKNOWN
    if column.type == "number":
        return number_data(value, column.unit, column.digits)
    if column.type != "text" and isinstance(value, date):
        return date_data(value)
    return escape(str(value))


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
    if column.type == "number":
        return number(value, column.unit, column.digits)
    if column.type != "text" and isinstance(value, date):
        return date_text(value)
    return plain(value)


def json_attribute(value: object) -> str:
    """Return JSON for an attribute; autoescape escapes it."""
    return _encode(value)


def quoted_json(value: object) -> Markup:
    """Return JSON as an attribute value in single quotes, in which JSON's double quotes need no escaping (smaller)."""
    text = json_attribute(value)
    for mark, entity in _NOT_IN_SINGLE_QUOTES:
        text = text.replace(mark, entity)
    return Markup(f"'{text}'")  # noqa: S704  # all but the double quotes is escaped


_DATE_STYLES = {
    False: quoted_json({"month": "short", "day": "numeric"}),
    True: quoted_json({"dateStyle": "medium", "timeStyle": "short"}),
}
"""The default `Intl.DateTimeFormat` options for a date, and for a time."""


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
