"""A vertical layout."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from pydantic import Field

from intarsia.widgets.heading import Heading
from intarsia.widgets.metric import Metric
from intarsia.widgets.text import Text
from intarsia.widgets.widget import Widget
from intarsia.widgets.windows import Windowed


class Stack(Widget):
    """Lays out widgets vertically."""

    children: Annotated[Sequence[Widget], Windowed("item", first=100)] = Field(kw_only=False, max_length=100)
    """The widgets from top to bottom; at most 100."""

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {
            "default": cls([Heading("Release 2.4"), Text("Two cards are left."), Metric("Open", 2)]),
            "empty": cls([]),
        }
