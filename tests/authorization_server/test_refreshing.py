"""T19 and T20: a refresh token is used once, and an answer that was lost is given again."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from intarsia.server.auth.authorization_server.oauth import grants
from tests.authorization_server.sign_in_site import Connection, Place, running_sign_in_site


def set_back(place: Place, seconds: float) -> None:
    """Let time pass since the refresh tokens were used."""
    with closing(sqlite3.connect(place.folder / "accounts.db", isolation_level=None)) as database:
        database.execute("UPDATE refresh_tokens SET used_at = used_at - ?", (seconds,))


async def refreshed(place: Place, connection: Connection, token: str) -> dict[str, Any]:
    answer = await place.refresh(connection.client_id, token)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def assert_refused(place: Place, connection: Connection, token: str) -> None:
    answer = await place.refresh(connection.client_id, token)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_grant"
    assert token not in answer.text


async def test_a_refresh_token_is_worth_new_tokens(place: Place) -> None:
    connection = await place.connect()

    tokens = await refreshed(place, connection, connection.renewing)

    assert tokens["refresh_token"] != connection.renewing
    assert tokens["access_token"] != connection.access
    assert tokens["scope"] == connection.tokens["scope"]
    assert await place.call(tokens["access_token"]) == 200


async def test_a_refresh_may_ask_for_less_and_not_for_more(place: Place) -> None:
    connection = await place.connect(scope="tasks:read offline_access")

    more = await place.refresh(connection.client_id, connection.renewing, scope="tasks:read tasks:write")
    less = await place.refresh(connection.client_id, connection.renewing, scope="tasks:read")

    assert more.json()["error"] == "invalid_scope"
    assert less.json()["scope"] == "tasks:read"


async def test_t19_a_token_that_is_used_again_ends_everything(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    connection = await place.connect()
    tokens = await refreshed(place, connection, connection.renewing)
    set_back(place, grants.GRACE_SECONDS + 1)

    await assert_refused(place, connection, connection.renewing)

    await assert_refused(place, connection, tokens["refresh_token"])
    assert await place.call(tokens["access_token"]) == 401
    assert await place.call(connection.access) == 401
    events = [record for record in caplog.records if "was reused" in record.getMessage()]
    assert [record.levelname for record in events] == ["WARNING"]
    assert connection.renewing not in caplog.text


async def test_t19_a_token_whose_successor_was_used_ends_everything_at_once(place: Place) -> None:
    connection = await place.connect()
    first = await refreshed(place, connection, connection.renewing)
    second = await refreshed(place, connection, first["refresh_token"])

    await assert_refused(place, connection, connection.renewing)

    await assert_refused(place, connection, second["refresh_token"])
    assert await place.call(second["access_token"]) == 401


async def test_t19_another_app_cannot_use_or_end_it(place: Place) -> None:
    connection, other = await place.connect(), await place.connect()

    answer = await place.refresh(other.client_id, connection.renewing)

    assert answer.json()["error"] == "invalid_grant"
    assert await refreshed(place, connection, connection.renewing)


async def test_t20_a_lost_answer_is_given_again(place: Place) -> None:
    connection = await place.connect()
    lost = await refreshed(place, connection, connection.renewing)

    again = await refreshed(place, connection, connection.renewing)

    assert again == lost
    assert await place.call(again["access_token"]) == 200
    assert await refreshed(place, connection, again["refresh_token"])


async def test_t20_a_lost_answer_is_given_again_for_half_a_minute(place: Place) -> None:
    connection = await place.connect()
    lost = await refreshed(place, connection, connection.renewing)
    set_back(place, grants.GRACE_SECONDS - 5)

    assert await refreshed(place, connection, connection.renewing) == lost


async def test_t20_whoever_asks_at_the_same_moment_gets_the_same(place: Place) -> None:
    connection = await place.connect()

    answers = await asyncio.gather(*(refreshed(place, connection, connection.renewing) for _ in range(8)))

    assert {answer["refresh_token"] for answer in answers} == {answers[0]["refresh_token"]}
    assert await refreshed(place, connection, answers[0]["refresh_token"])


async def test_t20_a_restart_does_not_matter(tmp_path: Path) -> None:
    async with running_sign_in_site(tmp_path) as place:
        connection = await place.connect()
        lost = await refreshed(place, connection, connection.renewing)
    (tmp_path / "again").mkdir()
    (tmp_path / "accounts.db").rename(tmp_path / "again" / "kept.db")

    async with running_sign_in_site(tmp_path, accounts=tmp_path / "again" / "kept.db") as place:
        assert await refreshed(place, connection, connection.renewing) == lost


def contents(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("accounts.db*"))


async def test_no_token_and_no_code_is_kept_as_it_is(tmp_path: Path) -> None:
    async with running_sign_in_site(tmp_path) as place:
        connection = await place.connect()
        tokens = await refreshed(place, connection, connection.renewing)

    kept = contents(tmp_path)
    secrets = (connection.access, connection.renewing, connection.code, tokens["access_token"], tokens["refresh_token"])
    assert [secret for secret in secrets if secret.encode() in kept] == []
    assert connection.client_id.encode() in kept  # it is this file
    assert (tmp_path / "accounts.db").stat().st_mode & 0o777 == 0o600


async def test_who_does_not_stay_connected_gets_no_refresh_token(place: Place) -> None:
    browser, client_id = place.browser(), await place.register()
    told = await browser.consent(place.asks(client_id), untick={"offline_access"})

    tokens = (await place.redeem(client_id, told["code"])).json()

    assert "refresh_token" not in tokens
    assert tokens["scope"] == "tasks:read tasks:write"
