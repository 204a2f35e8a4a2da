"""The keys of an issuer: fetched once for all who wait, no oftener than they may be, and forgotten in time."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import RSAAlgorithm

from intarsia.server.auth.resource_server import cache, jwks
from intarsia.server.auth.resource_server.cache import SingleFlight
from intarsia.server.auth.resource_server.errors import Reason, TokenError
from intarsia.server.auth.resource_server.issuer_http import IssuerError, IssuerHttpClient
from intarsia.server.auth.resource_server.issuer_metadata import Metadata
from intarsia.server.auth.resource_server.jwks import OUTAGE_SECONDS, IssuerKeys
from intarsia.server.auth.resource_server.jws import KeySet, read_verified_claims
from intarsia.server.auth.resource_server.settings import Issuer
from tests.security.issuer import Jwk, make_keys
from tests.security.test_signatures import part

URL = "https://login.example.com"
OLD, NEW = make_keys("old"), make_keys("new")


def public(key: Jwk) -> Jwk:
    return {name: value for name, value in key.items() if name not in ("d", "p", "q", "dp", "dq", "qi")}


@dataclass
class Shop:
    """Stands in for the issuer's web pages."""

    shown: list[Jwk]
    asked: list[str] = field(default_factory=list[str])
    is_closed: bool = False
    opens: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.opens.set()

    async def get(self, address: str) -> Mapping[str, Any] | None:
        self.asked.append(address)
        self.entered.set()
        await self.opens.wait()
        if self.is_closed:
            message = "closed"
            raise IssuerError(message)
        return {"keys": [public(key) for key in self.shown]}


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (jwks, cache):
        monkeypatch.setattr(module, "monotonic", made)
    return made


@pytest.fixture
def shop() -> Shop:
    return Shop([public(key) for key in OLD])


@pytest.fixture
def known(shop: Shop) -> IssuerKeys:
    issuer, own = Issuer(URL, jwks_uri=f"{URL}/keys"), SingleFlight()
    fetcher = cast("IssuerHttpClient", shop)
    return IssuerKeys(issuer, Metadata(issuer, fetcher, own), fetcher, own, seconds=4)


async def test_all_who_wait_share_one_fetch(known: IssuerKeys, shop: Shop, clock: Clock) -> None:
    found = await asyncio.gather(*(known.find(OLD[0]["kid"], "RS256") for _ in range(50)))

    assert shop.asked == [f"{URL}/keys"]
    assert {key.key_id for key, _ in found} == {OLD[0]["kid"]}
    assert {until for _, until in found} == {clock.now + 4}


async def test_keys_are_used_for_their_seconds_and_then_fetched_again(
    known: IssuerKeys, shop: Shop, clock: Clock
) -> None:
    await known.find(OLD[0]["kid"], "RS256")
    shop.shown = NEW
    clock.now += 4
    await known.find(OLD[0]["kid"], "RS256")
    assert len(shop.asked) == 1

    clock.now += 0.1
    with pytest.raises(TokenError) as refused:
        await known.find(OLD[0]["kid"], "RS256")
    assert refused.value.reason is Reason.UNKNOWN_KEY
    assert len(shop.asked) == 2


async def test_names_that_nobody_has_cause_one_fetch_a_second(known: IssuerKeys, shop: Shop, clock: Clock) -> None:
    for number in range(1000):
        clock.now += 0.01
        with pytest.raises(TokenError):
            await known.find(f"made up {number}", "RS256")

    assert len(shop.asked) <= 10


async def test_a_new_key_is_found_before_the_old_ones_are_stale(known: IssuerKeys, shop: Shop, clock: Clock) -> None:
    await known.find(OLD[0]["kid"], "RS256")
    shop.shown = [*OLD, *NEW]
    clock.now += 1.1

    key, _ = await known.find(NEW[1]["kid"], "ES256")

    assert key.key_id == NEW[1]["kid"]


