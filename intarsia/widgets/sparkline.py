"""A sparkline: a small line chart without axes."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field

from intarsia.widgets.number import Number
from intarsia.widgets.values import KnownNumber, KnownNumbers
from intarsia.widgets.widget import Widget

WIDTH = 100.0
HEIGHT = 24.0
"""The size of the SVG view box, in user units."""


class Sparkline(Widget):
    """The recent values of a metric as a small line chart without axes."""

    values: KnownNumbers = Field(kw_only=False, max_length=500)
    """The values, oldest first, at equal distances; at most 500. `None` and NaN leave a gap."""
    label: str = Field(min_length=1)
    """What the line shows, such as "CPU, last minute". Screen readers announce it with the range of values."""
    low: KnownNumber = None
    """The value at the bottom edge; by default the minimum."""
    high: KnownNumber = None
    """The value at the top edge; by default the maximum."""

    @property
    def known(self) -> list[Number]:
        """The values without gaps."""
        return [value for value in self.values if value is not None]

    @property
    def lowest(self) -> Number:
        """The minimum of the known values."""
        return min(self.known)

    @property
    def highest(self) -> Number:
        """The maximum of the known values."""
        return max(self.known)

    @property
    def segments(self) -> list[str]:
        """The points of SVG polylines in a box of 100 by 24: one polyline for each run of values without a gap."""
        low, high = self._range()
        step = WIDTH / max(len(self.values) - 1, 1)
        # One unit of margin at both edges keeps the stroke inside the box; a flat line has no range to divide by.
        rise = (HEIGHT - 2) / ((high - low) or 1)
        runs: list[list[str]] = [[]]
        for index, value in enumerate(self.values):
            if value is None:
                runs.append([])
            else:
                # Values outside a fixed range are drawn at its edge.
                height = min(max(float(value), low), high) - low
                runs[-1].append(f"{index * step:.1f},{HEIGHT - 1 - height * rise:.1f}")
        return [" ".join(run) for run in runs if run]

    def _range(self) -> tuple[float, float]:
        known = self.known or [0]
        low = float(self.low if self.low is not None else min(known))
        return low, max(float(self.high if self.high is not None else max(known)), low)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {
            "default": cls([3, 5, 4, 8, 6, 9, 12], label="Open cards, last week"),
            "with a gap": cls([3, 5, None, None, 6, 9], label="Requests per second"),
            "fixed range": cls([20, 35, 30, 62], label="CPU", low=0, high=100),
            "flat": cls([4, 4, 4], label="Errors"),
            "no values yet": cls([], label="Errors"),
        }
