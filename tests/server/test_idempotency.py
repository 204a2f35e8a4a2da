"""An action that is sent again is applied once."""

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from sqlalchemy import insert, select, update

from intarsia import Connector, Done, Grant, RefusedError, idempotency_key
from intarsia.server.storage.drafts import save_draft
from intarsia.server.storage.tables import DRAFTS, KEYS
from intarsia.server.views import results
from intarsia.server.views.idempotency import Answer, IdempotentCall
from intarsia.server.wire.messages import digest_of
from tests.server.conftest import CARDS, build_connector, call, from_view
from tests.server.view_state import DONE, PROBLEM

MOVE: dict[str, Any] = {"card": "T-1", "column": "done", "index": 0, "version": 1}
KEY = {"dev.intarsia/id": "0123456789abcdef"}


async def version_of(connector: Connector, card: str) -> int:
    async with connector.read() as connection:
        return int((await connection.execute(select(CARDS.c.version).where(CARDS.c.id == card))).scalar_one())


async def test_the_same_key_gets_the_first_answer(connector: Connector) -> None:
    first = await call(connector, "move_card", KEY, **MOVE)
    again = await call(connector, "move_card", KEY, **MOVE)

    assert again.meta[DONE] == {**first.meta[DONE], "replayed": True}
    assert await version_of(connector, "T-1") == 2


async def test_twenty_copies_at_once_are_applied_once(connector: Connector) -> None:
    answers: list[Any] = []

    async def send() -> None:
        answers.append(await call(connector, "move_card", KEY, **MOVE))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(send)

    assert {answer.text for answer in answers} == {"Moved T-1."}
    assert sum("replayed" not in answer.meta[DONE] for answer in answers) == 1
    assert await version_of(connector, "T-1") == 2


@pytest.mark.parametrize("way", ["meta", "argument"])
async def test_a_view_is_told_which_of_its_lost_actions_took_effect(connector: Connector, way: str) -> None:
    await call(connector, "move_card", KEY, **MOVE)
    unknown, done = "f" * 16, KEY["dev.intarsia/id"]
    meta = await from_view(connector, "task_board")
    asked = [unknown, done, 7, "short", None]

    if way == "meta":
        shown = await call(connector, "task_board", {**meta, "dev.intarsia/unanswered": asked})
    else:
        own = {"view": meta["dev.intarsia/view"], "unanswered": asked}
        shown = await call(connector, "task_board", None, _intarsia=own)

    assert shown.meta["dev.intarsia/applied"] == [done]


@pytest.mark.parametrize("asked", [None, [], "0123456789abcdef", {"0123456789abcdef": 1}, [["0123456789abcdef"]]])
async def test_without_keys_nothing_is_told_of_actions(connector: Connector, asked: object) -> None:
    await call(connector, "move_card", KEY, **MOVE)
    meta = await from_view(connector, "task_board", **{"dev.intarsia/unanswered": asked})

    assert "dev.intarsia/applied" not in (await call(connector, "task_board", meta)).meta


async def test_a_refused_action_did_not_take_effect(connector: Connector) -> None:
    await call(connector, "move_card", KEY, **{**MOVE, "version": 7})
    meta = await from_view(connector, "task_board", **{"dev.intarsia/unanswered": [KEY["dev.intarsia/id"]]})

    assert "dev.intarsia/applied" not in (await call(connector, "task_board", meta)).meta


async def test_an_action_is_answered_when_the_others_cannot_be_looked_up(
    connector: Connector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_store: results.ResultStore, _person: str, _keys: frozenset[str]) -> frozenset[str]:
        reason = "the text of the error"
        raise OSError(reason)

    monkeypatch.setattr(results.ResultStore, "applied", fail)
    moved = await call(connector, "move_card", {**KEY, "dev.intarsia/unanswered": ["f" * 16]}, **MOVE)

    assert DONE in moved.meta
    assert caplog.messages == ["Which actions took effect could not be read: OSError"]


async def test_nobody_is_told_of_the_actions_of_others(connector: Connector) -> None:
    await call(connector, "move_card", KEY, **MOVE)
    other = Grant("somebody-else", scopes=connector.local.scopes)
    meta = {"dev.intarsia/view": "x", "dev.intarsia/unanswered": [KEY["dev.intarsia/id"]]}
    shown = await connector.calls.answer("task_board", {}, meta, other)

    assert "dev.intarsia/applied" not in shown.meta


