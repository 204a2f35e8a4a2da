"""Accounts: who may sign in. They are made on the command line alone, and their passwords are kept as Argon2 hashes."""

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
"""Each hash takes 64 MB for a moment: more at once could be used to fill the memory."""

_MAX_WAITING = 50


@dataclass(frozen=True)
class Account:
    """Somebody who may sign in, or might once."""

    name: str
    roles: frozenset[str]
    state: Literal["active", "disabled", "removed"]


class Accounts:
    """The accounts in a store.

    Args:
        store: Where they are kept; it is open.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hasher = _hasher()
        self._turn = anyio.CapacityLimiter(_MAX_CONCURRENT)
        # Checked when there is no such account, so that the time it takes tells nothing.
        self._nobody = self._hasher.hash(token_urlsafe(16))

    @property
    def is_busy(self) -> bool:
        """Whether more passwords wait to be checked than people type."""
        return self._turn.statistics().tasks_waiting >= _MAX_WAITING

    async def add(self, name: str, password: str, roles: Collection[str] = ()) -> None:
        """Make an account.

        Raises:
            SettingError: The name is taken or malformed, the password is too short, or a role is none.
        """
        wanted = _checked_name(name)
        if await self._find(wanted) is not None:
            message = (
                f"There is or was an account {wanted!r}. Choose another name, so that nobody gets what belonged to "
                "somebody else."
            )
            raise SettingError(message)
        made = {"name": wanted, "password": await self._hash(password), "roles": _checked_roles(roles)}
        async with self._store.write() as connection:
            await connection.execute(insert(ACCOUNTS).values(**made, state="active", at=time()))
            await append(connection, _entry(wanted, "added", {"roles": made["roles"]}))

    async def list(self) -> Sequence[Account]:
        """Return the accounts by name, without those that were removed."""
        async with self._store.read() as connection:
            found = select(ACCOUNTS).where(ACCOUNTS.c.state != "removed").order_by(ACCOUNTS.c.name)
            return [_account(row) for row in await connection.execute(found)]

    async def get(self, name: str) -> Account | None:
        """Return an account by its name."""
        row = await self._find(name)
        return _account(row) if row is not None else None

    async def set_roles(
        self, name: str, roles: Collection[str], *, who: str = "", by: str = "shell", keeps: str = ""
    ) -> None:
        """Give an account other roles. They hold with its next request, in connected apps too; it signs in again.

        Args:
            name: Whose.
            roles: All of them; others are taken away.
            who: Who does it; left out, whoever runs the command.
            by: `admin` or `shell`.
            keeps: A role that somebody must still have afterwards.

        Raises:
            SettingError: There is no such account, a role is none, or nobody would have the role that is to be kept.
        """
        wanted, checked = await self._known(name), _checked_roles(roles)
        async with self._store.write() as connection:
            rows = (await connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.state == "active"))).all()
            holders = {row.name for row in rows if keeps in row.roles}
            if keeps and keeps not in checked and holders <= {wanted}:
                message = f"{wanted} is the last with the role {keeps}: give it to somebody else first."
                raise SettingError(message)
            before: list[str] = next((row.roles for row in rows if row.name == wanted), list[str]())
            await connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == wanted).values(roles=checked))
            await _end_sessions(connection, wanted)
            details = {"before": before, "after": checked}
            await append(connection, AuditEntry("role", who or shell_user(), by=by, what=wanted, details=details))

    async def disable(self, name: str, *, is_disabled: bool = True) -> None:
        """Close an account, or open it again. Whoever uses it is out at once.

        Raises:
            SettingError: There is no such account.
        """
        await self._change(
            name, "disabled" if is_disabled else "enabled", state="disabled" if is_disabled else "active"
        )

    async def set_password(self, name: str, password: str) -> None:
        """Give an account another password. Whoever is signed in has to sign in again; connected apps stay.

        Raises:
            SettingError: There is no such account, or the password is too short.
        """
        await self._change(name, "got another password", password=await self._hash(password))

    async def remove(self, name: str) -> None:
        """Remove an account with all that it granted. Its name stays taken.

        Raises:
            SettingError: There is no such account.
        """
        # Nothing verifies against no hash.
        await self._change(name, "removed", state="removed", password="", roles=[])
        async with self._store.write() as connection:
            await connection.execute(delete(GRANTS).where(GRANTS.c.account == _checked_name(name)))

    async def check(self, name: str, password: str) -> Account | None:
        """Return the account that a name and a password open, or None. Both answers take equally long."""
        row = await self._find(name.lower()) if _NAME.fullmatch(name.lower()) else None
        may_enter = row is not None and row.state == "active"
        kept = cast("str", row.password) if row is not None and may_enter else self._nobody
        if (
            len(password) > MAX_PASSWORD_LENGTH
            or not await self._verify(kept, password)
            or row is None
            or not may_enter
        ):
            return None
        if self._hasher.check_needs_rehash(kept):
            hashed = await self._hash(password)
            async with self._store.write() as connection:
                await connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == row.name).values(password=hashed))
        return _account(row)

    async def _verify(self, kept: str, password: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - an extra

        try:
            return await run_sync(self._hasher.verify, kept, password, limiter=self._turn)
        except (VerificationError, InvalidHashError):
            return False

    async def _hash(self, password: str) -> str:
        if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
            message = f"A password has {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters; choose a longer one."
            raise SettingError(message)
        return await run_sync(self._hasher.hash, password, limiter=self._turn)

    async def _find(self, name: str) -> Any:
        async with self._store.read() as connection:
            return (await connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.name == name))).one_or_none()

    async def _known(self, name: str) -> str:
        wanted = name.lower()
        known = {account.name for account in await self.list()}
        if wanted not in known:
            message = f"There is no account {wanted!r}.{near_miss(wanted, known)} `intarsia users list` shows them."
            raise SettingError(message)
        return wanted

    async def _change(self, name: str, result: str, **values: Any) -> None:
        wanted = await self._known(name)
        async with self._store.write() as connection:
            await connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == wanted).values(**values))
            await _end_sessions(connection, wanted)
            await append(connection, _entry(wanted, result, {}))


async def _end_sessions(connection: AsyncConnection, account: str) -> None:
    await connection.execute(delete(SESSIONS).where(SESSIONS.c.account == account))


def _entry(account: str, result: str, details: Mapping[str, Any]) -> AuditEntry:
    """Return what the audit log says: accounts are kept on the command line, so whoever runs it did it."""
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
    wanted = name.lower()
    if not _NAME.fullmatch(wanted):
        message = (
            f"{name!r} is no name of an account: it has up to 64 letters from a to z, digits, '.', '_', '@' and '-', "
            "and starts with a letter or a digit."
        )
        raise SettingError(message)
    return wanted


def _checked_roles(roles: Collection[str]) -> list[str]:
    wrong = [role for role in roles if not role.strip() or role != role.strip() or "," in role]
    if wrong:
        message = f"{wrong[0]!r} is no role; write a word without commas, such as 'editor'."
        raise SettingError(message)
    return sorted(set(roles))
