"""Runs the benchmarks of two versions in turns, and prints how each figure changed: `python -m benchmarks.compare`.

Each version measures itself in its own environment, several times, the old and the new one alternately. Where a figure
stands beside another's (the bare SDK, a static page), the ratios to it are compared: they say more than times do on a
machine that has other work. Ends with 1 when a figure is worse by more than a tenth.
"""

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.versions import (
    VersionError,
    Worker,
    check_out,
    landed_revision,
    note_differences,
    running_worker,
    working_tree,
)

MAX_RATIO = 1.1
KINDS = ("view", "live", "switches")

Json = dict[str, Any]


@dataclass
class Figure:
    """One figure of both versions, in every pass."""

    name: str
    unit: str
    old: list[Json] = field(default_factory=list[Json])
    new: list[Json] = field(default_factory=list[Json])

    @property
    def absolute(self) -> float:
        """How the new version's own figure compares with the old one's: the typical pass."""
        return statistics.median(_over(new["ours"], old["ours"]) for old, new in self._passes)

    @property
    def relative(self) -> float | None:
        """The same of the ratios to what stands beside it; `None` where nothing does."""
        found = [(_beside(old), _beside(new)) for old, new in self._passes]
        return statistics.median(_over(new, old) for old, new in found if old and new) if all(
            old and new for old, new in found
        ) else None  # fmt: skip

    @property
    def of_medians(self) -> float | None:
        """The same of the medians of the rounds, where the figures are minima of times."""
        found = [(_middle(old), _middle(new)) for old, new in self._passes]
        ratios = [_over(new, old) for old, new in found if old and new]
        return statistics.median(ratios) if len(ratios) == len(found) else None

    @property
    def judged(self) -> float:
        """What is judged: of minima and of medians the better one, since chance spoils one or the other."""
        ratio = self.absolute if self.relative is None else self.relative
        return ratio if self.of_medians is None else min(ratio, self.of_medians)

    @property
    def is_worse(self) -> bool:
        """Whether it is worse by more than a tenth."""
        return self.judged > MAX_RATIO

    @property
    def _passes(self) -> list[tuple[Json, Json]]:
        return list(zip(self.old, self.new, strict=True))

    def as_line(self) -> str:
        """Write it as a row of the table."""
        old, new = (statistics.median(row["ours"] for row in rows) for rows in (self.old, self.new))
        cells = [self.name, f"{old:.4g} {self.unit}", f"{new:.4g} {self.unit}", f"{self.absolute:.2f}"]
        cells += [f"{value:.2f}" if value is not None else "" for value in (self.relative, self.of_medians)]
        return f"| {' | '.join([*cells, '**worse**' if self.is_worse else ''])} |"


def _over(new: float, old: float) -> float:
    return new / old if old else (1.0 if not new else float("inf"))


def _beside(row: Mapping[str, Any]) -> float | None:
    return row["ours"] / row["theirs"] if row["theirs"] else None


def _middle(row: Mapping[str, Any]) -> float | None:
    ours, theirs = row.get("medians") or (None, None)
    return ours / theirs if ours and theirs else None


def pair(old: Sequence[Sequence[Json]], new: Sequence[Sequence[Json]]) -> tuple[list[Figure], list[str]]:
    """Bring together the rows of both versions, pass by pass.

    Rows are known by their names. Those left over are taken in order, when there are as many of each unit on both
    sides: then only the wording changed.

    Args:
        old: The rows of each pass of the old version.
        new: Those of the new.

    Returns:
        The figures, in the new version's order, and the names of rows that only one version has.
    """
    of_old, of_new = ([{row["name"]: row for row in rows} for rows in passes] for passes in (old, new))
    renamed = _renamed([*of_old[0].values()], [*of_new[0].values()])
    figures: list[Figure] = []
    for name, row in of_new[0].items():
        before = name if name in of_old[0] else renamed.get(name)
        if before is not None:
            rows = ([rows[before] for rows in of_old], [rows[name] for rows in of_new])
            figures.append(Figure(name, row["unit"], *rows))
    matched = {figure.name for figure in figures} | {
        renamed[figure.name] for figure in figures if figure.name in renamed
    }
    return figures, [name for name in dict.fromkeys([*of_old[0], *of_new[0]]) if name not in matched]


def _renamed(old: Sequence[Json], new: Sequence[Json]) -> dict[str, str]:
    """Return the old names of rows that were renamed, by the new ones."""
    common = {row["name"] for row in old} & {row["name"] for row in new}
    gone, come = ([row for row in rows if row["name"] not in common] for rows in (old, new))
    if [row["unit"] for row in gone] != [row["unit"] for row in come]:
        return {}
    return {new_row["name"]: old_row["name"] for old_row, new_row in zip(gone, come, strict=True)}


def measure(old: Worker, new: Worker, order: Json, passes: int) -> tuple[list[Figure], list[str]]:
    """Let both versions measure themselves, in turns.

    Args:
        old: The old version.
        new: The new one.
        order: What is measured.
        passes: How often.
    """
    taken: tuple[list[list[Json]], list[list[Json]]] = ([], [])
    for number in range(passes):
        print(f"{order['what']}: pass {number + 1} of {passes}", file=sys.stderr, flush=True)
        for index in (0, 1) if number % 2 == 0 else (1, 0):
            taken[index].append((old, new)[index].ask(**order)["rows"])
    return pair(*taken)


def as_table(figures: Sequence[Figure], unmatched: Sequence[str]) -> list[str]:
    """Write the figures as a table, and the rows that only one version has."""
    lines = ["| figure | old | new | new / old | of the ratios | of their medians | |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: | --- |")
    return [
        *lines,
        *(figure.as_line() for figure in figures),
        *(f"- In one version only: {name}" for name in unmatched),
    ]


def main() -> None:
    """Measure both versions, print the table, and end with 1 when a figure is worse."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", help="the commit to compare with (default: the one whose figures landed last)")
    parser.add_argument("--only", choices=KINDS, action="append", help="what to measure (default: all)")
    parser.add_argument("--passes", type=int, default=3, help="how often each version measures itself (default: 3)")
    parser.add_argument("--rounds", type=int, default=8, help="how often each View is opened in a pass (default: 8)")
    parser.add_argument("--viewers", type=int, default=300, help="how many Views wait in `live` (default: 300)")
    options = parser.parse_args()
    orders: dict[str, Json] = {
        "view": {"rounds": options.rounds},
        "live": {"viewers": options.viewers, "boards": options.viewers // 5, "seconds": 8},
        "switches": {"changes": 2_000},
    }
    figures: list[Figure] = []
    unmatched: list[str] = []
    try:
        with ExitStack() as stack:
            versions = (check_out(options.old or landed_revision()), working_tree())
            old, new = (stack.enter_context(running_worker(one, "benchmarks.compare_worker")) for one in versions)
            notes = note_differences(old.ask(what="libraries"), new.ask(what="libraries"))
            for what in options.only or KINDS:
                found, alone = measure(old, new, {"what": what, **orders[what]}, options.passes)
                figures += found
                unmatched += alone
    except VersionError as error:
        sys.exit(str(error))
    print("\n".join([*notes, *as_table(figures, unmatched)]))
    worse = [figure.name for figure in figures if figure.is_worse]
    if worse:
        sys.exit(f"\n{len(worse)} figures are worse by more than a tenth: {'; '.join(worse)}.")


if __name__ == "__main__":
    main()
