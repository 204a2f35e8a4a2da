"""A widget with a line under it."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field

from intarsia.widgets import Sparkline, Stack, Text, Widget


class Frame(Widget):
    """One widget, or none yet, between others that must be there."""

    content: Widget | None = None
    """What is framed."""
    caption: str = Field(min_length=1)
    """What stands under it."""
    sides: tuple[Widget, Widget]
    """What stands left and right of it."""
    trend: Sparkline
    """The line under it, which it cannot be without."""

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        trend = Sparkline([1, 2], label="Visitors")
        sides = (Text("left"), Text("right"))
        return {
            "default": cls(content=Stack([Text("A picture.")]), caption="The shop", sides=sides, trend=trend),
            "without content": cls(caption="The shop", sides=sides, trend=trend),
        }
