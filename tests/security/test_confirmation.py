"""Attacks on handles and confirmations: T31, T32, T33 and T36."""

import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any

import anyio
import pytest

from intarsia import Connector
from intarsia.server.views import confirmations, view_handles
from intarsia.server.wire.messages import CallResponse
from tests.security.bookshelf_connector import ADA, BOB, FAILING, Screen, build_bookshelf, fill, left, restore

ALL = 13
BURN: dict[str, Any] = {"book": "B-1", "version": 1}
KEY = "0123456789abcdef"
PROBLEM = "dev.intarsia/problem"


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Connector]:
    built = build_bookshelf(tmp_path / "shelf.db")
    async with built.running():
        await fill(built)
        yield built


@pytest.fixture
async def screen(shelf: Connector) -> Screen:
    return await Screen.opened(shelf)


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let time pass for what is signed."""
    for module in (view_handles, confirmations):
        monkeypatch.setattr(module, "time", _Clock(time() + seconds))


class _Clock:
    def __init__(self, now: float) -> None:
        self._now = now

    def time(self) -> float:
        return self._now


def spoiled(proof: str) -> dict[str, Any]:
    """Return what is nearly a proof, and what is far from one."""
    raw = urlsafe_b64decode(proof + "=" * (-len(proof) % 4))
    flipped = [
        bytes([*raw[:place], raw[place] ^ 1, *raw[place + 1 :]]) for place in (0, 7, 8, len(raw) - 32, len(raw) - 1)
    ]
    made = {
        f"bit flipped {number}": urlsafe_b64encode(each).rstrip(b"=").decode() for number, each in enumerate(flipped)
    }
    return {
        **made,
        "truncated": proof[:-1],
        "only its signature": urlsafe_b64encode(raw[-32:]).rstrip(b"=").decode(),
        "padded": proof + "=",
        "with a line end": proof + "\n",
        "with a foreign character": proof[:5] + "!" + proof[5:],
        "doubled": proof + proof,
        "empty": "",
        "long": "A" * 100_000,
        "not ASCII": "é" * len(proof),
        "a list": [proof],
        "a number": 7,
        "true": True,
    }


async def test_a_yes_burns_one_book_and_a_question_none(screen: Screen, shelf: Connector) -> None:
    asked = await screen.call(**BURN)
    assert asked.is_error
    assert asked.meta["dev.intarsia/confirm"]["question"] == "Burn B-1?"
    assert asked.meta["dev.intarsia/confirm"]["label"] == "Burn book"
    assert await left(shelf) == ALL

    done = await screen.call(**BURN, yes=asked.meta["dev.intarsia/confirm"]["confirmation"])

    assert (done.text, await left(shelf)) == ("Burned B-1.", ALL - 1)


async def test_t31_a_captured_call_is_applied_once(screen: Screen, shelf: Connector) -> None:
    yes = await screen.ask()
    first = await screen.call(**BURN, key=KEY, yes=yes)
    again = await screen.call(**BURN, key=KEY, yes=yes)
    other_key = await screen.call(**BURN, key="fedcba9876543210", yes=yes)
    other_person = await (await Screen.opened(shelf, BOB)).call(**BURN, key=KEY, yes=yes)
    with_her_handle = await Screen(shelf, BOB, screen.handle).call(**BURN, key=KEY, yes=yes)

    assert again.meta["dev.intarsia/done"] == {**first.meta["dev.intarsia/done"], "replayed": True}
    assert other_key.meta[PROBLEM]["kind"] == other_person.meta[PROBLEM]["kind"] == "refused"
    assert with_her_handle.meta[PROBLEM]["kind"] == "unknown_tool"
    assert await left(shelf) == ALL - 1


async def test_t31_a_captured_call_is_worth_nothing_the_next_day(
    screen: Screen, shelf: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    yes = await screen.ask()
    later(monkeypatch, 24 * 3600)

    assert (await screen.call(**BURN, key=KEY, yes=yes)).meta[PROBLEM]["kind"] == "unknown_tool"
    assert await left(shelf) == ALL


async def test_t31_a_retry_gets_its_first_answer_after_the_confirmation_is_too_old(
    screen: Screen, shelf: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    yes = await screen.ask()
    await screen.call(**BURN, key=KEY, yes=yes)
    later(monkeypatch, confirmations.LASTS_SECONDS + 1)

    assert (await screen.call(**BURN, key=KEY, yes=yes)).meta["dev.intarsia/done"]["replayed"] is True
    assert await left(shelf) == ALL - 1


async def test_t32_a_key_is_good_for_one_call(screen: Screen, shelf: Connector) -> None:
    await screen.call(**BURN, key=KEY, yes=await screen.ask())

    other = await screen.call(book="B-2", version=1, key=KEY, yes=await screen.ask("B-2"))

    assert other.meta[PROBLEM] == {
        "kind": "refused",
        "message": "This key was already used for another action. Nothing was changed.",
    }
    assert await left(shelf) == ALL - 1


async def test_t33_a_confirmation_that_was_changed_is_refused(screen: Screen, shelf: Connector) -> None:
    for what, yes in {**spoiled(await screen.ask()), "the handle": screen.handle}.items():
        answer = await screen.call(**BURN, yes=yes)
        assert answer.meta[PROBLEM]["kind"] == "refused", what
        assert str(yes) not in answer.text or not yes, what
    assert await left(shelf) == ALL


@pytest.mark.parametrize(
    "arguments",
    [{"book": "B-2", "version": 1}, {"book": "B-1", "version": 2}, {"book": "b-1", "version": 1}],
    ids=["another book", "another version", "another spelling"],
)
async def test_t33_a_confirmation_is_for_these_arguments(
    screen: Screen, shelf: Connector, arguments: dict[str, Any]
) -> None:
    assert (await screen.call(**arguments, yes=await screen.ask())).meta[PROBLEM]["kind"] == "refused"
    assert await left(shelf) == ALL


async def test_t33_a_confirmation_is_for_this_action(screen: Screen, shelf: Connector) -> None:
    asked = await screen.call("sell_book", book="B-1")

    answer = await screen.call(**BURN, yes=asked.meta["dev.intarsia/confirm"]["confirmation"])

    assert answer.meta[PROBLEM]["kind"] == "refused"
    assert await left(shelf) == ALL


@pytest.mark.parametrize(
    "other",
    [BOB, replace(ADA, client="phone"), replace(ADA, issuer="https://other.example")],
    ids=["another person", "another client", "the same name elsewhere"],
)
async def test_t33_a_confirmation_is_for_this_person(screen: Screen, shelf: Connector, other: Any) -> None:
    yes = await screen.ask()

    answer = await (await Screen.opened(shelf, other)).call(**BURN, yes=yes)

    assert answer.meta[PROBLEM]["kind"] == "refused"
    assert await left(shelf) == ALL


async def test_t33_a_confirmation_is_for_this_connector(screen: Screen, shelf: Connector, tmp_path: Path) -> None:
    async with build_bookshelf(tmp_path / "shelf.db", "Another shelf").running() as other:
        yes = await (await Screen.opened(other)).ask()

        assert (await screen.call(**BURN, yes=yes)).meta[PROBLEM]["kind"] == "refused"
    assert await left(shelf) == ALL


async def test_t33_a_confirmation_is_good_for_two_minutes(
    screen: Screen, shelf: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    yes = await screen.ask()
    later(monkeypatch, confirmations.LASTS_SECONDS)

    assert (await screen.call(**BURN, yes=yes)).meta[PROBLEM]["kind"] == "refused"
    assert await left(shelf) == ALL


async def test_t33_a_confirmation_is_used_once(screen: Screen, shelf: Connector) -> None:
    yes = await screen.ask()
    await screen.call(**BURN, yes=yes)
    await restore(shelf)

    again = await screen.call(**BURN, yes=yes)

    assert again.meta[PROBLEM]["message"] == "This confirmation was used already. Nothing was changed; try again."
    assert await left(shelf) == ALL


async def test_t33_copies_in_two_processes_are_applied_once(shelf: Connector, screen: Screen, tmp_path: Path) -> None:
    """Two connectors on one store, as two processes are: neither knows what the other does."""
    yes = await screen.ask("B-1")
    answers: list[CallResponse] = []
    async with build_bookshelf(tmp_path / "shelf.db").running() as other:
        elsewhere = Screen(other, ADA, screen.handle)

        async def send(each: Screen, number: int) -> None:
            answers.append(await each.call(**BURN, key=f"key-{number:08}", yes=yes))

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(send, (screen, elsewhere)[number % 2], number)

    assert sorted(answer.is_error for answer in answers) == [False] + [True] * 19
    assert await left(shelf) == ALL - 1


async def test_t33_the_use_is_noticed_in_the_transaction(
    shelf: Connector, screen: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process uses the confirmation after this one found it unused, and puts the book back."""
    yes = await screen.ask()
    check = shelf.catalog.results.check_unused

    async def check_then_lose(confirmation: str) -> None:
        await check(confirmation)
        async with build_bookshelf(tmp_path / "shelf.db").running() as other:
            await Screen(other, ADA, screen.handle).call(**BURN, yes=yes)
            await restore(other)

    monkeypatch.setattr(shelf.catalog.results, "check_unused", check_then_lose)
    answer = await screen.call(**BURN, yes=yes)

    assert answer.meta[PROBLEM]["kind"] == "refused"
    assert await left(shelf) == ALL


