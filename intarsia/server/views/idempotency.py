"""Exactly once: an action that is sent again with the same key gets its first answer and changes nothing.

The key is written in the transaction of the change (`Connector.change`), so that both are there or neither is.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

import anyio
from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from intarsia.errors import RefusedError, StoreError
from intarsia.server.audit.log import KEEP_SECONDS as AUDIT_SECONDS
from intarsia.server.audit.log import AuditEntry, append_row, prune
from intarsia.server.storage.store import CONFIRMATIONS, KEYS, Store

KEEP_SECONDS = 24 * 3600
"""How long a key is remembered."""


FORGET_EVERY_SECONDS = 3600
"""How often old keys are thrown away."""


class AlreadyAppliedError(RefusedError):
    """This very call was applied by another process while it ran here; the change is rolled back."""


class ConfirmationUsedError(RefusedError):
    """The confirmation of this call was used before; the change is rolled back."""

    def __init__(self) -> None:
        super().__init__("This confirmation was used already. Nothing was changed; try again.")


@dataclass
class IdempotentCall:
    """One action call, which is applied once if it carries a key."""

    person: str
    key: str | None
    digest: str
    written_to: set[Store] = field(default_factory=set[Store])
    """Stores that have the key; there is more than one when an action changes another connector's tables."""
    confirmation: str | None = None
    """The name of the confirmation that the call uses up."""
    entry: AuditEntry | None = None
    """What the audit log says of it, in the transaction of the change."""

    async def write(self, store: Store, connection: AsyncConnection) -> bool:
        """Write key and audit row in the transaction of the change, so that a second copy of the call fails here.

        Returns whether it was written now: whoever rolls the transaction back must say so with `forget`.

        Raises:
            AppliedError: Another process applied this very call meanwhile.
            UsedError: Another call used the confirmation.
        """
        return await connection.run_sync(partial(self.write_rows, store))

    def write_rows(self, store: Store, connection: Connection) -> bool:
        """Write them as `write` does, on a synchronous connection."""
        if store in self.written_to:
            return False
        if self.key is not None:
            self._write_key(connection)
        if self.confirmation is not None:
            try:
                connection.execute(_INSERT_USE, {"id": self.confirmation, "at": time.time()})
            except IntegrityError:
                raise ConfirmationUsedError from None
        if self.entry is not None:
            append_row(connection, self.entry)
        self.written_to.add(store)
        return True

    def _write_key(self, connection: Connection) -> None:
        values = {"person": self.person, "key": self.key, "digest": self.digest, "at": time.time()}
        try:
            connection.execute(_INSERT, values)
        except IntegrityError:
            reason = "This was already done."
            raise AlreadyAppliedError(reason) from None

    def forget(self, store: Store) -> None:
        """Say that the transaction which wrote the key to a store was rolled back."""
        self.written_to.discard(store)


CURRENT_CALL: ContextVar[IdempotentCall | None] = ContextVar("intarsia_once", default=None)


def idempotency_key() -> str | None:
    """Return the key of the action that runs, for the service that it passes the change on to.

    A call that is sent again has the same key, and another call another one; between people keys may be the same.

    Returns:
        8 to 64 letters, digits, dashes or underscores. `None` where the caller sent no key, as models do, and outside
        of actions.
    """
    once = CURRENT_CALL.get()
    return once.key if once else None


@asynccontextmanager
async def change(store: Store) -> AsyncGenerator[AsyncConnection]:
    """Begin a change of a store. Inside an action, the call's key and audit row are in the same transaction.

    Raises:
        AppliedError: Another process applied this very call meanwhile.
        UsedError: Another call used the confirmation.
    """
    once = CURRENT_CALL.get()
    is_first = False
    try:
        async with store.write() as connection:
            if once is not None:
                is_first = await once.write(store, connection)
            yield connection
    except BaseException:
        if once is not None and is_first:
            once.forget(store)
        raise


@contextmanager
def change_in_thread(store: Store) -> Generator[Connection]:
    """Begin a change as `change` does, in a thread without an event loop."""
    once = CURRENT_CALL.get()
    is_first = False
    try:
        with store.write_in_thread() as connection:
            if once is not None:
                is_first = once.write_rows(store, connection)
            yield connection
    except BaseException:
        if once is not None and is_first:
            once.forget(store)
        raise


