"""Idempotency: an action that is sent again with the same key returns the first result and changes nothing.

The key and the answer are written in the transaction of the change (`Connector.change`), so that all of them are stored
or none is. The answer is the last `Done` that is made inside the block. One that is made after the block is stored in a
second transaction (`ResultStore.keep` in `results.py`).
"""

import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
from sqlalchemy import Connection, bindparam, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from intarsia.errors import RefusedError, StoreError
from intarsia.server.audit.log import AuditEntry, append_row
from intarsia.server.storage.store import Store
from intarsia.server.storage.tables import CONFIRMATIONS, KEYS
from intarsia.server.wire.messages import DONE, MAX_UNANSWERED, done_answer
from intarsia.widgets import Done
from intarsia.widgets.action import DONE_RECORDER

Answer = Mapping[str, Any]
"""The result of an action as it is sent: a message, and the action that undoes it."""


class AlreadyAppliedError(RefusedError):
    """Another process applied the same call while it ran here; the change is rolled back.

    Args:
        store: The store that has the key.
    """

    def __init__(self, store: Store) -> None:
        super().__init__("This was already done.")
        self.store = store


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
    written_to: dict[Store, Answer | None] = field(default_factory=dict[Store, "Answer | None"])
    """The stores that contain the key and the audit row, with the answer if they contain it too. There are several if
    an action changes the tables of an included connector."""
    confirmation: str | None = None
    """The id of the confirmation that the call uses."""
    entry: AuditEntry | None = None
    """The audit entry, which is written in the transaction of the change."""

    @property
    def row(self) -> dict[str, Any]:
        """The parameters that select its row in a store."""
        return {"of_person": self.person, "of_key": self.key}

    @property
    def stored_answer(self) -> Answer | None:
        """The answer that is committed in some store, or `None` if there is none."""
        return next((answer for answer in self.written_to.values() if answer is not None), None)

    def write(self, store: Store, connection: Connection) -> None:
        """Write the key and the audit row in the transaction of a change, so that a duplicate call fails here.

        Args:
            store: The store that is changed.
            connection: The connection of the transaction.

        Raises:
            AlreadyAppliedError: Another process has applied the same call in the meantime.
            ConfirmationUsedError: Another call used the confirmation.
        """
        if store in self.written_to:
            return
        if self.key is not None:
            self._write_key(store, connection)
        if self.confirmation is not None:
            try:
                connection.execute(_INSERT_USE, {"id": self.confirmation, "at": time.time()})
            except IntegrityError:
                raise ConfirmationUsedError from None
        if self.entry is not None:
            append_row(connection, self.entry)
        self.written_to[store] = None

    def _write_key(self, store: Store, connection: Connection) -> None:
        values = {"person": self.person, "key": self.key, "digest": self.digest, "at": time.time()}
        try:
            # The primary key decides between processes; the asyncio locks of `ResultStore` only know this one.
            connection.execute(_INSERT, values)
        except IntegrityError:
            raise AlreadyAppliedError(store) from None

    def write_answer(self, store: Store, connection: Connection, answer: Answer) -> None:
        """Write the answer in the same transaction as the key, or in a later one. A call without a key has none."""
        if self.key is not None:
            connection.execute(_KEEP, {**self.row, "first_answer": dict(answer)})
            self.written_to[store] = dict(answer)


class _OpenChange:
    """A change of a call. The last `Done` that is made while it is open becomes the answer that it stores.

    Args:
        call: The call.
        store: The store that is changed.
    """

    is_open = True
    """Whether its block has not ended."""

    def __init__(self, call: IdempotentCall, store: Store) -> None:
        around = _CHANGE.get()
        self._call, self._store = call, store
        self._around = around if around is not None and around.is_open else None
        self._done: Done | None = None
        self._before: dict[Store, Answer | None] | None = None

    def record(self, done: Done) -> None:
        """Note a `Done`, for this change and for those around it, which are of other stores."""
        if self.is_open:
            self._done = done
        if self._around is not None:
            self._around.record(done)

    @property
    def has_answer(self) -> bool:
        """Whether there is an answer to store."""
        return self._done is not None and self._call.key is not None

    def begin(self, connection: Connection) -> None:
        """Write the key and the audit row, at the beginning of the transaction."""
        store, written = self._store, self._call.written_to
        self._before = {store: written[store]} if store in written else {}
        self._call.write(store, connection)

    def finish(self, connection: Connection) -> None:
        """Write the answer, at the end of the transaction."""
        if self._done is not None:
            self._call.write_answer(self._store, connection, done_answer(self._done).meta[DONE])

    def undo(self) -> None:
        """Note that the transaction was rolled back."""
        if self._before is not None:
            self._call.written_to.pop(self._store, None)
            self._call.written_to.update(self._before)


_CHANGE: ContextVar[_OpenChange | None] = ContextVar("intarsia_change_of_call", default=None)
"""The last change that was opened in this context."""


@contextmanager
def _recorded(call: IdempotentCall, store: Store) -> Generator[_OpenChange]:
    """Make a `Done` of the block the answer of a change."""
    opened = _OpenChange(call, store)
    _CHANGE.set(opened)
    DONE_RECORDER.set(opened)
    try:
        yield opened
    except BaseException:
        opened.undo()
        raise
    finally:
        opened.is_open = False


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
    """Begin a transaction on a store. Inside an action, it includes the key, the audit row and the answer of the call.

    Args:
        store: The store to change.

    Raises:
        AlreadyAppliedError: Another process has applied the same call in the meantime.
        BusyError: The store was held by others for longer than the call may wait.
        ConfirmationUsedError: Another call used the confirmation.
        SaveError: The file cannot be written.
    """
    once = CURRENT_CALL.get()
    if once is None:
        async with store.write() as connection:
            yield connection
        return
    with _recorded(once, store) as opened:
        async with store.write() as connection:
            await connection.run_sync(opened.begin)
            yield connection
            if opened.has_answer:
                # Shielded like the commit that follows, so that a block that was left is committed.
                with anyio.CancelScope(shield=True):
                    await connection.run_sync(opened.finish)


@contextmanager
def change_in_thread(store: Store) -> Generator[Connection]:
    """Begin a transaction as `change` does, in a thread without an event loop."""
    once = CURRENT_CALL.get()
    if once is None:
        with store.write_in_thread() as connection:
            yield connection
        return
    with _recorded(once, store) as opened, store.write_in_thread() as connection:
        opened.begin(connection)
        yield connection
        opened.finish(connection)


# Built once, because building a statement takes longer than running it.
OF_CALL = (KEYS.c.person == bindparam("of_person"), KEYS.c.key == bindparam("of_key"))
"""Selects the row of a call; `IdempotentCall.row` has the parameters."""
_INSERT = insert(KEYS)
_INSERT_USE = insert(CONFIRMATIONS)
_KEEP = update(KEYS).where(*OF_CALL).values(answer=bindparam("first_answer"))


def checked_keys(values: object) -> frozenset[str]:
    """Return the idempotency keys in what a View asks about; what is no key is left out."""
    keys: set[str] = set()
    for value in cast("list[object]", values)[:MAX_UNANSWERED] if isinstance(values, list) else ():
        with suppress(StoreError):
            keys.add(checked_key(value) or "")
    return frozenset(keys - {""})


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
