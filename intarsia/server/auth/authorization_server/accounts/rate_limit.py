"""Rate limits by key, for sign-in attempts and registrations, in a fixed amount of memory."""

from array import array
from hashlib import blake2b
from math import ceil
from secrets import token_bytes
from time import monotonic

_ROWS = 4
_COLUMNS = 1 << 13
_BYTES_PER_CELL = 8


class RateLimit:
    """A leaky bucket for each key.

    The buckets are a count-min sketch: each key has one cell in each of four rows, and its level is that of the
    emptiest one. The memory is fixed (512 KB), and no key is evicted, so that nobody can make the limit forget a key by
    using many others. Which keys share cells is secret, and different in each process.

    Args:
        burst: How many attempts are allowed at once.
        seconds: How long it takes until one more attempt is allowed.
    """

    def __init__(self, burst: int, seconds: float) -> None:
        self._burst = burst
        self._seconds = seconds
        self._secret = token_bytes(16)
        self._levels = array("d", bytes(_ROWS * _COLUMNS * _BYTES_PER_CELL))
        self._times = array("d", bytes(_ROWS * _COLUMNS * _BYTES_PER_CELL))

    def wait_seconds(self, key: str) -> int:
        """Return in how many seconds the next attempt is allowed; 0 if it is allowed now."""
        now = monotonic()
        level = min(self._level(cell, now) for cell in self._cells(key))
        return max(0, ceil((level - self._burst + 1) * self._seconds))

    def count(self, key: str) -> None:
        """Count an attempt."""
        self._add(key, 1)

    def refund(self, key: str) -> None:
        """Take back an attempt that was counted."""
        self._add(key, -1)

    def _add(self, key: str, amount: int) -> None:
        now = monotonic()
        for cell in self._cells(key):
            self._levels[cell] = max(0.0, self._level(cell, now) + amount)
            self._times[cell] = now

    def _level(self, cell: int, now: float) -> float:
        return max(0.0, self._levels[cell] - (now - self._times[cell]) / self._seconds)

    def _cells(self, key: str) -> list[int]:
        written = key.encode("utf-8", "surrogatepass")
        digest = blake2b(written, digest_size=4 * _ROWS, key=self._secret).digest()
        return [row * _COLUMNS + int.from_bytes(digest[4 * row : 4 * row + 4]) % _COLUMNS for row in range(_ROWS)]
