"""Log lines for events that an attacker can cause: one line a second with a count, however many there are."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

SECONDS = 1.0
"""The shortest time between two lines about the same kind of event."""
MAX_KINDS = 100


class CountedLog:
    """Writes the first event of a kind at once, and repeats with a count, at most one line a second.

    What is counted when the events end is part of the next line about that kind of event.

    Args:
        logger: Where the lines are written.
        level: Their level, such as `logging.WARNING`.
        now: Returns a monotonic time, in seconds.
    """

    def __init__(self, logger: logging.Logger, level: int, now: Callable[[], float] = monotonic) -> None:
        self._logger = logger
        self._level = level
        self._now = now
        self._kinds: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def note(self, text: str, kind: str | None = None) -> None:
        """Count an event, and write a line if the last one about its kind is older than a second.

        Args:
            text: A sentence about the event.
            kind: What it is counted with; by default all events with the same text.
        """
        key, now = kind or text, self._now()
        written_at, repeats = self._kinds.get(key, (None, 0))
        if written_at is not None and now - written_at < SECONDS:
            self._kinds[key] = (written_at, repeats + 1)
            return
        self._kinds[key] = (now, 0)
        self._kinds.move_to_end(key)
        if len(self._kinds) > MAX_KINDS:
            self._kinds.popitem(last=False)
        more = f" {repeats:,} more since the last such line." if repeats else ""
        self._logger.log(self._level, "%s%s", text, more)
