"""Reading a widget: its function, its tiles side by side, its filters, and the person's draft."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel

from inlay.errors import RefusedError, ToolError, WidgetError
from inlay.server.arguments import json_arguments
from inlay.server.drafts import load_draft
from inlay.server.store import Store
from inlay.server.tools import WidgetTool
from inlay.ui_templates.render import ROOT_ID
from inlay.widgets import (
    Checkbox,
    ColorField,
    Dashboard,
    DesignPanel,
    Option,
    PendingTile,
    Select,
    Slider,
    Tile,
    Widget,
)

logger = logging.getLogger(__name__)

AnyWidgetTool = WidgetTool[..., Any]


@dataclass(frozen=True)
class Reading:
    """A widget as it was at one moment."""

    widget: Widget
    arguments: dict[str, Any]
    """What its tool was called with, defaults filled in."""
    revision: int
    """Grows with every reading; made before the data were read, so that a later one is never older."""
    skipped: frozenset[str] = frozenset()
    """Parts that were not read this time."""


class Clock:
    """Makes revisions: microseconds, and always more than the last."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """Return a revision."""
        self._last = max(self._last + 1, time.time_ns() // 1_000)
        return self._last


CLOCK = Clock()


async def read_widget(
    tool: AnyWidgetTool, arguments: BaseModel, store: Store, person: str, tiles: frozenset[str] | None = None
) -> Reading:
    """Run a widget tool and everything that it needs to be shown.

    Args:
        tool: The widget tool.
        arguments: Its checked arguments.
        store: Where drafts are kept.
        person: Whose draft to show.
        tiles: The only tiles to read, or `None` for all.

    Raises:
        RefusedError: The function refused.
    """
    revision = CLOCK.next()
    given = json_arguments(arguments, with_defaults=True)
    widget = await tool.run(arguments)
    if not isinstance(widget, tool.widget_type):
        message = f"{tool.name} returned {type(widget).__name__}, not {tool.widget_type.__name__}."
        raise WidgetError(message)
    skipped: frozenset[str] = frozenset()
    if isinstance(widget, Dashboard):
        names = {tile.name for tile in widget.tiles if isinstance(tile, PendingTile)}
        skipped = frozenset(names - tiles) if tiles is not None else frozenset()
        widget = widget.model_copy(update={"tiles": await _read_tiles(widget.tiles, skipped)})
    if isinstance(widget, DesignPanel) and widget.draft:
        widget = widget.with_draft(await load_draft(store, person, tool.name, given))
    widget = _with_filters(widget, tool, given)
    return Reading(widget, given, revision, frozenset(f"{ROOT_ID}-tile-{name}" for name in skipped))


async def _read_tiles(tiles: Sequence[Tile | PendingTile], skipped: frozenset[str]) -> list[Tile]:
    return list(await asyncio.gather(*(_read_tile(tile, tile.name in skipped) for tile in tiles)))


async def _read_tile(tile: Tile | PendingTile, is_skipped: bool) -> Tile:  # noqa: FBT001  # private, read at one place
    if isinstance(tile, Tile):
        return tile
    if is_skipped:
        return _tile(tile, problem="Not read.")
    try:
        async with asyncio.timeout(tile.timeout_seconds):
            return _tile(tile, content=await tile.load())
    except RefusedError as error:
        return _tile(tile, problem=error.reason)
    except TimeoutError:
        return _tile(tile, problem=f"Took longer than {tile.timeout_seconds:g} seconds.")
    except Exception:
        logger.exception("The tile %r could not be read.", tile.name)
        return _tile(tile, problem="Could not be read.")


def _tile(pending: PendingTile, **fields: Any) -> Tile:
    return Tile(
        pending.name, title=pending.title, refresh_seconds=pending.refresh_seconds, width=pending.width, **fields
    )


def _with_filters(widget: Widget, tool: AnyWidgetTool, arguments: Mapping[str, Any]) -> Widget:
    if isinstance(widget, DesignPanel):
        return widget
    changes: dict[str, Any] = {}
    filters: Sequence[Select | str] | None = getattr(widget, "filters", None)
    if filters:
        changes["filters"] = [
            _filter(tool.select_for(item) if isinstance(item, str) else item, tool, arguments) for item in filters
        ]
    children: Sequence[Widget] | None = getattr(widget, "children", None)
    if children:
        changes["children"] = [_child(child, tool, arguments) for child in children]
    return widget.model_copy(update=changes) if changes else widget


def _child(child: Widget, tool: AnyWidgetTool, arguments: Mapping[str, Any]) -> Widget:
    if isinstance(child, Select | Checkbox | Slider | ColorField) and child.on_change is None:
        return cast("Widget", _filter(child, tool, arguments))
    return _with_filters(child, tool, arguments)


def _filter(control: Any, tool: AnyWidgetTool, arguments: Mapping[str, Any]) -> Any:
    if control.name not in tool.model.model_fields:
        message = f"{tool.name}: the filter {control.name!r} is no parameter of the tool; name one of its parameters."
        raise ToolError(message)
    value = arguments.get(control.name)
    if isinstance(control, Select):
        return _with_value(control, value)
    return control if value is None else control.model_copy(update={"value": value})


def _with_value(select: Select, value: object) -> Select:
    if value is None:
        return select
    chosen = str(value)
    options = select.choices
    if all(option.value != chosen for option in options):
        options = [*options, Option(chosen, chosen)]
    return select.model_copy(update={"options": options, "value": chosen})
