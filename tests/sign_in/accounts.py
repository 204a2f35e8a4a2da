"""Accounts for tests, made as the command makes them, with a hash that takes no time."""

from collections.abc import Collection
from pathlib import Path

from inlay.server.sign_in.accounts import Accounts
from inlay.server.sign_in.tables import TABLES
from inlay.server.store import Store
from tests.sign_in.browser import PASSWORD


async def with_account(path: Path, name: str, *, roles: Collection[str] = (), password: str = PASSWORD) -> None:
    async with Store(path, TABLES).open() as store:
        await Accounts(store).add(name, password, roles)
