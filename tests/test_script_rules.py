"""Scripts import each other in one direction and without circles; each rule is shown to bite on a planted mistake."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import script_rules as rules

ROOT = Path(__file__).resolve().parent.parent
VIEW = "intarsia/ui_templates/view"
RULES: tuple[Callable[[Path], list[str]], ...] = (
    rules.complain_about_directions,
    rules.complain_about_circles,
    rules.complain_about_full_folders,
    rules.complain_about_names,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__.removeprefix("complain_about_"))
def test_the_repository_keeps_the_rule(rule: Callable[[Path], list[str]]) -> None:
    assert rule(ROOT) == []


def plant(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "statement",
    [
        'import { poll } from "../live/poller";',
        'import type { Poll } from "../live/poller";',
        'import {\n  type Poll,\n} from "../live/poller";',
        'import * as poller from "../live/poller";',
        'import "../live/poller";',
        'export { poll } from "../live/poller";',
        'const poller = await import("../live/poller");',
    ],
)
def test_folders_that_import_each_other_are_found_by_every_form_of_import(tmp_path: Path, statement: str) -> None:
    plant(tmp_path, f"{VIEW}/live/poller.ts", 'import { run } from "../requests/queue";')
    plant(tmp_path, f"{VIEW}/requests/queue.ts", "")
    plant(tmp_path, f"{VIEW}/requests/tool_call.ts", statement)

    (found,) = rules.complain_about_directions(tmp_path)
    between = "live/poller.ts imports requests/queue.ts; requests/tool_call.ts imports live/poller.ts"
    assert found == f"{VIEW}: live, requests import each other: {between}."
    assert rules.complain_about_circles(tmp_path) == [], "no module is in a circle yet"


def test_folders_that_import_each_other_over_a_third_are_found(tmp_path: Path) -> None:
    plant(tmp_path, f"{VIEW}/dom/root.ts", 'import "../host/theme";')
    plant(tmp_path, f"{VIEW}/host/theme.ts", 'import "../live/poller";')
    plant(tmp_path, f"{VIEW}/live/poller.ts", 'import "../dom/focus";')
    plant(tmp_path, f"{VIEW}/dom/focus.ts", "")

    (found,) = rules.complain_about_directions(tmp_path)

    assert found.startswith(f"{VIEW}: dom, host, live import each other")


def test_each_module_outside_of_folders_is_a_part_of_its_own(tmp_path: Path) -> None:
    plant(tmp_path, f"{VIEW}/main.ts", 'import "./live/poller";')
    plant(tmp_path, f"{VIEW}/live/poller.ts", 'import type { View } from "../behavior";')
    plant(tmp_path, f"{VIEW}/behavior.ts", "")
    assert rules.complain_about_directions(tmp_path) == []

    plant(tmp_path, f"{VIEW}/behavior.ts", 'import "./main";')

    (found,) = rules.complain_about_directions(tmp_path)
    assert "behavior.ts, live, main.ts import each other" in found


@pytest.mark.parametrize("kind", ["", "type "])
def test_modules_that_import_each_other_are_found(tmp_path: Path, kind: str) -> None:
    plant(tmp_path, "intarsia/host/page/views/view.ts", f'import {kind}{{ Services }} from "./services";')
    plant(tmp_path, "intarsia/host/page/views/services.ts", f'import {kind}{{ View }} from "./view";')

    assert rules.complain_about_circles(tmp_path) == [
        "intarsia/host/page/views/services.ts, intarsia/host/page/views/view.ts import each other."
    ]


def test_tools_that_import_each_other_are_found_within_functions_too(tmp_path: Path) -> None:
    plant(tmp_path, "benchmarks/live.py", "from benchmarks.live_page import write_page\n")
    plant(tmp_path, "benchmarks/live_page.py", "def write_page():\n    from benchmarks import live\n")

    assert rules.complain_about_circles(tmp_path) == ["benchmarks/live, benchmarks/live_page import each other."]


def test_a_full_folder_is_found(tmp_path: Path) -> None:
    for number in range(rules.FOLDER_LIMIT + 1):
        plant(tmp_path, f"{VIEW}/dom/part_{number}.ts", "")
        plant(tmp_path, f"{VIEW}/dist/part_{number}.ts", "")
        plant(tmp_path, f"{VIEW}/dom/style_{number}.css", "")

    (found,) = rules.complain_about_full_folders(tmp_path)

    assert found.startswith(f"{VIEW}/dom has 13 modules")


def test_a_module_that_is_named_by_a_verb_and_a_limit_without_max_are_found(tmp_path: Path) -> None:
    plant(tmp_path, f"{VIEW}/live/waiting.ts", "export const LONGEST_MS = 5;\n")

    assert rules.complain_about_names(tmp_path) == [
        f"{VIEW}/live/waiting.ts is named by what is done; name it by what it is.",
        f"{VIEW}/live/waiting.ts has a constant LONGEST_MS; limits begin with MAX_ or MIN_.",
    ]