@dataclass
class ResultStore:
    """The first answers of one store's actions."""

    store: Store
    _locks: "WeakValueDictionary[tuple[str, str], asyncio.Lock]" = field(
        default_factory=WeakValueDictionary["tuple[str, str]", asyncio.Lock]
    )

    _forgot_at: float = float("-inf")

    def lock(self, once: IdempotentCall) -> asyncio.Lock:
        """Return the lock that lets only one copy of a call run at a time."""
        return self._locks.setdefault((once.person, once.key or ""), asyncio.Lock())

    def lock_confirmation(self, confirmation: str) -> asyncio.Lock:
        """Return the lock that lets only one call run at a time with a confirmation. Take that of the call first."""
        return self._locks.setdefault(("", confirmation), asyncio.Lock())

    async def check_unused(self, confirmation: str) -> None:
        """Refuse what was used, before anything runs. What is used meanwhile is noticed in the transaction.

        Raises:
            UsedError: It was.
        """
        async with self.store.read() as connection:
            if (await connection.execute(_FIND_USE, {"of_id": confirmation})).first():
                raise ConfirmationUsedError

    async def find(self, once: IdempotentCall) -> dict[str, Any] | None:
        """Return the first answer of this call; empty if it was applied but the answer was lost.

        Raises:
            RefusedError: The key was used for another call.
        """
        here = _here(once)
        async with self.store.read() as connection:
            row = (await connection.execute(_FIND, here)).first()
        if row is None:
            return None
        if row.digest != once.digest:
            reason = "This key was already used for another action. Nothing was changed."
            raise RefusedError(reason)
        return row.answer or {}

    async def keep(self, once: IdempotentCall, answer: Mapping[str, Any]) -> None:
        """Remember the answer of a call that was applied."""
        with anyio.CancelScope(shield=True):
            async with self.store.write() as connection:
                await once.write(self.store, connection)
                await connection.execute(_KEEP, {**_here(once), "first_answer": dict(answer)})
                if time.monotonic() - self._forgot_at >= FORGET_EVERY_SECONDS:
                    await self._forget_old(connection)

    async def note(self, once: IdempotentCall) -> None:
        """Write down a call without a key that was applied, unless its change did."""
        if not once.written_to:
            with anyio.CancelScope(shield=True):
                async with self.store.write() as connection:
                    await once.write(self.store, connection)

    async def forget_old(self) -> None:
        """Forget keys that nobody can still be retrying."""
        async with self.store.write() as connection:
            await self._forget_old(connection)

    async def _forget_old(self, connection: AsyncConnection) -> None:
        self._forgot_at = time.monotonic()
        for table in (KEYS, CONFIRMATIONS):
            await connection.execute(delete(table).where(table.c.at < time.time() - KEEP_SECONDS))
        await prune(connection, time.time() - AUDIT_SECONDS)


# Made once, because making a statement takes longer than running it.
_IS_HERE = (KEYS.c.person == bindparam("of_person"), KEYS.c.key == bindparam("of_key"))
_FIND = select(KEYS.c.digest, KEYS.c.answer).where(*_IS_HERE)
_INSERT = insert(KEYS)
_INSERT_USE = insert(CONFIRMATIONS)
_FIND_USE = select(CONFIRMATIONS.c.id).where(CONFIRMATIONS.c.id == bindparam("of_id"))
_KEEP = update(KEYS).where(*_IS_HERE).values(answer=bindparam("first_answer"))


def _here(once: IdempotentCall) -> dict[str, Any]:
    return {"of_person": once.person, "of_key": once.key}


def checked_key(value: object) -> str | None:
    """Return an idempotency key, or `None` if there is none.

    Raises:
        StoreError: It is not 8 to 64 letters, digits, dashes or underscores.
    """
    if value is None:
        return None
    if isinstance(value, str) and 8 <= len(value) <= 64 and value.replace("-", "").replace("_", "").isalnum():
        return value
    message = "The key of an action must be 8 to 64 letters, digits, dashes or underscores."
    raise StoreError(message)
