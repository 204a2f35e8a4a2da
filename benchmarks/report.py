"""The figures as rows: judged against their budgets, as Markdown for people and as JSON for programs."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import Machine
from benchmarks.measuring import Samples


@dataclass(frozen=True)
class Row:
    """One comparison: what Intarsia took, what the other took, and how much of the other that may be."""

    section: str
    """What the row belongs to, such as "Paint"."""
    what: str
    """What was done."""
    unit: str
    """`ms`, `ms CPU` or `bytes`."""
    ours: float
    """Intarsia's figure: for times the minimum."""
    other: str = ""
    """What it is compared with."""
    theirs: float | None = None
    """The other's figure."""
    budget: float | None = None
    """The most that `ours / theirs` may be, or `ours` itself when there is no other."""
    medians: tuple[float, float | None] | None = None
    """Ours and the other's, for times."""

    @property
    def ratio(self) -> float | None:
        """How much of the other's figure ours is."""
        return self.ours / self.theirs if self.theirs else None

    @property
    def median_ratio(self) -> float | None:
        """The same of the medians."""
        return self.medians[0] / self.medians[1] if self.medians and self.medians[1] else None

    @property
    def is_kept(self) -> bool | None:
        """Whether the budget is kept; `None` when there is none."""
        if self.budget is None:
            return None
        judged = self.ours if self.theirs is None else self.ratio
        return judged is not None and judged <= self.budget


def timed(
    section: str, what: str, ours: Samples, other: str, theirs: Samples, budget: float | None, unit: str = "ms"
) -> Row:
    """Compare two times: judged by their minima, which other work on the machine disturbs least."""
    medians = (ours.median, theirs.median)
    return Row(section, what, unit, ours.minimum, other, theirs.minimum, budget, medians)


@dataclass
class Report:
    """All rows of one run."""

    machine: Machine
    rows: list[Row]
    notes: list[str] = field(default_factory=list[str])
    """What a reader must know, such as what was left out."""
    seconds: float = 0.0
    """How long the run took."""
    at: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    """When it ran."""

    @property
    def missed(self) -> list[Row]:
        """The rows whose budget is not kept."""
        return [row for row in self.rows if row.is_kept is False]

    def as_markdown(self) -> str:
        """Return the table for the README."""
        lines = ["| what | Intarsia | compared with | ratio | of medians | budget | |"]
        lines.append("| --- | ---: | --- | ---: | ---: | ---: | --- |")
        for section in dict.fromkeys(row.section for row in self.rows):
            lines.append(f"| **{section}** | | | | | | |")
            lines += [_line(row) for row in self.rows if row.section == section]
        about = (
            f"{self.machine.sentence}. {self.at}, {self.seconds:.0f} s. Times are minima of interleaved rounds, "
            "and the ratio is theirs; the next column is the ratio of the medians."
        )
        notes = "".join(f"\n- {note}" for note in self.notes)
        return f"{about}\n\n" + "\n".join(lines) + "\n" + (f"\n{notes.strip()}\n" if notes else "")

    def as_json(self) -> str:
        """Return everything, for comparing runs."""
        rows = [
            {**asdict(row), "ratio": row.ratio, "median_ratio": row.median_ratio, "is_kept": row.is_kept}
            for row in self.rows
        ]
        whole = {"at": self.at, "seconds": round(self.seconds), "machine": self.machine.as_json(), "notes": self.notes}
        return json.dumps({**whole, "rows": _rounded(rows)}, indent=2, ensure_ascii=False) + "\n"

    def write(self, folder: Path) -> None:
        """Write `view.md` and `view.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "view.md").write_text(self.as_markdown(), "utf-8")
        (folder / "view.json").write_text(self.as_json(), "utf-8")


def _line(row: Row) -> str:
    other = f"{row.other} {_figure(row.theirs, row.unit)}" if row.theirs is not None else row.other
    budget = _figure(row.budget, row.unit) if row.theirs is None else _times(row.budget)
    verdict = {None: "", True: "kept", False: "**missed**"}[row.is_kept]
    ratios = [_times(row.ratio), _times(row.median_ratio)]
    cells = [row.what, _figure(row.ours, row.unit), other, *ratios, budget and f"≤ {budget}", verdict]
    return f"| {' | '.join(cells)} |"


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "bytes":
        return f"{value:,.0f} B"
    return f"{value:.3g} {unit}" if value < 1_000 else f"{value:,.0f} {unit}"


def _times(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.2f} ×" if ratio >= 0.1 else f"{ratio:.3f} ×"


def _rounded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: _short(value) for name, value in row.items()} for row in rows]


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    return [_short(item) for item in value] if isinstance(value, tuple) else value  # pyright: ignore[reportUnknownVariableType]
