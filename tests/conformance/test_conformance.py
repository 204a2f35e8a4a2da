"""The official conformance suite of MCP, through Intarsia's gate and assembly, over real HTTP."""

from dataclasses import replace
from pathlib import Path

import pytest

from scripts.conformance import Check, complain, install_suite, run
from tests.conformance.expectations import RUNS, Run

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.xdist_group("conformance"),
    # The suite asks for what the protocol has left behind: logging, sampling and roots.
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def suite() -> None:
    install_suite()


@pytest.mark.parametrize("wanted", RUNS, ids=lambda wanted: wanted.name)
async def test_the_suite_finds_what_is_expected_and_nothing_else(wanted: Run, tmp_path: Path) -> None:
    checks = await run(wanted, tmp_path)

    assert complain(wanted, checks) == []


def test_a_difference_from_the_table_is_told() -> None:
    wanted = Run("fixtures", "2026-07-28", passes=2, scenarios=frozenset({"ping", "tools-list"}), expected={"a/b": "!"})
    checks = [Check("ping/ping", "SUCCESS", ""), Check("ping/late", "WARNING", "It was late.")]

    assert complain(wanted, checks) == [
        "ping/late is a warning: It was late.",
        "a/b passes now; take it off the table.",
        "Only 1 checks passed, and 2 should.",
        "The scenario tools-list did not run.",
    ]
    assert complain(replace(wanted, passes=1, scenarios=None, expected={"ping/late": "It may be."}), checks) == []
