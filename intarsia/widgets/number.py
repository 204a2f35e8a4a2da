"""Units of numbers. The View formats numbers for the user's locale."""

from typing import Literal

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
