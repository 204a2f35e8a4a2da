"""Leaving out what a person did not grant to be shown, before anything is drawn of it.

What is left out reaches no markup, no text form, no hash and no draft; a note with the scopes stands in its place.
What a widget holds follows from its fields, and what else is to be done with it from the widget (`Widget.stand_in`,
`Widget.redacted`): no class is named here.
"""

from collections.abc import Set as AbstractSet
from typing import cast

from intarsia.widgets import PendingTile, Widget
from intarsia.widgets.places import Held, Place
from intarsia.widgets.text import note
from intarsia.widgets.tree import map_children, walk
from intarsia.widgets.widget import hidden, is_plain


def redact(widget: Widget, granted: AbstractSet[str]) -> Widget:
    """Return what somebody may see of a widget; the widget itself where that is all of it.

    Args:
        widget: What was read.
        granted: The scopes of who will see it.
    """
    if _is_shown_whole(widget, granted):
        return widget
    shown = _shown(widget, granted)
    return shown if isinstance(shown, Widget) else _instead(widget, shown)


def _is_shown_whole(widget: Widget, granted: AbstractSet[str]) -> bool:
    """Return whether nothing of a widget is hidden, as for most users: one walk, and no copies."""
    parts = cast("list[Widget | PendingTile]", walk(widget, plain=is_plain))
    for part in parts:
        if not part.scopes <= granted:
            return False
    for part in parts:
        # Only a class that redacts something of its own needs to be asked.
        is_asked = isinstance(part, Widget) and type(part).redacted is not Widget.redacted
        if is_asked and cast("Widget", part).redacted(granted, ()) is not part:
            return False
    return True


def hidden_tile(tile: PendingTile, granted: AbstractSet[str]) -> Widget | None:
    """Return what stands in the place of a tile that is not read for somebody; `None` when it may be."""
    missing = tile.scopes - granted
    return tile.stand_in(missing) if missing else None


def _shown(widget: Widget, granted: AbstractSet[str]) -> Widget | AbstractSet[str]:
    """Return what may be seen of a widget, or the scopes without which nothing of it may."""
    if missing := widget.scopes - granted:
        return missing
    left_out: list[AbstractSet[str]] = []

    def visit(part: Held, place: Place) -> Held | None:
        if isinstance(part, PendingTile):
            return hidden_tile(part, granted) or part
        child = cast("Widget", part)
        shown = _shown(child, granted)
        if isinstance(shown, Widget):
            return shown
        if not place.leaves_out and place.takes(instead := _instead(child, shown)):
            return instead
        left_out.append(shown)
        return None

    inside = map_children(widget, visit, plain=is_plain)
    # What cannot be without a hidden part is hidden like that part.
    return frozenset[str]().union(*left_out) if inside is None else inside.redacted(granted, left_out)


def _instead(widget: Widget, missing: AbstractSet[str]) -> Widget:
    return widget.stand_in(missing) or note(hidden(missing))
