"""What the audit log says of people who sign in: what they were denied, granted and withdrew, and no secret."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from intarsia.server.auth.authorization_server.accounts import accounts
from intarsia.server.switches.positions import Position
from intarsia.server.switches.service import Change
from tests.authorization_server.browser import PASSWORD
from tests.authorization_server.sign_in_site import Place, running_sign_in_site


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    # No time is spent here on what makes real passwords slow to guess.
    monkeypatch.setattr(accounts, "_hasher", lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    async with running_sign_in_site(tmp_path) as opened:
        yield opened


def log(file: Path) -> list[tuple[str, str, str, str]]:
    """Return event, person, tool and result of each row, oldest first."""
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT event, who, what, result FROM intarsia_audit ORDER BY n").fetchall()


async def test_t09_a_call_that_is_denied_is_written_down_in_the_name_of_the_token(place: Place) -> None:
    connection = await place.connect(scope="tasks:read")

    assert [await place.call(connection.access, "add_task") for _ in range(3)] == [403, 403, 403]

    outcome = "refused: Add task needs tasks:write, a permission you don't have."
    denied = ("refusal", "https://tasks.example.com ada", "add_task", outcome)
    assert log(place.folder / "store.db") == [denied]


async def test_a_story_of_sign_in_is_written_down(place: Place) -> None:
    stranger = place.browser("ada")
    page = await stranger.get("/apps")
    await stranger.send(page.form("/sign-in"), account="ada", password="not the password")
    browser = place.browser("ada")
    connection = await place.connect(browser)
    page = await browser.get("/apps")
    form = next(form for form in page.forms if ("app", connection.client_id) in form.buttons)
    page = await browser.send(form, app=connection.client_id)
    await browser.send(page.form("/sign-out"))

    rows = [row for row in log(place.folder / "accounts.db") if row[0] != "account"]
    assert rows == [
        ("refusal", "", "sign_in", "wrong name or password"),
        ("sign_in", "ada", "", "done"),
        ("grant", "ada", "", "done"),
        ("revocation", "ada", "", "done"),
        ("sign_out", "ada", "", "done"),
    ]


async def test_a_token_that_two_hold_ends_and_the_log_says_why(place: Place) -> None:
    connection = await place.connect()
    renewed = (await place.refresh(connection.client_id, connection.renewing)).json()
    await place.refresh(connection.client_id, renewed["refresh_token"])
    await place.refresh(connection.client_id, connection.renewing)

    assert log(place.folder / "accounts.db")[-1] == ("revocation", "ada", "", "refresh token reused")


async def test_no_log_holds_a_secret(place: Place) -> None:
    browser = place.browser("ada")
    connection = await place.connect(browser)
    await place.call(connection.access, "add_task")

    kept = (place.folder / "store.db").read_bytes() + (place.folder / "store.db-wal").read_bytes()
    with closing(sqlite3.connect(place.folder / "accounts.db")) as accounts_file:
        kept += repr(accounts_file.execute("SELECT * FROM intarsia_audit").fetchall()).encode()
    secrets = (connection.access, connection.renewing, connection.code, PASSWORD, "Rest")
    assert [secret for secret in secrets if secret.encode() in kept] == []


async def test_what_is_off_is_not_denied_but_unknown(place: Place) -> None:
    connection = await place.connect(scope="tasks:read")
    assert await place.call(connection.access, "add_task") == 403

    assert place.switches
    await place.switches.set([Change("tool:add_task", Position.OFF)], who="root", by="shell")

    assert await place.call(connection.access, "add_task") == await place.call(connection.access, "no_such_tool") == 200
