"""What `live.py` measures and `live_page.py` writes down."""

from dataclasses import dataclass, field

CHANGES_A_SECOND = 10
FEW = 5
"""One in so many waits when memory is measured first; what the others add is the slope."""


@dataclass
class Figures:
    """What was measured of one kind of waiting."""

    name: str
    waiting: int
    kilobytes: float = 0
    """Memory for each who waits: the slope between few and all."""
    woken_kilobytes: float = 0
    """The same after all were woken at once a few times, which leaves the process its most memory."""
    alone: list[float] = field(default_factory=list[float])
    """Seconds from a change for which everybody waited to each answer."""
    cpu_milliseconds: float = 0
    """Of the server, to wake one, answer, and take the next question."""
    extra: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """For each such change: readings and renderings, both of the dashboard and of the one board that changed."""
    busy: list[float] = field(default_factory=list[float])
    """Seconds to each answer at many changes a second."""
    changes: int = 0
    answers: int = 0
    readings: int = 0
    renderings: int = 0
    cpu_share: float = 0
