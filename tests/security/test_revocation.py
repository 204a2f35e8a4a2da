"""T07: what the issuer takes back is refused within 5 seconds, by every server, in both eras."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from time import monotonic

import httpx2
import pytest

from intarsia import Introspection, Issuer, ResourceServer
from intarsia.host.server import running_server
from tests.security.connector_server import ERAS, RESOURCE, Answers, Served, good_claims, running_connector_server
from tests.security.issuer import ASKING, RunningIssuer, make_keys, running_issuer

SECONDS = 5
REPLICAS = 2


@pytest.fixture
async def own_issuer() -> AsyncIterator[RunningIssuer]:
    async with running_issuer(make_keys("first")) as running:
        yield running


async def assert_stops(served: Served, token: str, take_back: Callable[[], Awaitable[None]]) -> None:
    """Use a token on every server in both eras, take it back, and see all of them refuse it in time."""

    async def call(replica: int, era: str) -> httpx2.Response:
        return await served.call(era, token=token, tool="add_task", arguments={"title": "x"}, replica=replica)

    async def wait_until_refused(replica: int, era: str) -> None:
        while True:
            started = monotonic()
            if (await call(replica, era)).status_code != 200:
                return
            assert started <= taken_back + SECONDS
            await asyncio.sleep(0.05)

    places = [(replica, era) for replica in range(REPLICAS) for era in ERAS]
    assert [(await call(*place)).status_code for place in places] == [200] * len(places)
    await take_back()
    taken_back = monotonic()
    await asyncio.gather(*(wait_until_refused(*place) for place in places))

    served.entered.clear()
    assert [(await call(*place)).status_code for place in places] == [401] * len(places)
    assert served.entered == []


async def test_t07_a_revoked_token_and_that_of_a_disabled_person_stop(
    own_issuer: RunningIssuer, tmp_path: Path
) -> None:
    asks = Introspection(client_id=ASKING[0], client_secret=ASKING[1], signed_tokens=False)
    auth = ResourceServer(RESOURCE, [Issuer(own_issuer.url, introspection=asks)])
    scope = "openid tasks:read tasks:write"
    ada = (await own_issuer.sign_in("ada", scope, RESOURCE, "opaque"))["access_token"]
    bob = (await own_issuer.sign_in("bob", scope, RESOURCE, "opaque"))["access_token"]
    eve = (await own_issuer.sign_in("eve", scope, RESOURCE, "opaque"))["access_token"]

    async with running_connector_server(auth, tmp_path, REPLICAS) as served:
        await asyncio.gather(
            assert_stops(served, ada, lambda: own_issuer.revoke(ada, "opaque")),
            assert_stops(served, bob, lambda: own_issuer.tell("disable", account="bob")),
        )
        assert (await served.call(ERAS[0], token=eve)).status_code == 200


async def test_t07_a_token_of_a_key_that_was_rotated_out_stops(own_issuer: RunningIssuer, tmp_path: Path) -> None:
    old = own_issuer.sign(good_claims(own_issuer.url))

    async with running_connector_server(ResourceServer(RESOURCE, [own_issuer.url]), tmp_path, REPLICAS) as served:
        await assert_stops(served, old, lambda: own_issuer.rotate(make_keys("second")))
        new = own_issuer.sign(good_claims(own_issuer.url))
        assert (await served.call(ERAS[0], token=new)).status_code == 200


async def test_t07_a_new_key_is_used_at_once(own_issuer: RunningIssuer, tmp_path: Path) -> None:
    async with running_connector_server(ResourceServer(RESOURCE, [own_issuer.url]), tmp_path) as served:
        assert (await served.call(ERAS[0], token=own_issuer.sign(good_claims(own_issuer.url)))).status_code == 200
        await own_issuer.rotate(make_keys("second"))
        token = own_issuer.sign(good_claims(own_issuer.url))

        rotated = monotonic()
        while (started := monotonic()) < rotated + 2:
            if (await served.call(ERAS[0], token=token)).status_code == 200:
                break
            await asyncio.sleep(0.05)
        assert started < rotated + 2


async def test_t07_a_signed_token_stops_too_when_the_issuer_answers_about_it(
    issuer: RunningIssuer, tmp_path: Path
) -> None:
    answers = Answers()
    token = issuer.sign(good_claims(issuer.url))
    answers.by_token[token] = {"active": True}

    async def forget() -> None:
        del answers.by_token[token]

    async with running_server(answers.app()) as address:
        asks = Introspection(client_id="intarsia", client_secret="made-up", endpoint=f"{address}/introspect")
        auth = ResourceServer(RESOURCE, [Issuer(issuer.url, introspection=asks)])
        async with running_connector_server(auth, tmp_path, REPLICAS) as served:
            await assert_stops(served, token, forget)


async def test_t07_a_scope_that_was_taken_back_from_a_signed_token_is_missing(
    issuer: RunningIssuer, tmp_path: Path
) -> None:
    answers = Answers()
    token = issuer.sign(good_claims(issuer.url, scope="tasks:read tasks:write"))
    answers.by_token[token] = {"active": True, "scope": "tasks:read admin"}

    async with running_server(answers.app()) as address:
        asks = Introspection(client_id="intarsia", client_secret="made-up", endpoint=f"{address}/introspect")
        auth = ResourceServer(RESOURCE, [Issuer(issuer.url, introspection=asks)])
        async with running_connector_server(auth, tmp_path) as served:
            response = await served.call(ERAS[0], token=token, tool="add_task", arguments={"title": "x"})
            assert response.status_code == 403
            other = issuer.sign(good_claims(issuer.url, jti="other"))
            answers.by_token[other] = {"active": True, "sub": "somebody else"}
            assert (await served.call(ERAS[0], token=other)).status_code == 401
