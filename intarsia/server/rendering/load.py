"""Reading a widget: its function, its tiles side by side, its filters, and the person's draft."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from intarsia.errors import RefusedError, ToolError, WidgetError
from intarsia.permissions import Grant
from intarsia.server.rendering.control_permissions import ControlAuthorizer
from intarsia.server.rendering.redact import hidden_tile, redact
from intarsia.server.storage.drafts import load_draft
from intarsia.server.storage.store import Store
from intarsia.server.switches.positions import SWITCHED
from intarsia.server.tools.arguments import filled, json_arguments, values_of
from intarsia.server.tools.tool import WidgetTool
from intarsia.ui_templates.render import ROOT_ID
from intarsia.widgets import (
    Checkbox,
    ColorField,
    Dashboard,
    DesignPanel,
    Grid,
    Option,
    PendingTile,
    Select,
    Slider,
    Stack,
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
    has_topics: bool = False
    """Whether it, or a tile of it, names what it reads."""


@dataclass(frozen=True)
class LoadedData:
    """What a widget's function and its tiles brought, without what somebody did not grant to be shown.

    With one set of permissions it is the same for everybody, unless the function takes a Grant.
    """

    widget: Widget
    arguments: dict[str, Any]
    revision: int
    skipped: frozenset[str] = frozenset()
    """Tiles that were not read this time."""
    has_topics: bool = False
    tile_topics: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])


@dataclass(frozen=True)
class WatchedTopics:
    """What a widget reads, for one person with certain arguments."""

    whole: frozenset[str]
    """A change of these concerns the whole widget."""
    tiles: Mapping[str, frozenset[str]]
    """By tile: a change of these concerns that tile alone."""

    @property
    def all(self) -> frozenset[str]:
        """Every topic."""
        return self.whole.union(*self.tiles.values())


async def read_data(
    tool: AnyWidgetTool, arguments: BaseModel, grant: Grant, revision: int, tiles: frozenset[str] | None = None
) -> LoadedData:
    """Run the function of a widget tool, and its tiles.

    Args:
        tool: The widget tool.
        arguments: Its checked arguments.
        grant: For whom.
        revision: Made before this was called.
        tiles: The only tiles to read, or `None` for all.

    Raises:
        RefusedError: The function refused.
    """
    given = json_arguments(arguments, with_defaults=True)
    widget = await tool.run(arguments, grant)
    if not isinstance(widget, tool.widget_type):
        message = f"{tool.name} returned {type(widget).__name__}, not {tool.widget_type.__name__}."
        raise WidgetError(message)
    tile_topics = topics_of_tiles(widget)
    has_topics = bool(tool.topics or tile_topics)
    skipped: frozenset[str] = frozenset()
    if isinstance(widget, Dashboard) and tiles is not None:
        pending = [tile for tile in widget.tiles if isinstance(tile, PendingTile)]
        skipped = frozenset({tile.name for tile in pending if tile.scopes <= grant.scopes} - tiles)
    whole = await _with_tiles(widget, grant, skipped)
    return LoadedData(redact(whole, grant.scopes), given, revision, skipped, has_topics, tile_topics)


async def finish(data: LoadedData, tool: AnyWidgetTool, store: Store, decider: ControlAuthorizer) -> Reading:
    """Make what was read into what one person sees: with their draft, and with decisions about its controls.

    Args:
        data: What was read.
        tool: The widget tool.
        store: Where drafts are kept.
        decider: Decides for whoever sees it.

    Raises:
        PersonalError: It depends on the person, and the decider decides for nobody in particular.
    """
    widget = data.widget
    if isinstance(widget, DesignPanel) and widget.draft:
        widget = widget.with_draft(await load_draft(store, decider.person, tool.name, data.arguments))
    widget = await decider.apply(_with_filters(widget, tool, data.arguments))
    skipped = frozenset(f"{ROOT_ID}-tile-{name}" for name in data.skipped)
    return Reading(widget, data.arguments, data.revision, skipped, data.has_topics)


def pending_tiles(widget: Widget) -> Iterator[PendingTile]:
    """Return the tiles that are still to be read, of a dashboard or of those that stand in a stack or grid."""
    if isinstance(widget, Dashboard):
        yield from (tile for tile in widget.tiles if isinstance(tile, PendingTile))
    elif isinstance(widget, Stack | Grid):
        for child in widget.children:
            yield from pending_tiles(child)


def topics_of_tiles(widget: Widget) -> dict[str, frozenset[str]]:
    """Return what the tiles that are still to be read name, by tile."""
    return {tile.name: tile.topics for tile in pending_tiles(widget) if tile.topics}


async def _with_tiles(widget: Widget, grant: Grant, skipped: frozenset[str] = frozenset()) -> Widget:
    """Read the tiles of a dashboard, or of the dashboards that stand in a stack or grid."""
    if isinstance(widget, Dashboard):
        tiles = await asyncio.gather(*(_read_tile(tile, grant, tile.name in skipped) for tile in widget.tiles))
        return widget.model_copy(update={"tiles": list(tiles)})
    if isinstance(widget, Stack | Grid):
        children = await asyncio.gather(*(_with_tiles(child, grant) for child in widget.children))
        return widget.model_copy(update={"children": list(children)})
    return widget


async def _read_tile(tile: Tile | PendingTile, grant: Grant, is_skipped: bool) -> Tile:  # noqa: FBT001  # private
    if isinstance(tile, Tile):
        return tile
    if withheld := hidden_tile(tile, grant.scopes):
        return withheld
    if is_skipped:
        return _tile(tile, problem="Not read.")
    limit = asyncio.timeout(tile.timeout_seconds)
    try:
        async with limit:
            return _tile(tile, content=await tile.load())
    except RefusedError as error:
        return _tile(tile, problem=error.reason)
    except (Exception, asyncio.CancelledError):
        if _is_cancelled():
            raise
        if limit.expired():
            return _tile(tile, problem=f"Took longer than {tile.timeout_seconds:g} seconds.")
        logger.exception("The tile %r could not be read.", tile.name)
        return _tile(tile, problem="Could not be read.")


def _is_cancelled() -> bool:
    """Whether the call itself was cancelled, and not only something that a tile waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


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
    if isinstance(child, DesignPanel) and child.draft:
        message = (
            f"{tool.name}: DesignPanel {child.title!r} keeps a draft, so the tool must return it alone; "
            "inside another widget leave `draft` out."
        )
        raise WidgetError(message)
    if isinstance(child, Select | Checkbox | Slider | ColorField) and child.on_change is None:
        message = (
            f"{tool.name}: {type(child).__name__} {child.name!r} does nothing. Give it `on_change`, or put it among "
            "the `filters` of a Dashboard or TaskBoard."
        )
        raise WidgetError(message)
    return _with_filters(child, tool, arguments)


