"""Reads a widget: runs its function, loads its tiles concurrently, and applies filters and the user's draft."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from anyio import to_thread
from pydantic import BaseModel

from intarsia.errors import RefusedError, UnsupportedValueError, WidgetError
from intarsia.permissions import Grant
from intarsia.server.rendering.control_permissions import ControlAuthorizer
from intarsia.server.rendering.redact import hidden_tile, redact
from intarsia.server.rendering.windows import (
    FIRST_WINDOWS,
    NO_LISTS,
    WHOLE_LISTS,
    ListSizes,
    ShownList,
    cut_to_windows,
    list_sizes,
)
from intarsia.server.storage.drafts import load_draft
from intarsia.server.storage.store import Store
from intarsia.server.switches.positions import SWITCHED
from intarsia.server.tools.arguments import filled, json_arguments, values_of
from intarsia.server.tools.tool import WidgetTool
from intarsia.ui_templates.render import ROOT_ID
from intarsia.widgets import PendingTile, Widget
from intarsia.widgets.filters import filter_fields, with_filters
from intarsia.widgets.places import Held, Place
from intarsia.widgets.tree import children_of, map_children, may_hold, walk
from intarsia.widgets.windows import Windows

logger = logging.getLogger(__name__)

AnyWidgetTool = WidgetTool[..., Any]

MAX_ITEMS_AT_ONCE = 2_000
"""The maximum number of items that are redacted in the event loop: more would hold up other calls."""


@dataclass(frozen=True)
class Reading:
    """A widget as it was at one moment."""

    widget: Widget
    arguments: dict[str, Any]
    """The arguments of its tool, with defaults."""
    revision: int
    """Increases with every read. It is created before the data are read, so a higher revision is never older data."""
    skipped: frozenset[str] = frozenset()
    """Parts that were not read this time."""
    has_topics: bool = False
    """Whether the widget or one of its tiles declares topics."""
    found_lists: Sequence[ShownList] | None = None
    """Its lists, if they are known."""

    @cached_property
    def lists(self) -> Sequence[ShownList]:
        """Its lists, with the windows of them that it shows."""
        return cut_to_windows(self.widget, FIRST_WINDOWS)[1] if self.found_lists is None else self.found_lists

    @property
    def is_whole(self) -> bool:
        """Whether all lists are shown whole."""
        return self.found_lists is None or all(each.is_whole for each in self.found_lists)


@dataclass(frozen=True)
class LoadedData:
    """The redacted result of a widget's function and its tiles.

    It is the same for all users with the same permissions, unless the function takes a Grant.
    """

    widget: Widget
    arguments: dict[str, Any]
    revision: int
    skipped: frozenset[str] = frozenset()
    """Tiles that were not read this time."""
    has_topics: bool = False
    tile_topics: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    sizes: ListSizes = NO_LISTS
    """The sizes of the lists of the widget before redaction."""


@dataclass(frozen=True)
class WatchedTopics:
    """The topics that a widget reads, for one user and one set of arguments."""

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
        grant: The permissions of the user.
        revision: A revision that was created before this call.
        tiles: The only tiles to read, or `None` for all.

    Raises:
        RefusedError: The function refused.
    """
    given = json_arguments(arguments, with_defaults=True)
    widget = await tool.run(arguments, grant)
    if not isinstance(widget, tool.widget_type):
        message = f"{tool.name} returned {type(widget).__name__}, not {tool.widget_type.__name__}."
        raise WidgetError(message)
    pending = _pending_tiles(widget)
    tile_topics = {tile.name: tile.topics for tile in pending if tile.topics}
    has_topics = bool(tool.topics or tile_topics)
    skipped: frozenset[str] = frozenset()
    if tiles is not None and widget.has_tile_parts:
        direct = [tile for tile in children_of(widget, is_pending) if isinstance(tile, PendingTile)]
        skipped = frozenset({tile.name for tile in direct if tile.scopes <= grant.scopes} - tiles)
    whole = await _with_tiles(widget, pending, grant, skipped) if pending else widget
    sizes = list_sizes(whole)
    shown = await _redacted(whole, grant, sizes.items)
    return LoadedData(shown, given, revision, skipped, has_topics, tile_topics, sizes)


async def _redacted(widget: Widget, grant: Grant, items: int) -> Widget:
    """Redact a widget; one with many items in a thread, so that other calls go on meanwhile."""
    if items <= MAX_ITEMS_AT_ONCE:
        return redact(widget, grant.scopes)
    return await to_thread.run_sync(redact, widget, grant.scopes)


