"""The values that widgets show, and how what developers pass becomes one of them.

`read_value` accepts what databases and libraries return, and returns one of a few classes, for which
`intarsia.ui_templates.value_format` has a text form and a form for `Intl`. pandas and NumPy are recognized by what
their values look like: neither is imported.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from ipaddress import IPv4Address, IPv6Address
from math import isfinite
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast
from uuid import UUID

from pydantic import BeforeValidator

from intarsia.errors import UnsupportedValueError, near_miss
from intarsia.widgets.characters import without_surrogates
from intarsia.widgets.number import CURRENCIES, EXACT, MAX_DECIMAL_PLACES, MAX_EXPONENT, Number, rounded

ValueKind = Literal["text", "number", "date", "time"]
"""What a value is read as. Text that denotes a number or a date is taken for one only where one is expected."""

_LOOKS_LIKE_DATE = re.compile(r"\s*[-+]?\d")
_DECIMAL_TEXT = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
_DATE_TEXT = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?"
_TIME_TEXT = re.compile(rf"{_CLOCK}", re.ASCII)
_DATETIME_TEXT = re.compile(rf"\d{{4}}-\d\d-\d\d[ T]{_CLOCK} ?(Z|[+-]\d\d:?\d\d(:\d\d)?)?", re.ASCII)
_MAX_BITS = 1024
"""The bits of an `int` that `MAX_EXPONENT` leaves; compared first, because Python writes no int of many digits."""
_WRITTEN = (UUID, PurePath, IPv4Address, IPv6Address)
_REMEDY = "Give text, a number, a date, a time, a duration, Money, or None."


class Money:
    """An amount of money, exact and with its currency.

    Args:
        amount: The amount in units of the currency, such as 12.50. A `float` is the decimal that it is written as.
            `None` and NaN are "not known".
        currency: The code of the currency in ISO 4217, such as "EUR".

    Raises:
        UnsupportedValueError: The amount is no number, or the currency is not in ISO 4217.
    """

    __slots__ = ("amount", "currency")

    amount: Number | None
    """The amount; `None` if it is not known."""
    currency: str
    """The code of the currency."""

    def __init__(self, amount: Number | str | None, currency: str) -> None:
        place = "The amount of Money"
        read = _read_at(amount, "number", place)
        if read is not None and (isinstance(read, bool) or not isinstance(read, int | float | Decimal)):
            msg = f"has the type {_kind_of(amount)}. Give a number."
            raise UnsupportedValueError(msg, place)
        code = str(currency).upper()
        if code not in CURRENCIES:
            reason = f'is not in ISO 4217. Give a code such as "EUR".{near_miss(code, CURRENCIES)}'
            raise UnsupportedValueError(reason, "The currency of Money")
        object.__setattr__(self, "amount", read)
        object.__setattr__(self, "currency", code)

    def __setattr__(self, name: str, value: object) -> None:
        message = f"Money is immutable; {name!r} cannot be set."
        raise AttributeError(message)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and (self.amount, self.currency) == (other.amount, other.currency)

    def __hash__(self) -> int:
        return hash((self.amount, self.currency))

    def __repr__(self) -> str:
        return f"Money({self.amount!r}, {self.currency!r})"

    def __reduce__(self) -> tuple[type["Money"], tuple[Number | None, str]]:
        return Money, (self.amount, self.currency)


Value = str | bool | int | float | Decimal | Money | datetime | date | time | timedelta | None
"""What a widget holds: finite numbers, and text without lone surrogates."""

if TYPE_CHECKING:
    Given = Value | Fraction | UUID | PurePath | IPv4Address | IPv6Address | Enum
    """What developers may pass. NumPy's and pandas' values are accepted too, but type checkers see them as Any."""
else:
    Given = Value


def read_value(value: object, kind: ValueKind = "text") -> Value:
    """Return a value as widgets hold it.

    Args:
        value: What the developer passed. `None`, NaN, infinities, `pandas.NA` and `NaT` are "not known".
        kind: What is expected. With "number", "date" and "time", text that denotes one is read, and empty text is "not
            known"; words, such as "n/a" and "never", remain. With "date", midnight of a naive `datetime` is a date.

    Returns:
        The value; `None` if it is not known.

    Raises:
        UnsupportedValueError: The value has no text that people would write, or a text that begins with a digit
            is no ISO date where one is expected.
    """
    if isinstance(value, Enum):
        return _read_member(value, kind)
    read = _read_plain(value)
    if kind != "text" and isinstance(read, str):
        return _read_text(read, kind)
    if kind == "date" and type(read) is datetime and read.tzinfo is None and read.time() == time():
        return read.date()
    return read


def magnitude(value: Number | Money | timedelta) -> Number | Money | timedelta:
    """Return a value without its sign, exact."""
    if isinstance(value, Money):
        return value if value.amount is None else Money(_abs_of(value.amount), value.currency)
    return abs(value) if isinstance(value, timedelta) else _abs_of(value)


def _abs_of(value: Number) -> Number:
    # `abs` of a Decimal may round it.
    return value.copy_abs() if isinstance(value, Decimal) else abs(value)


def sign_of(value: Number | Money | timedelta, digits: int | tuple[int, int] | None) -> int:
    """Return 1, 0 or -1: the sign of a value as it is shown.

    Args:
        value: The value.
        digits: The decimal places that the developer wants; without, no number is rounded to zero.
    """
    number = value.amount if isinstance(value, Money) else value
    if number is None:
        return 0
    if isinstance(number, timedelta):
        number = Decimal(number // timedelta(microseconds=1)).scaleb(-6, EXACT)
    if digits is not None:
        number = rounded(number, digits if isinstance(digits, int) else digits[1])
    return (number > 0) - (number < 0)


def _read_at(value: object, kind: ValueKind, place: str) -> Value:
    try:
        return read_value(value, kind)
    except UnsupportedValueError as error:
        raise error.at(place) from None


def _read_plain(value: object) -> Value:
    reader = _READERS.get(type(value))
    if reader is not None:
        return reader(value)
    for accepted, reader in _READERS.items():
        if isinstance(value, accepted):
            return reader(value)
    return _read_foreign(value)


def _read_member(member: Enum, kind: ValueKind) -> Value:
    if kind == "text" and not isinstance(member.value, str):
        name = member.name
        # Members are constants, written in capitals; like other labels, only those of several words are rewritten.
        return name.replace("_", " ").strip().capitalize() if "_" in name else name
    return read_value(member.value, kind)


def _read_int(value: Any) -> int:
    if value.bit_length() > _MAX_BITS or abs(int(value)) >= 10 ** (MAX_EXPONENT + 1):
        msg = f"is a number of more than {MAX_EXPONENT + 1} digits. Give it as text."
        raise UnsupportedValueError(msg)
    return int(value)


def _read_float(value: Any) -> float | None:
    return float(value) if isfinite(value) else None


def _read_decimal(value: Any) -> Decimal | None:
    if not value.is_finite():
        return None
    if value.adjusted() > MAX_EXPONENT or value.as_tuple().exponent < -MAX_DECIMAL_PLACES:
        limits = f"{MAX_EXPONENT + 1} digits before the point or {MAX_DECIMAL_PLACES} after it"
        msg = f"is a number of more than {limits}. Round it, or give it as text."
        raise UnsupportedValueError(msg)
    return Decimal(value)


def _read_fraction(value: Any) -> float | None:
    try:
        return float(value)
    except OverflowError:
        msg = f"is a number of more than {MAX_EXPONENT + 1} digits. Give it as text."
        raise UnsupportedValueError(msg) from None


def _read_datetime(value: Any) -> datetime | None:
    if type(value) is datetime:
        return value
    if _is_missing(value):
        return None
    # pandas.Timestamp is a subclass that writes nanoseconds.
    clock = time(value.hour, value.minute, value.second, value.microsecond, value.tzinfo, fold=value.fold)
    return datetime.combine(date(value.year, value.month, value.day), clock)


def _read_date(value: Any) -> date | None:
    return None if _is_missing(value) else date(value.year, value.month, value.day)


def _read_duration(value: Any) -> timedelta | None:
    if _is_missing(value):
        return None
    return timedelta(value.days, value.seconds, value.microseconds)


def _read_money(value: Any) -> Money | None:
    return None if value.amount is None else value


_READERS: Mapping[type, Callable[[Any], Value]] = {
    str: lambda value: without_surrogates(str.__str__(value)),
    bool: bool,  # before int, of which it is a subclass
    int: _read_int,
    float: _read_float,
    type(None): lambda value: value,
    Decimal: _read_decimal,
    datetime: _read_datetime,  # before date, of which it is a subclass
    date: _read_date,
    time: lambda value: value,
    timedelta: _read_duration,
    Money: _read_money,
    Fraction: _read_fraction,
    **dict.fromkeys(_WRITTEN, lambda value: without_surrogates(str(value))),
}


def _read_foreign(value: Any) -> Value:
    """Read a value of NumPy or pandas."""
    if _is_missing(value):
        return None
    if getattr(value, "ndim", None) == 0 and hasattr(value, "dtype") and hasattr(value, "item"):
        return _read_scalar(value, value.dtype.kind)
    msg = f"has the type {_kind_of(value)}, which people have no way to write. {_REMEDY}"
    raise UnsupportedValueError(msg)


def _read_scalar(value: Any, kind: str) -> Value:
    if kind in "mM":
        return _read_time_scalar(value, "datetime64[us]" if kind == "M" else "timedelta64[us]")
    if kind == "f":  # `item()` of a float32 writes digits that it does not have
        text = str(value)
        return read_value(float(text) if value.dtype.itemsize <= 8 else Decimal(text))  # of a float
    if kind in "biuUO":
        return read_value(value.item())
    msg = f"has the type {_kind_of(value)}, which people have no way to write. {_REMEDY}"
    raise UnsupportedValueError(msg)


def _read_time_scalar(value: Any, in_microseconds: str) -> Value:
    item = value.item()
    if isinstance(item, int):  # a number of nanoseconds
        item = value.astype(in_microseconds).item()
    if isinstance(item, int):  # after the year 9999
        msg = f"has the type {_kind_of(value)} and is beyond the years of a `datetime`. Give it as text."
        raise UnsupportedValueError(msg)
    return read_value(item)


def _is_missing(value: object) -> bool:
    """Return whether a value is `pandas.NA` or `NaT`; comparing them would raise or be false."""
    found = type(value)
    return found.__name__ in ("NAType", "NaTType") and found.__module__.partition(".")[0] == "pandas"


def _read_text(text: str, kind: ValueKind) -> Value:
    if not text.strip():
        return None
    if kind == "number":
        return _read_decimal(Decimal(text)) if _DECIMAL_TEXT.fullmatch(text) else text
    if not _LOOKS_LIKE_DATE.match(text):
        return text
    try:
        return _read_moment(text, kind)
    except ValueError:
        msg = (
            f"is text that is no {kind} in ISO 8601. Give a `{'date' if kind == 'date' else 'datetime'}`, or text such "
            f"as {'2026-12-31' if kind == 'date' else '2026-12-31 10:00+01:00'}."
        )
        raise UnsupportedValueError(msg) from None


def _read_moment(text: str, kind: ValueKind) -> Value:
    if _DATE_TEXT.fullmatch(text):
        return date.fromisoformat(text)
    if kind == "time" and _TIME_TEXT.fullmatch(text):
        return time.fromisoformat(text)
    if _DATETIME_TEXT.fullmatch(text):
        return read_value(datetime.fromisoformat(text.replace(" ", "T", 1).replace(" ", "")), kind)
    raise ValueError(text)


def _kind_of(value: object) -> str:
    return type(value).__name__


def _read_for_metric(value: object) -> Value:
    # Text is a word here, such as a version "2.40", even if it looks like a number.
    return read_value(value.value if isinstance(value, Enum) else value)


def _read_number(value: object) -> Number | None:
    read = read_value(value, "number")
    if isinstance(read, bool) or not isinstance(read, int | float | Decimal | None):
        msg = f"has the type {_kind_of(value)}. Give a number, or None."
        raise UnsupportedValueError(msg)
    return read


def _read_numbers(values: object) -> object:
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        return values  # Pydantic refuses it
    read: list[Number | None] = []
    for index, value in enumerate(cast("Sequence[object]", values)):
        try:
            read.append(value if type(value) is float and isfinite(value) else _read_number(value))
        except UnsupportedValueError as error:
            reason = f"has a value at index {index} that {error.reason}"
            raise UnsupportedValueError(reason) from None
    return read


def _read_due(value: object) -> object:
    return read_value(value, "date") if value is not None else None


def _read_setting(value: object) -> object:
    read = _read_number(value)
    if read is None:
        msg = "is not known. A control needs a number."
        raise UnsupportedValueError(msg)
    try:
        is_exact = not isinstance(read, int) or int(float(read)) == read
    except OverflowError:
        is_exact = False
    if not is_exact:
        msg = "is an integer that browsers round. Controls have integers up to 2**53."
        raise UnsupportedValueError(msg)
    return float(read)


def _read_change(value: object) -> Number | Money | timedelta | None:
    return cast(
        "Number | Money | timedelta | None",
        read_value(value) if isinstance(value, Money | timedelta) else _read_number(value),
    )


ShownValue = Annotated[Given, BeforeValidator(_read_for_metric)]
"""The type of a field that shows any value."""
KnownNumber = Annotated[Number | None, BeforeValidator(_read_number)]
"""The type of a field that shows a number, exact."""
KnownNumbers = Annotated[Sequence[Number | None], BeforeValidator(_read_numbers)]
"""The type of a field that shows many."""
Change = Annotated[Number | Money | timedelta | None, BeforeValidator(_read_change)]
"""The type of a field that shows a difference."""
KnownDate = Annotated[date | None, BeforeValidator(_read_due)]
"""The type of a field that shows a date."""
Setting = Annotated[float, BeforeValidator(_read_setting)]
"""The type of a number that a control sets: a `float`, as browsers have no other."""
