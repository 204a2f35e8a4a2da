"""Compares the CPU of each stage of a call with the version that landed last: `make bench-check`.

Both versions run in processes of their own, in turns and in one run, so that what disturbs the machine disturbs both.
Ends with 1 and names the stage when one grew by more than a tenth.
"""

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.stages import NAMES
from benchmarks.versions import (
    Version,
    VersionError,
    Worker,
    check_out,
    landed_revision,
    note_differences,
    running_worker,
    working_tree,
)
from scripts.click_path import ERAS

MAX_RATIO = 1.1
MIN_SHARE = 0.02
"""How much of the whole call a stage must have gained to count: less is not told from chance."""
TOTAL = "total"
MIN_ROUNDS_SHARE = 2 / 3
"""In how many of the rounds it must have taken more than in the old version."""
CALLS = {"board": 50, "dashboard": 40, "action": 25}
"""How many calls one round holds: about a tenth of a second, so that both versions see the same machine."""


@dataclass
class Rounds:
    """What a stage of one kind of call took in each round, in milliseconds of CPU a call."""

    stage: str
    old: list[float] = field(default_factory=list[float])
    new: list[float] = field(default_factory=list[float])

    @property
    def before(self) -> float:
        """The old version's typical round."""
        return statistics.median(self.old)

    @property
    def after(self) -> float:
        """The new version's typical round."""
        return statistics.median(self.new)

    @property
    def ratio(self) -> float | None:
        """The typical ratio of new to old within a round; `None` where the old version has no such stage."""
        ratios = [new / old for old, new in zip(self.old, self.new, strict=True) if old]
        return statistics.median(ratios) if len(ratios) * 2 > len(self.old) else None

    def has_grown(self, whole: float) -> bool:
        """Say whether it grew by more than a tenth, and by enough of the whole call to tell it from chance.

        Args:
            whole: What the whole call took in the old version.
        """
        gained = [new - old for old, new in zip(self.old, self.new, strict=True)]
        is_steady = sum(each > 0 for each in gained) >= MIN_ROUNDS_SHARE * len(gained)
        is_enough = statistics.median(gained) > MIN_SHARE * whole
        return (self.ratio is None or self.ratio > MAX_RATIO) and is_steady and is_enough


@dataclass
class Comparison:
    """One kind of call in one era, stage by stage."""

    what: str
    era: str
    rounds: dict[str, Rounds]

    @property
    def grown(self) -> list[Rounds]:
        """The stages that grew, the whole call among them."""
        whole = self.rounds[TOTAL].before
        return [each for each in self.rounds.values() if each.has_grown(whole)]

    def as_table(self) -> list[str]:
        """Write the stages, one line each; those that neither version spends anything on are left out."""
        lines = [f"\n{self.what}, {self.era}: ms CPU a call", f"    {'stage':<38}{'old':>8}{'new':>8}{'ratio':>8}"]
        grown = self.grown
        for name in (*NAMES, TOTAL):
            each = self.rounds[name]
            if max(each.before, each.after) >= 0.001:
                ratio = f"{each.ratio:.2f}" if each.ratio is not None else "new"
                mark = "  grew" if each in grown else ""
                lines.append(f"    {name:<38}{each.before:>8.3f}{each.after:>8.3f}{ratio:>8}{mark}")
        return lines


def compare(what: str, era: str, taken: Sequence[tuple[Mapping[str, float], Mapping[str, float]]]) -> Comparison:
    """Put the rounds of both versions together.

    Args:
        what: The kind of call.
        era: The version of the protocol.
        taken: What the stages took in each round: in the old version, and in the new.
    """
    rounds = {name: Rounds(name) for name in (*NAMES, TOTAL)}
    for old, new in taken:
        for name in NAMES:
            rounds[name].old.append(old.get(name, 0.0))
            rounds[name].new.append(new.get(name, 0.0))
        rounds[TOTAL].old.append(sum(old.values()))
        rounds[TOTAL].new.append(sum(new.values()))
    return Comparison(what, era, rounds)


def measure(old: Worker, new: Worker, rounds: int) -> list[Comparison]:
    """Measure every kind of call in both eras, in turns.

    Args:
        old: Measures the old version.
        new: Measures the new one.
        rounds: How often each is measured.
    """
    taken: dict[tuple[str, str], list[tuple[Mapping[str, float], Mapping[str, float]]]] = {}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for era in ERAS:
            for what, calls in CALLS.items():
                order = {"what": what, "era": era, "calls": calls}
                # Another one starts in each round: the first pays for what was left behind by the round before.
                if number % 2:
                    second, first = new.ask(**order), old.ask(**order)
                else:
                    first, second = old.ask(**order), new.ask(**order)
                taken.setdefault((what, era), []).append((first, second))
    return [compare(what, era, pairs) for (what, era), pairs in taken.items()]


def check(before: Version, after: Version, rounds: int) -> list[str]:
    """Compare two versions, print the tables, and return what grew, one sentence each."""
    with ExitStack() as stack:
        old, new = (stack.enter_context(running_worker(one, "benchmarks.stage_worker")) for one in (before, after))
        notes = note_differences(old.ask(what="libraries"), new.ask(what="libraries"))
        found = measure(old, new, rounds)
    print(f"CPU of {after.name} (new) beside {before.name} (old): medians of {rounds} interleaved rounds.")
    print("\n".join([*notes, *(line for each in found for line in each.as_table())]))
    return [
        f"{one.stage} of {each.what} ({each.era}) grew from {one.before:.3f} to {one.after:.3f} ms CPU."
        for each in found
        for one in each.grown
    ]


def main() -> None:
    """Compare this tree with an older version; end with 1 when a stage grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", help="the commit to compare with (default: the one whose figures landed last)")
    parser.add_argument("--rounds", type=int, default=40, help="how often each kind of call is measured (default: 40)")
    options = parser.parse_args()
    try:
        grown = check(check_out(options.old or landed_revision()), working_tree(), options.rounds)
    except VersionError as error:
        sys.exit(str(error))
    if grown:
        sys.exit("\n" + "\n".join(grown))
    print("\nNo stage grew.")


if __name__ == "__main__":
    main()
