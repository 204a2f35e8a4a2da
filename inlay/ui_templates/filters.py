"""What templates may do to a value: numbers and dates for people and for `Intl`, and text that stays on its line."""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from markupsafe import Markup, escape

from inlay.widgets.action import BoundAction
from inlay.widgets.number import SHORT_UNITS

_INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|])")


def plain(value: object, most: int = 200) -> str:
    """Return data as text for Markdown: one line, marks escaped, nothing invisible, at most `most` characters."""
    line = " ".join(str(value).split())
    shown = "".join(mark for mark in line if unicodedata.category(mark) not in _INVISIBLE)
    cut = shown if len(shown) <= most else shown[: most - 1] + "…"
    return _MARKDOWN.sub(r"\\\1", cut)


def code(value: object) -> str:
    """Return an id for Markdown, between backticks, exactly as it must be sent back."""
    text = "".join(mark for mark in str(value) if unicodedata.category(mark) not in _INVISIBLE)
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


def number(value: object, unit: str | None = None, digits: int = 1) -> str:
    """Return a number with its unit for the text form, in plain English digits; a word stays a word."""
    if value is None:
        return "not known"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    shown = f"{value:,.{digits}f}"
    shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
    return f"{shown}{'' if unit in ('percent', 'celsius') else ' '}{SHORT_UNITS[unit]}" if unit else shown


def number_data(value: object, unit: str | None = None, digits: int = 1, sign: bool = False) -> Markup:  # noqa: FBT001, FBT002  # template call
    """Return a number as a `<data>` element that the View formats for the reader's locale."""
    if value is None:
        return Markup('<span class="inlay-unknown">&ndash;</span>')
    if isinstance(value, bool) or not isinstance(value, int | float):
        return escape(str(value))
    style: dict[str, object] = {"maximumFractionDigits": digits}
    if unit:
        style |= {"style": "unit", "unit": unit, "unitDisplay": "short"}
    if sign:
        style["signDisplay"] = "exceptZero"
    text = ("+" if sign and value > 0 else "") + number(value, unit, digits)
    return Markup('<data value="{}" data-format="{}">{}</data>').format(repr(value), json.dumps(style), text)


def date_text(value: date) -> str:
    """Return a day, or a moment to the minute, for the text form."""
    return value.strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else value.isoformat()


def date_data(value: date, style: Mapping[str, object] | None = None) -> Markup:
    """Return a day or a moment as a `<time>` element that the View formats for the reader's locale and time zone."""
    has_time = isinstance(value, datetime)
    default = {"dateStyle": "medium", "timeStyle": "short"} if has_time else {"month": "short", "day": "numeric"}
    markup = Markup('<time datetime="{}" data-format="{}">{}</time>')
    return markup.format(value.isoformat(), json.dumps(style or default), date_text(value))


def json_attribute(value: object) -> str:
    """Return JSON for an attribute; autoescape makes it safe there."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def quoted_json(value: object) -> Markup:
    """Return JSON as a whole attribute value in single quotes, where its own quotes stay one byte each."""
    escaped = str(escape(json_attribute(value))).replace("&#34;", '"')
    return Markup(f"'{escaped}'")  # noqa: S704  # all but the double quotes is escaped


def outlet(action: BoundAction, name: str) -> Markup:
    """Return the hidden element through which many controls of a widget call one action."""
    markup = Markup(
        '<span hidden data-outlet="{}" hx-post="tool:{}" hx-trigger="inlay:act" data-args="{}" data-takes="{}"></span>'
    )
    return markup.format(name, action.tool, json_attribute(dict(action.arguments)), " ".join(action.parameters))


def action_attributes(action: BoundAction) -> Markup:
    """Return the attributes that make a control call an action by itself."""
    markup = Markup('hx-post="tool:{}" data-args="{}" data-takes="{}"')
    return markup.format(action.tool, json_attribute(dict(action.arguments)), " ".join(action.parameters))


FILTERS: dict[str, Callable[..., Any]] = {
    "plain": plain,
    "code": code,
    "number": number,
    "number_data": number_data,
    "date_text": date_text,
    "date_data": date_data,
    "json_attribute": json_attribute,
    "quoted_json": quoted_json,
    "outlet": outlet,
    "action_attributes": action_attributes,
}
