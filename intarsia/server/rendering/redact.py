"""Redacts widgets that a user has not granted the scopes for, before anything is rendered.

Redacted widgets reach no markup, text form, hash or draft; a note with the missing scopes takes their place. The fields
of a widget say which widgets it holds, and `Widget.stand_in` and `Widget.redacted` say what else to change, so this
module names no widget class.
"""

from collections.abc import Set as AbstractSet
from typing import cast

from intarsia.widgets import PendingTile, Widget
from intarsia.widgets.places import Held, Place
from intarsia.widgets.text import note
from intarsia.widgets.tree import map_children, walk
from intarsia.widgets.widget import hidden, is_plain


def redact(widget: Widget, granted: AbstractSet[str]) -> Widget:
    """Return a widget without what the scopes do not allow, or the same widget if nothing is hidden.

    Args:
        widget: The widget that was read.
        granted: The scopes of the user that sees it.
    """
    if _is_shown_whole(widget, granted):
        return widget
    shown = _shown(widget, granted)
    return shown if isinstance(shown, Widget) else _instead(widget, shown)


def _is_shown_whole(widget: Widget, granted: AbstractSet[str]) -> bool:
    """Return whether nothing of a widget is hidden. For most users that is so, and takes one walk without copies."""
    parts = cast("list[Widget | PendingTile]", walk(widget, plain=is_plain))
    for part in parts:
        if not part.scopes <= granted:
            return False
    for part in parts:
        # Only classes that override `redacted` can hide more than whole parts.
        is_asked = isinstance(part, Widget) and type(part).redacted is not Widget.redacted
        if is_asked and cast("Widget", part).redacted(granted, ()) is not part:
            return False
    return True


def hidden_tile(tile: PendingTile, granted: AbstractSet[str]) -> Widget | None:
    """Return the replacement of a tile that the scopes do not allow, or `None` if they allow it."""
    missing = tile.scopes - granted
    return tile.stand_in(missing) if missing else None


def _shown(widget: Widget, granted: AbstractSet[str]) -> Widget | AbstractSet[str]:
    """Return the redacted widget, or the missing scopes if all of it is hidden."""
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
    # A widget that requires a hidden part is hidden too.
    return frozenset[str]().union(*left_out) if inside is None else inside.redacted(granted, left_out)


def _instead(widget: Widget, missing: AbstractSet[str]) -> Widget:
    return widget.stand_in(missing) or note(hidden(missing))
