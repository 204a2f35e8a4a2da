"""Rows that can be opened, each by an action of its own."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from pydantic import Field

from intarsia.widgets import BoundAction, Widget
from intarsia.widgets.action import Sends


class CatalogRow(Widget):
    """One thing of a catalog."""

    title: str = Field(kw_only=False)
    """What it is called."""
    on_open: Annotated[BoundAction | None, Sends({})] = None
    """Opens it."""


class Catalog(Widget):
    """Rows, and an action for all of them."""

    rows: Sequence[CatalogRow] = Field(kw_only=False)
    """From top to bottom."""
    on_clear: Annotated[BoundAction | None, Sends({})] = None
    """Removes every row."""

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        opens = BoundAction("open_thing", "Open thing", {"thing": "T-1"})
        clears = BoundAction("clear_things", "Clear things")
        return {
            "default": cls([CatalogRow("A chair", on_open=opens), CatalogRow("A table")], on_clear=clears),
            "empty": cls([]),
        }
