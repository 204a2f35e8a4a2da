"""A shared context is opened by its first user and closed after its last one, in whatever order they end."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from intarsia.errors import StoreError
from intarsia.server.storage.shared_lifetime import SharedLifetime


class Thing:
    """A context that records when it is opened and closed."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.may_open = asyncio.Event()
        self.may_open.set()
        self.fails: Exception | None = None
        self.lifetime = SharedLifetime("The thing", self.opening)

    @asynccontextmanager
    async def opening(self) -> AsyncGenerator[None]:
        self.events.append("opening")
        await self.may_open.wait()
        if self.fails:
            raise self.fails
        # A task group notices when it is left in another task than it was entered in.
        async with anyio.create_task_group():
            self.events.append("open")
            yield
        self.events.append("closed")

    async def use(self, enough: asyncio.Event) -> None:
        async with self.lifetime.shared():
            self.events.append("used")
            await enough.wait()


async def reach(thing: Thing, events: int) -> None:
    with anyio.fail_after(10):
        while len(thing.events) < events:
            await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("first_to_leave", [0, 1])
async def test_it_stays_open_until_its_last_user_leaves(first_to_leave: int) -> None:
    thing = Thing()
    enough = [asyncio.Event(), asyncio.Event()]
    users = [asyncio.create_task(thing.use(event)) for event in enough]
    await reach(thing, 4)

    enough[first_to_leave].set()
    await users[first_to_leave]
    assert thing.events == ["opening", "open", "used", "used"]
    enough[1 - first_to_leave].set()
    await users[1 - first_to_leave]

    assert thing.events[4:] == ["closed"]


async def test_it_opens_again_after_it_was_closed() -> None:
    thing = Thing()
    for _ in range(2):
        async with thing.lifetime.shared(), thing.lifetime.shared():
            pass

    assert thing.events == ["opening", "open", "closed"] * 2


async def test_all_users_get_the_error_if_it_cannot_open() -> None:
    thing = Thing()
    thing.fails = StoreError("no such folder")
    users = [asyncio.create_task(thing.use(asyncio.Event())) for _ in range(2)]

    outcomes = await asyncio.gather(*users, return_exceptions=True)

    assert [str(outcome) for outcome in outcomes] == ["no such folder"] * 2
    thing.fails = None
    async with thing.lifetime.shared():
        assert thing.events[-1] == "open"


async def test_a_user_who_is_cancelled_while_it_opens_does_not_wait() -> None:
    thing = Thing()
    thing.may_open.clear()
    user = asyncio.create_task(thing.use(asyncio.Event()))
    await reach(thing, 1)

    user.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(user, 10)

    assert thing.events == ["opening"]
    thing.may_open.set()
    async with thing.lifetime.shared():
        assert thing.events == ["opening", "opening", "open"]


async def test_it_closes_when_its_user_fails() -> None:
    thing = Thing()
    with contextlib.suppress(ValueError):
        async with thing.lifetime.shared():
            raise ValueError

    assert thing.events == ["opening", "open", "closed"]


def test_another_event_loop_gets_an_error() -> None:
    async def make() -> Thing:
        return Thing()

    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    try:
        thing = first.run_until_complete(make())
        shared = thing.lifetime.shared()
        first.run_until_complete(shared.__aenter__())
        with pytest.raises(StoreError, match="The thing is running in another event loop"):
            second.run_until_complete(thing.lifetime.shared().__aenter__())
        first.run_until_complete(shared.__aexit__(None, None, None))
        second.run_until_complete(use_once(thing))
    finally:
        first.close()
        second.close()

    assert thing.events[-1] == "closed"


async def use_once(thing: Thing) -> None:
    async with thing.lifetime.shared():
        pass
