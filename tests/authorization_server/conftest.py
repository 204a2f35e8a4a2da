"""One connector for the tests of a module, and copies of the source for those that take a guard away."""

from collections.abc import AsyncIterator, Iterator

import pytest
from argon2 import PasswordHasher

from intarsia.server.auth.authorization_server.accounts import accounts
from tests.authorization_server.sign_in_site import Place, running_sign_in_site


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Spend no time on what makes real passwords slow to guess; `test_accounts.py` does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_hasher", lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="module")
async def place(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:  # noqa: ARG001 - an async fixture of a module must name it
    async with running_sign_in_site(tmp_path_factory.mktemp("place")) as opened:
        yield opened
