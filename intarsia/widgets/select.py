"""A select."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Annotated, Self

from pydantic import Field, model_validator

from intarsia.errors import WidgetError, near_miss
from intarsia.widgets.action import NO_ACTION, BoundAction, OptionalAction, Parameter, Sends
from intarsia.widgets.characters import check_twins
from intarsia.widgets.widget import Id, Widget, hidden


class Option(Widget):
    """One option of a select."""

    value: Id = Field(kw_only=False)
    """The value to send."""
    label: str = Field(kw_only=False)
    """The visible label."""


_EMPTY_OPTION = Option("", "")


# Cached, because the same few strings become options in every read. The select has validated them.
@lru_cache(1_000)
def _option(text: str) -> Option:
    return _EMPTY_OPTION.model_copy(update={"value": text, "label": text})


class Select(Widget):
    """A select of one option.

    In the `filters` of a widget it sets the tool argument of its name, and a change calls the tool again. In a design
    panel it sets the design token of its name. Anywhere else it needs `on_change`.
    """

    name: str = Field(kw_only=False, min_length=1)
    """The name of the argument or design token that it sets."""
    label: str = ""
    """The visible label; by default derived from the name."""
    options: Sequence[Option | Id]
    """The options, with unique values. A string is both value and label."""
    value: str | None = None
    """The value of the selected option; `None` if none is selected."""
    placeholder: str = "Any"
    """In filters, the label of the option that selects none; empty to require a selection."""
    on_change: Annotated[OptionalAction, Sends({"value": {"string"}})] = NO_ACTION
    """The action to run on a change. It receives the selected option's value as `value`."""

    @model_validator(mode="after")
    def _value_is_an_option(self) -> Self:
        values = [item if isinstance(item, str) else item.value for item in self.options]
        if len(set(values)) < len(values):
            message = f"Select {self.name!r} has two options with the same value."
            raise WidgetError(message)
        check_twins("Select.options", values)
        if self.value is not None and self.value not in values:
            message = f"Select {self.name!r} has no option {self.value!r}.{near_miss(self.value, set(values))}"
            raise WidgetError(message)
        return self

    @property
    def misplaced(self) -> str:
        """Why it cannot be placed as a standalone widget (it has no `on_change`); empty if it can."""
        return idle(self.name, self.on_change)

    def stand_in(self, missing: AbstractSet[str]) -> Self:
        """Return the select without options, and with a note as its placeholder."""
        return self.model_copy(update={"options": [], "value": None, "placeholder": hidden(missing)})

    def redacted(self, granted: AbstractSet[str], left_out: Sequence[AbstractSet[str]]) -> Self:
        """Return the select without its value, if the selected option is redacted."""
        del granted
        is_chosen = any(option.value == self.value for option in self.choices)
        return self.model_copy(update={"value": None}) if left_out and not is_chosen else self

    @property
    def choices(self) -> list[Option]:
        """The options, with strings converted."""
        return [_option(item) if isinstance(item, str) else item for item in self.options]

    @property
    def shown_label(self) -> str:
        """The visible label: `label`, or one derived from the name."""
        return self.label or label_from(self.name)

    @property
    def shown_value(self) -> str:
        """The label of the selected option, or the placeholder."""
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
    """Return an error message for a standalone control without an action; empty if it has one."""
    if on_change is not None:
        return ""
    return f"{name!r} does nothing. Give it `on_change`, or put it into the `filters` of a Dashboard or TaskBoard."


def label_from(name: str) -> str:
    """Derive a label from an identifier in snake_case: `due_date` becomes "Due date". Any other text is a label."""
    is_snake_case = name.isidentifier() and name == name.lower()
    return name.replace("_", " ").strip().capitalize() if is_snake_case else name
