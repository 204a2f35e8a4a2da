"""T25 over real HTTP: calls of two people on the same kept connections, with the same JSON-RPC ids, in both eras."""

import asyncio
import json
import random
from collections.abc import Mapping

import httpx2

from tests.security.conftest import Trusting, in_both_eras, of_both_kinds
from tests.security.connector_server import Served, done
from tests.security.mutation import Guard, Mutants, Mutation, each_guard

CANARIES = {"ada": "canary-of-ada-5f1e", "bob": "canary-of-bob-90c2"}
CALLS = 200
CONNECTIONS = 4


def found_in(response: httpx2.Response) -> set[str]:
    """Say whose name is anywhere in a response."""
    whole = response.text + json.dumps(dict(response.headers))
    return {name for name, canary in CANARIES.items() if canary in whole}


async def interleaved(served: Served, era: str, tokens: Mapping[str, str]) -> list[tuple[str, httpx2.Response]]:
    """Call as both, in any order and all at once, over few connections."""
    dice = random.Random(25)  # noqa: S311 - an order that can be repeated
    order = [dice.choice(sorted(tokens)) for _ in range(CALLS)]
    limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx2.AsyncClient(timeout=60, limits=limits) as http:
        shared = Served(served.addresses, http, served.entered)
        calls = (shared.call(era, token=tokens[who], tool="say_who") for who in order)
        return list(zip(order, await asyncio.gather(*calls), strict=True))


@in_both_eras
@of_both_kinds
async def test_t25_each_answer_is_for_who_asked(trusting: Trusting, era: str, kind: str) -> None:
    tokens = {name: trusting.token(kind, sub=canary) for name, canary in CANARIES.items()}
    answers = await interleaved(trusting.served, era, tokens)

    assert [(who, found_in(response)) for who, response in answers if found_in(response) != {who}] == []
    told = [(who, json.loads(done(response))["subject"]) for who, response in answers]
    assert [pair for pair in told if pair[1] != CANARIES[pair[0]]] == []
    assert trusting.served.entered == ["say_who"] * CALLS


HERE = "tests/security/test_between_people_over_http.py"
GUARDS = {
    "a grant is of its call": Mutation(
        "intarsia/server/tools/tool.py",
        "_grant_parameter] = grant",
        '_grant_parameter] = globals().setdefault("first", grant)',
    ),
}


@each_guard({name: (f"{HERE} -k 't25_each and signed'", mutation) for name, mutation in GUARDS.items()})
async def test_t25_bites(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
