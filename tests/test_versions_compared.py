"""How two versions are compared: stages of a call, figures of benchmarks, and the processes that measure them."""

import asyncio
import inspect
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from benchmarks import check, compare, compare_worker, stage_worker, versions
from benchmarks.check import TOTAL
from benchmarks.stage_worker import IDLE, StageSampler, divide
from benchmarks.stages import LOAD, LOOP, NAMES, THREADS, name_file, stage_of
from benchmarks.versions import Version, VersionError
from scripts.click_path import ERAS, find_package

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = find_package(ROOT)
MARKUP, AUTHOR = "markup", "author's function and widget objects"

Json = dict[str, Any]


# -- Stages ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "stage"),
    [
        ("ui_templates/task_board/view.html", MARKUP),
        ("ui_templates/task_board/text.md", "text form"),
        ("ui_templates/render.py", MARKUP),
        ("server/once.py", "idempotency and confirmations"),
        ("server/calls/idempotency.py", "idempotency and confirmations"),
        ("server/calls/handler.py", "handling of calls"),
        ("server/calls.py", "handling of calls"),
        ("server/wire/strict_json.py", "request limits and strict JSON"),
        ("server/wire/diff.py", "differences and messages"),
        ("server/auth/resource_server/verifier.py", "access tokens"),
        ("server/somewhere/new.py", "other modules of the package"),
        ("lib:mcp/server/lowlevel/server.py", "SDK and its adapter"),
        ("tree:benchmarks/subject.py", AUTHOR),
        ("tool:scripts/click_path.py", LOAD),
        ("widgets/widget.py", ""),
        ("server/storage/sqlite.py", ""),
        ("lib:sqlalchemy/engine/base.py", ""),
        ("/usr/lib/python3.11/json/encoder.py", ""),
    ],
)
def test_a_file_has_one_stage_in_either_layout(file: str, stage: str) -> None:
    assert stage_of(file) == stage


def test_every_module_of_the_server_has_a_stage_or_passes_its_time_on() -> None:
    package = ROOT / PACKAGE
    paths = [path.relative_to(package).as_posix() for path in sorted((package / "server").rglob("*.py"))]
    off_the_way = ("server/admin/", "server/sign_in/", "server/pages/", "server/auth/", "server/attach", "server/on_")

    other = [path for path in paths if stage_of(path) == "other modules of the package"]

    assert len(paths) > 40
    assert [
        path for path in other if not path.startswith(off_the_way) and not path.endswith(("__init__.py", "existing.py"))
    ] == []


def test_files_are_named_after_the_tree_that_is_measured() -> None:
    folders = ("/old/shelf/", "/old/", "/new/")

    assert name_file("/old/shelf/server/calls.py", *folders) == "server/calls.py"
    assert name_file("/old/benchmarks/subject.py", *folders) == "tree:benchmarks/subject.py"
    assert name_file("/old/.venv/lib/python3.11/site-packages/mcp/types.py", *folders) == "lib:mcp/types.py"
    assert name_file("/new/scripts/click_path.py", *folders) == "tool:scripts/click_path.py"
    assert name_file("/usr/lib/python3.11/json/encoder.py", *folders) == "/usr/lib/python3.11/json/encoder.py"


def run_as(file: str, then: Callable[[], object]) -> object:
    """Call a function from a frame whose source file has a name."""
    space: dict[str, Any] = {"then": then}
    exec(compile("def run():\n    return then()\n", file, "exec"), space)  # noqa: S102  # a frame of any name
    return space["run"]()


def test_time_belongs_to_the_innermost_frame_that_has_a_stage(tmp_path: Path) -> None:
    sampler = StageSampler(tmp_path / "shelf", tmp_path)

    def look() -> str:
        return sampler.stage_of_stack(inspect.currentframe())

    def under(*files: str) -> object:
        def call(rest: tuple[str, ...]) -> object:
            return run_as(str(tmp_path / rest[0]), lambda: call(rest[1:])) if rest else look()

        return call(files)

    assert under() == LOOP
    assert under("shelf/ui_templates/render.py", "shelf/widgets/widget.py") == MARKUP
    assert under("benchmarks/subject.py", "shelf/widgets/widget.py", "shelf/server/store.py") == AUTHOR
    assert under("benchmarks/subject.py", "shelf/server/audit/log.py", "shelf/server/store.py") == "audit log"
    assert under("shelf/server/calls.py", "selectors.py") != IDLE  # it is this function that runs, not the selector


