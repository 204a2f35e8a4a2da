"""Idempotency: an action that is sent again with the same key returns the first result and changes nothing.

The key is written in the transaction of the change (`Connector.change`), so that either both are stored or neither is.
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
from intarsia.server.storage.store import Store
from intarsia.server.storage.tables import CONFIRMATIONS, KEYS

KEEP_SECONDS = 24 * 3600
"""How long keys and results are stored."""


FORGET_EVERY_SECONDS = 3600
"""The interval at which expired keys are deleted."""


class AlreadyAppliedError(RefusedError):
    """Another process applied the same call while it ran here; the change is rolled back."""


class ConfirmationUsedError(RefusedError):
    """The confirmation of this call was already used; the change is rolled back."""

    def __init__(self) -> None:
        super().__init__("This confirmation was used already. Nothing was changed; try again.")


@dataclass
class IdempotentCall:
    """One call of an action. It is applied only once if it has an idempotency key."""

    person: str
    key: str | None
    digest: str
    written_to: set[Store] = field(default_factory=set[Store])
    """The stores that contain the key. There are several if an action changes the tables of an included connector."""
    confirmation: str | None = None
    """The id of the confirmation that the call uses."""
    entry: AuditEntry | None = None
    """The audit entry, which is written in the transaction of the change."""

    async def write(self, store: Store, connection: AsyncConnection) -> bool:
        """Write the key and the audit row in the transaction of the change, so that a duplicate call fails here.

        Args:
            store: The store that is changed.
            connection: The connection of the transaction.

        Returns:
            Whether this call of the method wrote the rows. If so, and the transaction is rolled back, call `forget`.

        Raises:
            AlreadyAppliedError: Another process has applied the same call in the meantime.
            ConfirmationUsedError: Another call used the confirmation.
        """
        return await connection.run_sync(partial(self.write_rows, store))

    def write_rows(self, store: Store, connection: Connection) -> bool:
        """Write the rows as `write` does, on a synchronous connection."""
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
            # The primary key decides between processes; the asyncio locks of `ResultStore` only know this one.
            connection.execute(_INSERT, values)
        except IntegrityError:
            reason = "This was already done."
            raise AlreadyAppliedError(reason) from None

    def forget(self, store: Store) -> None:
        """Note that the transaction that wrote the key to a store was rolled back."""
        self.written_to.discard(store)


CURRENT_CALL: ContextVar[IdempotentCall | None] = ContextVar("intarsia_once", default=None)


def idempotency_key() -> str | None:
    """Return the idempotency key of the running action, to pass it on to an external service.

    A retry of a call has the same key, and a different call has a different one. Keys of different users may be equal.

    Returns:
        8 to 64 letters, digits, dashes or underscores. `None` if the caller sent no key, as models do, and outside of
        actions.
    """
    once = CURRENT_CALL.get()
    return once.key if once else None


@asynccontextmanager
async def change(store: Store) -> AsyncGenerator[AsyncConnection]:
    """Begin a transaction on a store. Inside an action, it includes the idempotency key and the audit row of the call.

    Args:
        store: The store to change.

    Raises:
        AlreadyAppliedError: Another process has applied the same call in the meantime.
        ConfirmationUsedError: Another call used the confirmation.
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
    """Begin a transaction as `change` does, in a thread without an event loop."""
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
    """Stores the first result of each action call of one store, and locks calls against their duplicates."""

    store: Store
    # Weak values: a lock lives only as long as a call that holds it or waits for it.
    _locks: "WeakValueDictionary[tuple[str, str], asyncio.Lock]" = field(
        default_factory=WeakValueDictionary["tuple[str, str]", asyncio.Lock]
    )

    _forgot_at: float = float("-inf")

    def lock(self, once: IdempotentCall) -> asyncio.Lock:
        """Return the lock under which duplicates of a call run one after the other."""
        return self._locks.setdefault((once.person, once.key or ""), asyncio.Lock())

    def lock_confirmation(self, confirmation: str) -> asyncio.Lock:
        """Return the lock of a confirmation. Acquire the lock of the call first: a fixed order prevents deadlocks."""
        return self._locks.setdefault(("", confirmation), asyncio.Lock())

    async def check_unused(self, confirmation: str) -> None:
        """Refuse a used confirmation before the action runs. The transaction detects one that is used after this check.

        Raises:
            ConfirmationUsedError: The confirmation was already used.
        """
        async with self.store.read() as connection:
            if (await connection.execute(_FIND_USE, {"of_id": confirmation})).first():
                raise ConfirmationUsedError

    async def find(self, once: IdempotentCall) -> dict[str, Any] | None:
        """Return the first result of this call, or `None` if the key is new.

        The result is empty if the change was committed, but the process ended before its result was stored.

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
        """Store the result of a call that was applied."""
        # Shielded: the change is committed, so a client that disconnects must not keep its result from being stored.
        with anyio.CancelScope(shield=True):
            async with self.store.write() as connection:
                await once.write(self.store, connection)
                await connection.execute(_KEEP, {**_here(once), "first_answer": dict(answer)})
                if time.monotonic() - self._forgot_at >= FORGET_EVERY_SECONDS:
                    await self._forget_old(connection)

    async def note(self, once: IdempotentCall) -> None:
        """Write the audit row of an applied call without a key, unless the transaction of its change did."""
        if not once.written_to:
            with anyio.CancelScope(shield=True):
                async with self.store.write() as connection:
                    await once.write(self.store, connection)

    async def forget_old(self) -> None:
        """Delete the keys and confirmations that have expired, and old audit rows."""
        async with self.store.write() as connection:
            await self._forget_old(connection)

    async def _forget_old(self, connection: AsyncConnection) -> None:
        self._forgot_at = time.monotonic()
        for table in (KEYS, CONFIRMATIONS):
            await connection.execute(delete(table).where(table.c.at < time.time() - KEEP_SECONDS))
        await prune(connection, time.time() - AUDIT_SECONDS)


# Built once, because building a statement takes longer than running it.
_IS_HERE = (KEYS.c.person == bindparam("of_person"), KEYS.c.key == bindparam("of_key"))
_FIND = select(KEYS.c.digest, KEYS.c.answer).where(*_IS_HERE)
_INSERT = insert(KEYS)
_INSERT_USE = insert(CONFIRMATIONS)
_FIND_USE = select(CONFIRMATIONS.c.id).where(CONFIRMATIONS.c.id == bindparam("of_id"))
_KEEP = update(KEYS).where(*_IS_HERE).values(answer=bindparam("first_answer"))


def _here(once: IdempotentCall) -> dict[str, Any]:
    return {"of_person": once.person, "of_key": once.key}


def checked_key(value: object) -> str | None:
    """Validate an idempotency key and return it, or `None` if there is none.

    Raises:
        StoreError: The key is not 8 to 64 letters, digits, dashes or underscores.
    """
    if value is None:
        return None
    if isinstance(value, str) and 8 <= len(value) <= 64 and value.replace("-", "").replace("_", "").isalnum():
        return value
    message = "The key of an action must be 8 to 64 letters, digits, dashes or underscores."
    raise StoreError(message)
