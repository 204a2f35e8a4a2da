"""Calls take turns by person, wait in bounded lines, and are refused when there is no room."""

import asyncio
from collections.abc import Callable

import pytest

from intarsia.errors import BusyError, SettingError
from intarsia.server.http import fair_queue
from intarsia.server.http.fair_queue import FairQueue, Lane
from intarsia.server.http.limits import Limits
from intarsia.server.http.processor_share import ProcessorShare

ADA, BOB, EVE = Lane("ada"), Lane("bob"), Lane("eve")


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def queue_of(
    clock: Callable[[], float] | None = None, is_busy: Callable[[], bool] = lambda: True, **changed: int
) -> FairQueue:
    limits = Limits(**changed)  # type: ignore[arg-type]  # the numbers are among the settings
    return FairQueue(limits, clock or Clock(), is_busy)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_persons_take_turns_however_many_calls_each_of_them_sent() -> None:
    queue = queue_of(max_calls=1, max_waiting_calls_per_person=10)
    started: list[str] = []

    async def call(lane: Lane) -> None:
        async with queue.turn(lane):
            started.append(lane.person)
            await asyncio.sleep(0)

    await asyncio.gather(*map(call, [ADA] * 6 + [BOB] * 2 + [EVE]))

    assert started == ["ada", "ada", "bob", "eve", "ada", "bob", "ada", "ada", "ada"]
    assert (queue.running, queue.waiting) == (0, 0)


async def test_somebody_alone_may_run_more_than_beside_others() -> None:
    clock = Clock()
    queue = queue_of(clock, max_calls_per_person=4, max_shared_calls_per_person=2)
    hers = [asyncio.ensure_future(queue.enter(ADA)) for _ in range(9)]
    await settle()
    assert sum(each.done() for each in hers) == 4

    await queue.enter(BOB)
    for _ in range(3):
        queue.leave(ADA)
    await settle()
    assert sum(each.done() for each in hers) == 5, "beside Bob she has two"

    clock.seconds += fair_queue.ACTIVE_SECONDS + 1
    queue.leave(BOB)
    queue.leave(ADA)
    await settle()
    assert sum(each.done() for each in hers) == 8, "Bob has not called for a while"
    for each in hers:
        each.cancel()


async def test_who_has_calls_that_wait_gives_way_to_others_for_a_moment() -> None:
    clock = Clock()
    queue = queue_of(clock, max_shared_calls_per_person=1)
    await queue.enter(BOB)
    hers = [asyncio.ensure_future(queue.enter(ADA)) for _ in range(4)]
    await settle()
    queue.leave(ADA)
    await settle()
    assert sum(each.done() for each in hers) == 2, "she has not given way yet"

    queue.leave(ADA)
    await settle()
    assert sum(each.done() for each in hers) == 2, "Bob's call runs"
    queue.leave(BOB)
    await settle()
    assert sum(each.done() for each in hers) == 3

    await queue.enter(BOB)
    queue.leave(ADA)
    clock.seconds += fair_queue.YIELD_SECONDS
    await queue.enter(EVE)
    queue.leave(EVE)
    await settle()
    assert sum(each.done() for each in hers) == 4, "it was long enough"


async def test_while_the_processor_is_idle_others_change_nothing() -> None:
    queue = queue_of(is_busy=lambda: False, max_calls_per_person=4, max_shared_calls_per_person=1)
    await queue.enter(BOB)
    hers = [asyncio.ensure_future(queue.enter(ADA)) for _ in range(9)]
    await settle()

    assert sum(each.done() for each in hers) == 4
    for each in hers:
        each.cancel()


def test_a_process_is_busy_when_it_used_half_of_the_time() -> None:
    clock, used = Clock(), Clock()
    share = ProcessorShare(clock, lambda: (0.0, used.seconds))
    clock.seconds += 1
    assert not share.is_busy()
    clock.seconds += 1
    used.seconds += 0.6
    assert share.is_busy()
    clock.seconds += 0.01
    assert share.is_busy(), "too little time has passed to tell"
    clock.seconds += 1
    assert not share.is_busy()


