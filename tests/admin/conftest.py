"""One connector for the tests of a module, with admins, and copies of the source for those that take a guard away."""

from collections.abc import AsyncIterator, Iterator

import pytest
from argon2 import PasswordHasher

from intarsia.server.auth.authorization_server.accounts import accounts
from tests.admin.admin_site import Office, running_admin_site


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Spend no time on what makes real passwords slow to guess; `tests/authorization_server/test_accounts.py` does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_hasher", lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with running_admin_site(tmp_path_factory.mktemp("office")) as opened:
        yield opened