async def finish(
    data: LoadedData, tool: AnyWidgetTool, store: Store, decider: ControlAuthorizer, windows: Windows = FIRST_WINDOWS
) -> Reading:
    """Apply the user's draft, the windows, the filters and the decisions about controls to loaded data.

    Args:
        data: What was read.
        tool: The widget tool.
        store: The store of drafts.
        decider: Decides for the user that sees the widget.
        windows: The windows of its lists.

    Raises:
        IdentityRequiredError: The result depends on the user, and the decider decides for no particular user.
    """
    widget = data.widget
    if widget.can_keep_draft and widget.draft_wanted:
        widget = widget.with_draft(await load_draft(store, decider.person, tool.name, data.arguments))
    # Most widgets have no long lists, and need no walk.
    is_whole = windows == FIRST_WINDOWS and windows is not WHOLE_LISTS and not data.sizes.has_long_lists
    widget, lists = (widget, None) if is_whole else cut_to_windows(widget, windows)
    widget = await decider.apply(_placed(widget, tool, data.arguments))
    skipped = frozenset(f"{ROOT_ID}-tile-{name}" for name in data.skipped)
    return Reading(widget, data.arguments, data.revision, skipped, data.has_topics, lists)


def is_pending(found: type) -> bool:
    """Return whether a class is `PendingTile`."""
    return found is PendingTile


def may_have_tiles(found: type[Widget]) -> bool:
    """Return whether widgets of a class can hold pending tiles."""
    return may_hold(found, is_pending)


def topics_of_tiles(widget: Widget) -> dict[str, frozenset[str]]:
    """Return the topics of a widget's pending tiles at any depth, by tile."""
    return {tile.name: tile.topics for tile in _pending_tiles(widget) if tile.topics}


def _pending_tiles(widget: Widget) -> list[PendingTile]:
    return [part for part in walk(widget, is_pending) if isinstance(part, PendingTile)]


async def _with_tiles(widget: Widget, pending: Sequence[PendingTile], grant: Grant, skipped: frozenset[str]) -> Widget:
    """Load the pending tiles of a widget concurrently, at any depth."""
    apart = {id(tile) for tile in children_of(widget, is_pending)} if skipped else set[int]()
    tiles = await asyncio.gather(
        *(_read_tile(tile, grant, id(tile) in apart and tile.name in skipped) for tile in pending)
    )
    read: dict[int, Held] = {id(old): new for old, new in zip(pending, tiles, strict=True)}

    def visit(part: Held, _place: Place) -> Held | None:
        return read[id(part)] if id(part) in read else map_children(part, visit, is_pending)

    whole = map_children(widget, visit, is_pending)
    assert whole is not None  # noqa: S101 # nothing is left out
    return whole


async def _read_tile(tile: PendingTile, grant: Grant, is_skipped: bool) -> Held:  # noqa: FBT001  # private
    if withheld := hidden_tile(tile, grant.scopes):
        return withheld
    if is_skipped:
        return tile.with_problem("Not read.")
    limit = asyncio.timeout(tile.timeout_seconds)
    try:
        async with limit:
            return tile.with_content(await tile.load())
    except RefusedError as error:
        return tile.with_problem(error.reason)
    except UnsupportedValueError as error:
        logger.warning("The tile %r has a value that cannot be shown.", tile.name, exc_info=True)
        return tile.with_problem(str(error))
    except (Exception, asyncio.CancelledError):
        if _is_cancelled():
            raise
        if limit.expired():
            return tile.with_problem(f"Took longer than {tile.timeout_seconds:g} seconds.")
        logger.exception("The tile %r could not be read.", tile.name)
        return tile.with_problem("Could not be read.")


def _is_cancelled() -> bool:
    """Return whether the current task was cancelled, and not only an operation that a tile awaited."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _has_place(found: type) -> bool:
    """Return whether widgets of a class have filters, or are restricted to some places."""
    return issubclass(found, Widget) and (
        bool(filter_fields(cast("Any", found))) or found.misplaced is not Widget.misplaced
    )


def _placed(widget: Widget, tool: AnyWidgetTool, arguments: Mapping[str, Any]) -> Widget:
    """Return a widget whose filters show the arguments of its tool.

    Raises:
        WidgetError: A part of it cannot stand where it does.
        ToolError: A filter is not a parameter of the tool.
    """

    def visit(part: Held, place: Place) -> Held | None:
        if not isinstance(part, Widget):
            return part
        # Only places for any widget are checked: a field for a specific class accepts that class by definition.
        if Widget in place.held and (problem := part.misplaced):
            message = f"{tool.name}: {type(part).__name__} {problem}"
            raise WidgetError(message)
        return _placed(part, tool, arguments)

    inside = map_children(widget, visit, _has_place)
    assert inside is not None  # noqa: S101 # nothing is left out
    return with_filters(inside, tool, arguments) if filter_fields(cast("Any", type(inside))) else inside


async def topics_of(tool: AnyWidgetTool, arguments: BaseModel, grant: Grant) -> WatchedTopics:
    """Return the topics of a widget. If it can hold tiles, its function runs, but its tiles do not."""
    if not may_have_tiles(tool.widget_type):
        return topics_shown(tool, arguments, {})
    return topics_shown(tool, arguments, topics_of_tiles(await tool.run(arguments, grant)))


def topics_shown(tool: AnyWidgetTool, arguments: BaseModel, tiles: Mapping[str, frozenset[str]]) -> WatchedTopics:
    """Return the topics of a widget from those of its tiles."""
    return WatchedTopics(filled(tool.topics, values_of(arguments)) | {SWITCHED}, tiles)
