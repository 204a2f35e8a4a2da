"""The audit log: what is written there, in whose name, and that nothing can be taken out unnoticed."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from click.testing import CliRunner
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from intarsia import Connector, Done, Grant
from intarsia.cli import main
from intarsia.server.audit.export import COLUMNS, csv_lines, format_row
from intarsia.server.audit.log import AuditEntry, AuditLog, AuditQuery, AuditRow
from intarsia.server.audit.throttle import WINDOW_SECONDS, RepeatThrottle
from intarsia.server.audit.verify import verify
from intarsia.server.storage.store import Store
from intarsia.testing import Tools
from tests.server.conftest import CARDS, call
from tests.server.view_state import PROBLEM

MOVE: dict[str, Any] = {"card": "T-1", "column": "done", "index": 0, "version": 1}
KEY = {"dev.intarsia/id": "0123456789abcdef"}


async def entries(connector: Connector, **wanted: Any) -> list[AuditEntry]:
    return [row.entry for row in await connector.audit.rows(AuditQuery(**wanted))]


async def test_an_action_is_written_down_once_with_who_and_how(connector: Connector) -> None:
    await call(connector, "move_card", KEY, **MOVE)
    await call(connector, "move_card", KEY, **MOVE)

    (entry,) = await entries(connector)
    assert (entry.event, entry.who, entry.by, entry.what, entry.result, entry.version) == (
        "action", "local", "model", "move_card", "done", "1",
    )  # fmt: skip
    assert entry.digest == connector.audit.digest("move_card", MOVE)
    assert "T-1" not in repr(entry)


@pytest.mark.parametrize("key", [KEY, {}], ids=["with a key", "without"])
async def test_an_action_that_changes_nothing_here_is_written_down_too(connector: Connector, key: Any) -> None:
    await call(connector, "save_panel", key, values={"radius": 3})

    assert [entry.what for entry in await entries(connector)] == ["save_panel"]


async def test_what_fails_leaves_no_trace_of_having_been_done(connector: Connector) -> None:
    await call(connector, "break_down")
    answer = await call(connector, "move_card", card="T-1", column="done", index=0, version=7)

    assert answer.meta[PROBLEM]["kind"] == "conflict"
    assert [(entry.event, entry.result) for entry in await entries(connector)] == [
        ("refusal", "refused: Ada moved it to todo."),
        ("refusal", "failed"),
    ]


async def test_a_hand_in_a_view_is_told_from_a_model(tools: Tools, running_connector: Connector) -> None:
    board = await tools.call("task_board")
    await tools.act(board, "move_card", card="T-1", column="done", index=0, version=1)
    await tools.call("move_card", card="T-1", column="todo", index=0, version=2)

    assert [entry.by for entry in await entries(running_connector)] == ["model", "view"]


async def test_refusals_over_and_over_are_counted(tmp_path: Path) -> None:
    shop = Connector("Shop", store=tmp_path / "shop.db")

    @shop.action(allow=lambda _grant, _arguments: "Not today.")
    async def buy(what: str) -> Done:
        """Buy something."""
        return Done(f"Bought {what}.")

    async with shop.running():
        for number in range(50):
            await shop.calls.answer("buy", {"what": str(number)}, {}, Grant("eve"))
        await shop.calls.answer("buy", {"what": "x"}, {}, Grant("mallory"))
        await shop.calls.answer("no_such_tool", {}, {}, Grant("mallory"))

        assert [(entry.who, entry.result) for entry in await entries(shop)] == [
            ("mallory", "refused: Not today."),
            ("eve", "refused: Not today."),
        ]


def test_repeats_are_told_with_the_next_one_a_minute_later() -> None:
    seconds = iter([0.0, 1, 2, WINDOW_SECONDS, WINDOW_SECONDS + 1])
    repeats = RepeatThrottle(lambda: next(seconds))

    assert [repeats.count("it") for _ in range(5)] == [1, None, None, 3, None]


async def test_without_its_row_no_action_is_done_and_a_refusal_stays_one(connector: Connector) -> None:
    async with connector.store.write() as connection:
        await connection.exec_driver_sql("DROP TABLE intarsia_audit")

    assert (await call(connector, "move_card", KEY, **MOVE)).meta[PROBLEM]["kind"] == "failed"
    await connector.audit.write_refusal(AuditEntry("refusal", "eve", what="move_card"))
    async with connector.read() as connection:
        assert (await connection.execute(select(CARDS.c.version).where(CARDS.c.id == "T-1"))).scalar_one() == 1


PUT_IN = """\
CREATE TABLE t AS SELECT * FROM intarsia_audit WHERE n = 6; UPDATE t SET n = 7; \
INSERT INTO intarsia_audit SELECT * FROM t"""


@pytest.fixture
async def filled(connector: Connector) -> Connector:
    for number in range(6):
        await connector.audit.write(AuditEntry("action", "ada", what="move_card", version=str(number)))
    return connector


@pytest.mark.parametrize(
    ("tampering", "problem"),
    [
        ("UPDATE intarsia_audit SET who = 'bob' WHERE n = 3", "Row 3 was changed"),
        ("UPDATE intarsia_audit SET details = '{}  ' WHERE n = 3", "Row 3 was changed"),
        ("UPDATE intarsia_audit SET at = at + 1 WHERE n = 6", "Row 6 was changed"),
        ("DELETE FROM intarsia_audit WHERE n = 3", "Row 3 is missing before row 4"),
        ("DELETE FROM intarsia_audit WHERE n IN (3, 4)", "Rows 3 to 4 are missing before row 5"),
        ("DELETE FROM intarsia_audit WHERE n > 4", "Rows 5 to 6 are missing at the end"),
        ("DELETE FROM intarsia_audit", "Rows 1 to 6 are missing at the end"),
        ("UPDATE intarsia_audit SET n = -n WHERE n IN (3, 4); UPDATE intarsia_audit SET n = 7 + n WHERE n < 0",
         "Row 3 was changed"),
        (PUT_IN, "Row 7 was changed"),
    ],
    ids=["changed", "details", "moment", "deleted", "several", "cut off", "all", "swapped", "put in"],
)  # fmt: skip
async def test_t35_whatever_is_done_to_the_rows_is_found(filled: Connector, tampering: str, problem: str) -> None:
    async with filled.store.write() as connection:
        for trigger in ("update", "delete"):
            await connection.exec_driver_sql(f"DROP TRIGGER intarsia_audit_no_{trigger}")
        for statement in tampering.split("; "):
            await connection.exec_driver_sql(statement)

    check = await verify(filled.store)

    assert problem in check.problem


@pytest.mark.parametrize("tampering", ["UPDATE intarsia_audit SET who = 'bob'", "DELETE FROM intarsia_audit"])
async def test_t35_the_database_only_appends(filled: Connector, tampering: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        async with filled.store.write() as connection:
            await connection.exec_driver_sql(tampering)

    assert (await verify(filled.store)).rows == 6


async def test_t35_a_rewritten_log_lacks_the_hash_that_was_stored_elsewhere(filled: Connector, tmp_path: Path) -> None:
    kept = (await verify(filled.store)).head
    await filled.audit.write(AuditEntry("action", "bob"))
    assert (await verify(filled.store, kept)).is_intact

    async with Store(tmp_path / "anew.db").open() as store:
        await AuditLog(store).write(*[AuditEntry("action", "ada")] * 6)
        assert (await verify(store)).is_intact
        assert "rewritten" in (await verify(store, kept)).problem


async def test_t35_nobody_says_who_they_are_by_an_argument(tmp_path: Path) -> None:
    shop = Connector("Shop", store=tmp_path / "shop.db")

    @shop.action
    async def buy(who: str, client: str, by: str) -> Done:
        """Buy something."""
        return Done(f"{who} bought {client} {by}.")

    async with shop.running():
        await shop.calls.answer("buy", {"who": "admin", "client": "x", "by": "view"}, {}, Grant("eve", "chat"))
        (entry,) = await entries(shop)

    assert (entry.who, entry.client, entry.by) == ("eve", "chat", "model")


HOSTILE = "ada\n     9  2026-01-01  action  bob\x1b[2J\u202e\u2028=1+1"


def test_t35_a_row_is_one_line_in_a_terminal() -> None:
    line = format_row(
        AuditRow(1, 0.0, AuditEntry("action", HOSTILE, what="\x1b]0;x\x07", details={"\n": "\x1b"}), bytes(32))
    )

    assert line.isprintable()
    assert "bob" in line


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", " =", "\0="])
async def test_t62_no_cell_is_a_formula(start: str) -> None:
    row = AuditRow(
        1, 0.0, AuditEntry("action", f'{start}cmd|"x"!A1', what='say "hi", all', result="line\nbreak"), bytes(32)
    )

    async def pages() -> AsyncIterator[list[AuditRow]]:
        yield [row]

    text = "".join([part async for part in csv_lines(pages())])
    names, cells = csv.reader(io.StringIO(text, newline=""))

    assert names == list(COLUMNS)
    assert cells[3].startswith("'")
    assert (cells[6], cells[8]) == ('say "hi", all', "line\nbreak")


async def test_old_rows_are_forgotten_and_the_rest_can_be_verified(filled: Connector) -> None:
    rows = await filled.audit.rows()
    assert await filled.audit.prune(before=rows[2].at) == 3
    assert (await verify(filled.store)).is_intact
    assert await filled.audit.prune(before=0, max_rows=1) == 2
    await filled.audit.write(AuditEntry("action", "bob"))

    assert [row.n for row in await filled.audit.rows()] == [7, 6]
    assert (await verify(filled.store)).rows == 2


async def test_a_log_from_which_everything_was_forgotten_goes_on(filled: Connector) -> None:
    assert await filled.audit.prune(before=1e12) == 6
    await filled.audit.write(AuditEntry("action", "bob"))

    assert [row.n for row in await filled.audit.rows()] == [7]
    assert (await verify(filled.store)).is_intact


async def test_rows_are_found_by_person_tool_kind_moment_and_page(filled: Connector) -> None:
    await filled.audit.write(AuditEntry("refusal", "bob", what="buy"))
    newest = (await filled.audit.rows(limit=1))[0]

    assert [one.who for one in await entries(filled, who="bob")] == ["bob"]
    assert [one.what for one in await entries(filled, what="buy")] == ["buy"]
    assert [one.event for one in await entries(filled, event="refusal")] == ["refusal"]
    assert len(await entries(filled, since=newest.at)) == 1
    assert len(await entries(filled, until=newest.at)) == 6
    assert [row.n for row in await filled.audit.rows(AuditQuery(before=newest.n), limit=2)] == [6, 5]
    assert await filled.audit.count(AuditQuery(who="ada")) == 6


async def test_half_a_letter_is_written_down_all_the_same(connector: Connector) -> None:
    await connector.audit.write(AuditEntry("action", "ada\ud800", details={"x": "\ud800"}))

    assert (await verify(connector.store)).rows == 1


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["audit", *arguments])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


async def fill(file: Path) -> None:
    async with Store(file).open() as store:
        await AuditLog(store).write(
            AuditEntry("action", "ada", "chat", "view", "move_card"), AuditEntry("refusal", "bob", what="x")
        )


async def test_the_commands_show_verify_export_and_forget(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    await fill(file)
    of_store = ("--store", str(file))

    def commands() -> None:
        _, shown = run("show", *of_store, "--who", "ada")
        assert "ada by view  move_card  done" in shown
        assert "bob" not in shown
        code, said = run("verify", *of_store)
        head = said.split()[-1]
        assert (code, "The log is intact: 2 rows." in said) == (0, True)
        assert run("verify", *of_store, "--head", head)[0] == 0
        code, said = run("verify", *of_store, "--head", "00" * 31 + "01")
        assert (code, "was rewritten" in said) == (1, True)
        assert run("export", *of_store)[1].count("\n") == 3
        assert run("prune", *of_store, "--keep-days", "1")[1] == "0 rows deleted.\n"
        code, said = run("show")
        assert (code, "Select one log" in said) == (1, True)

    await anyio.to_thread.run_sync(commands)
