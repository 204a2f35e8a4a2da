"""A slider."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from intarsia.errors import WidgetError
from intarsia.widgets.action import NO_ACTION, BoundAction, OptionalAction, Parameter, Sends
from intarsia.widgets.select import idle, label_from
from intarsia.widgets.values import Setting
from intarsia.widgets.widget import Widget

CssUnit = Literal["", "px", "rem", "em", "%", "ms"]


class Slider(Widget):
    """A slider with a number input. It is set by dragging, with the keyboard, or by typing a number."""

    name: str = Field(kw_only=False, min_length=1)
    """The name of the argument or design token that it sets."""
    label: str = ""
    """The visible label; by default derived from the name."""
    min: Setting
    """The minimum, in `unit`."""
    max: Setting
    """The maximum, in `unit`."""
    step: Setting = Field(default=1, gt=0)
    """The step, in `unit`, counted from the minimum."""
    value: Setting
    """The current value, in `unit`."""
    unit: CssUnit = ""
    """The CSS unit of the values, shown beside the number."""
    on_change: Annotated[OptionalAction, Sends({"value": {"number"}})] = NO_ACTION
    """The action to run when it is released. It receives the number as `value`."""

    @model_validator(mode="after")
    def _value_is_between(self) -> Self:
        if not self.min < self.max:
            message = f"Slider {self.name!r}: min {self.min:g} must be less than max {self.max:g}."
            raise WidgetError(message)
        if not self.min <= self.value <= self.max:
            message = f"Slider {self.name!r}: value {self.value:g} is not between {self.min:g} and {self.max:g}."
            raise WidgetError(message)
        return self

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
