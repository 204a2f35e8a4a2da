"""A yes or no."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import Field

from intarsia.permissions import Decision
from intarsia.widgets.action import NO_ACTION, BoundAction, OptionalAction, Parameter, Sends
from intarsia.widgets.select import idle, label_from
from intarsia.widgets.widget import Widget


class Checkbox(Widget):
    """A yes or no, told at once when it changes."""

    name: str = Field(kw_only=False, min_length=1)
    """The argument or token that it sets."""
    label: str = ""
    """What people read; made from the name if left out."""
    value: bool = False
    """Whether it is ticked."""
    on_change: Annotated[OptionalAction, Sends({"value": {"boolean"}})] = NO_ACTION
    """The action that runs when it changes."""

    @property
    def shown_label(self) -> str:
        """What people read."""
        return self.label or label_from(self.name)

    @property
    def misplaced(self) -> str:
        """Why it cannot stand where any widget can: it would do nothing."""
        return idle(self.name, self.on_change)

    def sent_with(self, field: str) -> Mapping[str, Mapping[str, Any]]:
        """Return what it sends: the other of both values."""
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
