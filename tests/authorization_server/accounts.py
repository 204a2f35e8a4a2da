"""Accounts for tests, made as the command makes them, with a hash that takes no time."""

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from intarsia.server.auth.authorization_server.accounts.accounts import Accounts
from intarsia.server.auth.authorization_server.accounts.tables import accounts_store
from tests.authorization_server.browser import PASSWORD


async def with_account(path: Path, name: str, *, roles: Collection[str] = ()) -> None:
    """Make an account in a new file or in one that is there."""
    async with accounts_store(path).open() as store:
        await Accounts(store).add(name, PASSWORD, roles)


async def with_accounts(path: Path, accounts: Mapping[str, Collection[str]]) -> None:
    """Make a new file with these accounts: a copy of the first one that was made with the same."""
    made = _made()
    key = repr(sorted((name, sorted(roles)) for name, roles in accounts.items()))
    if key not in made:
        with TemporaryDirectory() as folder:
            for name, roles in accounts.items():
                await with_account(Path(folder) / "accounts.db", name, roles=roles)
            made[key] = (Path(folder) / "accounts.db").read_bytes()
    _write(path, made[key])


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


@cache
def _made() -> dict[str, bytes]:
    """The files that were made in this process."""
    return {}
