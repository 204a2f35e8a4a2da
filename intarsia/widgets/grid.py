"""Widgets side by side."""

from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import Field

from intarsia.widgets.metric import Metric
from intarsia.widgets.widget import Widget


class Grid(Widget):
    """Widgets side by side, one column where it is narrow."""

    children: Sequence[Widget] = Field(kw_only=False, max_length=100)
    """In reading order."""
    columns: Literal[2, 3, 4] = 2
    """How many stand side by side at most."""

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {
            "default": cls([Metric("Open", 12), Metric("Done", 30)]),
            "four columns": cls([Metric(f"Number {n}", n) for n in range(1, 9)], columns=4),
            "empty": cls([]),
        }
