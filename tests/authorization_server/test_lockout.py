"""T85: whoever attacks an account does not lock out its user, and attacks are limited wherever they come from."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from time import monotonic, time

import anyio
import pytest

from intarsia.server.auth.authorization_server.accounts import known_browsers, password_queue, rate_limit
from intarsia.server.auth.authorization_server.accounts.accounts import MAX_PASSWORD_LENGTH, Account, Accounts
from intarsia.server.auth.authorization_server.accounts.rate_limit import RateLimit
from intarsia.server.auth.authorization_server.accounts.sign_in_limits import (
    MAX_ACCOUNTS,
    MAX_NETWORKS_PER_ACCOUNT,
    SignInAttempt,
    SignInLimits,
)
from tests.authorization_server.browser import PASSWORD, Browser, Page
from tests.authorization_server.sign_in_site import Place, running_sign_in_site

WRONG = "a wrong password"
HERS, ATTACKER = "192.0.2.7", "203.0.113.9"


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Place]:
    """A connector with limits that nobody has used yet."""
    async with running_sign_in_site(tmp_path) as opened:
        yield opened


async def attempt(browser: Browser, account: str, password: str = WRONG) -> int:
    """Try to sign in once, and return the status of the answer."""
    browser.account, browser.password = account, password
    page = await browser.arrive("/apps")
    return page.response.status_code


async def attack(place: Place, account: str, times: int, sender: str = ATTACKER) -> list[int]:
    """Try wrong passwords from one address, in a new browser each time."""
    return [await attempt(place.browser(sender=sender), account) for _ in range(times)]


async def sign_out(browser: Browser) -> None:
    page = await browser.get("/apps")
    await browser.send(page.form("/sign-out"))


async def used_browser(place: Place, account: str = "ada", sender: str = HERS) -> Browser:
    """Return a browser in which the account has signed in and out."""
    browser = place.browser(sender=sender)
    assert await attempt(browser, account, PASSWORD) == 200
    await sign_out(browser)
    return browser


async def test_t85_a_stranger_locks_out_nobody(fresh: Place) -> None:
    answers = list[int]()
    for _ in range(14):
        await attack(fresh, "ada", 5)
        answers.append(await attempt(fresh.browser(sender=HERS), "ada", PASSWORD))

    assert answers == [200] * 14
    assert await attack(fresh, "ada", 1) == [429]


async def test_t85_a_stranger_at_her_own_address_does_not_lock_her_browser_out(fresh: Place) -> None:
    hers = await used_browser(fresh)

    refused = await attack(fresh, "ada", 80, HERS)

    assert refused[-1] == 429
    assert await attempt(hers, "ada", PASSWORD) == 200


async def test_t85_many_strangers_do_not_lock_her_network_out(fresh: Place) -> None:
    await used_browser(fresh)

    everywhere = [status for number in range(100) for status in await attack(fresh, "ada", 1, f"198.51.100.{number}")]

    assert everywhere[:60] == [401] * 60
    assert everywhere[-1] == 429
    assert await attempt(fresh.browser(sender=HERS), "ada", PASSWORD) == 200


async def test_t85_many_names_from_one_network_are_limited(fresh: Place) -> None:
    hers = await used_browser(fresh, sender=ATTACKER)

    sprayed = [status for number in range(60) for status in await attack(fresh, f"name-{number}", 1)]

    assert sprayed[:50] == [401] * 50
    assert sprayed[-1] == 429
    assert await attempt(hers, "ada", PASSWORD) == 200


async def test_t85_all_addresses_of_a_network_of_ipv6_count_together(fresh: Place) -> None:
    statuses = [
        status for number in range(1, 7) for status in await attack(fresh, "ada", 1, f"2001:db8:1:2::{number:x}")
    ]

    assert statuses == [401] * 5 + [429]
    assert await attack(fresh, "ada", 1, "2001:db8:1:3::1") == [401]


async def test_t85_what_a_client_says_of_its_own_address_does_not_count(fresh: Place) -> None:
    statuses = list[int]()
    for number in range(6):
        browser = fresh.browser(sender=ATTACKER)
        browser.http.headers["X-Forwarded-For"] = f"198.51.100.{number}"
        statuses.append(await attempt(browser, "ada"))

    assert statuses == [401] * 5 + [429]


async def test_t85_attempts_at_once_are_limited_as_those_after_each_other_are(fresh: Place) -> None:
    browsers = [fresh.browser(sender=ATTACKER) for _ in range(9)]
    for browser in browsers:
        await browser.get("/apps")

    statuses = await asyncio.gather(*(attempt(browser, "ada") for browser in browsers))

    assert sorted(statuses) == [401] * 5 + [429] * 4


async def test_t85_a_known_browser_is_limited_too_and_known_for_its_account_alone(fresh: Place) -> None:
    hers, his = await used_browser(fresh, sender=ATTACKER), await used_browser(fresh, "bob", sender="203.0.113.10")

    assert [await attempt(hers, "ada") for _ in range(11)] == [401] * 10 + [429]
    assert [await attempt(his, "ada") for _ in range(6)] == [401] * 5 + [429]


async def test_t85_a_cookie_of_a_known_browser_ends_and_cannot_be_made_up(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    hers = await used_browser(fresh)
    (cookie,) = [each for each in hers.http.cookies.jar if each.name == "__Host-intarsia_known"]
    assert cookie.value is not None
    forged = fresh.browser(sender=ATTACKER)
    other = "A" if cookie.value[20] != "A" else "B"
    forged.http.cookies.set(cookie.name, cookie.value[:20] + other + cookie.value[21:], domain="tasks.example.com")
    assert cookie.secure
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "strict"
    assert [await attempt(forged, "ada") for _ in range(6)] == [401] * 5 + [429]

    now = time() + known_browsers.LASTS_SECONDS + 1
    monkeypatch.setattr(known_browsers, "time", lambda: now)
    await attack(fresh, "ada", 80, HERS)
    assert await attempt(hers, "ada", PASSWORD) == 429


async def test_t85_a_password_that_is_too_long_is_not_hashed_and_does_not_count(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = list[int]()
    authenticate = Accounts.authenticate

    async def noted(self: Accounts, name: str, password: str, limiter: anyio.CapacityLimiter) -> Account | None:
        hashed.append(len(password))
        return await authenticate(self, name, password, limiter)

    monkeypatch.setattr(Accounts, "authenticate", noted)
    too_long = "a" * (MAX_PASSWORD_LENGTH + 1)

    statuses = [await attempt(fresh.browser(sender=HERS), "ada", too_long) for _ in range(20)]

    assert statuses == [400] * 20
    assert hashed == []
    assert await attempt(fresh.browser(sender=HERS), "ada", PASSWORD) == 200
    assert hashed == [len(PASSWORD)]


async def test_t85_whoever_signs_in_may_do_so_often(fresh: Place) -> None:
    assert [await attempt(fresh.browser(sender=HERS), "ada", PASSWORD) for _ in range(12)] == [200] * 12


async def test_t85_a_hostile_user_behind_the_address_of_a_known_host_keeps_no_other_out(tmp_path: Path) -> None:
    names = {f"user-{number}": ["editor"] for number in range(20)}
    async with running_sign_in_site(tmp_path, names=names) as place:

        def behind_it() -> Browser:
            return Browser(place.http(ATTACKER, is_known_host=True))

        hostile = {await attempt(behind_it(), name) for _ in range(6) for name in names}
        answers = [await attempt(behind_it(), name, PASSWORD) for name in names]

    assert hostile == {401}
    assert answers == [200] * len(names)


async def test_t85_attempts_on_one_account_are_limited_at_a_known_host_and_count_nowhere_else(fresh: Place) -> None:
    behind_it = [Browser(fresh.http(ATTACKER, is_known_host=True)) for _ in range(80)]

    statuses = [await attempt(browser, "ada") for browser in behind_it]

    assert statuses[:60] == [401] * 60
    assert statuses[-1] == 429
    assert await attempt(fresh.browser(sender=HERS), "ada", PASSWORD) == 200


class Hashing:
    """Passwords whose verification does not end before the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._more = asyncio.Condition()
        self._may_end = asyncio.Event()
        monkeypatch.setattr(Accounts, "authenticate", self._authenticate)

    def end(self) -> None:
        self._may_end.set()

    async def until(self, count: int) -> None:
        """Wait until so many have a place."""
        async with self._more, asyncio.timeout(10):
            await self._more.wait_for(lambda: self.count >= count)

    async def _authenticate(self, name: str, _password: str, limiter: anyio.CapacityLimiter) -> Account | None:
        assert limiter.total_tokens <= password_queue.MAX_PARALLEL
        async with self._more:
            self.count += 1
            self._more.notify_all()
        await self._may_end.wait()
        return Account(name, frozenset(), "active") if name == "ada" else None


