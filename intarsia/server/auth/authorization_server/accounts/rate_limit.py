"""Rate limits by key, for sign-in attempts of an account and registrations from an IP address."""

from collections import OrderedDict
from math import ceil
from time import monotonic

_MAX_KEYS = 10_000


class RateLimit:
    """A leaky bucket for each key. Memory is bounded: the key that was used least recently is dropped first.

    Args:
        burst: How many attempts are allowed at once.
        seconds: How long it takes until one more attempt is allowed.
    """

    def __init__(self, burst: int, seconds: float) -> None:
        self._burst = burst
        self._seconds = seconds
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, key: str) -> int:
        """Return in how many seconds the next attempt is allowed; 0 if it is allowed now."""
        return max(0, ceil((self._level(key) - self._burst + 1) * self._seconds))

    def count(self, key: str) -> None:
        """Count an attempt."""
        self._buckets[key] = (self._level(key) + 1, monotonic())
        self._buckets.move_to_end(key)
        if len(self._buckets) > _MAX_KEYS:
            self._buckets.popitem(last=False)

    def reset(self, key: str) -> None:
        """Forget the attempts of a key."""
        self._buckets.pop(key, None)

    def _level(self, key: str) -> float:
        level, at = self._buckets.get(key, (0.0, 0.0))
        return max(0.0, level - (monotonic() - at) / self._seconds)
