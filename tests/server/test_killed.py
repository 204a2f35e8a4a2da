"""A process that is killed at any moment loses nothing that it acknowledged, and the audit log says what is true."""

import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from intarsia.server.audit.log import AuditQuery
from intarsia.server.audit.verify import verify
from intarsia.server.storage.tables import KEYS
from intarsia.server.switches.positions import Position
from tests.commands import ROOT
from tests.server.adding import ACTIONS, added, key_of, numbers_of
from tests.server.adding import build as build_adding
from tests.server.conftest import call
from tests.server.simulated_disk import COMPILER, Disk, record
from tests.server.test_switches import build
from tests.server.view_state import DONE

CHANGES = 100
MAX_CONCURRENT = 40
SEED = 7
KILLS = 70
POWER_CUTS = 400
MAX_ACTIONS = 400
"""How many actions are done before the power is cut: enough for the log of SQLite to begin again."""

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
    return numbers_until_killed(arguments, acknowledged)[-1]


def numbers_until_killed(arguments: list[str], acknowledged: int) -> list[int]:
    """Run Python, kill it after it acknowledged so many numbers, and return all that it acknowledged."""
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        numbers = [int(process.stdout.readline()) for _ in range(acknowledged)]
        process.send_signal(signal.SIGKILL)
        # What it wrote before it was gone counts too.
        return numbers + [int(line) for line in process.stdout if line.endswith("\n")]


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
            assert again.meta[DONE] == {"message": f"Added {number}.", "replayed": True}
            assert await added(connector) == number


@pytest.mark.slow
async def test_three_writers_that_are_killed_seventy_times_lose_and_double_nothing(tmp_path: Path) -> None:
    moments = random.Random(SEED)  # noqa: S311 - any moments that can be repeated
    store, acknowledged = tmp_path / "adding.db", set[int]()
    writers = ["add", "add_in_thread", "add"]
    for _ in range(KILLS):
        before = acknowledged
        printed = numbers_until_killed(["-m", "tests.server.adding", str(store), *writers], moments.randint(1, 30))
        acknowledged = before | set(printed)
        connector = build_adding(store)
        async with connector.running():
            there = await numbers_of(connector)
            in_flight = there - acknowledged
            assert acknowledged <= there
            assert len(in_flight) <= len(writers)
            for number in in_flight:
                action = writers[(number - 1) % len(writers)]
                again = await call(connector, action, key_of(number), number=number)
                assert again.meta[DONE] == {"message": f"Added {number}.", "replayed": True}
            async with connector.read() as connection:
                keys = set((await connection.execute(select(KEYS.c.key))).scalars())
            logged = await connector.audit.rows(AuditQuery(event="action"), 100_000)
            assert keys == {each["dev.intarsia/id"] for each in map(key_of, there)}
            assert len(logged) == len(there)
            assert (await verify(connector.store)).is_intact
        acknowledged = there


@pytest.mark.slow
@pytest.mark.skipif(COMPILER is None, reason="no C compiler")
def test_four_hundred_power_cuts_lose_and_double_nothing(tmp_path: Path) -> None:
    folder, chance = tmp_path / "disk", random.Random(SEED)  # noqa: S311 - any moments that can be repeated
    folder.mkdir()
    command = ["-m", "tests.server.adding", str(folder / "adding.db"), "add", "add_in_thread", "add"]
    operations = record(folder, command, MAX_ACTIONS)
    first = next(index for index, each in enumerate(operations) if each.kind == "p")
    assert any(each.kind == "w" and each.path == "adding.db" for each in operations[first:])  # the log began again
    moments = sorted(chance.sample(range(first, len(operations)), POWER_CUTS))
    disk, printed, at = Disk(chance), b"", 0
    for number, moment in enumerate(moments):
        for operation in operations[at:moment]:
            disk.do(operation)
            printed += operation.data if operation.kind == "p" else b""
        at = moment
        after = tmp_path / f"after {number}"
        after.mkdir()
        disk.cut(after)
        check_after_the_cut(after / "adding.db", {int(line) for line in printed.split()})


def check_after_the_cut(store: Path, acknowledged: set[int]) -> None:
    """Check that all that was acknowledged is there, and that what is there is there whole."""
    with closing(sqlite3.connect(store)) as database:
        there = {number for (number,) in database.execute("SELECT n FROM numbers")}
        answers = dict(database.execute("SELECT key, json_extract(answer, '$.message') FROM intarsia_keys"))
        (logged,) = database.execute("SELECT count(*) FROM intarsia_audit WHERE event = 'action'").fetchone()
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert acknowledged <= there
    assert len(there - acknowledged) <= 3  # one for each writer
    assert answers == {key_of(number)["dev.intarsia/id"]: f"Added {number}." for number in there}
    assert logged == len(there)
