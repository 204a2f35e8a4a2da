"""A checkbox."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import Field

from intarsia.permissions import Decision
from intarsia.widgets.action import NO_ACTION, BoundAction, OptionalAction, Parameter, Sends
from intarsia.widgets.select import idle, label_from
from intarsia.widgets.widget import Widget


class Checkbox(Widget):
    """A checkbox. A change is sent immediately."""

    name: str = Field(kw_only=False, min_length=1)
    """The name of the argument or design token that it sets."""
    label: str = ""
    """The visible label; by default derived from the name."""
    value: bool = False
    """Whether it is checked."""
    on_change: Annotated[OptionalAction, Sends({"value": {"boolean"}})] = NO_ACTION
    """The action to run on a change. It receives the new state as `value`."""

    @property
    def shown_label(self) -> str:
        """The visible label: `label`, or one derived from the name."""
        return self.label or label_from(self.name)

    @property
    def misplaced(self) -> str:
        """Why it cannot be placed as a standalone widget (it has no `on_change`); empty if it can."""
        return idle(self.name, self.on_change)

    def sent_with(self, field: str) -> Mapping[str, Mapping[str, Any]]:
        """Return the arguments of its next call: the toggled value, as there is only one other."""
        del field
        return {"": {"value": not self.value}}

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        mark = BoundAction(
            "mark_card",
            "Mark card",
            {"card": "T-12"},
            {"value": Parameter(required=True, json_types=frozenset({"boolean"}))},
        )
        return {
            "default": cls("shadow"),
            "ticked": cls("shadow", label="Soft shadow", value=True),
            "calls an action": cls("urgent", on_change=mark),
            "refused": cls(
                "urgent", on_change=replace(mark, decision=Decision(allowed=False, reason="Not your card."))
            ),
            "label is markup": cls("shadow", label="<b>x</b>"),
        }