async def test_the_same_key_with_other_arguments_is_refused(connector: Connector) -> None:
    await call(connector, "move_card", KEY, **MOVE)

    other = await call(connector, "move_card", KEY, **{**MOVE, "card": "T-2"})

    assert other.meta[PROBLEM]["kind"] == "refused"
    assert await version_of(connector, "T-2") == 1


async def test_a_refused_action_may_be_tried_again_with_its_key(connector: Connector) -> None:
    await call(connector, "move_card", KEY, **{**MOVE, "version": 7})

    assert (await call(connector, "move_card", KEY, **MOVE)).text == "Moved T-1."


async def test_a_malformed_key_is_refused_before_anything_runs(connector: Connector) -> None:
    for key in ("short", "x" * 65, 5, "../../etc/passwd"):
        answer = await call(connector, "move_card", {"dev.intarsia/id": key}, **MOVE)
        assert answer.meta[PROBLEM]["kind"] == "invalid"
    assert await version_of(connector, "T-1") == 1


async def test_a_change_whose_answer_was_lost_is_not_applied_again(connector: Connector) -> None:
    digest = digest_of("move_card", MOVE)
    async with connector.change() as connection:
        once = IdempotentCall("local", KEY["dev.intarsia/id"], digest)
        await connection.run_sync(partial(once.write, connector.store))

    answer = await call(connector, "move_card", KEY, **MOVE)

    assert answer.meta[DONE] == {"message": "This was already done.", "replayed": True}
    assert await version_of(connector, "T-1") == 1


async def test_key_and_change_are_both_there_or_neither(connector: Connector) -> None:
    await call(connector, "break_down", KEY)

    async with connector.read() as connection:
        assert (await connection.execute(select(KEYS))).first() is None
        assert (await connection.execute(select(CARDS).where(CARDS.c.id == "T-77"))).first() is None


async def test_another_process_that_was_faster_is_noticed_in_the_transaction(connector: Connector) -> None:
    """The key is written between the look for it and the change, as another process would."""
    path, answers = connector.store.path, connector.catalog.results
    find = answers.find
    looked = 0

    async def find_then_lose(once: IdempotentCall) -> Answer | None:
        nonlocal looked
        looked += 1
        found = await find(once)
        if looked == 1:
            async with build_connector(path).running() as other:
                await call(other, "move_card", KEY, **MOVE)
        return found

    answers.find = find_then_lose  # type: ignore[method-assign]
    answer = await call(connector, "move_card", KEY, **MOVE)

    assert answer.meta[DONE]["replayed"] is True
    assert await version_of(connector, "T-1") == 2


async def test_the_key_outlives_a_restart(tmp_path: Path) -> None:
    async with build_connector(tmp_path / "store.db").running() as connector:
        async with connector.change() as connection:
            await connection.execute(insert(CARDS).values(id="T-1", stage="todo", version=1))
        await call(connector, "move_card", KEY, **MOVE)

    async with build_connector(tmp_path / "store.db").running() as connector:
        again = await call(connector, "move_card", KEY, **MOVE)

        assert again.meta[DONE]["replayed"] is True
        assert await version_of(connector, "T-1") == 2


async def test_an_action_without_a_store_of_its_own_is_remembered_too(tmp_path: Path) -> None:
    connector = Connector("Upstream", store=tmp_path / "upstream.db")
    calls: list[str] = []

    @connector.action
    async def ring(bell: str) -> Done:
        """Ring."""
        calls.append(bell)
        if bell == "broken":
            reason = "The bell is broken."
            raise RefusedError(reason)
        return Done("Rang.")

    async with connector.running():
        for _ in range(2):
            await call(connector, "ring", KEY, bell="a")

    assert calls == ["a"]


async def test_a_commit_that_has_begun_is_finished_when_the_caller_goes_away(connector: Connector) -> None:
    async def leave_during_commit() -> None:
        with anyio.CancelScope() as scope:
            async with connector.change() as connection:
                await connection.execute(insert(CARDS).values(id="T-99", stage="todo", version=1))
                scope.cancel()

    async def leave_before() -> None:
        with anyio.CancelScope() as scope:
            async with connector.change() as connection:
                await connection.execute(insert(CARDS).values(id="T-98", stage="todo", version=1))
                scope.cancel()
                await anyio.lowlevel.checkpoint()

    await leave_during_commit()
    await leave_before()

    assert await version_of(connector, "T-99") == 1
    async with connector.read() as connection:
        assert (await connection.execute(select(CARDS).where(CARDS.c.id == "T-98"))).first() is None


