"""Heads of the audit log are shipped elsewhere, and find what the chain itself cannot find."""

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from intarsia import Connector, EmbeddedIssuer
from intarsia.cli import main
from intarsia.errors import SettingError
from intarsia.server.audit import heads
from intarsia.server.audit.heads import AuditHead, append_head, read_heads
from intarsia.server.audit.log import AuditEntry, AuditLog
from intarsia.server.audit.verify import AuditCheck, verify
from intarsia.server.storage.store import Store
from tests.authorization_server.sign_in_site import running_sign_in_site

TRIGGERS = ("intarsia_audit_no_update", "intarsia_audit_no_delete")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "heads.jsonl"


async def write(path: Path, *who: str) -> AuditHead:
    """Write a row for each, and return the head."""
    async with Store(path).open() as store:
        log = AuditLog(store)
        await log.write(*[AuditEntry("action", each) for each in who])
        (row,) = await log.rows(limit=1)
    return AuditHead("store", row.n, row.hash.hex(), row.at)


async def check(path: Path, *saved: AuditHead) -> AuditCheck:
    async with Store(path).open() as store:
        return await verify(store, heads=saved)


def cut(path: Path, last: int) -> None:
    """Cut off the rows after one, as somebody would who knows where SQLite keeps the greatest number."""
    with closing(sqlite3.connect(path)) as connection:
        for trigger in TRIGGERS:
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute("DELETE FROM intarsia_audit WHERE n > ?", (last,))
        connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'intarsia_audit'", (last,))
        connection.commit()


async def test_t35_rows_cut_off_at_the_end_are_found_by_a_head_and_not_by_the_chain(path: Path) -> None:
    saved = await write(path, "ada", "bob", "eve")
    cut(path, 1)

    assert (await check(path)).is_intact
    assert (await check(path, saved)).problem == "Rows 2 to 3 are missing at the end."


async def test_t35_a_log_written_anew_is_found_by_each_head(path: Path, tmp_path: Path) -> None:
    first, second = await write(path, "ada"), await write(path, "bob")
    await write(tmp_path / "anew.db", "ada", "eve", "eve")

    assert (await check(path, first, second)).found_heads == 2
    assert (await check(tmp_path / "anew.db")).is_intact
    for saved in (first, second):
        found = await check(tmp_path / "anew.db", saved)
        assert found.problem.startswith(f"Row {saved.n} is not the one whose hash was saved")


async def test_t35_two_saved_hashes_of_one_row_cannot_both_be_right(path: Path) -> None:
    saved = await write(path, "ada")
    other = AuditHead(saved.log, saved.n, "00" * 32, saved.at)

    assert "Row 1 is not the one" in (await check(path, saved, other)).problem


async def test_heads_of_pruned_rows_are_counted_apart_but_the_last_of_them_is_checked(path: Path) -> None:
    saved = [await write(path, who) for who in ("ada", "bob", "eve")]
    async with Store(path).open() as store:
        assert await AuditLog(store).prune(before=0, max_rows=1) == 2

    found = await check(path, *saved)
    assert (found.problem, found.found_heads, found.pruned_heads) == ("", 2, 1)
    other = AuditHead("store", 2, "00" * 32, 0)
    assert "Row 2 is not the one" in (await check(path, other)).problem


def mode_of(file: Path) -> int:
    return file.stat().st_mode & 0o777


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.01)


async def test_heads_go_to_a_file_while_a_connector_runs_and_at_its_end(
    path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "SHIP_SECONDS", 0.01)
    connector = Connector("Team tasks", store=path, audit_heads=file)
    async with connector.running():
        await connector.audit.write(AuditEntry("action", "ada"))
        await until(file.exists)
        monkeypatch.setattr(heads, "SHIP_SECONDS", 3600)
        await connector.audit.write(AuditEntry("action", "bob"), AuditEntry("action", "eve"))

    assert [(line["log"], line["n"]) for line in lines(file)][0::2] == [("team-tasks", 1)]
    assert lines(file)[-1]["n"] == 3
    assert (await check(path, *read_heads(file, "team-tasks"))).found_heads == len(lines(file))
    assert mode_of(file) == 0o600


