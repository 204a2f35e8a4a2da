"""Timing on a machine that does other things too: interleaved rounds, minima, medians and ratios."""

import math
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

Measure = Callable[[], Awaitable[float]]
"""Does the thing once and returns what it took."""


@dataclass(frozen=True)
class Samples:
    """What several rounds of one thing took, in the order of the rounds."""

    values: tuple[float, ...]

    @property
    def minimum(self) -> float:
        """The least disturbed round."""
        return min(self.values)

    @property
    def median(self) -> float:
        """The middle round."""
        return statistics.median(self.values)

    def percentile(self, share: float) -> float:
        """Return the value that this share of the rounds (0 to 1) stayed at or under."""
        ordered = sorted(self.values)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


async def interleave(measures: Mapping[str, Measure], rounds: int, warm_up: int = 1) -> dict[str, Samples]:
    """Measure several things in turns, so that what disturbs the machine disturbs all of them.

    Args:
        measures: Name to what is measured.
        rounds: How often each is measured.
        warm_up: How many rounds before that do not count.

    Returns:
        The samples by name.
    """
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(-warm_up, rounds):
        for name in _turned(list(measures), number):
            value = await measures[name]()
            if number >= 0:
                taken[name].append(value)
    return {name: Samples(tuple(values)) for name, values in taken.items()}


def _turned(names: Sequence[str], number: int) -> list[str]:
    """Let another one start in each round: the first pays for what was left behind by the round before."""
    start = number % len(names)
    return [*names[start:], *names[:start]]