async def test_an_action_that_catches_its_own_failed_change_still_writes_its_key(tmp_path: Path) -> None:
    connector = build_connector(tmp_path / "store.db")

    @connector.action
    async def try_twice() -> Done:
        """Fail, and change something after all."""
        try:
            async with connector.change() as connection:
                await connection.execute(insert(CARDS).values(id="T-1", stage="todo", version=1 // 0))
        except ZeroDivisionError:
            async with connector.change() as connection:
                await connection.execute(insert(CARDS).values(id="T-1", stage="todo", version=1))
        return Done("Tried twice.")

    async with connector.running():
        answers = [await call(connector, "try_twice", KEY) for _ in range(2)]

    assert [answer.meta[DONE].get("replayed", False) for answer in answers] == [False, True]


async def test_a_later_change_that_fails_does_not_take_the_key_of_an_earlier_one_back(tmp_path: Path) -> None:
    connector = build_connector(tmp_path / "store.db")

    @connector.action
    async def change_thrice() -> Done:
        """Change something, fail at something else, and go on."""
        async with connector.change() as connection:
            await connection.execute(insert(CARDS).values(id="T-1", stage="todo", version=1))
        with suppress(ZeroDivisionError):
            async with connector.change() as connection:
                await connection.execute(insert(CARDS).values(id="T-2", stage="todo", version=1 // 0))
        async with connector.change() as connection:
            await connection.execute(insert(CARDS).values(id="T-3", stage="todo", version=1))
        return Done("Changed two of three.")

    async with connector.running():
        answers = [await call(connector, "change_thrice", KEY) for _ in range(2)]
        versions = [await version_of(connector, card) for card in ("T-1", "T-3")]

    assert [answer.text for answer in answers] == ["Changed two of three."] * 2
    assert [answer.meta[DONE].get("replayed", False) for answer in answers] == [False, True]
    assert versions == [1, 1]


async def test_an_action_that_changes_another_connectors_tables_is_remembered_with_its_answer(tmp_path: Path) -> None:
    here = Connector("Here", store=tmp_path / "here.db")
    there = build_connector(tmp_path / "there.db")

    @here.action
    async def add_there(card: str) -> Done:
        """Add a card elsewhere."""
        async with there.change() as connection:
            await connection.execute(insert(CARDS).values(id=card, stage="todo", version=1))
        return Done("Added.")

    async with here.running(), there.running():
        answers = [await call(here, "add_there", KEY, card="T-1") for _ in range(2)]

    assert [answer.text for answer in answers] == ["Added.", "Added."]
    assert [answer.meta[DONE].get("replayed", False) for answer in answers] == [False, True]


async def test_old_keys_and_drafts_are_forgotten_while_the_connector_runs(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call(connector, "move_card", KEY, **MOVE)
    await call(
        connector, "intarsia_draft", await from_view(connector), tool="panel", arguments={}, values={"radius": 9}
    )
    async with connector.change() as connection:
        await connection.execute(update(KEYS).values(at=0))
        await connection.execute(update(DRAFTS).values(at=0))
    monkeypatch.setattr(results, "FORGET_EVERY_SECONDS", 0)

    await call(connector, "move_card", {"dev.intarsia/id": "fedcba9876543210"}, **{**MOVE, "card": "T-2"})
    await save_draft(connector.store, "somebody", "panel", {}, {"radius": 7})

    async with connector.read() as connection:
        keys = set((await connection.execute(select(KEYS.c.key))).scalars())
        people = set((await connection.execute(select(DRAFTS.c.person))).scalars())
    assert keys == {"fedcba9876543210"}
    assert people == {"somebody"}


async def test_a_function_learns_the_key_of_its_own_call_alone(connector: Connector) -> None:
    learned: dict[str, list[str | None]] = {"Ada": [], "Grace": []}

    @connector.action
    async def pass_on(to: str) -> Done:
        """Pass a change on to another service."""
        learned[to].append(idempotency_key())
        await anyio.lowlevel.checkpoint()
        learned[to].append(idempotency_key())
        return Done(f"Told {to}.")

    async with anyio.create_task_group() as group:
        group.start_soon(partial(call, connector, "pass_on", KEY, to="Ada"))
        group.start_soon(partial(call, connector, "pass_on", to="Grace"))

    assert learned == {"Ada": [KEY["dev.intarsia/id"]] * 2, "Grace": [None, None]}
    assert idempotency_key() is None
