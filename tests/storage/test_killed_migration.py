"""A migration that is killed at any statement leaves the store whole, and the next start migrates it."""

import subprocess
import sys
from pathlib import Path

from tests.commands import ROOT


def test_a_migration_that_is_killed_has_happened_or_not(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.storage.killed_migration", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    outcomes = run.stdout.splitlines()

    assert run.returncode == 0, run.stderr
    assert set(outcomes) == {"old new", "new new"}
    assert outcomes.count("old new") > 20  # killed inside the transaction
    assert outcomes[-1] == "new new"  # not killed at all
