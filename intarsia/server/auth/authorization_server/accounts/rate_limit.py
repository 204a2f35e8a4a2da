"""Counts what must not be tried without end: passwords of one account, and registrations of apps."""

from collections import OrderedDict
from math import ceil
from time import monotonic

_MAX_NAMES = 10_000


class RateLimit:
    """A bucket for each name, that fills with attempts and empties with time.

    Args:
        most: How many attempts there may be at once.
        seconds: After how long one of them is forgotten.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._filled: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, name: str) -> int:
        """Return after how long another attempt is allowed; 0 for now."""
        return max(0, ceil((self._level(name) - self._most + 1) * self._seconds))

    def count(self, name: str) -> None:
        """Count an attempt."""
        self._filled[name] = (self._level(name) + 1, monotonic())
        self._filled.move_to_end(name)
        if len(self._filled) > _MAX_NAMES:
            self._filled.popitem(last=False)

    def forget(self, name: str) -> None:
        """Forget the attempts of a name."""
        self._filled.pop(name, None)

    def _level(self, name: str) -> float:
        level, at = self._filled.get(name, (0.0, 0.0))
        return max(0.0, level - (monotonic() - at) / self._seconds)
