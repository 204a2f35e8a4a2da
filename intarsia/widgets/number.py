"""Units, currencies, digits and rounding of numbers: what the text form and the View have in common.

Numbers are decimal: an `int` and a `Decimal` are exact, and a `float` is the shortest decimal that denotes it, as
`repr` writes it. There is one rounding rule, half away from zero (as `Intl` and people do it), applied to that decimal:
0.25 becomes 0.3, 2.5 becomes 3, and 1.005 becomes 1.01. What is rounded to zero has no sign.
"""

import sys
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from intarsia.errors import WidgetError

Unit = Literal[
    "percent", "celsius", "fahrenheit", "bit", "byte", "kilobyte", "megabyte", "gigabyte", "terabyte",
    "byte-per-second", "kilobyte-per-second", "megabyte-per-second", "millisecond", "second", "minute", "hour", "day",
    "meter", "kilometer", "gram", "kilogram", "liter",
]  # fmt: skip
"""The supported units: a subset of the simple units of ECMA-402, which every browser's `Intl.NumberFormat` knows."""

SHORT_UNITS: dict[str, str] = {
    "percent": "%", "celsius": "°C", "fahrenheit": "°F", "bit": "bit", "byte": "B", "kilobyte": "kB",
    "megabyte": "MB", "gigabyte": "GB", "terabyte": "TB", "byte-per-second": "B/s", "kilobyte-per-second": "kB/s",
    "megabyte-per-second": "MB/s", "millisecond": "ms", "second": "s", "minute": "min", "hour": "h", "day": "d",
    "meter": "m", "kilometer": "km", "gram": "g", "kilogram": "kg", "liter": "l",
}  # fmt: skip
"""The unit symbols in the text form."""

CURRENCIES = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
    CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ
    GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL
    LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN
    PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD
    TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF
    XPT XSU XTS XUA YER ZAR ZMW ZWG ZWL
    """.split()  # noqa: SIM905  # 180 strings in quotes would be hard to read
)
"""The codes of ISO 4217, with some that are historic but still in data."""

_MINOR_UNITS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),  # noqa: SIM905
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),  # noqa: SIM905
    **dict.fromkeys(("CLF", "UYW"), 4),
}

MAX_DECIMAL_PLACES = 100
"""The maximum number of decimal places: the limit of `Intl.NumberFormat`."""
MAX_EXPONENT = 308
"""The maximum exponent of a number in scientific notation, as that of a `float`."""
MAX_FLOAT = sys.float_info.max
COMPACT_DIGITS = 3
"""The significant digits of numbers in compact form. Locales have other steps, so decimal places would differ."""
_FLOAT_PLACES = 3
_MIN_SIGNIFICANT = 2


def _check_digits(digits: "int | tuple[int, int]") -> "int | tuple[int, int]":
    if isinstance(digits, tuple) and digits[0] > digits[1]:
        message = f"digits: the minimum, {digits[0]}, must not be greater than the maximum, {digits[1]}."
        raise WidgetError(message)
    return digits


_Places = Annotated[int, Field(ge=0, le=20)]
Digits = Annotated[_Places | tuple[_Places, _Places], AfterValidator(_check_digits)]
"""The decimal places of a number: the maximum, or the minimum and the maximum; each from 0 to 20."""

Number = int | float | Decimal
"""A number. `bool` is none, though Python makes it an `int`."""

EXACT = Context(prec=2 * MAX_EXPONENT + MAX_DECIMAL_PLACES, rounding=ROUND_HALF_UP)
"""The context of calculations; the current one, which a developer can change, may round."""


def minor_units(currency: str) -> int:
    """Return the decimal places in which amounts of a currency are written."""
    return _MINOR_UNITS.get(currency, 2)


def decimal_of(value: Number) -> Decimal:
    """Return a number as the decimal that it is written as."""
    return Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)


def places_of(
    value: Number, digits: int | tuple[int, int] | None, *, least: int = 0, most: int | None = None
) -> tuple[int, int]:
    """Return the minimum and maximum number of decimal places to write a number with.

    Without `digits`, an `int` and a `Decimal` are written as they are. A `float` may be the result of a calculation,
    and is rounded to 3 places, a measurement (one with a unit) to 1; but always to at least 2 significant digits.

    Args:
        value: The number.
        digits: The decimal places that the developer wants, if any.
        least: The minimum of decimal places without `digits`, such as 2 for an amount in euros.
        most: The maximum of decimal places of a `float` without `digits`.
    """
    if digits is not None:
        return digits if isinstance(digits, tuple) else (0, digits)
    if isinstance(value, Decimal):
        exact = max(least, -int(value.as_tuple().exponent), 0)
        return exact, exact
    if isinstance(value, int):
        return least, least
    places = max(_FLOAT_PLACES if most is None else most, least)
    if value and abs(value) < 10 ** (_MIN_SIGNIFICANT - 1 - places):
        places = min(_MIN_SIGNIFICANT - 1 - decimal_of(value).adjusted(), MAX_DECIMAL_PLACES)
    return least, places


def rounded(value: Number, places: int) -> Decimal:
    """Return a number rounded to decimal places, half away from zero, without a negative zero."""
    exact = decimal_of(value)
    if exact.as_tuple().exponent < -places:  # type: ignore[operator]  # finite numbers have a numeric exponent
        exact = exact.quantize(Decimal(1).scaleb(-places, EXACT), context=EXACT)
    return exact or abs(exact)


def compacted(value: Number) -> Decimal:
    """Return a number rounded to the significant digits of the compact form."""
    exact = decimal_of(value)
    return rounded(exact, COMPACT_DIGITS - 1 - exact.adjusted()) if exact else abs(exact)


def check_format(place: str, digits: int | tuple[int, int] | None, *, is_compact: bool) -> None:
    """Check that a number is shortened in one way only.

    Raises:
        WidgetError: It has digits, and is compact.
    """
    if is_compact and digits is not None:
        message = f"{place}: compact numbers have {COMPACT_DIGITS} significant digits; leave `digits` or `compact` out."
        raise WidgetError(message)
