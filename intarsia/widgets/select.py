"""A choice of one out of several."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Annotated, Self

from pydantic import Field, model_validator

from intarsia.errors import WidgetError, near_miss
from intarsia.widgets.action import NO_ACTION, BoundAction, OptionalAction, Parameter, Sends
from intarsia.widgets.widget import Widget, hidden


class Option(Widget):
    """One choice."""

    value: str = Field(kw_only=False)
    """What is sent."""
    label: str = Field(kw_only=False)
    """What people read."""


@lru_cache(1_000)
def _option(text: str) -> Option:
    return Option(text, text)


class Select(Widget):
    """A choice of one out of several.

    Among a widget's `filters` its name is an argument of the tool, and choosing calls the tool anew. In a design
    panel its name is a token. Anywhere else give it `on_change`.
    """

    name: str = Field(kw_only=False, min_length=1)
    """The argument or token that it sets."""
    label: str = ""
    """What people read; made from the name if left out."""
    options: Sequence[Option | str]
    """The choices; a plain text is both what is sent and what people read."""
    value: str | None = None
    """What is chosen; `None` is "any" among filters."""
    placeholder: str = "Any"
    """How the choice of none is called among filters; empty where one has to be chosen."""
    on_change: Annotated[OptionalAction, Sends({"value": {"string"}})] = NO_ACTION
    """The action that runs when a choice is made."""

    @model_validator(mode="after")
    def _value_is_an_option(self) -> Self:
        values = [item if isinstance(item, str) else item.value for item in self.options]
        if len(set(values)) < len(values):
            message = f"Select {self.name!r} has two options with the same value."
            raise WidgetError(message)
        if self.value is not None and self.value not in values:
            message = f"Select {self.name!r} has no option {self.value!r}.{near_miss(self.value, set(values))}"
            raise WidgetError(message)
        return self

    @property
    def misplaced(self) -> str:
        """Why it cannot stand where any widget can: it would do nothing."""
        return idle(self.name, self.on_change)

    def stand_in(self, missing: AbstractSet[str]) -> Self:
        """Return the select without choices, and with a note for what is chosen."""
        return self.model_copy(update={"options": [], "value": None, "placeholder": hidden(missing)})

    def redacted(self, granted: AbstractSet[str], left_out: Sequence[AbstractSet[str]]) -> Self:
        """Return the select without the choice of an option that is left out."""
        del granted
        is_chosen = any(option.value == self.value for option in self.choices)
        return self.model_copy(update={"value": None}) if left_out and not is_chosen else self

    @property
    def choices(self) -> list[Option]:
        """The options, each with its label."""
        return [_option(item) if isinstance(item, str) else item for item in self.options]

    @property
    def shown_label(self) -> str:
        """What people read."""
        return self.label or label_from(self.name)

    @property
    def shown_value(self) -> str:
        """The label of what is chosen."""
        return next((option.label for option in self.choices if option.value == self.value), self.placeholder)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        assign = BoundAction(
            "assign_card",
            "Assign card",
            {"card": "T-12"},
            {"value": Parameter(required=True, json_types=frozenset({"string"}))},
        )
        return {
            "default": cls("assignee", options=["Ada", "Grace", "Linus"]),
            "chosen": cls("period", options=[Option("1h", "1 hour"), Option("24h", "24 hours")], value="24h"),
            "calls an action": cls("assignee", options=["Ada", "Grace"], value="Ada", on_change=assign),
            "no options": cls("assignee", options=[]),
            "options are markup": cls("assignee", options=["<b>Ada</b>", '"><img src=x>']),
        }


def idle(name: str, on_change: BoundAction | None) -> str:
    """Say why a control does nothing where any widget can stand; nothing if it has an action."""
    if on_change is not None:
        return ""
    return f"{name!r} does nothing. Give it `on_change`, or put it among the `filters` of a Dashboard or TaskBoard."


def label_from(name: str) -> str:
    """Make a label from an identifier: `due_date` becomes "Due date"."""
    return name.replace("_", " ").strip().capitalize()
