"""How values are written: the text form for models, and elements that the View formats for the user's locale.

The counterpart in the View is `view/dom/values.ts`. Both apply the rules of `intarsia.widgets.number`, and both are
tested with the cases in `tests/values/cases.json`, so that users and models never read different numbers.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from markupsafe import Markup, escape

from intarsia.widgets.characters import visible
from intarsia.widgets.number import (
    COMPACT_DIGITS,
    EXACT,
    MAX_DECIMAL_PLACES,
    SHORT_UNITS,
    Number,
    compacted,
    decimal_of,
    minor_units,
    places_of,
    rounded,
)
from intarsia.widgets.values import Money, read_value

NOT_KNOWN = "not known"
"""What the text form says for a value that is not known."""
UNKNOWN = Markup('<span class="intarsia-unknown">&ndash;</span>')
"""The dash that users see for a value that is not known."""

_CLOSE_UNITS = ("percent", "celsius", "fahrenheit")
"""Units written without a space after the number."""
_SCALES = [10.0**places for places in range(MAX_DECIMAL_PLACES + 1)]
_MAX_SCALED = 1e9
_TIE_MARGIN = 1e-4
_COMPACT = ((12, "T"), (9, "B"), (6, "M"), (3, "K"))
_MIN_COMPACT_GROUPED = 10_000
_STEPS = ((86_400, "d", "D"), (3_600, "h", "H"), (60, "min", "M"))
"""Units of durations: their seconds, in the text form, and in ISO 8601."""
_MICROS = 1_000_000
_NONZERO = frozenset("123456789")
MAX_SAFE_INTEGER = 2**53 - 1
"""The largest integer that JavaScript does not round."""
_LONG_NUMBER = re.compile(r"\d{16}")
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_encode_ascii = json.JSONEncoder().encode
_NOT_IN_SINGLE_QUOTES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&#39;"))

Digits = int | tuple[int, int] | None


def value_text(value: object, unit: str | None = None, digits: Digits = None, *, compact: bool = False) -> str:
    """Return a value for the text form: numbers in English format, dates in ISO 8601, durations in units.

    Args:
        value: The value.
        unit: The unit of numbers.
        digits: The decimal places of numbers, amounts and seconds: the maximum, or the minimum and the maximum.
        compact: Whether numbers are shortened, as in "12.8K".
    """
    read = read_value(value)
    match read:
        case None:
            return NOT_KNOWN
        case bool():
            return "yes" if read else "no"
        case int() | float() | Decimal():
            return number_format(unit, digits, compact=compact).text(read)
        case Money():
            return money_text(read, digits, compact=compact)
        case timedelta():
            return duration_text(read, digits)
        case date() | time():
            return moment_text(read)
        case str():
            return read


def value_data(
    value: object,
    unit: str | None = None,
    digits: Digits = None,
    *,
    sign: bool = False,
    compact: bool = False,
) -> Markup:
    """Return a value as markup: an element that the View formats for the user's locale, or text.

    Args:
        value: The value.
        unit: The unit of numbers.
        digits: The decimal places of numbers, amounts and seconds: the maximum, or the minimum and the maximum.
        sign: Whether a plus sign is written too.
        compact: Whether numbers are shortened, as in "12.8K".
    """
    read = read_value(value)
    match read:
        case None:
            return UNKNOWN
        case bool() | str():
            return escape(value_text(read))
        case int() | float() | Decimal():
            return Markup(number_format(unit, digits, compact=compact).markup(read, sign=sign))  # noqa: S704  # no data
        case Money():
            return _money_data(read, digits, sign=sign, compact=compact)
        case timedelta():
            return _duration_data(read, digits, sign=sign)
        case date() | time():
            return moment_data(read)


def exact_text(value: Number) -> str:
    """Return a number as it is, without grouping: the form in columns of text, where a number may be an id."""
    return str(value) if type(value) is int else f"{decimal_of(value):f}"


class NumberFormat:
    """How the numbers of a metric or a column are written. Tables hold many, so what they share is computed once.

    Args:
        unit: Their unit.
        digits: Their decimal places: the maximum, or the minimum and the maximum.
        compact: Whether they are shortened.
    """

    def __init__(self, unit: str | None, digits: Digits, *, compact: bool) -> None:
        self._unit, self._digits, self._compact = unit, digits, compact
        self._suffix = f"{'' if unit in _CLOSE_UNITS else ' '}{SHORT_UNITS[unit]}" if unit else ""
        self._most = 1 if unit else None
        self._int_places = places_of(0, digits)
        self._float_places = places_of(1e9, digits, most=self._most)
        # Without digits, the decimal places of smaller numbers depend on the number.
        self._least = 0.0 if digits is not None else 10.0 ** (1 - self._float_places[1])
        self._zeros = "." + "0" * self._int_places[0] if self._int_places[0] else ""

    def text(self, value: Number) -> str:
        """Return a number for the text form."""
        if self._compact:
            return _compact_text(value) + self._suffix
        if type(value) is int:
            return f"{value:,}{self._zeros}{self._suffix}"
        low, high = self._places(value)
        return _decimal_text(value, low, high) + self._suffix

    def markup(self, value: Number, *, sign: bool = False) -> str:
        """Return a number as an element for the View.

        Args:
            value: The number.
            sign: Whether a plus sign is written too.
        """
        low, high = (None, None) if self._compact else self._places(value)
        style = _number_style(low, high, self._unit, None, sign=sign)
        return _element(value, style, _signed(self.text(value), value) if sign else self.text(value))

    def _places(self, value: Number) -> tuple[int, int]:
        if type(value) is int:
            return self._int_places
        if type(value) is float and abs(value) >= self._least:
            return self._float_places
        return places_of(value, self._digits, most=self._most)


@lru_cache(256)
def number_format(unit: str | None, digits: Digits, *, compact: bool) -> NumberFormat:
    """Return the format of a metric or a column."""
    return NumberFormat(unit, digits, compact=compact)


def _decimal_text(value: Number, low: int, high: int) -> str:
    scaled = value * _SCALES[high] if type(value) is float else _MAX_SCALED
    if -_MAX_SCALED < scaled < _MAX_SCALED and abs(scaled % 1.0 - 0.5) > _TIE_MARGIN:
        # Python rounds the binary number, which is the same for decimal numbers that are no ties.
        text = f"{value:,.{high}f}"
    else:
        text = f"{rounded(value, high):,.{high}f}"
    if high > low:
        text = text.rstrip("0")
        missing = low - (len(text) - text.index(".") - 1)
        text = text.removesuffix(".") if missing == 0 == low else text + "0" * missing
    return text[1:] if text[0] == "-" and _NONZERO.isdisjoint(text) else text


def _compact_text(value: Number) -> str:
    short = compacted(value)
    exponent, letter = next((step for step in _COMPACT if short and short.adjusted() >= step[0]), (0, ""))
    scaled = short.scaleb(-exponent, EXACT)
    shown = f"{scaled:,f}" if scaled.copy_abs() >= _MIN_COMPACT_GROUPED else f"{scaled:f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown) + letter


def money_text(value: Money, digits: Digits = None, *, compact: bool = False) -> str:
    """Return an amount with the code of its currency: "12.50 EUR"."""
    if value.amount is None:
        return NOT_KNOWN
    short = compact and digits is None
    amount = _compact_text(value.amount) if short else _decimal_text(value.amount, *_money_places(value, digits))
    return f"{amount} {value.currency}"


def _money_places(value: Money, digits: Digits) -> tuple[int, int]:
    units = minor_units(value.currency)
    return (0, 0) if value.amount is None else places_of(value.amount, digits, least=units, most=units)


def _money_data(value: Money, digits: Digits, *, sign: bool, compact: bool) -> Markup:
    if value.amount is None:
        return UNKNOWN
    low, high = (None, None) if compact and digits is None else _money_places(value, digits)
    style = _number_style(low, high, None, value.currency, sign=sign)
    text = money_text(value, digits, compact=compact)
    return Markup(_element(value.amount, style, _signed(text, value.amount) if sign else text))  # noqa: S704  # no data


def _signed(text: str, value: Number) -> str:
    return f"+{text}" if value > 0 and not _NONZERO.isdisjoint(text) else text


def _element(value: Number, style: Markup, text: str) -> str:
    # Numbers, units and codes of currencies need no escaping.
    exact = f"{value:f}" if type(value) is Decimal else repr(value)
    return f'<data value="{exact}" data-format={style}>{text}</data>'


@lru_cache(512)
def _number_style(low: int | None, high: int | None, unit: str | None, currency: str | None, *, sign: bool) -> Markup:
    style: dict[str, object] = {}
    if high is None:
        style |= {"notation": "compact", "maximumSignificantDigits": COMPACT_DIGITS}
    else:
        # `Intl` has a minimum of its own for currencies.
        style |= {"minimumFractionDigits": low} if low or currency else {}
        style["maximumFractionDigits"] = high
    if unit:
        style |= {"style": "unit", "unit": unit, "unitDisplay": "short"}
    if currency:
        style |= {"style": "currency", "currency": currency}
    if sign:
        style["signDisplay"] = "exceptZero"
    return quoted_json(style)


# -- Durations ---------------------------------------------------------------


def _duration_parts(value: timedelta, digits: Digits) -> tuple[bool, list[tuple[int, str, str]], str]:
    """Return whether a duration is negative, its whole units with their names, and its seconds."""
    micros = abs(value // timedelta(microseconds=1))
    low, high = _second_places(micros, digits)
    tick = 10 ** (6 - high)
    micros = (micros + tick // 2) // tick * tick
    is_negative = value < timedelta(0) and micros > 0
    parts: list[tuple[int, str, str]] = []
    for size, name, letter in _STEPS:
        count, micros = divmod(micros, size * _MICROS)
        if count:
            parts.append((count, name, letter))
    if parts and not micros:
        return is_negative, parts, ""
    fraction = f"{micros % _MICROS:06}".rstrip("0").ljust(low, "0")
    return is_negative, parts, f"{micros // _MICROS}" + (f".{fraction}" if fraction else "")


def _second_places(micros: int, digits: Digits) -> tuple[int, int]:
    if digits is None:
        # Nobody reads fractions of seconds after minutes.
        low, high = (0, 0) if micros >= 60 * _MICROS else places_of(micros / _MICROS, None, most=1)
    else:
        low, high = places_of(0, digits)
    return min(low, 6), min(high, 6)


def duration_text(value: timedelta, digits: Digits = None) -> str:
    """Return a duration in days, hours, minutes and seconds: "1 h 30 min".

    Args:
        value: The duration.
        digits: The decimal places of the seconds. By default, durations of a minute and more are rounded to seconds.
    """
    is_negative, parts, seconds = _duration_parts(value, digits)
    words = [f"{count:,} {name}" for count, name, _letter in parts] + ([f"{seconds} s"] if seconds else [])
    return ("-" if is_negative else "") + " ".join(words)


def _duration_data(value: timedelta, digits: Digits, *, sign: bool) -> Markup:
    is_negative, parts, seconds = _duration_parts(value, digits)
    mark = "-" if is_negative else "+" if sign and value > timedelta(0) else ""
    days = "".join(f"{count}{letter}" for count, _name, letter in parts if letter == "D")
    clock = "".join(f"{count}{letter}" for count, _name, letter in parts if letter != "D")
    clock += f"{seconds}S" if seconds else ""
    iso = f"{mark}P{days}{f'T{clock}' if clock else ''}"
    text = duration_text(value, digits)
    return Markup(f'<data value="{iso}" data-format={_DURATION}>{"+" if mark == "+" else ""}{text}</data>')  # noqa: S704  # numbers and units need no escaping


# -- Dates and times ---------------------------------------------------------


def moment_text(value: date | time) -> str:
    """Return a date or a time in ISO 8601, to the minute, with its offset from UTC if it has one.

    A time of day that has seconds is written with them.
    """
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, time):
        return value.isoformat("seconds" if value.second else "minutes")
    return value.isoformat()


def moment_data(value: date | time, style: Mapping[str, object] | None = None) -> Markup:
    """Return a date or a time as a `<time>` element that the View formats for the user's locale and time zone.

    Args:
        value: The date or time. One without an offset is shown as it is, in no particular time zone.
        style: The options of `Intl.DateTimeFormat`; or `{"relative": true}`, with those of `Intl.RelativeTimeFormat`.
    """
    text = escape(moment_text(value))
    exact = _for_script(value)
    if exact is None:
        return text
    shown = quoted_json(style) if style else _default_style(value)
    return Markup(f'<time datetime="{escape(exact)}" data-format={shown}>{text}</time>')  # noqa: S704  # every value is escaped


def _for_script(value: date | time) -> str | None:
    """Return a date or time as JavaScript can parse it, or `None` if the text form has to do."""
    if isinstance(value, datetime):
        offset = value.utcoffset()
        if offset is not None and offset % timedelta(minutes=1):  # before there were time zones
            try:
                return value.astimezone(UTC).isoformat()
            except OverflowError:
                return None
        return value.isoformat()
    if isinstance(value, time) and value.tzinfo is not None:
        return None  # without a date, nobody knows the offset of the user's time zone
    return value.isoformat()


def _default_style(value: date | time) -> Markup:
    if isinstance(value, datetime):
        return _DATETIME
    if isinstance(value, time):
        return _TIME_WITH_SECONDS if value.second else _TIME
    return _DATE


def json_attribute(value: object) -> str:
    """Return JSON for an attribute, in which scripts read every value as it is; autoescape escapes it.

    An integer that JavaScript would round becomes text, and a character that nobody sees becomes its number.
    """
    text = _encode(value)
    if _LONG_NUMBER.search(text):
        text = _encode(for_scripts(value))
    return text if text.isascii() else _with_visible(text)


def for_scripts(value: Any) -> Any:
    """Return a JSON value with the integers as text that JavaScript would round. Arguments of tools accept both."""
    if isinstance(value, Mapping):
        return {key: for_scripts(item) for key, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list | tuple):
        return [for_scripts(item) for item in cast("list[object]", value)]
    is_rounded = isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER
    return str(value) if is_rounded else value


def _with_visible(text: str) -> str:
    shown = visible(text)
    if shown == text:
        return text
    return "".join(mark if mark.isprintable() and visible(mark) else _escape_in_json(mark) for mark in text)


def _escape_in_json(mark: str) -> str:
    return _encode_ascii(mark)[1:-1]


def quoted_json(value: object) -> Markup:
    """Return JSON as an attribute value in single quotes, in which JSON's double quotes need no escaping (smaller)."""
    text = json_attribute(value)
    for mark, entity in _NOT_IN_SINGLE_QUOTES:
        text = text.replace(mark, entity)
    return Markup(f"'{text}'")  # noqa: S704  # all but the double quotes is escaped


_DURATION = quoted_json({"duration": True})
_DATE = quoted_json({"month": "short", "day": "numeric", "year": "auto"})
_DATETIME = quoted_json({"dateStyle": "medium", "timeStyle": "short"})
_TIME = quoted_json({"timeStyle": "short"})
_TIME_WITH_SECONDS = quoted_json({"timeStyle": "medium"})
"""The default `Intl.DateTimeFormat` options. With `"year": "auto"`, the View shows the year unless it is this year."""