async def test_the_line_of_one_person_is_bounded_and_that_of_others_is_open() -> None:
    queue = queue_of(max_calls=1, max_waiting_calls_per_person=3)
    hers = [asyncio.ensure_future(queue.enter(ADA)) for _ in range(6)]
    await settle()

    assert [type(each.exception()) for each in hers if each.done() and each.exception()] == [BusyError] * 2
    assert queue.waiting == 3
    his = asyncio.ensure_future(queue.enter(BOB))
    await settle()
    assert not his.done()
    assert queue.waiting == 4
    for each in (*hers, his):
        each.cancel()
    await settle()
    assert queue.waiting == 0


async def test_all_lines_together_are_bounded() -> None:
    queue = queue_of(max_calls=1, max_waiting_calls=2)
    lanes = [Lane(f"person {number}") for number in range(4)]
    calls = [asyncio.ensure_future(queue.enter(lane)) for lane in lanes]
    await settle()

    with pytest.raises(BusyError):
        calls[3].result()
    for each in calls:
        each.cancel()


async def test_who_is_refused_is_told_how_long_the_line_is() -> None:
    clock = Clock()
    queue = queue_of(clock, max_calls=1, max_waiting_calls_per_person=1)
    await queue.enter(ADA)
    waiting = asyncio.ensure_future(queue.enter(ADA))
    await settle()
    clock.seconds += 6.5

    with pytest.raises(BusyError, match=r"nothing was done\. Try again in 7 seconds\.") as caught:
        await queue.enter(ADA)

    assert caught.value.retry_after == 7
    waiting.cancel()


async def test_a_call_whose_turn_never_comes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "MAX_WAIT_SECONDS", 0.01)
    queue = queue_of(max_calls=1)
    await queue.enter(ADA)

    with pytest.raises(BusyError):
        await queue.enter(BOB)

    assert queue.waiting == 0
    queue.leave(ADA)
    await queue.enter(BOB)
    assert queue.running == 1


async def test_a_turn_that_comes_as_its_caller_goes_is_passed_on() -> None:
    queue = queue_of(max_calls=1)
    await queue.enter(ADA)
    going, next_one = asyncio.ensure_future(queue.enter(BOB)), asyncio.ensure_future(queue.enter(EVE))
    await settle()

    queue.leave(ADA)
    going.cancel()
    await settle()

    assert going.cancelled()
    assert next_one.done()
    assert queue.running == 1


async def test_reads_of_open_views_are_never_too_many_and_alternate_with_calls() -> None:
    queue = queue_of(max_calls=1, max_waiting_calls=1, max_waiting_calls_per_person=1)
    await queue.enter(EVE)
    views = [asyncio.ensure_future(queue.enter(Lane(f"viewer {number}", "view"))) for number in range(50)]
    await settle()
    hers = asyncio.ensure_future(queue.enter(ADA))
    await settle()

    assert queue.waiting == 1, "no read of a View counts"
    queue.leave(EVE)
    await settle()
    assert hers.done()
    queue.leave(ADA)
    await settle()
    assert views[0].done()
    assert not views[1].done()
    for each in views:
        each.cancel()


async def test_a_known_host_without_sign_in_has_the_room_of_all() -> None:
    queue = queue_of(max_calls=20)
    host = Lane("network 192.0.2.1", is_shared=True)
    calls = [asyncio.ensure_future(queue.enter(host)) for _ in range(200)]
    await settle()

    assert (queue.running, queue.waiting) == (20, 180)
    for each in calls:
        each.cancel()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"max_calls": 0}, "max_calls must be at least 1"),
        ({"known_hosts": "192.0.2.0/24"}, "known_hosts must be a tuple of ranges"),
        ({"known_hosts": ("192.0.2.1/24",)}, "The range is 192.0.2.0/24"),
    ],
)
def test_limits_that_cannot_be_meant_are_refused(changed: dict[str, object], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        Limits(**changed)  # type: ignore[arg-type]  # wrong on purpose