def test_time_in_a_greenlet_belongs_to_what_waits_for_it(tmp_path: Path) -> None:
    sampler = StageSampler(tmp_path / "shelf", tmp_path)
    found: list[str] = []

    def work() -> None:
        found.append(sampler.stage_of_stack(inspect.currentframe()))

    greenlets: Any = import_module("greenlet")
    run_as(str(tmp_path / "shelf/server/audit/log.py"), greenlets.greenlet(work).switch)

    assert found == ["audit log"]


def test_the_sampler_finds_where_the_time_goes(tmp_path: Path) -> None:
    sampler = StageSampler(tmp_path / "shelf", tmp_path)

    def spend(seconds: float) -> None:
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass

    with sampler.sampling():
        run_as(str(tmp_path / "shelf/ui_templates/render.py"), lambda: spend(0.2))
        run_as(str(tmp_path / "benchmarks/subject.py"), lambda: spend(0.05))

    assert set(sampler.looks) <= {MARKUP, AUTHOR, LOOP}
    assert 2 < sampler.looks[MARKUP] / sampler.looks[AUTHOR] < 8


def test_cpu_is_divided_as_the_looks_were() -> None:
    looks = Counter({MARKUP: 30, AUTHOR: 10, LOAD: 10, IDLE: 500})

    assert divide(looks, main=5.0, others=0.4) == {MARKUP: 3.0, AUTHOR: 1.0, THREADS: 0.4}


# -- The judgement of stages ----------------------------------------------------


def rounds(old: float, new: float, count: int = 5) -> list[tuple[Json, Json]]:
    """Make rounds in which the machine is slower and slower, and the markup takes so long in each version."""
    return [
        ({MARKUP: old * speed, AUTHOR: 1.0 * speed}, {MARKUP: new * speed, AUTHOR: 1.0 * speed})
        for speed in range(1, count + 1)
    ]


def test_a_stage_that_grew_by_more_than_a_tenth_is_named() -> None:
    found = check.compare("board", ERAS[0], rounds(1.0, 1.3))

    assert [each.stage for each in found.grown] == [MARKUP, TOTAL]
    assert found.rounds[MARKUP].ratio == pytest.approx(1.3)
    assert any(line.endswith("1.30  grew") and MARKUP in line for line in found.as_table())


@pytest.mark.parametrize(("old", "new"), [(1.0, 1.0), (1.0, 1.09), (1.0, 0.5), (0.01, 0.02)])
def test_a_stage_that_grew_by_little_is_not_named(old: float, new: float) -> None:
    assert check.compare("board", ERAS[0], rounds(old, new)).grown == []


def test_a_stage_that_the_old_version_has_not_is_named_when_it_is_large() -> None:
    assert [each.stage for each in check.compare("board", ERAS[0], rounds(0.0, 0.5)).grown] == [MARKUP, TOTAL]
    table = check.compare("board", ERAS[0], rounds(0.0, 0.5)).as_table()
    assert any(MARKUP in line and "new  grew" in line for line in table)


def test_one_round_that_was_disturbed_accuses_nobody() -> None:
    taken = [*rounds(1.0, 1.0, 4), ({MARKUP: 1.0, AUTHOR: 1.0}, {MARKUP: 9.0, AUTHOR: 1.0})]

    assert check.compare("board", ERAS[0], taken).grown == []


def test_growth_in_hardly_more_than_half_of_the_rounds_accuses_nobody() -> None:
    taken = [({MARKUP: 1.0, AUTHOR: 1.0}, {MARKUP: new, AUTHOR: 1.0}) for new in (1.2, 1.2, 1.2, 0.9, 0.9)]

    assert check.compare("board", ERAS[0], taken).grown == []


# -- Figures of benchmarks ------------------------------------------------------