async def test_an_outage_is_survived_for_five_minutes_without_waiting(
    known: IssuerKeys, shop: Shop, clock: Clock
) -> None:
    await known.find(OLD[0]["kid"], "RS256")
    shop.is_closed = True
    clock.now += 5
    key, until = await known.find(OLD[0]["kid"], "RS256")
    assert key.key_id == OLD[0]["kid"]
    assert until < clock.now  # what an old key proved is not remembered

    clock.now += 2
    shop.opens.clear()  # now it does not even answer
    async with asyncio.timeout(1):
        await known.find(OLD[0]["kid"], "RS256")
    shop.opens.set()

    clock.now += OUTAGE_SECONDS
    with pytest.raises(IssuerError, match="cannot be read"):
        await known.find(OLD[0]["kid"], "RS256")


async def test_an_issuer_that_never_answered_is_not_asked_by_every_request(
    known: IssuerKeys, shop: Shop, clock: Clock
) -> None:
    shop.is_closed = True
    for _ in range(100):
        clock.now += 0.01
        with pytest.raises(IssuerError):
            await known.find("x", "RS256")

    assert len(shop.asked) == 1
    shop.is_closed = False
    clock.now += 1
    await known.find(OLD[0]["kid"], "RS256")


async def test_who_goes_away_does_not_stop_the_fetch_for_others(known: IssuerKeys, shop: Shop, clock: Clock) -> None:
    shop.opens.clear()
    first = asyncio.create_task(known.find(OLD[0]["kid"], "RS256"))
    second = asyncio.create_task(known.find(OLD[0]["kid"], "RS256"))
    await shop.entered.wait()
    first.cancel()
    shop.opens.set()

    key, until = await second

    assert (key.key_id, until) == (OLD[0]["kid"], clock.now + 4)
    assert len(shop.asked) == 1


PUBLIC = public(OLD[0])
UNFIT: dict[str, Any] = {
    "private": OLD[0],
    "for encryption": {**PUBLIC, "use": "enc"},
    "for signing": {**PUBLIC, "key_ops": ["sign"]},
    "operations in a text": {**PUBLIC, "key_ops": "verify"},
    "of another algorithm": {**PUBLIC, "alg": "PS256"},
    "of a shared secret": {**PUBLIC, "alg": "HS256"},
    "a shared secret": {**PUBLIC, "kty": "oct", "k": "c2VjcmV0"},
    "a number for a modulus": {**PUBLIC, "n": 7},
    "without a modulus": {"kty": "RSA", "kid": OLD[0]["kid"]},
    "of another name": public(OLD[1]),
    "text": "no key",
    "nothing": None,
}


@pytest.mark.parametrize("unfit", UNFIT.values(), ids=UNFIT)
def test_a_key_that_is_not_for_this_is_not_used(unfit: Any) -> None:
    assert KeySet([unfit]).find(OLD[0]["kid"], "RS256") is None
    assert KeySet([unfit]).find(None, "RS256") is None


def test_a_key_that_is_too_short_proves_nothing() -> None:
    made = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it must not be taken
    shown = {**public(RSAAlgorithm.to_jwk(made.public_key(), as_dict=True)), "kid": "short"}
    head = f"{part({'alg': 'RS256', 'kid': 'short'})}.{part({})}"
    signature = made.sign(head.encode(), PKCS1v15(), SHA256())
    key = KeySet([shown]).find("short", "RS256")

    assert key is not None
    with pytest.raises(TokenError, match="its signature is invalid"):
        read_verified_claims(f"{head}.{part(signature)}", key)


def test_a_key_without_a_name_is_used_when_there_is_no_other() -> None:
    nameless = {name: value for name, value in public(OLD[0]).items() if name != "kid"}

    assert KeySet([nameless]).find(None, "RS256") is not None
    assert KeySet([nameless, public(NEW[1])]).find(None, "RS256") is not None
    assert KeySet([nameless, public(NEW[0])]).find(None, "RS256") is None
    assert KeySet([nameless]).find(OLD[0]["kid"], "RS256") is None


def test_two_keys_of_one_name_are_none() -> None:
    twin = {**public(NEW[0]), "kid": OLD[0]["kid"]}

    assert KeySet([public(OLD[0]), twin]).find(OLD[0]["kid"], "RS256") is None
