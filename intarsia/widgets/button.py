"""A button that runs an action."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field

from intarsia.permissions import Decision
from intarsia.widgets.action import BoundAction, RequiredAction, Sends
from intarsia.widgets.widget import Widget

NEEDS_SCOPE = Decision(
    allowed=False,
    reason="Restart needs services:write, a permission you don't have.",
    missing_scopes=frozenset({"services:write"}),
)


class Button(Widget):
    """A button. Its action must have all arguments bound: a button sends none."""

    label: str = Field(kw_only=False, min_length=1)
    """The label: a verb, such as "Restart"."""
    on_click: Annotated[RequiredAction, Sends({})]
    """The action to run on a click."""
    variant: Literal["primary", "secondary", "danger"] = "secondary"
    """The visual style. Use at most one primary button in a widget."""
    disabled_reason: str | None = None
    """Disables the button, and shows this sentence as the reason."""

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        restart = BoundAction("restart", "Restart", {"service": "checkout"})
        return {
            "default": cls("Restart", on_click=restart),
            "primary": cls("Restart", on_click=restart, variant="primary"),
            "danger": cls("Drop cache", on_click=restart, variant="danger"),
            "disabled": cls("Restart", on_click=restart, disabled_reason="A restart is running."),
            "refused": cls("Restart", on_click=replace(restart, decision=NEEDS_SCOPE)),
            "label is markup": cls("<b>x</b>", on_click=restart),
        }
