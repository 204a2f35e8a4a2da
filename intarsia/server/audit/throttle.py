"""Counts repeated events, so that a caller cannot fill the audit log with them."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

WINDOW_SECONDS = 60
"""How long repeats are counted before they are reported."""

MAX_KEYS = 1_000
"""The maximum number of different events that are counted at a time."""


@dataclass
class _Window:
    since: float
    repeats: int = 0


@dataclass
class RepeatThrottle:
    """Decides when to report an event: the first time at once, and its repeats together with the next one.

    Args:
        now: Returns a monotonic time, in seconds.
    """

    now: Callable[[], float] = time.monotonic
    _windows: OrderedDict[object, _Window] = field(default_factory=OrderedDict["object", _Window])

    def count(self, key: object) -> int | None:
        """Count an event.

        Args:
            key: Identifies the event; equal keys are repeats.

        Returns:
            How often it occurred since it was last reported; `None` if it is not to be reported now.
        """
        now = self.now()
        window = self._windows.get(key)
        if window is not None and now - window.since < WINDOW_SECONDS:
            window.repeats += 1
            return None
        self._windows[key] = _Window(now)
        self._windows.move_to_end(key)
        while len(self._windows) > MAX_KEYS:
            self._windows.popitem(last=False)
        return 1 + (window.repeats if window else 0)