def row(name: str, ours: float, theirs: float | None = None, unit: str = "ms", **more: Any) -> Json:
    return {"name": name, "unit": unit, "ours": ours, "theirs": theirs, **more}


def figure(old: Json, new: Json) -> compare.Figure:
    (found,), unmatched = compare.pair([[old]] * 3, [[new]] * 3)
    assert unmatched == []
    return found


def test_a_figure_beside_another_is_judged_by_its_ratio() -> None:
    busy_machine = figure(row("paint", 50, 40), row("paint", 100, 80))
    slower = figure(row("paint", 50, 40), row("paint", 60, 40))

    assert (busy_machine.absolute, busy_machine.relative, busy_machine.is_worse) == (2.0, 1.0, False)
    assert slower.is_worse
    assert slower.as_line() == "| paint | 50 ms | 60 ms | 1.20 | 1.20 |  | **worse** |"


def test_a_figure_alone_is_judged_by_itself() -> None:
    assert figure(row("size", 100, unit="bytes"), row("size", 111, unit="bytes")).is_worse
    assert not figure(row("size", 100, unit="bytes"), row("size", 109, unit="bytes")).is_worse


def test_minima_and_medians_must_both_be_worse() -> None:
    old = row("click", 3.0, 1.0, medians=[4.0, 1.0])

    assert not figure(old, row("click", 3.6, 1.0, medians=[4.0, 1.0])).is_worse
    assert not figure(old, row("click", 3.0, 1.0, medians=[5.0, 1.0])).is_worse
    assert figure(old, row("click", 3.6, 1.0, medians=[5.0, 1.0])).is_worse


def test_rows_are_found_again_when_only_their_wording_changed() -> None:
    old = [row("size", 10, unit="bytes"), row("drawn first", 1.0)]
    new = [row("size", 10, unit="bytes"), row("rendered first", 1.5)]

    figures, unmatched = compare.pair([old], [new])

    assert [(each.name, each.absolute) for each in figures] == [("size", 1.0), ("rendered first", 1.5)]
    assert unmatched == []


def test_rows_of_one_version_only_are_listed() -> None:
    figures, unmatched = compare.pair([[row("size", 1), row("gone", 1)]], [[row("size", 1)]])

    assert [each.name for each in figures] == ["size"]
    assert unmatched == ["gone"]
    assert compare.as_table(figures, unmatched)[-1] == "- In one version only: gone"


def test_rows_have_one_name_in_both_versions() -> None:
    def name(product: str, milliseconds: int) -> str:
        what = f"{product}, opaque, above an empty frame's {milliseconds} ms"
        return compare_worker.name_row({"section": "Paint", "what": what, "other": "Prefab (6,825 KB raw)"}, product)

    assert name("Inlay", 61) == name("Intarsia", 58)
    assert name("Inlay", 61) == "Paint: ours, opaque, above an empty frame's … ms / Prefab (… KB raw)"


def test_the_figures_of_switches_are_read_from_what_is_printed() -> None:
    printed = (
        "a call, switches asked: 1.500 ms CPU, 1.020 x the same without asking\n"
        "list: 0.200 ms before the changes, 0.210 after, 1.05 x\n"
        "memory: 120 MB before, 121 MB after\n"
    )

    asked, listed = compare_worker.read_switches(printed)

    assert (asked["what"], asked["ours"], asked["theirs"]) == ("a call, switches asked", 1.5, pytest.approx(1.5 / 1.02))
    assert (listed["what"], listed["ours"]) == ("list", 0.2)


# -- Versions -------------------------------------------------------------------


def test_libraries_that_differ_are_noted() -> None:
    notes = versions.note_differences({"mcp": "2.3.0", "jinja2": "3"}, {"mcp": "2.4.0", "jinja2": "3", "anyio": "4"})

    assert notes == [
        "anyio is missing in the old version and 4 in the new.",
        "mcp is 2.3.0 in the old version and 2.4.0 in the new.",
    ]


def test_a_commit_that_is_not_there_is_refused() -> None:
    with pytest.raises(VersionError, match="failed"):
        versions.check_out("no-such-commit")


