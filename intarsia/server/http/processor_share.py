"""How much of a processor this process wants: whether calls wait for it, or for another service."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic, process_time

BUSY_SHARE = 0.5
"""From which share of one processor on this process counts as busy."""
SAMPLE_SECONDS = 0.02
"""Over how long that is measured, at least."""

_SCHEDULER = Path("/proc/thread-self/schedstat")


class ProcessorShare:
    """Measures how busy a process is.

    Args:
        now: Returns a monotonic time, in seconds.
        used: Returns the times that were used until now, in seconds; the one that grew most counts.
    """

    def __init__(
        self, now: Callable[[], float] = monotonic, used: Callable[[], tuple[float, ...]] | None = None
    ) -> None:
        self._now = now
        self._used = used or _used_seconds
        self._sample = now(), self._used()
        self._share = 0.0

    def is_busy(self) -> bool:
        """Return whether more than `BUSY_SHARE` of a processor was wanted since a moment ago."""
        now = self._now()
        since, before = self._sample
        if now - since >= SAMPLE_SECONDS:
            used = self._used()
            self._share = max(new - old for new, old in zip(used, before, strict=True)) / (now - since)
            self._sample = now, used
        return self._share >= BUSY_SHARE


def _used_seconds() -> tuple[float, float]:
    """Return the time of all threads on processors, and that of this thread with its waiting for one.

    On a machine with too much to do, a process that could use all of a processor gets only a part.
    """
    try:
        ran, waited, _ = _SCHEDULER.read_text(encoding="ascii").split()
    except (OSError, ValueError):  # other systems than Linux
        return process_time(), 0.0
    return process_time(), (int(ran) + int(waited)) / 1e9
