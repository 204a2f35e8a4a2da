"""Runs the benchmarks of one version and hands on their rows: `python -m benchmarks.compare_worker TREE`.

Each line of input is an order, `{"what": "view", "rounds": 8}` or one of the others in `KINDS`, answered by a line with
the rows. Everything that the version's own benchmarks print goes to the error output.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from benchmarks.versions import KEPT, describe_libraries, enter, load
from scripts.click_path import ERAS

Json = dict[str, Any]

_MEASURED_IN_A_TITLE = re.compile(r"[\d,.]+ (ms|KB)")
_SWITCHES = re.compile(r"(?P<ours>[\d.]+) ms(?: CPU| before the changes).*?, (?P<ratio>[\d.]+) x", re.DOTALL)


def view_rows(root: Path, order: Json) -> list[Json]:
    """Measure what `make bench` measures."""
    view: Any = load(root, "benchmarks.view")
    view.KEPT = KEPT.parent  # what is compared with is installed once for all versions
    report = json.loads(asyncio.run(view.measure(order["rounds"])).as_json())
    return [{name: row[name] for name in ("section", "what", "unit", "ours", "other", "theirs", "medians")}
            for row in report["rows"]]  # fmt: skip


def live_rows(root: Path, order: Json) -> list[Json]:
    """Measure what `make bench-live` measures, beside calls of the bare SDK that wait."""
    live: Any = load(root, "benchmarks.live")
    rows: list[Json] = []
    for era in ERAS:
        with tempfile.TemporaryDirectory() as folder:
            options = (order["viewers"], order["boards"], order["seconds"])
            ours = asyncio.run(live.measure_ours(Path(folder), era, *options))
            bare = asyncio.run(live.measure_waiting(Path(folder), era, order["viewers"]))
        mine, others = _live_figures(ours), _live_figures(bare)
        for (what, unit), value in mine.items():
            rows.append(_row(f"Live, {era}", what, unit, value, "a tool that waits", others[what, unit]))
        rows.append(_row(f"Live, {era}", "CPU of one core at many changes a second", "%", ours.cpu_share * 100))
    return rows


def _live_figures(found: Any) -> dict[tuple[str, str], float]:
    return {
        ("a change for which all wait, p50", "ms"): percentile(found.alone, 0.5) * 1_000,
        ("a change for which all wait, p99", "ms"): percentile(found.alone, 0.99) * 1_000,
        ("CPU of the server each", "ms CPU"): found.cpu_milliseconds,
        ("memory each", "KB"): found.kilobytes,
    }


def switch_rows(root: Path, order: Json) -> list[Json]:
    """Measure what switches cost, as `python -m benchmarks.switches` does; it prints its figures."""
    switches: Any = load(root, "benchmarks.switches")
    printed, sys.argv[1:] = StringIO(), [str(order["changes"])]
    with redirect_stdout(printed):
        asyncio.run(switches.main())
    return read_switches(printed.getvalue())


def read_switches(text: str) -> list[Json]:
    """Read the lines that the benchmark of switches prints: a figure, and how it compares with another."""
    found = ((line.partition(":")[0], _SWITCHES.search(line)) for line in text.splitlines())
    return [
        _row("Switches", title, "ms CPU", float(match["ours"]), "without", float(match["ours"]) / float(match["ratio"]))
        for title, match in found
        if match
    ]


KINDS: dict[str, Callable[[Path, Json], list[Json]]] = {"view": view_rows, "live": live_rows, "switches": switch_rows}


def _row(section: str, what: str, unit: str, ours: float, other: str = "", theirs: float | None = None) -> Json:
    return {"section": section, "what": what, "unit": unit, "ours": ours, "other": other, "theirs": theirs}


def percentile(values: list[float], share: float) -> float:
    """Return the value that this share of the values stayed at or under."""
    ordered = sorted(values)
    return ordered[max(0, round(share * len(ordered)) - 1)]


def name_row(row: Json, product: str) -> str:
    """Name a row so that it is found in another version: without the product's name and what was measured."""
    title = f"{row['section']}: {row['what']}" + (f" / {row['other']}" if row["other"] else "")
    return _MEASURED_IN_A_TITLE.sub(r"… \1", title).replace(product, "ours")


def main() -> None:
    """Enter the tree that the command names, and answer orders until the input ends."""
    root = Path(sys.argv[1]).resolve()
    package = enter(root)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in iter(sys.stdin.readline, ""):
        order: Json = json.loads(line)
        if order["what"] == "libraries":
            answer: Json = dict(describe_libraries())
        else:
            rows = KINDS[order["what"]](root, order)
            answer = {"rows": [{**row, "name": name_row(row, package.capitalize())} for row in rows]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
