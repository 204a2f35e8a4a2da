"""The wait of an open View: until a topic of its widget changes, its access does, or it has waited long enough."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from inlay.errors import ArgumentError
from inlay.permissions import Grant
from inlay.server.live.access import ACCESS
from inlay.server.live.changes import CHANGES
from inlay.server.live.topics import filled
from inlay.server.reading import AnyWidgetTool, topics_of_tiles
from inlay.server.tools import values_of
from inlay.widgets import Dashboard, Grid, Stack

SWITCHED = "inlay:switches"
"""The topic of an admin's switches, on which everything depends."""

LONGEST_WAIT_SECONDS = 25
"""Hosts and proxies give up on a call after 60 seconds or, some of them, 30."""

WITHDRAWN = "Your access was withdrawn, so this is no longer shown. Connect again in the chat to go on."


@dataclass(frozen=True)
class Topics:
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
class Waited:
    """How a wait ended."""

    topics: Topics
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


async def topics_of(tool: AnyWidgetTool, arguments: BaseModel, grant: Grant) -> Topics:
    """Say what a widget reads. The function of a dashboard is run for it, its tiles are not."""
    if not issubclass(tool.widget_type, Dashboard | Stack | Grid):
        return topics_shown(tool, arguments, {})
    return topics_shown(tool, arguments, topics_of_tiles(await tool.run(arguments, grant)))


def topics_shown(tool: AnyWidgetTool, arguments: BaseModel, tiles: Mapping[str, frozenset[str]]) -> Topics:
    """Say what a widget reads whose tiles are known."""
    return Topics(filled(tool.topics, values_of(arguments)) | {SWITCHED}, tiles)


async def wait_for_change(topics: Topics, revision: int, seconds: object, grant: Grant) -> Waited:
    """Wait until something changes that a View shows.

    Args:
        topics: What it reads.
        revision: Of what it shows.
        seconds: How long, up to `LONGEST_WAIT_SECONDS`; nothing is no wait.
        grant: Who waits.

    Raises:
        ArgumentError: The time is out of its range.
    """
    limit = _checked_seconds(seconds)
    grant_now = await _wait(topics.all, revision, limit, grant) if limit else grant
    return Waited(topics, CHANGES.since(topics.all, revision), grant_now, CHANGES.last(topics.all))


async def _wait(topics: frozenset[str], revision: int, seconds: float, grant: Grant) -> Grant | None:
    access = ACCESS.get()
    if access is None:
        await CHANGES.wait(topics, revision, seconds)
        return grant
    other = asyncio.create_task(access.changed())
    try:
        await CHANGES.wait(topics, revision, seconds, other)
        return other.result() if other.done() else grant
    finally:
        other.cancel()


def _checked_seconds(seconds: object) -> float:
    if seconds is None:
        return 0
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST_WAIT_SECONDS:
        message = f"wait_seconds must be a number from 0 to {LONGEST_WAIT_SECONDS}."
        raise ArgumentError(message)
    return seconds
