"""What a person is told is what was done, whatever fails: the disk, other processes, or the write of the answer."""

import logging
from functools import partial
from itertools import count
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, insert

from intarsia import Connector, Done, idempotency_key
from intarsia.errors import BusyError, SaveError
from intarsia.server.audit.log import AuditQuery
from intarsia.server.audit.verify import verify
from intarsia.server.storage import wait_budget
from intarsia.server.storage.store import Store
from intarsia.server.views import results
from intarsia.server.views.idempotency import IdempotentCall
from intarsia.server.wire.messages import CallResponse, digest_of
from tests.server.conftest import call
from tests.server.faulty_store import (
    ACTIONS,
    ELSEWHERE,
    FAULTS,
    IN_BLOCK,
    LATE,
    THINGS,
    Things,
    full_disk,
    locked,
    locked_after_the_change,
    no_answers,
)
from tests.server.view_state import DONE, PROBLEM

NUMBERS = count(1)
KEY = {"dev.intarsia/id": "the-key-1"}
BUSY = "The server is busy. Nothing was changed; try again in a moment."


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls wait only shortly for the database, and what could not be written be tried again soon."""
    monkeypatch.setattr(wait_budget, "MAX_WAIT_SECONDS", 0.03)
    monkeypatch.setattr(results, "WRITE_AGAIN_SECONDS", 0.01)


async def press(things: Things, action: str, name: str, key: str = "") -> CallResponse:
    """Press the button for a thing of a name; each press has a key of its own unless one is given."""
    return await call(things.connector, action, {"dev.intarsia/id": key or f"press-{next(NUMBERS):06}"}, thing=name)


async def until_written(things: Things) -> None:
    """Wait until nothing is in memory only."""
    with anyio.fail_after(10):
        while things.connector.catalog.results.unwritten:
            await anyio.lowlevel.checkpoint()


async def done_rows(things: Things) -> int:
    """Count the actions in the audit log."""
    return len(await things.connector.audit.rows(AuditQuery(event="action"), 10_000))


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_told_and_stored_agree_and_a_second_press_doubles_nothing(
    fault: str, action: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Together these are 320 actions."""
    told: list[bool] = []
    async with Things(tmp_path / "things.db").running() as things:
        for number, broken in enumerate(FAULTS[fault]):
            name, key = f"thing {number}", f"{fault.replace(' ', '-')}-{number:04}"
            async with broken(things, monkeypatch):
                first = await press(things, action, name, key)
            is_done = DONE in first.meta
            assert await things.count(name) == is_done, first.text
            again = await press(things, action, name, key if is_done else "")
            assert again.meta[DONE].get("replayed", False) is is_done
            assert await things.count(name) == 1
            told.append(is_done)

        await until_written(things)
        assert await done_rows(things) == len(told)
        assert (await verify(things.connector.store)).is_intact
    if action == ELSEWHERE or (fault == "locked after the change"):
        assert all(told)  # what was done elsewhere is done, whatever the store says
    elif fault == "full disk":
        assert True in told
        assert False in told
    else:
        assert set(told) == {fault == "no answers" and action in LATE}


@pytest.mark.parametrize("action", [*LATE, ELSEWHERE])
async def test_an_answer_that_could_not_be_stored_is_kept_and_stored_later(
    action: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with Things(tmp_path / "things.db").running() as things:
        async with locked_after_the_change(things, monkeypatch):
            first = await press(things, action, "a", "the-first-key")
            again = await press(things, action, "a", "the-first-key")
        assert await things.count("a") == 1
        await until_written(things)
        late = await press(things, action, "a", "the-first-key")
    # A new process has only what is in the file.
    async with Things(tmp_path / "things.db").running() as later:
        later_still = await press(later, action, "a", "the-first-key")

    assert first.meta[DONE] == {"message": "Added a."}
    assert again.meta[DONE] == late.meta[DONE] == later_still.meta[DONE] == {"message": "Added a.", "replayed": True}
    assert [each.message for each in caplog.records if each.levelno >= logging.WARNING] == [
        f"{action!r} was done, and its answer could not be stored: {BUSY}"
    ]


async def test_what_is_in_memory_only_is_stored_when_the_connector_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "WRITE_AGAIN_SECONDS", 600)
    async with Things(tmp_path / "things.db").running() as things, locked_after_the_change(things, monkeypatch):
        await press(things, ELSEWHERE, "a", "the-first-key")
    async with Things(tmp_path / "things.db").running() as later:
        again = await press(later, ELSEWHERE, "a", "the-first-key")
        assert later.elsewhere == []

    assert again.text == "Added a."