@pytest.mark.parametrize("kind", ["async", "plain", "returns a coroutine"])
async def test_heads_go_to_a_function(kind: str, path: Path) -> None:
    shipped: list[AuditHead] = []

    async def ship(head: AuditHead) -> None:
        shipped.append(head)

    def plain(head: AuditHead) -> None:
        shipped.append(head)

    sinks: dict[str, Callable[[AuditHead], Awaitable[None] | None]] = {
        "async": ship, "plain": plain, "returns a coroutine": partial(ship),
    }  # fmt: skip
    connector = Connector("Team tasks", store=path, audit_heads=sinks[kind])
    async with connector.running():
        await connector.audit.write(AuditEntry("action", "ada"))

    assert [head.n for head in shipped] == [1]
    assert (await check(path, *shipped)).found_heads == 1


async def test_a_place_that_is_down_stops_nothing_and_gets_the_next_head(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(heads, "SHIP_SECONDS", 0.01)
    asked: list[int] = []

    async def ship(head: AuditHead) -> None:
        asked.append(head.n)
        if len(asked) < 3:
            message = "down"
            raise OSError(message)

    connector = Connector("Team tasks", store=path, audit_heads=ship)
    async with connector.running():
        await connector.audit.write(AuditEntry("action", "ada"))
        await until(lambda: len(asked) == 3)

    assert asked == [1, 1, 1]
    assert "could not be shipped" in caplog.text


async def test_a_place_that_hangs_does_not_keep_the_server_from_stopping(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(heads, "MAX_STOP_SECONDS", 0.05)

    async def ship(_head: AuditHead) -> None:
        await asyncio.Event().wait()

    connector = Connector("Team tasks", store=path, audit_heads=ship)
    async with asyncio.timeout(30), connector.running():
        await connector.audit.write(AuditEntry("action", "ada"))

    assert "was not shipped in 0.05 seconds" in caplog.text


async def test_sign_ins_have_heads_of_their_own(tmp_path: Path, file: Path) -> None:
    async with running_sign_in_site(tmp_path, audit_heads=file) as place:
        await place.connect()

    assert {line["log"] for line in lines(file)} == {"accounts"}
    assert (await check(tmp_path / "accounts.db", *read_heads(file))).is_intact


@pytest.mark.parametrize("sink", [7, "", "https://example.com/heads"])
def test_another_place_is_refused_with_what_is_possible(sink: Any) -> None:
    with pytest.raises(SettingError, match="path of a file or a function"):
        Connector("Team tasks", audit_heads=sink)
    with pytest.raises(SettingError, match="path of a file or a function"):
        EmbeddedIssuer("https://tasks.example.com", audit_heads=sink)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["audit", *arguments])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


async def test_the_command_checks_all_heads_in_a_file_and_says_what_it_cannot_find_without_them(
    path: Path, file: Path
) -> None:
    for who in ("ada", "bob"):
        append_head(file, await write(path, who))
    append_head(file, AuditHead("another-log", 1, "00" * 32, 0))
    with file.open("a") as torn:  # a process that was killed while it wrote
        torn.write('{"log": "store", "n"')

    await asyncio.to_thread(check_by_command, path, file)


def check_by_command(path: Path, file: Path) -> None:
    of_store = ("verify", "--store", str(path))
    code, said = run(*of_store)
    assert code == 0
    assert "rows that were cut off at the end, or a log that was rewritten as a whole, cannot be found" in said
    code, said = run(*of_store, "--heads", str(file))
    assert (code, "heads of several logs (another-log, store)" in said) == (1, True)
    file.write_text("".join(line for line in file.read_text().splitlines(keepends=True) if "another" not in line))
    code, said = run(*of_store, "--heads", str(file))
    assert (code, said.splitlines()[0]) == (0, "2 saved heads found in the log.")
    assert "cannot be found" not in said
    cut(path, 1)
    code, said = run(*of_store, "--heads", str(file))
    assert (code, "Row 2 is missing at the end." in said) == (1, True)
    code, said = run("verify", "--accounts", "--heads", str(file))
    assert (code, "has no head of the log 'accounts'. It has: store." in said) == (1, True)
    file.write_text("no JSON\n")
    code, said = run(*of_store, "--heads", str(file))
    assert (code, f"{file}:1 is no head of an audit log" in said) == (1, True)
