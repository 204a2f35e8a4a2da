"""User accounts. They are managed on the command line, and passwords are stored as Argon2 hashes."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_urlsafe
from time import time
from typing import TYPE_CHECKING, Any, Literal, cast

import anyio
from anyio.to_thread import run_sync
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from intarsia.errors import SettingError, near_miss
from intarsia.server.audit.log import AuditEntry, append, shell_user
from intarsia.server.auth.authorization_server.accounts.tables import ACCOUNTS, GRANTS, SESSIONS
from intarsia.server.storage.store import Store

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_MAX_CONCURRENT = 2
"""The maximum number of concurrent hashes, each of which takes 64 MB. `PasswordQueue` bounds those of sign-in."""


@dataclass(frozen=True)
class Account:
    """A user account."""

    name: str
    roles: frozenset[str]
    state: Literal["active", "disabled", "removed"]


class Accounts:
    """The accounts in a store.

    Args:
        store: The store of the authorization server, which must be open.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hasher = _hasher()
        self._hash_limiter = anyio.CapacityLimiter(_MAX_CONCURRENT)
        # Verified for unknown names, so that the response time does not reveal which accounts exist.
        self._dummy_hash = self._hasher.hash(token_urlsafe(16))

    async def add(self, name: str, password: str, roles: Collection[str] = ()) -> None:
        """Create an account.

        Args:
            name: The name; upper case is converted to lower case.
            password: The password, 10 to 1,024 characters.
            roles: The user's roles.

        Raises:
            SettingError: The name is taken or invalid, the password is too short or too long, or a role is invalid.
        """
        name = _checked_name(name)
        if await self._find(name) is not None:
            message = (
                f"An account {name!r} exists or existed. Choose another name, so that a new user cannot get access to "
                "another user's data."
            )
            raise SettingError(message)
        values = {"name": name, "password": await self._hash(password), "roles": _checked_roles(roles)}
        async with self._store.write() as connection:
            await connection.execute(insert(ACCOUNTS).values(**values, state="active", at=time()))
            await append(connection, _entry(name, "added", {"roles": values["roles"]}))

    async def list(self) -> Sequence[Account]:
        """Return all accounts by name, except removed ones."""
        async with self._store.read() as connection:
            found = select(ACCOUNTS).where(ACCOUNTS.c.state != "removed").order_by(ACCOUNTS.c.name)
            return [_account(row) for row in await connection.execute(found)]

    async def get(self, name: str) -> Account | None:
        """Return an account, even a removed one; `None` if the name was never used."""
        row = await self._find(name)
        return _account(row) if row is not None else None

    async def set_roles(
        self, name: str, roles: Collection[str], *, who: str = "", by: str = "shell", required_role: str = ""
    ) -> None:
        """Replace the roles of an account, and sign it out. Connected apps get the new roles with their next request.

        Args:
            name: The account.
            roles: All roles that it has afterwards.
            who: The user who makes the change; by default the user of the shell.
            by: `admin` or `shell`.
            required_role: A role that at least one active account must still have afterwards.

        Raises:
            SettingError: The account is unknown, a role is invalid, or no account would have the required role.
        """
        name, checked = await self._existing(name), _checked_roles(roles)
        async with self._store.write() as connection:
            rows = (await connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.state == "active"))).all()
            # Read inside the transaction: two admins who demote each other at once must not both succeed.
            holders = {row.name for row in rows if required_role in row.roles}
            if required_role and required_role not in checked and holders <= {name}:
                message = f"{name} is the last account with the role {required_role}. Give it to another account first."
                raise SettingError(message)
            before: list[str] = next((row.roles for row in rows if row.name == name), list[str]())
            await connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(roles=checked))
            await _end_sessions(connection, name)
            details = {"before": before, "after": checked}
            await append(connection, AuditEntry("role", who or shell_user(), by=by, what=name, details=details))

    async def disable(self, name: str, *, is_disabled: bool = True) -> None:
        """Disable an account, or enable it again. Its sessions and access tokens stop working at once.

        Raises:
            SettingError: The account is unknown.
        """
        await self._change(
            name, "disabled" if is_disabled else "enabled", state="disabled" if is_disabled else "active"
        )

    async def set_password(self, name: str, password: str) -> None:
        """Change the password of an account, and sign it out. Connected apps stay connected.

        Raises:
            SettingError: The account is unknown, or the password is too short or too long.
        """
        await self._change(name, "password changed", password=await self._hash(password))

    async def remove(self, name: str) -> None:
        """Remove an account with all its grants. Its name cannot be used again.

        Raises:
            SettingError: The account is unknown.
        """
        # No password verifies against an empty hash.
        await self._change(name, "removed", state="removed", password="", roles=[])
        async with self._store.write() as connection:
            await connection.execute(delete(GRANTS).where(GRANTS.c.account == _checked_name(name)))

    async def authenticate(
        self, name: str, password: str, limiter: anyio.CapacityLimiter | None = None
    ) -> Account | None:
        """Return the active account with this name and password, or `None`. Both take equally long.

        Args:
            name: The name as it was entered.
            password: The password. One that is too long for any account is not hashed.
            limiter: Limits the number of concurrent hashes; by default, two for these accounts.
        """
        limiter = limiter or self._hash_limiter
        if len(password) > MAX_PASSWORD_LENGTH:
            return None
        row = await self._find(name.lower()) if _NAME.fullmatch(name.lower()) else None
        is_active = row is not None and row.state == "active"
        stored = cast("str", row.password) if row is not None and is_active else self._dummy_hash
        if not await self._verify(stored, password, limiter) or row is None or not is_active:
            return None
        # Argon2's recommended parameters grow over the years: the hash follows when the password is known.
        if self._hasher.check_needs_rehash(stored):
            hashed = await self._hash(password, limiter)
            async with self._store.write() as connection:
                await connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == row.name).values(password=hashed))
        return _account(row)

    async def _verify(self, stored: str, password: str, limiter: anyio.CapacityLimiter) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - an extra

        try:
            return await run_sync(self._hasher.verify, stored, password, limiter=limiter)
        except (VerificationError, InvalidHashError):
            return False

    async def _hash(self, password: str, limiter: anyio.CapacityLimiter | None = None) -> str:
        if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
            message = f"A password must have {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters."
            raise SettingError(message)
        return await run_sync(self._hasher.hash, password, limiter=limiter or self._hash_limiter)

    async def _find(self, name: str) -> Any:
        async with self._store.read() as connection:
            return (await connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.name == name))).one_or_none()

    async def _existing(self, name: str) -> str:
        name = name.lower()
        names = {account.name for account in await self.list()}
        if name not in names:
            message = f"There is no account {name!r}.{near_miss(name, names)} List them with `intarsia users list`."
            raise SettingError(message)
        return name

    async def _change(self, name: str, result: str, **values: Any) -> None:
        name = await self._existing(name)
        async with self._store.write() as connection:
            await connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(**values))
            await _end_sessions(connection, name)
            await append(connection, _entry(name, result, {}))


