"""The answers of actions: found again for calls that are repeated, and kept even where the store cannot be written."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from secrets import token_hex
from weakref import WeakValueDictionary

import anyio
from sqlalchemy import bindparam, delete, select

from intarsia.errors import RefusedError, StoreError
from intarsia.server.audit.log import KEEP_SECONDS as AUDIT_SECONDS
from intarsia.server.audit.log import prune
from intarsia.server.storage.store import Store
from intarsia.server.storage.tables import CONFIRMATIONS, KEYS
from intarsia.server.storage.wait_budget import busy, one_wait_budget
from intarsia.server.views.idempotency import (
    CURRENT_CALL,
    OF_CALL,
    AlreadyAppliedError,
    Answer,
    ConfirmationUsedError,
    IdempotentCall,
    change,
)

logger = logging.getLogger(__name__)

KEEP_SECONDS = 24 * 3600
"""How long keys and answers are stored."""

FORGET_EVERY_SECONDS = 3600
"""The interval at which expired keys are deleted."""

MAX_UNWRITTEN = 1_000
"""The maximum number of answers in memory that could not be written. While there are as many, no action runs."""

WRITE_AGAIN_SECONDS = 1.0
"""The interval at which they are tried again."""


@dataclass
class ResultStore:
    """Stores the first result of each action call of one store, and locks calls against their duplicates."""

    store: Store
    # Weak values: a lock lives only as long as a call that holds it or waits for it.
    _locks: "WeakValueDictionary[tuple[str, str], asyncio.Lock]" = field(
        default_factory=WeakValueDictionary["tuple[str, str]", asyncio.Lock]
    )

    _unwritten: dict[tuple[str, str], tuple[IdempotentCall, Answer]] = field(
        default_factory=dict["tuple[str, str]", "tuple[IdempotentCall, Answer]"]
    )
    """The calls that were applied and could not be written, with their answers, by person and key; the oldest first."""

    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there is something to write late."""

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
        if any(call.confirmation == confirmation for call, _ in self._unwritten.values()):
            raise ConfirmationUsedError
        async with self.store.read() as connection:
            if (await connection.execute(_FIND_USE, {"of_id": confirmation})).first():
                raise ConfirmationUsedError

    @property
    def unwritten(self) -> int:
        """How many calls were applied and are in memory only."""
        return len(self._unwritten)

    def check_memory(self) -> None:
        """Refuse to run an action while so many could not be written that a further one might be forgotten.

        Raises:
            BusyError: `MAX_UNWRITTEN` calls are in memory only.
        """
        if len(self._unwritten) >= MAX_UNWRITTEN:
            raise busy()

    async def find(self, once: IdempotentCall) -> Answer | None:
        """Return the first answer of this call, or `None` if the key is new.

        The answer is empty if the change was committed, but the process ended before its answer was stored.

        Raises:
            RefusedError: The key was used for another call.
        """
        unwritten = self._unwritten.get(_id_of(once))
        if unwritten is not None:
            _check_same(once, unwritten[0].digest)
            return unwritten[1]
        return await find_in(self.store, once)

    async def applied(self, person: str, keys: Collection[str]) -> frozenset[str]:
        """Return those of a user's keys whose actions took effect, written or in memory only."""
        unwritten = {key for key in keys if (person, key) in self._unwritten}
        async with self.store.read() as connection:
            rows = await connection.execute(_FIND_APPLIED, {"of_person": person, "of_keys": list(keys)})
            return frozenset(unwritten.union(rows.scalars()))

    async def keep(self, once: IdempotentCall, answer: Answer) -> None:
        """Store the answer of a call that was applied, unless the transaction of its change did.

        What cannot be stored is logged and kept in memory, because the caller must be told what was done all the same.

        Raises:
            AlreadyAppliedError: Another process has applied the same call in the meantime.
        """
        is_stored = bool(once.written_to) if once.key is None else once.written_to.get(self.store) == answer
        # Shielded: the change is committed, so a client that disconnects must not keep its answer from being stored.
        with anyio.CancelScope(shield=True):
            if is_stored or await self._is_written(once, answer):
                await self._forget_in_time()

    async def _is_written(self, once: IdempotentCall, answer: Answer) -> bool:
        try:
            await self._write(once, answer)
        except AlreadyAppliedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the call was applied
            what = once.entry.what if once.entry else ""
            reason = error if isinstance(error, RefusedError | StoreError) else type(error).__name__
            logger.error("%r was done, and its answer could not be stored: %s", what, reason)  # noqa: TRY400 - no bug
            if isinstance(error, ConfirmationUsedError):
                once.confirmation = None
            if len(self._unwritten) < MAX_UNWRITTEN:
                self._unwritten[_id_of(once) if once.key else ("", token_hex(16))] = once, answer
            self._wake.set()
            return False
        return True

    async def _write(self, once: IdempotentCall, answer: Answer) -> None:
        token = CURRENT_CALL.set(once)
        try:
            async with change(self.store) as connection:
                await connection.run_sync(lambda it: once.write_answer(self.store, it, answer))
        finally:
            CURRENT_CALL.reset(token)

    async def _forget_in_time(self) -> None:
        if time.monotonic() - self._forgot_at >= FORGET_EVERY_SECONDS:
            try:
                await self.forget_old()
            except Exception as error:  # noqa: BLE001 - it is done again in an hour
                logger.warning("Old keys of %s could not be deleted: %s", self.store.path, type(error).__name__)

    @asynccontextmanager
    async def writing_late(self) -> AsyncGenerator[None]:
        """Write in the background what could not be written when it was applied, and at the end what is left."""
        self._wake = asyncio.Event()
        task = asyncio.create_task(self._write_late())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
            await self._write_unwritten()
            if self._unwritten:
                logger.error("%d answers of actions are lost: they could not be stored.", len(self._unwritten))

    async def _write_late(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(WRITE_AGAIN_SECONDS)
            # Nothing waits for this, so it must not take the turn from calls and then wait for the database.
            with one_wait_budget(0):
                await self._write_unwritten()
            if self._unwritten:
                self._wake.set()

    async def _write_unwritten(self) -> None:
        for name, (once, answer) in list(self._unwritten.items()):
            try:
                with suppress(AlreadyAppliedError):
                    await self._write(once, answer)
            except Exception:  # noqa: BLE001 - it was logged when it failed first, and is tried again
                return
            del self._unwritten[name]

    async def forget_old(self) -> None:
        """Delete the keys and confirmations that have expired, and old audit rows."""
        async with self.store.write() as connection:
            self._forgot_at = time.monotonic()
            for table in (KEYS, CONFIRMATIONS):
                await connection.execute(delete(table).where(table.c.at < time.time() - KEEP_SECONDS))
            await prune(connection, time.time() - AUDIT_SECONDS)


async def find_in(store: Store, once: IdempotentCall) -> Answer | None:
    """Return the answer of a call that a store has; empty if it has the key alone, `None` if it has neither.

    Raises:
        RefusedError: The key was used for another call.
    """
    async with store.read() as connection:
        row = (await connection.execute(_FIND, once.row)).first()
    if row is None:
        return None
    _check_same(once, row.digest)
    return row.answer or {}


def _check_same(once: IdempotentCall, digest: str) -> None:
    if digest != once.digest:
        reason = "This key was already used for another action. Nothing was changed."
        raise RefusedError(reason)


def _id_of(once: IdempotentCall) -> tuple[str, str]:
    return once.person, once.key or ""


# Built once, because building a statement takes longer than running it.
_FIND = select(KEYS.c.digest, KEYS.c.answer).where(*OF_CALL)
_FIND_APPLIED = select(KEYS.c.key).where(
    KEYS.c.person == bindparam("of_person"), KEYS.c.key.in_(bindparam("of_keys", expanding=True))
)
_FIND_USE = select(CONFIRMATIONS.c.id).where(CONFIRMATIONS.c.id == bindparam("of_id"))
