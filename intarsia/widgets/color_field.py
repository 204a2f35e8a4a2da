"""A color."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from pydantic import Field

from intarsia.widgets.action import NO_ACTION, BoundAction, OptionalAction, Parameter, Sends
from intarsia.widgets.select import idle, label_from
from intarsia.widgets.widget import Widget

HexColor = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
"""Six hexadecimal digits after `#`, such as `#2f6feb`."""


class ColorField(Widget):
    """A color, typed as hex, picked, or taken from swatches."""

    name: str = Field(kw_only=False, min_length=1)
    """The argument or token that it sets."""
    label: str = ""
    """What people read; made from the name if left out."""
    value: HexColor
    """The color now."""
    swatches: Sequence[HexColor] = Field(default_factory=list[str], max_length=12)
    """Colors offered beside it."""
    on_change: Annotated[OptionalAction, Sends({"value": {"string"}})] = NO_ACTION
    """The action that runs when a color is chosen."""

    @property
    def shown_label(self) -> str:
        """What people read."""
        return self.label or label_from(self.name)

    @property
    def misplaced(self) -> str:
        """Why it cannot stand where any widget can: it would do nothing."""
        return idle(self.name, self.on_change)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        paint = BoundAction(
            "paint_label",
            "Paint label",
            {"label": "bug"},
            {"value": Parameter(required=True, json_types=frozenset({"string"}))},
        )
        return {
            "default": cls("accent", value="#2f6feb"),
            "with swatches": cls("accent", value="#0f766e", swatches=["#0f766e", "#b45309", "#7c3aed"]),
            "calls an action": cls("accent", value="#0f766e", swatches=["#0f766e", "#b45309"], on_change=paint),
            "label is markup": cls("accent", label="<b>x</b>", value="#000000"),
        }
