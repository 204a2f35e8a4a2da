"""Measures everything and prints the table: `python -m benchmarks.view`. Results land in `benchmarks/results`."""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import browser, permissions, server, sizes
from benchmarks.documents import HERE, ROOT, make_documents, npm_version
from benchmarks.machine import describe_machine
from benchmarks.prefab import VERSION, running_prefab
from benchmarks.recording import record
from benchmarks.report import Report
from benchmarks.samples import LAST_CARD

RESULTS = HERE / "results"
KEPT = ROOT / "out" / "benchmarks"
"""What only benchmarks need is kept here from run to run."""


async def measure(rounds: int) -> Report:
    """Measure everything.

    Args:
        rounds: How often each View is opened; the cheaper things are done more often.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with running_prefab(KEPT / "prefab") as prefab:
            recording = await record(folder, count=rounds * 4 + 10)
            documents = make_documents(recording.html, f"w-card-{LAST_CARD}", prefab)
            others = {"the official App class": documents.app, "React 19 and App": documents.react}
            others["Prefab's bundled renderer"] = documents.prefab
            rows = sizes.compare_documents(documents.intarsia, {name: html for name, html in others.items() if html})
            async with browser.running_bench() as bench:
                rows += await browser.measure_paint(bench, documents, recording, prefab, rounds)
                rows += await browser.measure_click(bench, documents, recording, rounds * 3)
                chromium = bench.chromium
            rows += await sizes.compare_answers(folder)
            rows += await server.measure_rendering(folder, prefab, rounds * 4)
            rows += await server.measure_calls(folder, rounds * 5)
            rows += await permissions.measure_decisions(folder, rounds * 4)
    missing = [name for name, html in others.items() if html is None]
    notes = [f"Left out, because it could not be installed here: {name}." for name in missing]
    packages = {name: npm_version(ROOT, name) for name in ("htmx.org", "@modelcontextprotocol/ext-apps")}
    packages |= {"react": npm_version(HERE, "react"), "prefab-ui": VERSION if prefab else ""}
    machine = describe_machine(chromium, {name: version for name, version in packages.items() if version})
    return Report(machine, rows, notes, time.monotonic() - started)


def main() -> None:
    """Measure, print the table, write the results; end with 1 when a budget is missed and `--strict` was given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=16, help="how often each View is opened (default: 16)")
    parser.add_argument("--strict", action="store_true", help="end with status 1 when a budget is missed")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/results as it is")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    report = asyncio.run(measure(options.rounds))
    print(report.as_markdown())
    if not options.no_write:
        report.write(RESULTS)
    if report.missed and options.strict:
        sys.exit(f"{len(report.missed)} budgets are missed.")


if __name__ == "__main__":
    main()
