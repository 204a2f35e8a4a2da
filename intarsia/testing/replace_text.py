"""Replaces the text of a widget by hostile text, and by harmless text to compare with."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast, get_args

from pydantic.fields import FieldInfo

from intarsia.widgets import BoundAction, PendingTile, Tile, Widget
from intarsia.widgets.windows import ListWindow

W = TypeVar("W", bound=Widget)

HOSTILE = "--><img src=x onerror=alert(1)>\"'></script></style><!--intarsia:w-head-->{{ 7 * 7 }}&lt;b onload=x&gt;"
"""Text that tries to break out of every context in which text can appear."""

HARMLESS = re.sub(r"[^\w ]", "m", HOSTILE)
"""Text of the same length without special characters."""


def reword(widget: W, words: Callable[[str], str]) -> W:
    """Return a copy of a widget with all text replaced. Ids and references to them change in the same way.

    Args:
        widget: Any widget.
        words: Returns the replacement of a text that users or other systems wrote.
    """
    changed: W = _reworded(widget, words)
    return changed


def _reworded(value: Any, words: Callable[[str], str]) -> Any:
    match value:
        case Widget():
            fields = type(value).model_fields
            changed = {name: _reworded(getattr(value, name), words) for name in fields if _is_text(fields[name])}
            return value.model_copy(update=changed)
        case PendingTile():
            return _reworded(Tile(value.name, title=value.title, problem="Not read."), words)
        case BoundAction():
            return replace(value, title=words(value.title), arguments=_reworded(value.arguments, words))
        case ListWindow():  # the server makes it, and nobody's words are in it
            return value
        case str():
            return value if re.fullmatch("#[0-9a-f]{6}", value) else words(value)
        case Mapping():
            entries = cast("dict[Any, Any]", value)
            return {_reworded(key, words): _reworded(item, words) for key, item in entries.items()}
        case list() | tuple():
            items = [_reworded(item, words) for item in cast("Sequence[Any]", value)]
            return items if isinstance(value, list) else tuple(items)
        case _:
            return value


def _is_text(field: FieldInfo) -> bool:
    """Whether a field contains free text; a closed set or a color does not."""
    choices = (field.annotation, *get_args(field.annotation))
    is_closed = any(type(choice).__name__ == "_LiteralGenericAlias" for choice in choices)
    return not is_closed and "pattern=" not in repr(field)
