"""What was granted ends when it is taken back: on the page of connected apps, by the app, or with the account."""

import asyncio

import pytest

from intarsia.server.auth.authorization_server.accounts.accounts import Accounts
from intarsia.server.auth.authorization_server.accounts.tables import accounts_store
from intarsia.server.auth.resource_server import verifier
from tests.authorization_server.browser import PASSWORD, Browser, Page
from tests.authorization_server.sign_in_site import Connection, Place

WITHDRAWN_SECONDS = 5
"""Within which what was taken back has to end everywhere."""


async def until_refused(place: Place, token: str) -> None:
    """Call until it is refused: what was said about the token a moment ago may be used for as long as is promised."""
    assert verifier.LOCAL_SECONDS <= 1
    async with asyncio.timeout(WITHDRAWN_SECONDS):
        while await place.call(token) != 401:
            pass


async def withdraw(browser: Browser, connection: Connection) -> Page:
    page = await browser.get("/apps")
    form = next(form for form in page.forms if ("app", connection.client_id) in form.buttons)
    return await browser.send(form, app=connection.client_id)


async def test_people_see_what_they_granted_and_take_it_back(place: Place) -> None:
    browser = place.browser()
    connection = await place.connect(browser)
    kept = await place.connect(browser, scope="tasks:read")
    assert await place.call(connection.access) == 200

    page = await withdraw(browser, connection)

    await until_refused(place, connection.access)
    assert (await place.refresh(connection.client_id, connection.renewing)).json()["error"] == "invalid_grant"
    held = [value for form in page.forms for _, value in form.buttons]
    assert connection.client_id not in held
    assert kept.client_id in held
    assert await place.call(kept.access) == 200


async def test_nobody_sees_or_takes_back_what_others_granted(place: Place) -> None:
    connection = await place.connect(place.browser("ada"))
    bob = place.browser("bob")
    page = await bob.arrive("/apps")
    token = dict(page.form("/sign-out").fields)["csrf_token"]

    await bob.post("/apps", [("csrf_token", token), ("app", connection.client_id)])

    assert connection.client_id not in page.response.text
    assert await place.call(connection.access) == 200


async def test_nobody_sees_the_page_without_signing_in(place: Place) -> None:
    page = await place.browser().get("/apps")

    assert [form.action for form in page.forms] == ["/sign-in"]


async def test_an_app_that_was_not_allowed_in_the_end_is_not_listed(place: Place) -> None:
    browser, client_id = place.browser(), await place.register()
    await browser.consent(place.asks(client_id))  # the code is never redeemed

    page = await browser.get("/apps")

    assert client_id not in page.response.text


async def test_what_is_left_out_later_ends_in_what_was_granted_before(place: Place) -> None:
    browser = place.browser()
    connection = await place.connect(browser)
    assert await place.call(connection.access, "add_task") == 200

    told = await browser.consent(place.asks(connection.client_id), untick={"tasks:write"})
    await place.redeem(connection.client_id, told["code"])

    tokens = (await place.refresh(connection.client_id, connection.renewing)).json()
    assert tokens["scope"] == "offline_access tasks:read"
    assert await place.call(tokens["access_token"], "add_task") == 403


async def test_an_app_that_may_not_stay_any_more_does_not(place: Place) -> None:
    browser = place.browser()
    connection = await place.connect(browser)
    before = await browser.get("/apps")

    await browser.consent(place.asks(connection.client_id), untick={"offline_access"})

    after = await browser.get("/apps")
    assert before.words.count("Stay connected") - after.words.count("Stay connected") == 1
    assert (await place.refresh(connection.client_id, connection.renewing)).json()["error"] == "invalid_grant"
    assert await place.call(connection.access) == 200


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_an_app_gives_back_what_it_holds(place: Place, kind: str) -> None:
    connection = await place.connect()

    answer = await place.post("/revoke", {"client_id": connection.client_id, "token": connection.tokens[kind]})

    assert (answer.status_code, answer.content) == (200, b"")
    assert await place.call(connection.access) == 401
    assert (await place.refresh(connection.client_id, connection.renewing)).status_code == 400


async def test_an_app_cannot_give_back_what_another_holds(place: Place) -> None:
    connection, other = await place.connect(), await place.connect()

    answer = await place.post("/revoke", {"client_id": other.client_id, "token": connection.access})

    assert answer.status_code == 200  # it says nothing about tokens of others (RFC 7009, section 2.2)
    assert await place.call(connection.access) == 200


async def test_who_asks_without_being_known_is_told_to_register(place: Place) -> None:
    connection = await place.connect()

    for path in ("/token", "/revoke"):
        answer = await place.post(path, {"client_id": "app_unknown", "token": connection.access})
        assert answer.status_code == 401
        assert answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize("how", ["disable", "remove"])
async def test_who_may_not_sign_in_any_more_is_out_at_once(place: Place, how: str) -> None:
    async with accounts_store(place.folder / "accounts.db").open() as store:
        accounts = Accounts(store)
        await accounts.add(f"eve-{how}", PASSWORD)
        browser = place.browser(f"eve-{how}")
        connection = await place.connect(browser)
        assert await place.call(connection.access) == 200
        await (accounts.disable(f"eve-{how}") if how == "disable" else accounts.remove(f"eve-{how}"))

    await until_refused(place, connection.access)
    assert (await place.refresh(connection.client_id, connection.renewing)).json()["error"] == "invalid_grant"
    assert [form.action for form in (await browser.arrive("/apps")).forms] == ["/sign-in"]


async def test_other_roles_hold_for_tokens_that_are_out(place: Place) -> None:
    async with accounts_store(place.folder / "accounts.db").open() as store:
        accounts = Accounts(store)
        await accounts.add("gil", PASSWORD, ["editor"])
        connection = await place.connect(place.browser("gil"))
        assert await place.roles(connection.access) == ["editor"]

        await accounts.set_roles("gil", ["reader"])

    async with asyncio.timeout(WITHDRAWN_SECONDS):
        while await place.roles(connection.access) != ["reader"]:
            pass


@pytest.mark.parametrize("how", ["password", "roles", "disable"])
async def test_t34_a_session_ends_with_what_began_it(place: Place, how: str) -> None:
    async with accounts_store(place.folder / "accounts.db").open() as store:
        accounts = Accounts(store)
        await accounts.add(f"finn-{how}", PASSWORD)
        browser = place.browser(f"finn-{how}")
        assert (await browser.arrive("/apps")).form("/sign-out").action == "/sign-out"

        match how:
            case "password":
                await accounts.set_password(f"finn-{how}", f"another {PASSWORD}")
            case "roles":
                await accounts.set_roles(f"finn-{how}", ["editor"])
            case _:
                await accounts.disable(f"finn-{how}")
                await accounts.disable(f"finn-{how}", is_disabled=False)

    assert [form.action for form in (await browser.get("/apps")).forms] == ["/sign-in"]
