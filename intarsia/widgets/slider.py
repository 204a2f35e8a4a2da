"""A number between two ends."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from intarsia.errors import WidgetError
from intarsia.widgets.action import NO_ACTION, BoundAction, OptionalAction, Parameter, Sends
from intarsia.widgets.select import idle, label_from
from intarsia.widgets.widget import Widget

CssUnit = Literal["", "px", "rem", "em", "%", "ms"]


class Slider(Widget):
    """A number between two ends, set by dragging, by keys or by typing it."""

    name: str = Field(kw_only=False, min_length=1)
    """The argument or token that it sets."""
    label: str = ""
    """What people read; made from the name if left out."""
    min: float
    """The low end."""
    max: float
    """The high end."""
    step: float = Field(default=1, gt=0)
    """The distance between two settings."""
    value: float
    """Where it stands."""
    unit: CssUnit = ""
    """What the number is measured in."""
    on_change: Annotated[OptionalAction, Sends({"value": {"number"}})] = NO_ACTION
    """The action that runs when it is released."""

    @model_validator(mode="after")
    def _value_is_between(self) -> Self:
        if not self.min < self.max:
            message = f"Slider {self.name!r}: the low end {self.min:g} is not below the high end {self.max:g}."
            raise WidgetError(message)
        if not self.min <= self.value <= self.max:
            message = f"Slider {self.name!r}: {self.value:g} is not between {self.min:g} and {self.max:g}."
            raise WidgetError(message)
        return self

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
        change = BoundAction(
            "set_volume",
            "Set volume",
            {"room": "hall"},
            {"value": Parameter(required=True, json_types=frozenset({"number"}))},
        )
        return {
            "default": cls("radius", min=0, max=24, value=8, unit="px"),
            "fine steps": cls("scale", label="Type scale", min=1, max=1.6, step=0.05, value=1.2),
            "at its end": cls("radius", min=0, max=24, value=24, unit="px"),
            "calls an action": cls("volume", min=0, max=100, value=40, unit="%", on_change=change),
            "label is markup": cls("radius", label="<b>x</b>", min=0, max=1, value=0),
        }
