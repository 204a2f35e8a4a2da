"""The wait of an open View: until a topic of its widget changes, its access does, or it has waited long enough."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from intarsia.errors import ArgumentError
from intarsia.permissions import Grant
from intarsia.server.changes.access_watch import ACCESS_WATCH
from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.server.rendering.load import AnyWidgetTool, may_have_tiles, topics_of_tiles
from intarsia.server.tools.tool import values_of
from intarsia.server.tools.topics import filled

SWITCHED = "intarsia:switches"
"""The topic of an admin's switches, on which everything depends."""

MAX_WAIT_SECONDS = 25
"""Hosts and proxies give up on a call after 60 seconds or, some of them, 30."""

WITHDRAWN = "Your access was withdrawn, so this is no longer shown. Connect again in the chat to go on."


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


@dataclass(frozen=True)
class WaitOutcome:
    """How a wait ended."""

    topics: WatchedTopics
    changed: frozenset[str]
    grant: Grant | None
    """What the caller granted now; `None` when their access ended."""
    changed_at: int = 0
    """When one of the topics last changed; what is shown now must be newer."""

    def tiles(self, due: frozenset[str] | None) -> frozenset[str] | None:
        """Return the tiles to read: those that changed besides those that are due, or `None` for everything."""
        if not self.changed:
            return due
        if self.changed & self.topics.whole:
            return None
        changed = {name for name, topics in self.topics.tiles.items() if topics & self.changed}
        return (due or frozenset()) | changed


async def topics_of(tool: AnyWidgetTool, arguments: BaseModel, grant: Grant) -> WatchedTopics:
    """Say what a widget reads. The function of one that may hold tiles is run for it, its tiles are not."""
    if not may_have_tiles(tool.widget_type):
        return topics_shown(tool, arguments, {})
    return topics_shown(tool, arguments, topics_of_tiles(await tool.run(arguments, grant)))


def topics_shown(tool: AnyWidgetTool, arguments: BaseModel, tiles: Mapping[str, frozenset[str]]) -> WatchedTopics:
    """Say what a widget reads whose tiles are known."""
    return WatchedTopics(filled(tool.topics, values_of(arguments)) | {SWITCHED}, tiles)


async def wait_for_change(topics: WatchedTopics, revision: int, seconds: object, grant: Grant) -> WaitOutcome:
    """Wait until something changes that a View shows.

    Args:
        topics: What it reads.
        revision: Of what it shows.
        seconds: How long, up to `MAX_WAIT_SECONDS`; nothing is no wait.
        grant: Who waits.

    Raises:
        ArgumentError: The time is out of its range.
    """
    limit = _checked_seconds(seconds)
    grant_now = await _wait(topics.all, revision, limit, grant) if limit else grant
    return WaitOutcome(topics, CHANGE_LOG.since(topics.all, revision), grant_now, CHANGE_LOG.last(topics.all))


async def _wait(topics: frozenset[str], revision: int, seconds: float, grant: Grant) -> Grant | None:
    access = ACCESS_WATCH.get()
    if access is None:
        await CHANGE_LOG.wait(topics, revision, seconds)
        return grant
    other = asyncio.create_task(access.changed())
    try:
        await CHANGE_LOG.wait(topics, revision, seconds, other)
        return other.result() if other.done() else grant
    finally:
        other.cancel()


def _checked_seconds(seconds: object) -> float:
    if seconds is None:
        return 0
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= MAX_WAIT_SECONDS:
        message = f"wait_seconds must be a number from 0 to {MAX_WAIT_SECONDS}."
        raise ArgumentError(message)
    return seconds
