"""Splits the tests into a fast tier and a slow one, for `make test` and `make test-slow`.

The pytest option `--tier` picks one; without it, everything that is named runs:

* `fast`: all but what is marked `slow`, `wheel` or `conformance`. Of the guards, those that are not in the record of
  proved ones (`guard_record.py`), at most `MAX_GUARDS`. The browser is Chromium's headless shell, where it is
  installed: it draws the same pages in half the time, because it has no windows around them. Of a matrix marked
  `sampled(n)`, n cases run, others each time: `--randomly-seed`, printed at the top of a run, repeats the choice.
* `slow`: everything that `fast` leaves out, matrices as a whole, and what `fast` does in the headless shell once more
  in the whole Chromium.
* `guards`: the guards that are not in the record. `make guards` runs them with `--record-guards`.
"""

import os
import random
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from tests.guard_record import RECORD, digest_of, digest_of_file, read_record, write_record
from tests.security.mutation import ROOT, Guard

MAX_GUARDS = 40
"""How many guards the fast tier proves: a bit more than a minute. The slow tier proves the rest."""

SLOW_MARKERS = frozenset({"slow", "wheel", "conformance"})
TIERS = ("all", "fast", "slow", "guards")
HEADLESS_SHELL = "chromium-headless-shell"
PROVED = "proved guard"
"""The property of a test's report that holds the digest of a guard."""


def add_options(parser: pytest.Parser) -> None:
    """Add what `make` tells pytest."""
    group = parser.getgroup("tiers")
    group.addoption("--tier", choices=TIERS, default="all", help="Which tests run; tests/tiers.py tells them apart.")
    group.addoption("--record-guards", action="store_true", help="Write down which guards were proved.")


def guard_of(item: pytest.Item) -> Guard | None:
    """Return the guard that a test proves."""
    parameters: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    guard = parameters.get("guard")
    return guard if isinstance(guard, Guard) else None


def is_slow(item: pytest.Item) -> bool:
    """Say whether a test is marked for the slow tier."""
    return any(marker.name in SLOW_MARKERS for marker in item.iter_markers())


