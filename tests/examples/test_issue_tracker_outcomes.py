"""Changes whose answer is lost: made once, and whatever happened becomes known."""

import asyncio
import random
from collections import Counter

import httpx2
import pytest
from sqlalchemy import select

from examples.issue_tracker import tools
from examples.issue_tracker.outcomes import OUTCOMES
from examples.issue_tracker.service.tables import ISSUES
from tests.examples.tracker_system import EMIL, World, nothing

KEY = "0123456789abcdef"
LOST = httpx2.ReadTimeout("lost")
PROBLEM = "dev.intarsia/problem"
BOUND_SECONDS = 30


@pytest.fixture
def short_of_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """An action that waits hardly at all before it says that its change is being checked."""
    monkeypatch.setattr("examples.issue_tracker.outcomes.MAX_RENDER_SECONDS", 0.01)
    monkeypatch.setattr("examples.issue_tracker.outcomes.PAUSES", (0.02,))


def is_change(request: httpx2.Request) -> bool:
    return "idempotency-key" in request.headers


def silent(request: httpx2.Request) -> Exception | None:
    """Lose every request that changes or settles something, before it arrives."""
    return LOST if request.method != "GET" else None


async def finished() -> None:
    await asyncio.wait_for(tools.outcomes.finish(), BOUND_SECONDS)


async def board(tracker: World) -> str:
    return (await tracker.call("issue_board", EMIL, project="webshop")).text


async def states(tracker: World) -> list[str]:
    async with tracker.connector.read() as connection:
        return list((await connection.execute(select(OUTCOMES.c.state))).scalars())


async def test_the_key_of_the_action_is_the_key_at_the_tracker(tracker: World) -> None:
    await tracker.move(EMIL, key=KEY)
    await tracker.move(EMIL, version=2, column="done")
    await tracker.move(EMIL, version=3, column="doing")
    keys = [one.headers["idempotency-key"] for one in tracker.wire.changes()]

    assert keys[0] == KEY
    assert len(set(keys)) == 3


@pytest.mark.parametrize("arrives", [True, False], ids=["answer lost", "request lost"])
async def test_what_was_lost_once_is_asked_for_again_under_its_key_and_done_once(
    tracker: World, *, arrives: bool
) -> None:
    lost: list[httpx2.Request] = []

    def lose_first(request: httpx2.Request) -> Exception | None:
        if not is_change(request) or lost:
            return None
        lost.append(request)
        return LOST

    setattr(tracker.wire, "after" if arrives else "before", lose_first)
    moved = await tracker.move(EMIL, key=KEY)

    assert moved.text == "Moved WEB-8 to In review."
    assert [one.headers["idempotency-key"] for one in tracker.wire.changes()] == [KEY, KEY]
    assert (await tracker.issue("WEB-8"))["version"] == 2
    assert await states(tracker) == []


async def test_a_server_error_counts_as_no_answer(tracker: World) -> None:
    failures = [httpx2.Response(502), httpx2.Response(500)]
    tracker.wire.after = lambda request: failures.pop() if is_change(request) and failures else None

    assert (await tracker.move(EMIL, key=KEY)).text == "Moved WEB-8 to In review."
    assert (await tracker.issue("WEB-8"))["version"] == 2


@pytest.mark.usefixtures("short_of_patience")
async def test_an_action_that_gets_no_answer_says_that_it_is_checked_and_the_board_says_what_came_of_it(
    tracker: World,
) -> None:
    tracker.wire.after = lambda request: LOST if is_change(request) else None
    told = await tracker.move(EMIL, key=KEY)
    meanwhile = await board(tracker)
    tracker.wire.after = nothing
    await finished()

    assert told.text.startswith("Moving WEB-8: the tracker has not answered yet. It is being checked")
    assert "Move WEB-8 to review: no answer yet. Checking" in meanwhile
    assert "Move WEB-8 to review: it was done." in await board(tracker)
    assert (await tracker.issue("WEB-8"))["version"] == 2


@pytest.mark.usefixtures("short_of_patience")
async def test_what_is_refused_when_it_is_asked_for_again_was_not_done(tracker: World) -> None:
    tracker.wire.before = silent
    await tracker.move(EMIL, key=KEY)
    await tracker.touch("WEB-8", "moved it to Done")
    tracker.wire.before = nothing
    await finished()

    assert "Move WEB-8 to review: it was not done. Noor Haddad moved it to Done." in await board(tracker)
    assert (await tracker.issue("WEB-8"))["column"] == "doing"