async def test_an_action_in_memory_only_took_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "WRITE_AGAIN_SECONDS", 600)
    async with Things(tmp_path / "things.db").running() as things:
        async with locked_after_the_change(things, monkeypatch):
            await press(things, ELSEWHERE, "a", "the-first-key")
        store, person = things.connector.catalog.results, things.connector.local.person

        assert store.unwritten == 1
        assert await store.applied(person, ["the-first-key", "the-other-key"]) == {"the-first-key"}
        assert await store.applied("somebody-else", ["the-first-key"]) == frozenset()


async def test_no_action_runs_while_too_much_is_in_memory_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MAX_UNWRITTEN", 2)
    async with Things(tmp_path / "things.db").running() as things:
        async with no_answers(things, monkeypatch):
            told = [await press(things, ELSEWHERE, name) for name in "abc"]
        await until_written(things)
        after = await press(things, ELSEWHERE, "d")

        assert [DONE in answer.meta for answer in told] == [True, True, False]
        assert told[2].meta[PROBLEM]["kind"] == "busy"
        assert things.elsewhere == ["a", "b", "d"]
        assert after.text == "Added d."
        assert await done_rows(things) == 3


async def test_a_key_that_is_in_memory_only_is_refused_for_another_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Things(tmp_path / "things.db").running() as things, locked_after_the_change(things, monkeypatch):
        await press(things, ELSEWHERE, "a", "the-first-key")
        other = await press(things, ELSEWHERE, "b", "the-first-key")

    assert other.meta[PROBLEM]["kind"] == "refused"
    assert things.elsewhere == ["a"]


