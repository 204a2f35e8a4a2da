"""One number that matters."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field

from intarsia.widgets.number import Unit
from intarsia.widgets.sparkline import Sparkline
from intarsia.widgets.widget import Widget

Trend = Literal["up", "down", "flat"]
Verdict = Literal["better", "worse", "neutral"]


class Metric(Widget):
    """A number with its label and, where known, its change and its recent shape."""

    label: str = Field(kw_only=False, min_length=1)
    """What the number counts, such as "Open tasks"."""
    value: float | int | str | None = Field(kw_only=False)
    """The number, or a short word such as "Healthy"; `None` when it is not known."""
    unit: Unit | None = None
    """What it is measured in."""
    digits: int = Field(default=1, ge=0, le=6)
    """How many digits after the decimal point at most."""
    change: float | None = None
    """Difference to before, in the same unit."""
    good: Literal["up", "down"] | None = None
    """Which direction is good news; without it a change is neutral."""
    detail: str | None = None
    """A short line under the number, such as "of 16 GB"."""
    history: Sparkline | None = None
    """The last values."""

    @property
    def trend(self) -> Trend | None:
        """Where the number is going."""
        if self.change is None:
            return None
        return "up" if self.change > 0 else "down" if self.change < 0 else "flat"

    @property
    def verdict(self) -> Verdict:
        """Whether the change is good news."""
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
