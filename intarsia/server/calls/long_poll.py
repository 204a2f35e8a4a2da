"""Long polls of open Views. A poll ends when a topic of the widget or the user's access changes, or at its timeout."""

import asyncio
from dataclasses import dataclass

from intarsia.errors import ArgumentError
from intarsia.permissions import Grant
from intarsia.server.changes.access_watch import ACCESS_WATCH
from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.server.rendering.load import WatchedTopics

MAX_WAIT_SECONDS = 25
"""The longest wait. Some hosts and proxies cancel a request after 30 seconds, others after 60."""

WITHDRAWN = "Your access was withdrawn, so this is no longer shown. Connect again in the chat to go on."


@dataclass(frozen=True)
class WaitOutcome:
    """The outcome of a long poll."""

    topics: WatchedTopics
    changed: frozenset[str]
    grant: Grant | None
    """The caller's permissions after the wait; `None` if their access ended."""
    changed_at: int = 0
    """The revision of the last change of one of the topics. The next read must be newer."""

    def tiles(self, due: frozenset[str] | None) -> frozenset[str] | None:
        """Return the tiles to read: those with changed topics and those that are due, or `None` for all."""
        if not self.changed:
            return due
        if self.changed & self.topics.whole:
            return None
        changed = {name for name, topics in self.topics.tiles.items() if topics & self.changed}
        return (due or frozenset()) | changed


async def wait_for_change(topics: WatchedTopics, revision: int, seconds: object, grant: Grant) -> WaitOutcome:
    """Wait until a topic of a View changes.

    Args:
        topics: The topics of the View's widget.
        revision: The revision that the View shows. The call returns at once if a topic has changed since.
        seconds: The timeout, up to `MAX_WAIT_SECONDS`; `None` does not wait.
        grant: The permissions of the user.

    Returns:
        The outcome.

    Raises:
        ArgumentError: The timeout is not a number, or is out of range.
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
