"""Accounts for tests, made as the command makes them, with a hash that takes no time."""

from collections.abc import Collection
from pathlib import Path

from intarsia.server.auth.authorization_server.accounts.accounts import Accounts
from intarsia.server.auth.authorization_server.accounts.tables import TABLES
from intarsia.server.storage.store import Store
from tests.authorization_server.browser import PASSWORD


async def with_account(path: Path, name: str, *, roles: Collection[str] = (), password: str = PASSWORD) -> None:
    async with Store(path, TABLES).open() as store:
        await Accounts(store).add(name, password, roles)
