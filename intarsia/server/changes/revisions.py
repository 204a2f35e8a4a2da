"""Makes revisions: what was read or changed when, in an order that holds within the process."""

import time
from threading import Lock

MAX_AHEAD = 26 * 3_600 * 1_000_000
"""Microseconds that a revision may be ahead of this machine's clock; what is further ahead was never made by it."""


class RevisionClock:
    """Makes revisions: microseconds since 1970, and always more than the last."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = Lock()

    def next(self) -> int:
        """Return a revision. Any thread may ask."""
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1_000)
            return self._last

    def follow(self, revision: int) -> None:
        """Go on after a revision that a View shows: this machine's clock may have been set back since it was made."""
        with self._lock:
            if self._last < revision <= time.time_ns() // 1_000 + MAX_AHEAD:
                self._last = revision


REVISIONS = RevisionClock()