def mark_browser(items: Iterable[pytest.Item]) -> None:
    """Mark the tests that use the fixture `browser`, of themselves or through another."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


def left_out_of_samples(items: Iterable[pytest.Item], seed: int) -> frozenset[str]:
    """Choose from each matrix that is marked `sampled(n)` the cases that the fast tier leaves out, by their names."""
    matrices: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    for item in items:
        if marker := item.get_closest_marker("sampled"):
            matrix = item.nodeid.partition("[")[0]
            counts[matrix] = marker.args[0]
            matrices.setdefault(matrix, []).append(item.nodeid)
    dice = random.Random(seed)  # noqa: S311 - a choice that can be repeated
    return frozenset(name for matrix in sorted(matrices) for name in _left(matrices[matrix], counts[matrix], dice))


def _left(cases: list[str], count: int, dice: random.Random) -> Iterable[str]:
    return dice.sample(sorted(cases), max(len(cases) - count, 0))


@dataclass
class Guards:
    """What a run knows of guards: of all that were collected, by the names of their tests."""

    digests: dict[str, str] = field(default_factory=dict[str, str])
    stale: list[str] = field(default_factory=list[str])
    """Those that are not in the record. Their order is always the same, and has nothing to do with their names."""

    @property
    def chosen(self) -> frozenset[str]:
        """Those that the fast tier proves."""
        return frozenset(self.stale[:MAX_GUARDS])


def look_at_guards(items: Iterable[pytest.Item], proved: frozenset[str]) -> Guards:
    """Find the guards among tests, and those that have to be proved again."""
    read = cache(digest_of_file)
    digests = {item.nodeid: digest_of(guard, read=read) for item in items if (guard := guard_of(item))}
    stale = sorted((name for name, digest in digests.items() if digest not in proved), key=digests.__getitem__)
    return Guards(digests, stale)


@dataclass(frozen=True)
class Choice:
    """How tests are told apart in this run.

    Args:
        guards: What is known of guards.
        left_out: The cases of matrices that the fast tier leaves out.
        has_shell: Whether the fast tier uses the headless shell.
    """

    guards: Guards
    left_out: frozenset[str] = frozenset()
    has_shell: bool = False

    def belongs_to(self, tier: str, item: pytest.Item) -> bool:
        """Say whether a test runs in a tier."""
        if tier == "all":
            return True
        if tier == "guards":
            return item.nodeid in self.guards.stale
        if guard_of(item) is not None:
            return (item.nodeid in self.guards.chosen) is (tier == "fast")
        if tier == "fast":
            return not is_slow(item) and item.nodeid not in self.left_out
        is_browser = item.get_closest_marker("browser") is not None
        return is_slow(item) or item.get_closest_marker("sampled") is not None or (self.has_shell and is_browser)


class Tiers:
    """The plugin. With xdist, workers choose the tests, and the process that prints hears of it from them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._tier = str(config.getoption("--tier"))
        self._guards = Guards()
        self._proved: set[str] = set()
        shell = None if "INTARSIA_CHROMIUM" in os.environ else shutil.which(HEADLESS_SHELL)
        self._has_shell = shell is not None
        if self._tier == "fast" and shell is not None:
            os.environ["INTARSIA_CHROMIUM"] = shell  # workers inherit it

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep what belongs to the tier."""
        self._guards = look_at_guards(items, read_record())
        for item in items:
            if digest := self._guards.digests.get(item.nodeid):
                item.user_properties.append((PROVED, digest))
        mark_browser(items)
        seed = self._config.getoption("randomly_seed", default=0)  # the same in each worker
        left_out = left_out_of_samples(items, seed if isinstance(seed, int) else 0)
        choice = Choice(self._guards, left_out, self._has_shell)
        left = [item for item in items if not choice.belongs_to(self._tier, item)]
        if left:
            self._config.hook.pytest_deselected(items=left)
            items[:] = [item for item in items if choice.belongs_to(self._tier, item)]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Let the process that prints know, if this is a worker; write the record, if it is not."""
        if self._tier == "guards" and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = pytest.ExitCode.OK  # all are proved
        output: dict[str, Any] | None = getattr(self._config, "workeroutput", None)
        if output is not None:
            output["guards"] = [self._guards.digests, self._guards.stale]
        elif self._config.getoption("--record-guards") and self._guards.digests:
            write_record(self._guards.digests, self._proved)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Hear from a worker, all of which have collected the same."""
        output: dict[str, Any] = getattr(node, "workeroutput", {})
        if "guards" in output:
            self._guards = Guards(*output["guards"])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a guard that was proved."""
        if report.when == "call" and report.passed:
            self._proved.update(str(value) for name, value in report.user_properties if name == PROVED)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was not run: nothing is left out silently."""
        for line in self._lines():
            terminalreporter.write_line(line)

    def _lines(self) -> Sequence[str]:
        count, stale = len(self._guards.digests), self._guards.stale
        if not count or self._tier == "all":
            return ()
        proved = len([name for name in stale if self._guards.digests[name] in self._proved])
        lines = [
            f"guards: {count}; {count - len(stale)} proved before with these files, {proved} of {len(stale)} now",
        ]
        if self._tier == "fast" and len(stale) > MAX_GUARDS:
            lines.append(f"guards: {len(stale) - MAX_GUARDS} whose files changed are left to `make test-slow`")
        if stale and self._tier != "guards":
            lines.append(f"guards: `make guards` proves those {len(stale)} and writes {RECORD.relative_to(ROOT)}")
        return lines


def register(config: pytest.Config) -> None:
    """Add the plugin."""
    config.pluginmanager.register(Tiers(config), "intarsia-tiers")
