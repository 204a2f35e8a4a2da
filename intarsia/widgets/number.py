"""How numbers are meant to be read: their unit and precision. The View formats them for each person's locale."""

from typing import Literal

Unit = Literal[
    "percent", "celsius", "fahrenheit", "bit", "byte", "kilobyte", "megabyte", "gigabyte", "terabyte",
    "byte-per-second", "kilobyte-per-second", "megabyte-per-second", "millisecond", "second", "minute", "hour", "day",
    "meter", "kilometer", "gram", "kilogram", "liter",
]  # fmt: skip
"""Units that every browser can write in the reader's language (a subset of the simple units of ECMA-402)."""

SHORT_UNITS: dict[str, str] = {
    "percent": "%", "celsius": "°C", "fahrenheit": "°F", "bit": "bit", "byte": "B", "kilobyte": "kB",
    "megabyte": "MB", "gigabyte": "GB", "terabyte": "TB", "byte-per-second": "B/s", "kilobyte-per-second": "kB/s",
    "megabyte-per-second": "MB/s", "millisecond": "ms", "second": "s", "minute": "min", "hour": "h", "day": "d",
    "meter": "m", "kilometer": "km", "gram": "g", "kilogram": "kg", "liter": "l",
}  # fmt: skip
"""How a unit is written in the text form."""