async def test_t33_a_change_that_was_rolled_back_does_not_use_it_up(screen: Screen, shelf: Connector) -> None:
    yes = await screen.ask(FAILING)
    first = await screen.call(book=FAILING, version=1, yes=yes)
    again = await screen.call(book=FAILING, version=1, yes=yes)

    assert [first.meta[PROBLEM]["kind"], again.meta[PROBLEM]["kind"]] == ["failed", "failed"]
    assert await left(shelf) == ALL


async def test_t36_what_only_a_view_may_call_is_not_there_for_a_model(screen: Screen, shelf: Connector) -> None:
    yes = await screen.ask()
    unknown = await shelf.calls.answer("torch_all", {}, {}, ADA)
    tries: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (BURN, {}),
        (BURN, {"dev.intarsia/id": KEY}),
        (BURN, {"dev.intarsia/confirmation": yes}),
        ({**BURN, "_intarsia": {"confirmation": yes}}, {}),
        ({"anything": 1}, {}),
    ]
    for arguments, meta in tries:
        answer = await shelf.calls.answer("burn_book", arguments, meta, ADA)
        assert (answer.text, answer.meta[PROBLEM], answer.structured) == (unknown.text, unknown.meta[PROBLEM], None)
    assert await left(shelf) == ALL


async def test_t36_a_handle_that_is_not_theirs_is_none(
    screen: Screen, shelf: Connector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with build_bookshelf(tmp_path / "shelf.db", "Another shelf").running() as other:
        foreign = (await Screen.opened(other)).handle
    wrong = {
        **spoiled(screen.handle),
        "of another person": (await Screen.opened(shelf, BOB)).handle,
        "of another client": (await Screen.opened(shelf, replace(ADA, client="phone"))).handle,
        "of another connector": foreign,
        "a confirmation": await screen.ask(),
    }
    for what, handle in wrong.items():
        answer = await Screen(shelf, ADA, handle).call(**BURN)
        assert (answer.text, answer.meta[PROBLEM]["kind"]) == ("There is no such tool.", "unknown_tool"), what
    later(monkeypatch, view_handles.LASTS_SECONDS)
    assert (await screen.call(**BURN)).text == "There is no such tool."
    assert await left(shelf) == ALL


async def test_t36_a_handle_grants_nothing(screen: Screen, shelf: Connector) -> None:
    narrowed = replace(ADA, scopes=frozenset())

    answer = await Screen(shelf, narrowed, screen.handle).call(**BURN, yes=await screen.ask())

    assert answer.meta[PROBLEM]["missing_scopes"] == ["books"]
    assert await left(shelf) == ALL


async def test_t36_a_model_that_may_know_of_it_gets_no_confirmation(shelf: Connector) -> None:
    answer = await shelf.calls.answer("sell_book", {"book": "B-1"}, {"dev.intarsia/id": KEY}, ADA)

    assert answer.meta[PROBLEM]["message"] == "Sell book was not done: a person must confirm it in the widget."
    assert "dev.intarsia/confirm" not in answer.meta
    assert await left(shelf) == ALL


async def test_both_ways_of_carrying_are_good(screen: Screen, shelf: Connector) -> None:
    carried = {"view": screen.handle, "id": KEY, "confirmation": await screen.ask()}

    answer = await shelf.calls.answer("burn_book", {**BURN, "_intarsia": carried}, {}, ADA)

    assert (answer.text, await left(shelf)) == ("Burned B-1.", ALL - 1)


async def test_proofs_travel_in_meta_alone_and_are_not_logged(
    shelf: Connector, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = await shelf.calls.answer("books", {}, {}, ADA)
    screen = Screen(shelf, ADA, shown.meta["dev.intarsia/view"])
    yes = await screen.ask(FAILING)
    answers = [
        await screen.call(book=FAILING, version=1, yes=yes),
        await screen.call(book=FAILING, version=1, yes=yes + "A"),
    ]

    said = "".join(
        [caplog.text, shown.text, str(shown.structured), *(answer.text + str(answer.meta) for answer in answers)]
    )
    assert "the fire went out" in caplog.text
    assert screen.handle not in said
    assert yes not in said
