"""What runs in which tier: nothing is in neither, and what the fast tier leaves out is said."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from tests import tiers
from tests.security.mutation import Guard, Mutation
from tests.tiers import Choice, Guards, left_out_of_samples, look_at_guards

ROOT = Path(__file__).resolve().parent.parent


class Item:
    """As much of a collected test as the tiers look at."""

    def __init__(self, nodeid: str, *markers: str, guard: Guard | None = None, sampled: int = 0) -> None:
        self.nodeid = nodeid
        self.callspec = type("CallSpec", (), {"params": {"guard": guard} if guard else {}})
        self._markers = [getattr(pytest.mark, name).mark for name in markers]
        self._markers += [pytest.mark.sampled(sampled).mark] if sampled else []

    def iter_markers(self) -> list[pytest.Mark]:
        return self._markers

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return next((marker for marker in self._markers if marker.name == name), None)


def item(nodeid: str, *markers: str, **more: Any) -> pytest.Item:
    return cast("pytest.Item", Item(nodeid, *markers, **more))


def guards(count: int) -> list[pytest.Item]:
    made = (
        Guard(f"{n}", f"tests/test_tiers.py -k {n}", (Mutation("pyproject.toml", "a", f"{n}"),)) for n in range(count)
    )
    return [item(f"tests/test_guards.py::test[{guard.name}]", guard=guard) for guard in made]


def chosen(tier: str, items: list[pytest.Item], choice: Choice) -> set[str]:
    return {one.nodeid for one in items if choice.belongs_to(tier, one)}


@pytest.mark.parametrize("marker", ["slow", "wheel", "conformance"])
def test_what_takes_long_is_left_to_the_slow_tier(marker: str) -> None:
    items = [item("a"), item("b", marker), item("c", "browser")]

    assert chosen("fast", items, Choice(Guards())) == {"a", "c"}
    assert chosen("slow", items, Choice(Guards())) == {"b"}
    assert chosen("all", items, Choice(Guards())) == {"a", "b", "c"}
    assert chosen("guards", items, Choice(Guards())) == set()


def test_what_was_done_in_the_headless_shell_is_done_in_the_whole_chromium_too() -> None:
    items = [item("a"), item("b", "browser")]
    choice = Choice(Guards(), has_shell=True)

    assert chosen("fast", items, choice) == {"a", "b"}
    assert chosen("slow", items, choice) == {"b"}


def test_a_guard_that_was_proved_with_the_same_files_is_left_to_the_slow_tier() -> None:
    items = guards(5)
    known = look_at_guards(items, frozenset())
    proved = {known.digests[one.nodeid] for one in items[:3]}

    choice = Choice(look_at_guards(items, frozenset(proved)))

    assert chosen("fast", items, choice) == chosen("guards", items, choice) == {one.nodeid for one in items[3:]}
    assert chosen("slow", items, choice) == {one.nodeid for one in items[:3]}


def test_the_fast_tier_proves_so_many_guards_and_the_slow_one_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "MAX_GUARDS", 3)
    items = guards(8)
    choice = Choice(look_at_guards(items, frozenset()))

    fast, slow = chosen("fast", items, choice), chosen("slow", items, choice)

    assert (len(fast), len(slow), fast & slow) == (3, 5, set())
    assert chosen("guards", items, choice) == fast | slow
    assert fast == chosen("fast", items, Choice(look_at_guards(items[::-1], frozenset())))


def test_of_a_matrix_other_cases_run_with_another_seed_and_all_in_the_slow_tier() -> None:
    items = [item(f"t[{n}]", sampled=2) for n in range(9)] + [item("u[1]", sampled=4), item("v")]

    by_seed = [chosen("fast", items, Choice(Guards(), left_out_of_samples(items, seed))) for seed in range(40)]

    assert {len(names) for names in by_seed} == {4}
    assert all({"u[1]", "v"} <= names for names in by_seed)
    assert set[str]().union(*by_seed) == {one.nodeid for one in items}
    assert by_seed[0] == chosen("fast", items, Choice(Guards(), left_out_of_samples(items[::-1], 0)))
    assert chosen("slow", items, Choice(Guards(), left_out_of_samples(items, 0))) == {one.nodeid for one in items} - {
        "v"
    }


SAMPLE: Mapping[str, str] = {
    "test_fast.py": "def test_plain(): pass\n",
    "test_slow.py": "import pytest\n@pytest.mark.slow\ndef test_long(): pass\n",
    "test_guards.py": """
from tests.security import mutation
@mutation.each_guard({"one": ("tests/test_tiers.py -k one", mutation.Mutation("pyproject.toml", "a", "b"))})
def test_bites(guard): pass
""",
    "conftest.py": """
from pathlib import Path
from tests import guard_record, tiers
tiers.read_record = lambda: guard_record.read_record(Path("record.txt"))
tiers.write_record = lambda now, proved: guard_record.write_record(now, proved, Path("record.txt"))
pytest_addoption = tiers.add_options
pytest_configure = tiers.register
""",
    "pytest.ini": "[pytest]\nmarkers = slow\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with a test of each kind, and a record of its own."""
    for name, text in SAMPLE.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run_tier(project: Path, tier: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "no:intarsia"]
    finished = subprocess.run(
        [*command, "--tier", tier, *arguments],
        cwd=project,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_a_guard_is_proved_once_and_what_is_left_out_is_said(project: Path) -> None:
    before = run_tier(project, "fast", "-n", "2")
    proving = run_tier(project, "guards", "--record-guards", "-n", "2")
    after = run_tier(project, "fast")
    slow = run_tier(project, "slow")
    again = run_tier(project, "guards", "--record-guards", "-n", "2")

    assert "guards: 1; 0 proved before with these files, 1 of 1 now" in before
    assert "guards: `make guards` proves those 1 and writes tests/proved_guards.txt" in before
    assert "2 passed" in before
    assert "1 passed" in proving
    assert "guards: 1; 1 proved before with these files, 0 of 0 now" in after
    assert "1 passed" in after
    assert "make guards" not in after
    assert {name for name in ("test_long", "test_bites", "test_plain") if name in slow} == {"test_long", "test_bites"}
    assert "2 passed" in slow
    assert "passed" not in again
    assert (project / "record.txt").read_text().count("test_guards.py::test_bites[one]") == 1
