"""A process that is killed at any moment loses nothing that it acknowledged, and the audit log says what is true."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from intarsia.server.audit.log import AuditQuery
from intarsia.server.audit.verify import verify
from intarsia.server.storage.tables import KEYS
from intarsia.server.switches.positions import Position
from tests.commands import ROOT
from tests.server.adding import ACTIONS, added, key_of
from tests.server.adding import build as build_adding
from tests.server.conftest import call
from tests.server.test_switches import build
from tests.server.view_state import DONE

CHANGES = 100
MAX_CONCURRENT = 40
SEED = 7

SETTING = """
import asyncio, sys
from pathlib import Path
from intarsia.server.switches.positions import Position
from intarsia.server.switches.service import Change
from tests.server.test_switches import build

async def main():
    tasks = build(Path(sys.argv[1]))
    async with tasks.store.open():
        for _ in range(1000):
            version = next((row.version for row in await tasks.switches.rows()), 0)
            position = Position.OFF if version % 2 else Position.ON
            await tasks.switches.set([Change("tool:board", position)], who="root", by="shell")
            print(version + 1, flush=True)

asyncio.run(main())
"""


def set_and_kill(store: Path, acknowledged: int) -> int:
    """Set switches in a process of its own, kill it after so many, and return the last version that it acknowledged."""
    return run_and_kill(["-c", SETTING, str(store)], acknowledged)


def run_and_kill(arguments: list[str], acknowledged: int) -> int:
    """Run Python, kill it after it acknowledged so many numbers, and return the last that it acknowledged."""
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        version = 0
        for _ in range(acknowledged):
            version = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        for line in process.stdout:  # what it wrote before it was gone counts too
            version = int(line) if line.endswith("\n") else version
    return version


async def test_no_switch_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    moments = random.Random(SEED)  # noqa: S311 - any moments that can be repeated
    store, version = tmp_path / "tasks.db", 0
    while version < CHANGES:
        acknowledged = set_and_kill(store, moments.randint(1, MAX_CONCURRENT))
        assert acknowledged > version
        tasks = build(store)
        async with tasks.running():
            (row,) = await tasks.switches.rows()
            logged = [each.entry for each in await tasks.audit.rows(AuditQuery(event="switch"), 100_000)]
            assert (await verify(tasks.store)).is_intact
        assert row.version in (acknowledged, acknowledged + 1)
        assert [int(entry.version) for entry in logged] == list(range(row.version, 0, -1))
        assert logged[0].result == row.position.value
        assert row.position is (Position.ON if row.version % 2 else Position.OFF)
        version = row.version


@pytest.mark.parametrize("action", ACTIONS)
async def test_an_action_that_is_killed_is_done_with_its_key_and_its_audit_row_or_not_at_all(
    action: str, tmp_path: Path
) -> None:
    moments = random.Random(SEED)  # noqa: S311 - any moments that can be repeated
    store, number = tmp_path / "adding.db", 0
    while number < CHANGES:
        acknowledged = run_and_kill(
            ["-m", "tests.server.adding", str(store), action], moments.randint(1, MAX_CONCURRENT)
        )
        assert acknowledged > number
        connector = build_adding(store)
        async with connector.running():
            number = await added(connector)
            assert number in (acknowledged, acknowledged + 1)
            async with connector.read() as connection:
                assert (await connection.execute(select(func.count()).select_from(KEYS))).scalar_one() == number
            logged = await connector.audit.rows(AuditQuery(event="action"), 100_000)
            assert [row.entry.what for row in logged] == [action] * number
            assert (await verify(connector.store)).is_intact
            again = await call(connector, action, key_of(number), number=number)
            assert again.meta[DONE]["replayed"] is True
            assert await added(connector) == number
