"""What people granted at the tracker: kept sealed, renewed once, given back, and nobody else's."""

import asyncio
import time
from collections.abc import Mapping
from urllib.parse import parse_qs

import httpx2
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, update

from examples.issue_tracker import tools
from examples.issue_tracker.grants import GRANTS
from examples.issue_tracker.service.accounts import digest
from examples.issue_tracker.service.tables import TOKENS
from examples.issue_tracker.settings import Sealer
from intarsia.errors import SettingError
from tests.examples.tracker_system import EMIL, LUCIA, NOOR, World

LINK = "Connect your tracker account"


def token_requests(tracker: World) -> list[Mapping[str, list[str]]]:
    return [parse_qs(one.content.decode()) for one in tracker.wire.sent if one.url.path == "/oauth/token"]


async def age(tracker: World) -> None:
    """Let the tracker end every access token before its time."""
    await tracker.end_tokens("access")


async def test_no_file_holds_a_token_that_could_be_read(tracker: World) -> None:
    held = await tools.grants.held(EMIL.person)
    assert held is not None
    store = tracker.connector.store.path
    written = b"".join(path.read_bytes() for path in store.parent.glob(f"{store.name}*"))
    key = store.with_suffix(".key")

    assert b"Emil S" in written  # it is the right file
    for token in (held.access, held.refresh):
        assert token.encode() not in written
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_bytes() not in written


@pytest.mark.usefixtures("tracker")
async def test_a_grant_says_no_token_when_it_is_printed() -> None:
    held = await tools.grants.held(EMIL.person)
    assert held is not None

    assert held.account == "Emil Sørensen"
    assert held.access not in repr(held)
    assert held.refresh not in repr(held)


async def test_a_request_carries_the_persons_own_token_and_none_of_intarsias(tracker: World) -> None:
    await tracker.call("issue_board", EMIL, project="webshop")
    await tracker.call("issue_board", LUCIA, project="webshop")
    sent = [one.headers["authorization"] for one in tracker.wire.sent]
    emils, lucias = await tools.grants.held(EMIL.person), await tools.grants.held(LUCIA.person)
    assert emils is not None
    assert lucias is not None

    assert sent == [f"Bearer {emils.access}", f"Bearer {lucias.access}"]


async def test_a_grant_that_nobody_made_shows_the_way_to_connect(tracker: World) -> None:
    await tools.grants.withdraw(EMIL.person)
    shown = await tracker.call("issue_board", EMIL, project="webshop")
    acted = await tracker.move(EMIL)

    assert LINK in shown.text
    assert f"{tools.settings.public}/connect/tracker?ticket=" in shown.text
    assert acted.text == "Connect your tracker account first; tracker_account says how."


async def test_the_state_without_an_account_is_the_same_at_each_reading(tracker: World) -> None:
    await tools.grants.withdraw(EMIL.person)
    first, second = [await tracker.call("tracker_account", EMIL) for _ in range(2)]

    assert first.text == second.text


async def test_a_token_that_ended_early_is_renewed_and_the_request_made_again(tracker: World) -> None:
    await age(tracker)
    moved = await tracker.move(EMIL, key="renewed-once-1")

    assert moved.text == "Moved WEB-8 to In review."
    assert len(token_requests(tracker)) == 1


async def test_a_token_is_renewed_before_its_end(tracker: World, monkeypatch: pytest.MonkeyPatch) -> None:
    held = await tools.grants.held(EMIL.person)
    assert held is not None
    monkeypatch.setattr("examples.issue_tracker.grants.RENEW_SECONDS", held.until - time.time() + 1)
    board = await tracker.call("issue_board", EMIL, project="webshop")

    assert "WEB-8" in board.text
    assert tracker.wire.sent[0].url.path == "/oauth/token"
    assert tracker.wire.statuses == [200, 200]


async def test_twenty_requests_at_once_renew_a_token_once(tracker: World) -> None:
    await age(tracker)
    boards = await asyncio.gather(*(tracker.call("issue_board", EMIL, project="webshop") for _ in range(20)))

    assert all("WEB-8" in board.text for board in boards)
    assert len(token_requests(tracker)) == 1


async def test_who_comes_late_with_the_old_token_gets_the_new_one_without_asking(tracker: World) -> None:
    old = await tools.grants.held(EMIL.person)
    assert old is not None
    await age(tracker)
    first = await tools.grants.renewed(EMIL.person, old.access)
    late = await tools.grants.renewed(EMIL.person, old.access)

    assert late.access == first.access != old.access
    assert len(token_requests(tracker)) == 1


async def test_a_renewal_goes_on_when_the_one_who_asked_goes_away(tracker: World) -> None:
    await age(tracker)
    arrived, go_on = asyncio.Event(), asyncio.Event()
    carry = tracker.wire.handle_async_request

    async def slow(request: httpx2.Request) -> httpx2.Response:
        answer = await carry(request)
        if request.url.path == "/oauth/token":
            arrived.set()
            await go_on.wait()
        return answer

    tracker.wire.handle_async_request = slow  # type: ignore[method-assign]
    asking = asyncio.create_task(tracker.call("issue_board", EMIL, project="webshop"))
    await asyncio.wait_for(arrived.wait(), 10)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    go_on.set()

    assert "WEB-8" in (await tracker.call("issue_board", EMIL, project="webshop")).text
    assert len(token_requests(tracker)) == 1


