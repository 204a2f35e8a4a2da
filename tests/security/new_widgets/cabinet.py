"""Widgets in drawers that have names."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field

from intarsia.widgets import Metric, Text, Widget


class Cabinet(Widget):
    """Widgets by name."""

    drawers: dict[str, Widget] = Field(kw_only=False)
    """Each under the name that people read."""

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"default": cls({"Money": Metric("Earned", 12), "Plans": Text("A second shop.")}), "empty": cls({})}
