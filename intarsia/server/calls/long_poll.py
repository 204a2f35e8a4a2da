"""The wait of an open View: until a topic of its widget changes, its access does, or it has waited long enough."""

import asyncio
from dataclasses import dataclass

from intarsia.errors import ArgumentError
from intarsia.permissions import Grant
from intarsia.server.changes.access_watch import ACCESS_WATCH
from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.server.rendering.load import WatchedTopics

MAX_WAIT_SECONDS = 25
"""Hosts and proxies give up on a call after 60 seconds or, some of them, 30."""

WITHDRAWN = "Your access was withdrawn, so this is no longer shown. Connect again in the chat to go on."


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
