"""Synchronous functions run in threads of a pool: these are bounded, and so are those that overrun.

Nothing here waits for time: functions block on events, and what depends on timers waits for a later timer.
"""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from pathlib import Path

import anyio
import pytest

from intarsia import Connector, RefusedError
from intarsia.server.tools.threads import BUSY, ThreadPool
from intarsia.widgets import Dashboard, Metric
from tests.server.conftest import call
from tests.server.waiting_threads import latch

CALLER: ContextVar[str] = ContextVar("caller", default="nobody")


def own(function: Callable[[], int]) -> Callable[[], int]:
    """Return a function of its own, which the pool counts apart."""

    def another() -> int:
        return function()

    return another


async def timers_fired() -> None:
    """Wait until the timers that were set before have fired: the loop fires them in order."""
    fired = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, fired.set)
    await fired.wait()


async def test_a_function_sees_the_context_of_its_caller() -> None:
    CALLER.set("ada")

    assert await ThreadPool().read(partial(CALLER.get)) == "ada"
    assert await ThreadPool().change(partial(CALLER.get)) == "ada"


async def test_errors_come_to_the_caller() -> None:
    def fail(error: BaseException) -> None:
        raise error

    for error in (ValueError("x"), RefusedError("No.")):
        with pytest.raises(type(error)):
            await ThreadPool().read(partial(fail, error))
    with pytest.raises(RuntimeError, match="raised StopIteration"):
        await ThreadPool().read(partial(fail, StopIteration()))


async def test_threads_are_bounded_in_all_and_for_each_function() -> None:
    pool = ThreadPool(max_threads=3, max_per_function=2)
    with latch() as one, latch() as other:
        async with anyio.create_task_group() as group:
            for value in range(5):
                group.start_soon(partial(pool.read, partial(one.pass_through, value)))
            await one.is_entered(2)
            assert pool.running == 2  # the others of this function wait, though there is a place

            group.start_soon(partial(pool.read, partial(other.pass_through)))
            await other.is_entered()
            assert pool.running == 3

            one.open.set()
            other.open.set()
    assert pool.running == 0


async def test_a_caller_that_goes_away_leaves_the_queue_and_a_running_thread_keeps_its_place() -> None:
    pool = ThreadPool(max_threads=1)
    ran: list[int] = []
    with latch() as busy:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(partial(pool.read, partial(busy.pass_through)))
                await busy.is_entered()
                group.start_soon(partial(pool.read, partial(ran.append, 1)))
                await anyio.wait_all_tasks_blocked()
                scope.cancel()
        assert pool.running == 1
        busy.open.set()
        await pool.read(partial(ran.append, 2))
    assert ran == [2]


async def test_a_call_that_overruns_gives_its_place_back_and_counts_against_its_function_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pool = ThreadPool(max_threads=2, max_per_function=2)
    loop = asyncio.get_running_loop()
    with latch() as stuck:
        calls = [loop.create_task(pool.read(partial(stuck.pass_through), 0.001)) for _ in range(2)]
        await stuck.is_entered(2)
        await timers_fired()

        assert (pool.abandoned, pool.running) == (2, 0)
        assert await pool.read(partial(len, "abcde")) == 5  # places are free for others
        with pytest.raises(RefusedError, match=BUSY):
            await pool.read(partial(stuck.pass_through))
        assert "its thread is abandoned" in caplog.text

        stuck.open.set()
        assert await asyncio.gather(*calls) == [0, 0]
    assert await pool.read(partial(stuck.pass_through, 3)) == 3
    assert pool.abandoned == 0


async def test_abandoned_threads_are_bounded_in_all() -> None:
    pool = ThreadPool(max_threads=2, max_per_function=2, max_abandoned=1)
    loop = asyncio.get_running_loop()
    with latch() as stuck:
        first = loop.create_task(pool.read(partial(own(stuck.pass_through)), 0.001))
        await stuck.is_entered()
        await timers_fired()
        second = loop.create_task(pool.read(partial(own(stuck.pass_through)), 0.001))
        await stuck.is_entered()
        await timers_fired()

        assert (pool.abandoned, pool.running) == (1, 1)
        stuck.open.set()
        await asyncio.gather(first, second)


async def test_a_tile_that_overruns_says_so_and_the_others_are_there(tmp_path: Path) -> None:
    connector = Connector("Tiles", store=tmp_path / "tiles.db")
    with latch() as stuck:

        @connector.tile(timeout_seconds=0.05)
        def hanging() -> Metric:
            """Hang."""
            return Metric("Hanging", stuck.pass_through())

        @connector.tile
        def quick() -> Metric:
            """Read."""
            return Metric("Quick", 7)

        @connector.tile
        async def other() -> Metric:
            """Read."""
            return Metric("Other", 8)

        @connector.widget
        def board() -> Dashboard:
            """Show."""
            return Dashboard(title="Board", tiles=[hanging(), quick(), other()])

        async with connector.running():
            text = (await call(connector, "board")).text
            assert "Took longer than 0.05 seconds." in text
            assert "7" in text
            assert "8" in text
            stuck.open.set()