async def test_a_renewal_whose_answer_was_lost_is_asked_for_again(tracker: World) -> None:
    await age(tracker)
    lost: list[httpx2.Request] = []

    def lose_first(request: httpx2.Request) -> Exception | None:
        if request.url.path != "/oauth/token" or lost:
            return None
        lost.append(request)
        return httpx2.ReadTimeout("lost")

    tracker.wire.after = lose_first

    assert "WEB-8" in (await tracker.call("issue_board", EMIL, project="webshop")).text
    assert len(token_requests(tracker)) == 2


async def test_what_was_withdrawn_at_the_tracker_is_forgotten_here_and_the_widget_says_how_to_connect(
    tracker: World,
) -> None:
    await tracker.end_tokens()
    shown = await tracker.call("issue_board", EMIL, project="webshop")

    assert LINK in shown.text
    assert await tools.grants.held(EMIL.person) is None


async def test_a_tracker_that_is_down_costs_nobody_their_grant(tracker: World) -> None:
    await age(tracker)
    tracker.wire.before = lambda request: httpx2.ReadTimeout("down") if request.url.path == "/oauth/token" else None
    shown = await tracker.call("issue_board", EMIL, project="webshop")

    assert "The tracker does not answer at the moment." in shown.text
    assert await tools.grants.held(EMIL.person) is not None


async def test_disconnecting_gives_the_grant_back(tracker: World) -> None:
    held = await tools.grants.held(EMIL.person)
    assert held is not None
    done = await tracker.call("disconnect_tracker", EMIL)
    headers = {"Authorization": f"Bearer {held.access}"}
    response = await tools.wire.send("GET", "/v1/me", headers=headers)

    assert done.text == "Disconnected the tracker account."
    assert response.status_code == 401
    assert "WEB-8" in (await tracker.call("issue_board", NOOR, project="webshop")).text


async def test_who_disconnects_while_a_token_is_renewed_stays_disconnected(tracker: World) -> None:
    await age(tracker)
    carry = tracker.wire.handle_async_request

    async def withdraw_first(request: httpx2.Request) -> httpx2.Response:
        answer = await carry(request)
        if request.url.path == "/oauth/token":
            tracker.wire.handle_async_request = carry  # type: ignore[method-assign]
            await tools.grants.withdraw(EMIL.person)
        return answer

    tracker.wire.handle_async_request = withdraw_first  # type: ignore[method-assign]
    shown = await tracker.call("issue_board", EMIL, project="webshop")
    async with tracker.service.database.read() as connection:
        left = (await connection.execute(select(TOKENS).where(TOKENS.c.user == "emil"))).all()

    assert LINK in shown.text
    assert await tools.grants.held(EMIL.person) is None
    assert left == []


async def test_who_connects_anew_while_an_old_token_is_renewed_keeps_the_new_one(tracker: World) -> None:
    old = await tools.grants.held(EMIL.person)
    assert old is not None
    await age(tracker)
    carry = tracker.wire.handle_async_request

    async def connect_first(request: httpx2.Request) -> httpx2.Response:
        answer = await carry(request)
        tracker.wire.handle_async_request = carry  # type: ignore[method-assign]
        await tracker.connect(EMIL)
        return answer

    tracker.wire.handle_async_request = connect_first  # type: ignore[method-assign]
    renewed = await tools.grants.renewed(EMIL.person, old.access)
    tokens = parse_qs(tracker.wire.sent[0].content.decode())

    assert tokens["refresh_token"] == [old.refresh]
    assert renewed == await tools.grants.held(EMIL.person)
    async with tracker.service.database.read() as connection:
        family = select(TOKENS.c.family).where(TOKENS.c.digest == digest(renewed.refresh))
        first = select(TOKENS.c.family).where(TOKENS.c.digest == digest(old.refresh))
        families = [(await connection.execute(wanted)).scalar_one() for wanted in (family, first)]
    assert families[0] != families[1]


async def test_a_stolen_refresh_token_that_is_used_late_ends_the_whole_grant(tracker: World) -> None:
    held = await tools.grants.held(EMIL.person)
    assert held is not None
    await tools.grants.renewed(EMIL.person, held.access)
    async with tracker.service.database.write() as connection:
        early = TOKENS.c.rotated_at - 60
        await connection.execute(update(TOKENS).where(TOKENS.c.rotated_at.is_not(None)).values(rotated_at=early))
    stolen = await tools.grants.ask({"grant_type": "refresh_token", "refresh_token": held.refresh})

    assert stolen is None
    assert LINK in (await tracker.call("issue_board", EMIL, project="webshop")).text


async def test_one_persons_sealed_tokens_open_with_the_key_alone_and_old_keys_still_read(tracker: World) -> None:
    store = tracker.connector.store.path
    async with tracker.connector.read() as connection:
        sealed = (await connection.execute(select(GRANTS.c.sealed).where(GRANTS.c.person == EMIL.person))).scalar_one()
    old, new = store.with_suffix(".key").read_text(), Fernet.generate_key().decode()
    both, other = Sealer(), Sealer()
    both.open(f"{new}, {old}", store)
    other.open(new, store)

    assert both.unseal("grant", sealed.decode()) is not None
    assert both.unseal("link", sealed.decode()) is None
    assert other.unseal("grant", sealed.decode()) is None


def test_a_key_that_is_none_is_named() -> None:
    with pytest.raises(SettingError, match="ISSUE_TRACKER_KEYS must hold keys"):
        Sealer().open("hunter2", tools.issues.store.path)
