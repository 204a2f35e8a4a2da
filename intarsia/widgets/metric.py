"""A single metric."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field

from intarsia.widgets.number import Unit
from intarsia.widgets.sparkline import Sparkline
from intarsia.widgets.widget import Widget

Trend = Literal["up", "down", "flat"]
Verdict = Literal["better", "worse", "neutral"]


class Metric(Widget):
    """A number with a label, and optionally its change and a sparkline of recent values."""

    label: str = Field(kw_only=False, min_length=1)
    """The label, such as "Open tasks"."""
    value: float | int | str | None = Field(kw_only=False)
    """The number, or a short word such as "Healthy"; `None` if unknown."""
    unit: Unit | None = None
    """The unit of `value` and `change`."""
    digits: int = Field(default=1, ge=0, le=6)
    """The maximum number of decimal places."""
    change: float | None = None
    """The difference from the previous value, in the same unit."""
    good: Literal["up", "down"] | None = None
    """The direction of an improvement; by default a change is neutral."""
    detail: str | None = None
    """A short line below the number, such as "of 16 GB"."""
    history: Sparkline | None = None
    """A sparkline of recent values."""

    @property
    def trend(self) -> Trend | None:
        """The direction of the change; `None` without a change."""
        if self.change is None:
            return None
        return "up" if self.change > 0 else "down" if self.change < 0 else "flat"

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
            "a word": cls("Status", "Healthy"),
            "not known": cls("Temperature", None, unit="celsius"),
            "label is markup": cls("<b>x</b>", 1, detail="<img src=x onerror=alert(1)>"),
        }