@pytest.mark.usefixtures("short_of_patience")
async def test_what_did_not_arrive_in_time_is_given_up_and_comes_to_nothing_when_it_arrives_late(
    tracker: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.issue_tracker.outcomes.ASK_SECONDS", 0.05)
    tracker.wire.before = lambda request: LOST if is_change(request) else None
    await tracker.move(EMIL, key=KEY)
    await finished()
    tracker.wire.before = nothing
    late = tracker.wire.changes()[0]
    response = await tools.wire.send(
        late.method, late.url.path, headers=dict(late.headers), body={"column": "review", "index": 0, "version": 1}
    )

    assert "Move WEB-8 to review: it was not done. The tracker did not get it in time." in await board(tracker)
    assert response.status_code == 410
    assert (await tracker.issue("WEB-8"))["version"] == 1


@pytest.mark.usefixtures("short_of_patience")
@pytest.mark.parametrize("arrives", [True, False], ids=["it was done", "it was not done"])
async def test_what_never_became_known_is_settled_as_soon_as_the_tracker_answers(
    tracker: World, monkeypatch: pytest.MonkeyPatch, *, arrives: bool
) -> None:
    monkeypatch.setattr("examples.issue_tracker.outcomes.SETTLE_SECONDS", 0.1)
    monkeypatch.setattr("examples.issue_tracker.outcomes.ASK_SECONDS", 0.05)
    setattr(tracker.wire, "after" if arrives else "before", silent)
    await tracker.move(EMIL, key=KEY)
    await finished()
    unknown = await states(tracker)
    still = await board(tracker)
    tracker.wire.before = tracker.wire.after = nothing

    assert unknown == ["open"]
    assert "the tracker did not say whether it was done." in still
    assert f"Move WEB-8 to review: {'it was done.' if arrives else 'it was not done.'}" in await board(tracker)
    assert (await tracker.issue("WEB-8"))["version"] == 1 + arrives


@pytest.mark.usefixtures("short_of_patience")
async def test_checking_goes_on_after_a_restart(stopped_tracker: World) -> None:
    async with stopped_tracker.connector.running():
        await stopped_tracker.connect(EMIL)
        stopped_tracker.wire.before = silent
        await stopped_tracker.move(EMIL, key=KEY)
    stopped_tracker.wire.before = nothing
    async with stopped_tracker.connector.running():
        await finished()
        text = await board(stopped_tracker)

    assert "Move WEB-8 to review: it was done." in text
    assert (await stopped_tracker.issue("WEB-8"))["version"] == 2


async def test_a_call_that_is_given_up_and_sent_again_is_done_once(tracker: World) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()
    carry = tracker.wire.handle_async_request

    async def slow(request: httpx2.Request) -> httpx2.Response:
        answer = await carry(request)
        if is_change(request):
            arrived.set()
            await go_on.wait()
        return answer

    tracker.wire.handle_async_request = slow  # type: ignore[method-assign]
    acting = asyncio.create_task(tracker.move(EMIL, key=KEY))
    await asyncio.wait_for(arrived.wait(), BOUND_SECONDS)
    acting.cancel()
    await asyncio.gather(acting, return_exceptions=True)
    go_on.set()

    assert (await tracker.move(EMIL, key=KEY)).text == "Moved WEB-8 to In review."
    assert (await tracker.issue("WEB-8"))["version"] == 2


async def test_a_refused_action_can_be_tried_again_under_its_key_after_a_renewal(tracker: World) -> None:
    """A token that is renewed within an action must not write down that the action was done."""
    await tracker.end_tokens("access")
    refused = await tracker.move(EMIL, key=KEY, version=7)
    again = await tracker.move(EMIL, key=KEY)

    assert refused.meta[PROBLEM]["kind"] == "conflict"
    assert again.text == "Moved WEB-8 to In review."
    assert (await tracker.issue("WEB-8"))["version"] == 2


async def test_of_a_thousand_changes_with_three_in_ten_answers_dropped_each_is_made_once_and_known(
    tracker: World,
) -> None:
    chance, turns = random.Random(30), asyncio.Semaphore(10)  # noqa: S311 - which answers are lost is no secret
    late = Counter({f"thousand-{number:04}": 6 for number in range(50, 1_000, 100)})

    def lose(request: httpx2.Request) -> Exception | None:
        """Lose three in ten answers, and of every hundredth change the first six."""
        key = request.headers.get("idempotency-key", "")
        is_late = late[key] > 0
        late[key] -= is_late
        return LOST if is_late or chance.random() < 0.3 else None

    async def add(number: int) -> str:
        meta = {"dev.intarsia/id": f"thousand-{number:04}"}
        fields = {"project": "webshop", "column": "backlog", "title": f"Change {number}"}
        async with turns:
            return (await tracker.call("add_issue", EMIL, meta, **fields)).text

    tracker.wire.after = lose
    told = await asyncio.gather(*(add(number) for number in range(1_000)))
    await finished()
    async with tracker.service.database.read() as connection:
        wanted = select(ISSUES.c.title).where(ISSUES.c.title.startswith("Change "))
        made = list((await connection.execute(wanted)).scalars())
    checked = [one for one in told if "It is being checked" in one]

    assert sorted(made) == sorted(f"Change {number}" for number in range(1_000))
    assert len(tracker.wire.changes()) > 1_300
    assert len(checked) >= 10
    assert len(checked) + sum(one.startswith("Added WEB-") for one in told) == 1_000
    assert await states(tracker) == ["done"] * len(checked)
