"""A single metric."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from intarsia.errors import WidgetError
from intarsia.widgets.number import Digits, Number, Unit, check_format
from intarsia.widgets.sparkline import Sparkline
from intarsia.widgets.values import Change, Money, ShownValue, magnitude, sign_of
from intarsia.widgets.widget import Widget

Trend = Literal["up", "down", "flat"]
Verdict = Literal["better", "worse", "neutral"]


class Metric(Widget):
    """A number or another value with a label, and optionally its change and a sparkline of recent values."""

    label: str = Field(kw_only=False, min_length=1)
    """The label, such as "Open tasks"."""
    value: ShownValue = Field(kw_only=False)
    """A number, `Money`, date, time, duration, or a short word such as "Healthy"; `None` if unknown."""
    unit: Unit | None = None
    """The unit of `value` and `change`."""
    digits: Digits | None = None
    """The decimal places: the maximum, or the minimum and the maximum, such as `(2, 2)`. By default a `Decimal` and an
    `int` are exact, and a `float` has at most 3, with a unit at most 1, and always 2 significant digits."""
    compact: bool = False
    """Whether to shorten numbers to 3 significant digits, as in "12.8K"."""
    change: Change = None
    """The difference from the previous value, in the same unit. If `value` is `Money`, a number is in its currency."""
    good: Literal["up", "down"] | None = None
    """The direction of an improvement; by default a change is neutral."""
    detail: str | None = None
    """A short line below the number, such as "of 16 GB"."""
    history: Sparkline | None = None
    """A sparkline of recent values."""

    @model_validator(mode="after")
    def _is_formatted_once(self) -> Self:
        check_format(f"Metric {self.label!r}", self.digits, is_compact=self.compact)
        if self.unit and isinstance(self.value, Money):
            message = f"Metric {self.label!r}: Money has its currency for a unit; leave `unit` out."
            raise WidgetError(message)
        return self

    @property
    def shown_change(self) -> Number | Money | timedelta | None:
        """The change, in the currency of the value if that is money."""
        if isinstance(self.value, Money) and isinstance(self.change, int | float | Decimal):
            return Money(self.change, self.value.currency)
        return self.change

    @property
    def change_size(self) -> Number | Money | timedelta | None:
        """The change without its sign."""
        change = self.shown_change
        return None if change is None else magnitude(change)

    @property
    def trend(self) -> Trend | None:
        """The direction of the change as it is shown, after rounding; `None` without a change."""
        if self.change is None:
            return None
        sign = sign_of(self.change, self.digits)
        return "up" if sign > 0 else "down" if sign < 0 else "flat"

    @property
    def verdict(self) -> Verdict:
        """Whether the change is an improvement."""
        if self.good is None or self.trend in (None, "flat"):
            return "neutral"
        return "better" if self.trend == self.good else "worse"

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {
            "default": cls("Open tasks", 42),
            "with a unit": cls("CPU", 37.5, unit="percent"),
            "better": cls("Errors per minute", 1.2, change=-0.8, good="down"),
            "worse": cls("Latency, p95", 412, unit="millisecond", change=38, good="down", digits=0),
            "neutral change": cls("Visitors", 12840, change=310),
            "with detail and history": cls(
                "Memory",
                6.4,
                unit="gigabyte",
                detail="of 16 GB",
                history=Sparkline([5.1, 5.8, 6.0, 6.3, 6.4], label="Memory, last minute"),
            ),
            "money": cls("Revenue", Money(1290.5, "EUR"), change=-20, good="up"),
            "compact": cls("Visitors", 12840, change=310, compact=True),
            "a duration": cls("Longest job", timedelta(hours=1, minutes=30), change=timedelta(minutes=-5), good="down"),
            "exact": cls("Order", 1009513310189256287),
            "a word": cls("Status", "Healthy"),
            "not known": cls("Temperature", None, unit="celsius"),
            "label is markup": cls("<b>x</b>", 1, detail="<img src=x onerror=alert(1)>"),
        }
