"""Accounts are made by the command alone, and passwords are kept so that they are slow to guess."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner

from intarsia.cli import main
from intarsia.server.auth.authorization_server.accounts import accounts
from intarsia.server.auth.authorization_server.accounts.accounts import Accounts
from intarsia.server.auth.authorization_server.accounts.tables import accounts_store
from tests.authorization_server.browser import PASSWORD, Page
from tests.authorization_server.sign_in_site import Place

OTHER = "another long password"


def run(file: Path, *arguments: str, typed: str = "") -> str:
    result = CliRunner().invoke(main, ["users", *arguments, "--accounts", str(file)], input=typed)
    assert "Traceback" not in result.output
    return result.output


def opens(file: Path, name: str, password: str) -> bool:
    async def check() -> bool:
        async with accounts_store(file).open() as store:
            return await Accounts(store).authenticate(name, password) is not None

    return asyncio.run(check())


def test_an_account_from_beginning_to_end(tmp_path: Path) -> None:
    file = tmp_path / "accounts.db"
    assert "There are no accounts yet" in run(file, "list")

    assert run(file, "add", "Ada", "--role", "editor", "--role", "admin", typed=f"{PASSWORD}\n") == "ada can sign in.\n"
    assert run(file, "list") == "ada  admin, editor\n"
    assert opens(file, "ADA", PASSWORD)
    assert not opens(file, "ada", OTHER)

    assert "is editor now" in run(file, "roles", "ada", "--add", "editor", "--remove", "admin")
    assert run(file, "list") == "ada  editor\n"
    assert "has no roles now" in run(file, "roles", "ada", "--remove", "editor")
    assert run(file, "list") == "ada\n"
    run(file, "roles", "ada", "--add", "editor", "--add", "admin")

    run(file, "password", "ada", typed=f"{OTHER}\n")
    assert opens(file, "ada", OTHER)
    assert not opens(file, "ada", PASSWORD)

    run(file, "disable", "ada")
    assert run(file, "list") == "ada  admin, editor  disabled\n"
    assert not opens(file, "ada", OTHER)
    run(file, "enable", "ada")
    assert opens(file, "ada", OTHER)

    assert "Aborted" in run(file, "remove", "ada", typed="n\n")
    assert opens(file, "ada", OTHER)
    assert run(file, "remove", "ada", "--yes") == "ada is removed.\n"
    assert not opens(file, "ada", OTHER)
    assert not opens(file, "ada", "")


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (["add", "ada"], "short\n", "10 to 1024 characters"),
        (["add", "two words"], f"{PASSWORD}\n", "is not a valid account name"),
        (["add", "ada", "--role", " "], f"{PASSWORD}\n", "is not a valid role"),
        (["add", "bob"], f"{PASSWORD}\n", "An account 'bob' exists or existed"),
        (["add", "eve"], f"{PASSWORD}\n", "An account 'eve' exists or existed"),
        (["roles", "bob", "--add", " "], "", "is not a valid role"),
        (["roles", "bib", "--add", "editor"], "", "There is no account 'bib'. Did you mean 'bob'?"),
        (["disable", "bib"], "", "There is no account 'bib'. Did you mean 'bob'?"),
        (["remove", "eve", "--yes"], "", "There is no account 'eve'."),
    ],
    ids=["short", "two words", "no role", "taken", "removed", "no new role", "whose roles", "misspelled", "gone"],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, arguments: list[str], typed: str, said: str) -> None:
    file = tmp_path / "accounts.db"
    for name in ("bob", "eve"):
        run(file, "add", name, typed=f"{PASSWORD}\n")
    run(file, "remove", "eve", "--yes")

    assert said in run(file, *arguments, typed=typed)


def kept_hash(file: Path) -> str:
    with closing(sqlite3.connect(file)) as database:
        found: str = database.execute("SELECT password FROM accounts").fetchone()[0]
        return found


def test_passwords_are_kept_as_argon2_and_made_stronger_when_they_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "accounts.db"
    run(file, "add", "ada", typed=f"{PASSWORD}\n")
    weak = kept_hash(file)
    monkeypatch.setattr(accounts, "_hasher", PasswordHasher)

    assert opens(file, "ada", PASSWORD)

    assert kept_hash(file) != weak
    assert kept_hash(file).startswith("$argon2id$v=19$m=65536,")
    assert not PasswordHasher().check_needs_rehash(kept_hash(file))


async def test_both_mistakes_are_answered_alike(place: Place) -> None:
    pages: list[Page] = []
    for account, password in (("ada", OTHER), ("nobody-here", OTHER), ("not a name", OTHER), ("bob", "")):
        browser = place.browser(account)
        browser.password = password
        pages.append(await browser.arrive("/apps"))

    assert [page.response.status_code for page in pages] == [401] * 4
    assert {" ".join(page.words.split()) for page in pages} == {" ".join(pages[0].words.split())}
    assert all(OTHER not in page.response.text for page in pages)


async def test_a_password_cannot_be_tried_without_end(place: Place) -> None:
    browser = place.browser("somebody")
    pages = [await browser.arrive("/apps") for _ in range(6)]

    assert [page.response.status_code for page in pages] == [401] * 5 + [429]
    assert 0 < int(pages[-1].response.headers["retry-after"]) <= 60
    assert (await place.browser("ada").arrive("/apps")).response.status_code == 200
