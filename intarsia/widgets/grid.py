"""A grid layout."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field

from intarsia.widgets.metric import Metric
from intarsia.widgets.widget import Widget
from intarsia.widgets.windows import Windowed


class Grid(Widget):
    """Lays out widgets side by side; in one column on narrow screens."""

    children: Annotated[Sequence[Widget], Windowed("item", first=100)] = Field(kw_only=False, max_length=100)
    """The widgets in reading order; at most 100."""
    columns: Literal[2, 3, 4] = 2
    """The maximum number of columns."""

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {
            "default": cls([Metric("Open", 12), Metric("Done", 30)]),
            "four columns": cls([Metric(f"Number {n}", n) for n in range(1, 9)], columns=4),
            "empty": cls([]),
        }
