"""Widgets one upon the other: `Stack` by another name."""

from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import Field

from intarsia.widgets import Heading, Metric, Text, Widget


class Pile(Widget):
    """Widgets one upon the other."""

    children: Sequence[Widget] = Field(kw_only=False, max_length=100)
    """From top to bottom."""

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {
            "default": cls([Heading("Release 2.4"), Text("Two cards are left."), Metric("Open", 2)]),
            "empty": cls([]),
        }