@pytest.mark.parametrize("action", IN_BLOCK)
async def test_an_answer_from_inside_the_change_takes_one_transaction(
    action: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Things(tmp_path / "things.db").running() as things:
        await press(things, action, "before")
        async with things.other_process() as run:
            before = await run("PRAGMA data_version")
            async with locked_after_the_change(things, monkeypatch):
                assert (await press(things, action, "a")).text == "Added a."
            assert await run("PRAGMA data_version") != before


@pytest.mark.parametrize("action", ["add", "add_in_thread"])
async def test_a_locked_database_is_waited_for_once_by_all_that_wait(
    action: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """If each waited in turn, these would take half a minute, and as long again for their rows in the audit log."""
    monkeypatch.setattr(wait_budget, "MAX_WAIT_SECONDS", 1.0)
    told: dict[str, CallResponse] = {}

    async def send(number: int) -> None:
        told[f"thing {number}"] = await press(things, action, f"thing {number}", f"the-key-{number:04}")

    async with Things(tmp_path / "things.db").running() as things:
        async with locked(things, monkeypatch):
            with anyio.fail_after(20):
                async with anyio.create_task_group() as group:
                    for number in range(30):
                        group.start_soon(send, number)
        assert {answer.meta[PROBLEM]["kind"] for answer in told.values()} == {"busy"}
        assert {answer.meta[PROBLEM]["retry_after"] for answer in told.values()} == {wait_budget.DEFAULT_RETRY_SECONDS}
        assert {await things.count(name) for name in told} == {0}
        async with anyio.create_task_group() as group:
            for number in range(30):
                group.start_soon(send, number)

        assert {answer.is_error for answer in told.values()} == {False}
        assert {await things.count(name) for name in told} == {1}
    assert "is not in the audit log: The server is busy" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_call_does_not_wait_for_a_neighbor_for_longer_than_for_the_database(tmp_path: Path) -> None:
    begun, may_end = anyio.Event(), anyio.Event()

    async def hold(things: Things) -> None:
        async with things.connector.change():
            begun.set()
            await may_end.wait()

    async with Things(tmp_path / "things.db").running() as things, anyio.create_task_group() as group:
        group.start_soon(hold, things)
        await begun.wait()
        answers = [await press(things, action, "a") for action in IN_BLOCK]
        may_end.set()
        assert [answer.meta[PROBLEM]["kind"] for answer in answers] == ["busy", "busy"]
        assert await things.count("a") == 0


@pytest.mark.parametrize("action", [*IN_BLOCK, *LATE])
async def test_what_could_not_be_saved_is_said_and_may_be_tried_again_with_the_same_key(
    action: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with Things(tmp_path / "things.db").running() as things:
        async with full_disk(0)(things, monkeypatch):
            first = await press(things, action, "a", "the-first-key")
        again = await press(things, action, "a", "the-first-key")
        assert await things.count("a") == 1

    title = things.connector.tools[action].title
    assert first.meta[PROBLEM] == {
        "kind": "failed",
        "message": f"{title} was not done: it could not be saved. Nothing was changed.",
        "retryable": True,
    }
    assert again.meta[DONE] == {"message": "Added a."}
    assert "Traceback" not in caplog.text
    assert str(tmp_path) not in first.text


async def test_another_service_is_called_again_with_the_same_key_when_the_change_after_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weaker guarantee of actions that change something else first: the other service needs the key."""
    things, keys = Things(tmp_path / "things.db"), list[str | None]()
    connector = things.connector

    @connector.action
    async def order(thing: str) -> Done:
        """Order a thing elsewhere, and note it here."""
        keys.append(idempotency_key())
        async with connector.change() as connection:
            await connection.execute(insert(THINGS).values(name=thing))
            return Done(f"Ordered {thing}.")

    async with things.running():
        async with locked(things, monkeypatch):
            first = await call(connector, "order", KEY, thing="a")
        again = await call(connector, "order", KEY, thing="a")
        assert await things.count("a") == 1

    assert first.meta[PROBLEM]["kind"] == "busy"
    assert again.text == "Ordered a."
    assert keys == ["the-key-1", "the-key-1"]


async def test_the_last_done_of_the_block_is_the_answer_and_one_after_it_replaces_it(tmp_path: Path) -> None:
    things = Things(tmp_path / "things.db")
    connector = things.connector

    @connector.action
    async def say_twice(thing: str, is_late: bool) -> Done:  # noqa: FBT001 - tools are called by name
        """Add a thing, and make several answers."""
        async with connector.change() as connection:
            await connection.execute(insert(THINGS).values(name=thing))
            Done("Not this one.")
            done = Done("This one.")
        return Done("A later one.") if is_late else done

    async with things.running():
        for name, is_late, message in (("a", False, "This one."), ("b", True, "A later one.")):
            key = {"dev.intarsia/id": f"the-key-of-{name}"}
            answers = [await call(connector, "say_twice", key, thing=name, is_late=is_late) for _ in range(2)]
            assert [answer.text for answer in answers] == [message, message]


async def test_a_done_of_a_change_that_was_rolled_back_is_no_answer(tmp_path: Path) -> None:
    things = Things(tmp_path / "things.db")
    connector = things.connector

    @connector.action
    async def fail_then_add(thing: str) -> Done:
        """Make an answer, roll back, and add a thing after all."""
        try:
            async with connector.change() as connection:
                await connection.execute(insert(THINGS).values(name=thing))
                Done("Rolled back.")
                raise LookupError
        except LookupError:
            async with connector.change() as connection:
                await connection.execute(insert(THINGS).values(name=thing))
                return Done("Added after all.")

    async with things.running():
        answers = [await call(connector, "fail_then_add", KEY, thing="a") for _ in range(2)]
        assert await things.count("a") == 1

    assert [answer.text for answer in answers] == ["Added after all."] * 2


async def test_an_action_that_fails_after_its_answer_was_stored_was_done(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    things = Things(tmp_path / "things.db")
    connector = things.connector

    @connector.action
    async def add_and_fail(thing: str) -> Done:
        """Add a thing, and fail at something that does not matter."""
        async with connector.change() as connection:
            await connection.execute(insert(THINGS).values(name=thing))
            done = Done(f"Added {thing}.")
        message = f"no mail to {done}"
        raise OSError(message)

    async with things.running():
        answers = [await call(connector, "add_and_fail", KEY, thing="a") for _ in range(2)]
        assert await things.count("a") == 1

    assert [answer.text for answer in answers] == ["Added a."] * 2
    assert "failed after its change and its answer were stored" in caplog.text


@pytest.mark.parametrize("error", [OSError("no mail"), BusyError("Busy.", 1)])
async def test_an_action_that_fails_after_a_first_change_is_done_only_in_part(error: Exception, tmp_path: Path) -> None:
    things = Things(tmp_path / "things.db")
    connector = things.connector

    @connector.action
    async def add_then_fail(thing: str) -> Done:
        """Add a thing, and fail at the next."""
        async with connector.change() as connection:
            await connection.execute(insert(THINGS).values(name=thing))
        raise error

    async with things.running():
        answer = await call(connector, "add_then_fail", KEY, thing="a")

    assert answer.text == (
        "Add then fail was done only in part: something went wrong on the server. "
        "Look at what has changed before you try again."
    )
    assert answer.meta[PROBLEM]["kind"] == "failed"


async def test_changes_of_two_stores_have_the_answer_in_both(tmp_path: Path) -> None:
    here, there = Things(tmp_path / "here.db"), Connector("There", store=tmp_path / "there.db")
    connector = here.connector

    @connector.action
    async def add_in_both(thing: str) -> Done:
        """Add a thing while another store is open."""
        async with connector.change() as connection, there.change():
            await connection.execute(insert(THINGS).values(name=thing))
            return Done("Added in both.")

    async with here.running(), there.running():
        await call(connector, "add_in_both", KEY, thing="a")
        once = IdempotentCall("local", "the-key-1", digest_of("add_in_both", {"thing": "a"}))
        stored = [await results.find_in(store, once) for store in (connector.store, there.store)]

    assert stored == [{"message": "Added in both."}] * 2


async def test_a_commit_that_fails_changes_nothing_and_the_next_change_works(tmp_path: Path) -> None:
    """SQLite keeps the transaction open when a check at the end of it fails."""
    tables = MetaData()
    parents = Table("parents", tables, Column("id", Integer, primary_key=True))
    parent = ForeignKey(parents.c.id, deferrable=True, initially="DEFERRED")
    children = Table("children", tables, Column("id", Integer, primary_key=True), Column("parent", Integer, parent))

    def orphan_in_thread(store: Store) -> None:
        with store.write_in_thread() as connection:
            connection.execute(insert(children).values(id=2, parent=7))

    async with Store(tmp_path / "store.db", tables).open() as store:
        with pytest.raises(Exception, match="FOREIGN KEY constraint failed"):
            async with store.write() as connection:
                await connection.execute(insert(children).values(id=1, parent=7))
        with pytest.raises(Exception, match="FOREIGN KEY constraint failed"):
            await anyio.to_thread.run_sync(partial(orphan_in_thread, store))
        async with store.write() as connection:
            await connection.execute(insert(parents).values(id=7))
        async with store.read() as connection:
            assert (await connection.execute(children.select())).all() == []


async def test_readers_that_wait_for_a_connection_in_vain_are_told_so(tmp_path: Path) -> None:
    async with Store(tmp_path / "store.db").open() as store, anyio.create_task_group() as group:
        held = anyio.Event()

        async def hold() -> None:
            async with store.read():
                await held.wait()

        for _ in range(4):
            group.start_soon(hold)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(BusyError):
            async with store.read():
                pass
        held.set()


async def test_a_read_only_file_is_an_error_of_its_own(tmp_path: Path) -> None:
    async with Store(tmp_path / "store.db", THINGS.metadata).open() as store:

        async def write() -> None:
            async with store.write() as connection:
                await connection.exec_driver_sql("PRAGMA query_only=ON")
                await connection.execute(insert(THINGS).values(name="a"))

        with pytest.raises(SaveError, match=r"store\.db cannot be written: .* Nothing was changed\."):
            await write()


async def test_what_a_call_has_started_and_left_behind_has_time_of_its_own_to_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wait_budget, "MAX_WAIT_SECONDS", 5.0)
    left: list[float] = []
    is_over = anyio.Event()

    async def stay_behind() -> None:
        wait_budget.current_budget().left = 0.0
        await is_over.wait()
        left.append(wait_budget.current_budget().left)

    async with anyio.create_task_group() as group:
        with wait_budget.one_wait_budget():
            group.start_soon(stay_behind)
            await anyio.wait_all_tasks_blocked()
            assert wait_budget.current_budget().left == 0.0
        is_over.set()

    assert left == [5.0]