async def _end_sessions(connection: AsyncConnection, account: str) -> None:
    await connection.execute(delete(SESSIONS).where(SESSIONS.c.account == account))


def _entry(account: str, result: str, details: Mapping[str, Any]) -> AuditEntry:
    """Return the audit entry of a change on the command line, made by the user of the shell."""
    return AuditEntry("account", shell_user(), by="shell", what=account, result=result, details=details)


def _hasher() -> "PasswordHasher":
    try:
        from argon2 import PasswordHasher  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        message = "Sign-in needs 'argon2-cffi' for passwords. Install it with: pip install 'intarsia[sign-in]'"
        raise SettingError(message) from error
    return PasswordHasher()


def _account(row: Any) -> Account:
    return Account(row.name, frozenset(row.roles), row.state)


def _checked_name(name: str) -> str:
    lowered = name.lower()
    if not _NAME.fullmatch(lowered):
        message = (
            f"{name!r} is not a valid account name: use up to 64 letters from a to z, digits, '.', '_', '@' and '-', "
            "starting with a letter or a digit."
        )
        raise SettingError(message)
    return lowered


def _checked_roles(roles: Collection[str]) -> list[str]:
    invalid = [role for role in roles if not role.strip() or role != role.strip() or "," in role]
    if invalid:
        message = f"{invalid[0]!r} is not a valid role: use a word without commas, such as 'editor'."
        raise SettingError(message)
    return sorted(set(roles))