async def enter(browser: Browser, account: str) -> Page:
    browser.account = account
    return await browser.arrive("/apps")


async def gather_refused(tasks: Sequence["asyncio.Task[Page]"], count: int) -> list[Page]:
    """Return the first answers, and leave the others waiting."""
    async with asyncio.timeout(10):
        pages = [await each for _, each in zip(range(count), asyncio.as_completed(tasks), strict=False)]
    assert sum(task.done() for task in tasks) == count
    return pages


async def test_t85_a_flood_of_passwords_waits_in_a_short_queue_and_delays_no_known_user(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    hers = await used_browser(fresh)
    hashing = Hashing(monkeypatch)
    senders = [f"198.51.100.{number}" for number in range(password_queue.MAX_QUEUED + 6)]
    flood = [
        asyncio.create_task(enter(fresh.browser(sender=sender), f"name-{number}"))
        for number, sender in enumerate(senders)
    ]

    refused = await gather_refused(flood, 6)
    await hashing.until(password_queue.MAX_QUEUED)
    entering = asyncio.create_task(enter(hers, "ada"))
    await hashing.until(password_queue.MAX_QUEUED + 1)
    hashing.end()

    assert {page.response.status_code for page in refused} == {503}
    assert all("Try again in a moment." in page.words for page in refused)
    assert all(page.response.headers["retry-after"] == "5" for page in refused)
    assert (await entering).response.status_code == 200
    await asyncio.gather(*flood)


@pytest.mark.parametrize("is_known_host", [False, True], ids=["a network", "a known host"])
async def test_t85_one_network_leaves_places_in_the_queue_for_others(
    fresh: Place, monkeypatch: pytest.MonkeyPatch, *, is_known_host: bool
) -> None:
    hashing = Hashing(monkeypatch)
    most = password_queue.MAX_QUEUED_PER_KNOWN_HOST if is_known_host else password_queue.MAX_QUEUED_PER_NETWORK
    flood = [
        asyncio.create_task(enter(Browser(fresh.http(ATTACKER, is_known_host=is_known_host)), f"name-{number}"))
        for number in range(most + 3)
    ]

    refused = await gather_refused(flood, 3)
    other = asyncio.create_task(enter(fresh.browser(sender=HERS), "ada"))
    await hashing.until(most + 1)
    hashing.end()

    assert {page.response.status_code for page in refused} == {503}
    assert (await other).response.status_code == 200
    await asyncio.gather(*flood)


def test_t85_a_limit_is_not_flushed_by_many_other_keys() -> None:
    limit = RateLimit(burst=5, seconds=60)
    for _ in range(5):
        limit.count("ada")
    assert limit.wait_seconds("ada") > 0

    for number in range(20_000):
        limit.count(f"name-{number}")

    assert limit.wait_seconds("ada") > 0


def test_t85_many_keys_at_the_rate_of_hashing_limit_no_other_key(monkeypatch: pytest.MonkeyPatch) -> None:
    now = monotonic()
    monkeypatch.setattr(rate_limit, "monotonic", lambda: now)
    limit = RateLimit(burst=5, seconds=60)

    for number in range(24_000):  # ten minutes, at 40 a second
        now += 1 / 40
        limit.count(f"name-{number}")

    assert max(limit.wait_seconds(f"user-{number}") for number in range(200)) == 0


def test_t85_what_is_remembered_of_networks_is_bounded() -> None:
    limits = SignInLimits()

    def succeed(account: str, network: str) -> SignInAttempt:
        done = SignInAttempt(account, network)
        limits.succeed(done, limits.count(done))
        return done

    hers = [succeed("ada", f"192.0.2.{number}") for number in range(MAX_NETWORKS_PER_ACCOUNT + 1)]
    assert [limits.is_known(each) for each in hers] == [False] + [True] * MAX_NETWORKS_PER_ACCOUNT

    for number in range(MAX_ACCOUNTS):
        succeed(f"name-{number}", HERS)
    assert not any(limits.is_known(each) for each in hers)


def test_attempts_are_forgotten_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(rate_limit, "monotonic", lambda: now)
    attempts = RateLimit(burst=2, seconds=10)
    attempts.count("ada")
    assert attempts.wait_seconds("ada") == 0
    attempts.count("ada")

    assert attempts.wait_seconds("ada") == 10
    assert attempts.wait_seconds("bob") == 0
    now += 9.5
    assert attempts.wait_seconds("ada") == 1
    now += 0.5
    assert attempts.wait_seconds("ada") == 0


def test_an_attempt_that_is_taken_back_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "monotonic", lambda: 1000.0)
    attempts = RateLimit(burst=2, seconds=10)
    for _ in range(5):
        attempts.count("ada")
        attempts.refund("ada")
    attempts.refund("ada")

    attempts.count("ada")
    assert attempts.wait_seconds("ada") == 0
    attempts.count("ada")
    assert attempts.wait_seconds("ada") == 10
