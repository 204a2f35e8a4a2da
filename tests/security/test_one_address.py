"""1,000 people behind the addresses of one hosted chat register, sign in and work, and one of them is hostile."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from argon2 import PasswordHasher

from intarsia import EmbeddedIssuer
from intarsia.server.auth.authorization_server.accounts import accounts
from intarsia.server.auth.authorization_server.accounts.accounts import Accounts
from intarsia.server.auth.authorization_server.accounts.tables import accounts_store
from intarsia.server.http.limits import Limits
from tests.authorization_server.browser import PASSWORD, Browser
from tests.authorization_server.sign_in_site import CALLBACK, ORIGIN, Place
from tests.security.connector_server import build_connector

CHAT = "198.51.100.7"
"""The address that all of them come from."""
AT_ONCE = 10
FLOODS = 40
"""More than run and wait at once for one person."""


class Chat(Place):
    """A place to which everything comes from the chat, except what people do in their browsers."""

    def http(self, sender: str = CHAT, *, is_known_host: bool = False) -> httpx2.AsyncClient:
        """Return a client with cookies of its own."""
        return super().http(sender, is_known_host=is_known_host)


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(accounts, "_hasher", lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    return iter(())


@asynccontextmanager
async def running_place(folder: Path, people: list[str], limits: Limits) -> AsyncGenerator[Chat]:
    async with accounts_store(folder / "accounts.db").open() as store:
        for name in people:
            await Accounts(store).add(name, PASSWORD, [])
    connector = build_connector(folder / "store.db", entered := list[str]())
    app = connector.app(auth=EmbeddedIssuer(ORIGIN, accounts=folder / "accounts.db"), limits=limits)
    async with app.router.lifespan_context(app):
        yield Chat(app, folder, ORIGIN, entered)


async def begin(place: Chat, person: str) -> str:
    """Register a client, sign in and consent as one person does in a hosted chat, and return the access token."""
    async with place.http() as chat, place.http(f"203.0.113.{hash(person) % 250}") as http:
        registered = await chat.post("/register", json={"client_name": "Chat", "redirect_uris": [CALLBACK]})
        assert registered.status_code == 201, registered.text
        client_id = registered.json()["client_id"]
        told = await Browser(http, person).consent(place.asks(client_id))
        token: str = (await place.redeem(client_id, told["code"])).json()["access_token"]
        return token


async def flood(place: Chat, token: str) -> None:
    """Call as fast as possible, and never mind the answers."""
    while True:
        await asyncio.gather(*(place.call(token) for _ in range(FLOODS)))


async def work(place: Chat, people: list[str]) -> list[int]:
    """Let all of them begin, so many at once, while the first of them is hostile; return how their calls ended."""
    hostile = asyncio.create_task(flood(place, await begin(place, people[0])))
    room, ended = asyncio.Semaphore(AT_ONCE), list[int]()

    async def one(person: str) -> None:
        async with room:
            token = await begin(place, person)
            answer = await place.answer(token, "task_board")
            ended.append(answer.status_code if "Water the plants" in answer.text else 0)

    try:
        async with asyncio.TaskGroup() as group:
            for person in people[1:]:
                group.create_task(one(person))
    finally:
        hostile.cancel()
    return ended


async def test_people_of_one_address_work_beside_a_hostile_one(tmp_path: Path) -> None:
    people = [f"person-{number}" for number in range(31)]
    async with running_place(tmp_path, people, Limits(known_hosts=("198.51.100.0/24",))) as place:
        assert await work(place, people) == [200] * 30


@pytest.mark.slow
async def test_a_thousand_people_of_one_address_work_beside_a_hostile_one(tmp_path: Path) -> None:
    people = [f"person-{number}" for number in range(1_001)]
    async with running_place(tmp_path, people, Limits(known_hosts=("198.51.100.0/24",))) as place:
        assert await work(place, people) == [200] * 1_000


async def test_an_address_that_is_not_known_may_not_register_for_so_many(tmp_path: Path) -> None:
    async with running_place(tmp_path, [], Limits()) as place, place.http() as chat:
        body = {"client_name": "Chat", "redirect_uris": [CALLBACK]}
        statuses = [(await chat.post("/register", json=body)).status_code for _ in range(30)]

    assert 201 in statuses
    assert statuses[-1] != 201
