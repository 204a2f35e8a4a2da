"""A color field."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from pydantic import Field

from intarsia.widgets.action import NO_ACTION, BoundAction, OptionalAction, Parameter, Sends
from intarsia.widgets.select import idle, label_from
from intarsia.widgets.widget import Widget

HexColor = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
"""Six hexadecimal digits after `#`, such as `#2f6feb`."""


class ColorField(Widget):
    """A color field with a hex input, a color picker and swatches."""

    name: str = Field(kw_only=False, min_length=1)
    """The name of the argument or design token that it sets."""
    label: str = ""
    """The visible label; by default derived from the name."""
    value: HexColor
    """The current color, such as `#2f6feb`."""
    swatches: Sequence[HexColor] = Field(default_factory=list[str], max_length=12)
    """Predefined colors to choose from; at most 12."""
    on_change: Annotated[OptionalAction, Sends({"value": {"string"}})] = NO_ACTION
    """The action to run on a change. It receives the hex color as `value`."""

    @property
    def shown_label(self) -> str:
        """The visible label: `label`, or one derived from the name."""
        return self.label or label_from(self.name)

    @property
    def misplaced(self) -> str:
        """Why it cannot be placed as a standalone widget (it has no `on_change`); empty if it can."""
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
