"""The budgets that do not depend on the machine, and the parts of the benchmarks that read and judge."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from benchmarks import view
from benchmarks.documents import HERE, bundle, make_documents, with_probe
from benchmarks.machine import Machine, describe_machine, read_cpu, read_memory, read_system
from benchmarks.measuring import Samples, interleave
from benchmarks.recording import record
from benchmarks.report import Report, Row, timed
from benchmarks.samples import CARDS_PER_STAGE, LAST_CARD, STAGES, Numbers, make_tasks
from benchmarks.sizes import VIEW_BUDGET, compare_answers, size_of
from intarsia.ui_templates import load_document

MACHINE = Machine("A processor", 2, 8.0, "A system", "3.11", "156", {"mcp": "2.3"})


def test_the_view_is_within_its_budget() -> None:
    size = size_of(load_document("Team tasks").html)

    assert 5_000 < size.gzip <= VIEW_BUDGET
    assert size.raw > size.gzip


async def test_a_moved_card_is_a_tenth_of_the_board(tmp_path: Path) -> None:
    (row,) = await compare_answers(tmp_path)

    assert row.is_kept
    assert 0 < row.ours < 4_000
    assert row.theirs is not None
    assert row.theirs > 10_000


async def test_the_recording_is_of_the_whole_board_and_of_real_actions(tmp_path: Path) -> None:
    recording = await record(tmp_path, count=3)

    assert recording.html.count("<li ") == len(STAGES) * CARDS_PER_STAGE
    assert f'id="w-card-{LAST_CARD}"' in recording.html
    messages = [answer["_meta"]["dev.intarsia/done"]["message"] for answer in recording.answers]
    assert messages == ["T-2 is done.", "T-2 is open.", "T-2 is done."]
    parts = [answer["_meta"]["dev.intarsia/parts"] for answer in recording.answers]
    assert all(list(part["lists"]["w-cards-backlog"]["items"]) == ["T-2"] for part in parts)
    assert all("frame" not in part for part in parts)


def test_the_data_are_the_same_in_every_run() -> None:
    assert make_tasks() == make_tasks()
    assert len(make_tasks()) == 60
    numbers = Numbers()
    before = (numbers.points, numbers.processes)
    numbers.advance()
    assert (len(numbers.points), len(numbers.processes), len(numbers.metrics)) == (90, 50, 4)
    assert (numbers.points, numbers.processes) != before


def test_samples_are_summed_up() -> None:
    samples = Samples((5.0, 1.0, 3.0, 2.0, 4.0))

    assert (samples.minimum, samples.median) == (1.0, 3.0)
    assert (samples.percentile(0.95), samples.percentile(0.2), samples.percentile(0)) == (5.0, 1.0, 1.0)


async def test_measures_take_turns_and_the_warm_up_does_not_count() -> None:
    order: list[str] = []

    def measure(name: str) -> Callable[[], Awaitable[float]]:
        async def once() -> float:
            order.append(name)
            return float(len(order))

        return once

    found = await interleave({"one": measure("one"), "two": measure("two")}, rounds=2, warm_up=1)

    assert order == ["two", "one", "one", "two", "two", "one"]
    assert found == {"one": Samples((3.0, 6.0)), "two": Samples((4.0, 5.0))}


@pytest.mark.parametrize(
    ("row", "is_kept", "shown"),
    [
        (Row("S", "Bytes", "bytes", 30_000, budget=40_960), True, "≤ 40,960 B | kept |"),
        (Row("S", "Bytes", "bytes", 50_000, budget=40_960), False, "**missed**"),
        (Row("S", "A tenth", "bytes", 9, "the other", 100, 0.1), True, "0.090 × |  | ≤ 0.10 × | kept |"),
        (Row("S", "No budget", "ms", 1_234.5), None, "| 1,234 ms |"),
        (timed("S", "Time", Samples((4, 2)), "a reference", Samples((1, 2)), 1.5), False, "2.00 × | 2.00 ×"),
    ],
)
def test_rows_are_judged_and_written(row: Row, is_kept: bool, shown: str) -> None:  # noqa: FBT001  # a parameter of the test
    report = Report(MACHINE, [row], ["Left out: nothing."], seconds=12.3)

    assert row.is_kept is is_kept
    assert (row in report.missed) is (is_kept is False)
    markdown = report.as_markdown()
    assert shown in markdown
    assert "A processor, 2 cores, 8 GB, A system, Python 3.11, Chromium 156" in markdown
    assert markdown.endswith("- Left out: nothing.\n")
    assert {line.count("|") for line in markdown.splitlines() if line.startswith("|")} == {8}


def test_results_can_be_read_by_programs(tmp_path: Path) -> None:
    row = timed("S", "Time", Samples((1 / 3, 2)), "a reference", Samples((1, 2)), 1.5)
    Report(MACHINE, [row]).write(tmp_path)

    results = json.loads((tmp_path / "view.json").read_text("utf-8"))
    assert results["machine"]["cpu"] == "A processor"
    assert results["rows"][0]["ours"] == 0.33333
    assert results["rows"][0]["is_kept"] is True
    assert (tmp_path / "view.md").read_text("utf-8").count("\n| ") == 4


def test_the_results_in_the_repository_are_whole() -> None:
    results = json.loads((view.RESULTS / "view.json").read_text("utf-8"))
    sections = {row["section"] for row in results["rows"]}

    assert results["machine"]["cpu"]
    assert results["machine"]["chromium"]
    assert len(sections) >= 7
    assert (view.RESULTS / "view.md").read_text("utf-8").count("\n| ") >= len(results["rows"])


def test_the_machine_is_read_from_what_linux_says() -> None:
    assert read_cpu("processor\t: 0\nmodel name\t: AMD  EPYC 7B13\nflags\t: fpu\n") == "AMD EPYC 7B13"
    assert read_memory("MemTotal:       25165824 kB\nMemFree: 1 kB\n") == 24
    assert (
        read_system('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n') == "Debian GNU/Linux 12 (bookworm)"
    )
    assert (read_cpu(""), read_memory(""), read_system("")) == ("", None, "")
    machine = describe_machine("156.0", {"react": "19"})
    assert machine.cores >= 1
    assert machine.packages["react"] == "19"
    assert "mcp" in machine.packages


def test_documents_are_whole_and_tell_when_they_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.documents.install_react", lambda: False)
    documents = make_documents("<ol><li id='w-card-T-60'>Last</li></ol>", "w-card-T-60", None)

    assert "<script" not in documents.static
    assert "w-card-T-60" in documents.static
    assert (documents.react, documents.prefab) == (None, None)
    assert size_of(documents.app).gzip > 3 * size_of(documents.intarsia).gzip
    for document in (documents.intarsia, documents.static, documents.app, documents.empty):
        probed = with_probe(document, "#w-card-T-60")
        assert probed.index('querySelector("#w-card-T-60")') < probed.index("<body")
        if "Content-Security-Policy" in probed:  # what comes after the policy would not run
            assert probed.index("<script>") < probed.index("Content-Security-Policy")


def test_the_host_page_can_be_bundled() -> None:
    assert "sandbox-resource-ready" in bundle(HERE / "pages" / "host.ts")