@pytest.fixture
def old_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a repository of an older version of another name, and let it be found."""
    repository = tmp_path / "repository"
    for path, text in {
        "pyproject.toml": '[project]\nname = "shelf"\n',
        "shelf/__init__.py": "",
        "benchmarks/__init__.py": "",
        "benchmarks/subject.py": "NAME = 'the old subject'\n",
        "scripts/bootstrap.py": "import pathlib\npathlib.Path('set-up').write_text('done')\n",
        versions.LANDED: "{}",
    }.items():
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text(text, encoding="utf-8")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "Begin"]):
        subprocess.run(["git", *command], cwd=repository, check=True)  # noqa: S607  # git is where the person has it
    monkeypatch.setattr(versions, "ROOT", repository)
    monkeypatch.setattr(versions, "KEPT", tmp_path / "kept")
    return repository


@pytest.mark.usefixtures("old_tree")
def test_an_older_version_is_checked_out_and_set_up_by_itself() -> None:
    version = versions.check_out("HEAD")

    assert version.name == versions.landed_revision()[:10]
    assert version.root.parent == versions.KEPT
    assert (version.root / "set-up").read_text() == "done"
    assert (version.root / "benchmarks/subject.py").is_file()
    assert versions.check_out("HEAD") == version


def test_a_version_that_cannot_be_set_up_says_why(old_tree: Path) -> None:
    version = versions.check_out("HEAD")
    (version.root / "scripts/bootstrap.py").write_text("import sys\nsys.exit('no disk')\n", encoding="utf-8")

    with pytest.raises(VersionError, match="no disk"):
        versions.check_out("HEAD")
    assert old_tree != version.root


def test_a_process_measures_the_other_tree_with_this_trees_tools(old_tree: Path) -> None:
    program = (
        "import json, sys; from pathlib import Path; from benchmarks.versions import enter, load\n"
        "root = Path(sys.argv[1]); name = enter(root)\n"
        "print(json.dumps([name, load(root, 'benchmarks.subject').NAME, load(root, 'shelf').__file__]))"
    )
    command = [sys.executable, "-P", "-c", program, str(old_tree)]
    finished = subprocess.run(
        command, cwd=old_tree, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )

    assert json.loads(finished.stdout) == ["shelf", "the old subject", str(old_tree / "shelf/__init__.py")]


def test_a_process_that_ends_is_not_waited_for(tmp_path: Path) -> None:
    version = Version("broken", tmp_path, Path(sys.executable))

    with (
        versions.running_worker(version, "benchmarks.stage_worker") as worker,
        pytest.raises(VersionError, match="ended"),
    ):
        worker.ask(what="libraries")


def test_this_version_is_measured_stage_by_stage() -> None:
    with versions.running_worker(versions.working_tree(), "benchmarks.stage_worker") as worker:
        libraries = worker.ask(what="libraries")
        found = {what: worker.ask(what=what, era=ERAS[1], calls=20) for what in check.CALLS}

    assert libraries["mcp"]
    for stages in found.values():
        assert set(stages) <= set(NAMES)
        assert {MARKUP, AUTHOR, "SDK and its adapter"} <= set(stages)
    assert {"idempotency and confirmations", "audit log"} <= set(found["action"])
    assert found["action"][THREADS] > found["board"][THREADS]


def test_every_kind_of_call_can_be_measured_in_both_eras() -> None:
    class App:
        async def __call__(self, _scope: Json, _receive: object, send: Callable[[Json], Any]) -> None:
            parts: Json = {"tool": "board", "arguments": {}, "lists": {}}
            result: Json = {"_meta": {"dev.shelf/parts": parts, "dev.shelf/view": "handle"}}
            await send({"type": "http.response.body", "body": json.dumps({"result": result}).encode()})

    class View:
        def __init__(self, _parts: Json) -> None: ...

    async def calls() -> set[tuple[str, str]]:
        return set(await stage_worker.Subject(App(), "shelf", View).calls(iter([])))  # type: ignore[arg-type]

    assert asyncio.run(calls()) == {(what, era) for what in check.CALLS for era in ERAS}
