"""Counting what happens over and over, so that nobody can fill the log with it."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

SECONDS = 60
"""How long repeats are counted before they are told."""

MAX_COUNTED = 1_000
"""How many different things are counted at a time."""


@dataclass
class _Counted:
    since: float
    times: int = 0


@dataclass
class RepeatThrottle:
    """Says of each thing when to tell it: the first time at once, and its repeats together with the next one.

    Args:
        now: Returns seconds that only grow.
    """

    now: Callable[[], float] = time.monotonic
    _counted: OrderedDict[object, _Counted] = field(default_factory=OrderedDict["object", _Counted])

    def count(self, thing: object) -> int | None:
        """Count a thing once more.

        Returns:
            How often it happened since it was last told; nothing if it is not to be told now.
        """
        now = self.now()
        counted = self._counted.get(thing)
        if counted is not None and now - counted.since < SECONDS:
            counted.times += 1
            return None
        self._counted[thing] = _Counted(now)
        self._counted.move_to_end(thing)
        while len(self._counted) > MAX_COUNTED:
            self._counted.popitem(last=False)
        return 1 + (counted.times if counted else 0)