def _filter(control: Select, tool: AnyWidgetTool, arguments: Mapping[str, Any]) -> Select:
    if control.name not in tool.model.model_fields:
        message = f"{tool.name}: the filter {control.name!r} is no parameter of the tool; name one of its parameters."
        raise ToolError(message)
    return _with_value(_fitting(control, tool), arguments.get(control.name))


def _fitting(select: Select, tool: AnyWidgetTool) -> Select:
    parameter = tool.parameters[select.name]
    if parameter.json_types and "string" not in parameter.json_types:
        message = (
            f"{tool.name}: the filter {select.name!r} sends text, but the parameter takes "
            f"{' or '.join(sorted(parameter.json_types))}. Make it a `str` or a Literal of texts."
        )
        raise ToolError(message)
    # Where an argument must be given, choosing none could only be refused.
    return select.model_copy(update={"placeholder": ""}) if parameter.required else select


def _with_value(select: Select, value: object) -> Select:
    if value is None:
        return select
    chosen = str(value)
    options = select.choices
    if all(option.value != chosen for option in options):
        options = [*options, Option(chosen, chosen)]
    return select.model_copy(update={"options": options, "value": chosen})


async def topics_of(tool: AnyWidgetTool, arguments: BaseModel, grant: Grant) -> WatchedTopics:
    """Say what a widget reads. The function of a dashboard is run for it, its tiles are not."""
    if not issubclass(tool.widget_type, Dashboard | Stack | Grid):
        return topics_shown(tool, arguments, {})
    return topics_shown(tool, arguments, topics_of_tiles(await tool.run(arguments, grant)))


def topics_shown(tool: AnyWidgetTool, arguments: BaseModel, tiles: Mapping[str, frozenset[str]]) -> WatchedTopics:
    """Say what a widget reads whose tiles are known."""
    return WatchedTopics(filled(tool.topics, values_of(arguments)) | {SWITCHED}, tiles)
