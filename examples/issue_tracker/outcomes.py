"""Resolves changes whose response was lost: retries them with the same key until the result is known.

An action waits a moment for the tracker. When it has waited long enough it says that the change is being checked, and
the checking goes on without it, over a restart of the connector too: first the change is asked for again, which the
tracker does once for each key; then the tracker is asked to settle the key, so that what was not done never will be.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, Column, Float, String, Table, delete, insert, select, update

from examples.issue_tracker.grants import TABLES
from examples.issue_tracker.refusals import LostError, NotConnectedError, TroubleError
from examples.issue_tracker.upstream import Json, Upstream
from intarsia import RefusedError, idempotency_key
from intarsia.server.storage.store import Store

OUTCOMES = Table(
    "outcomes",
    TABLES,
    Column("key", String(64), primary_key=True),
    Column("person", String(200), primary_key=True),
    Column("project", String(40), nullable=False),
    Column("what", String(300), nullable=False),
    Column("method", String(8), nullable=False),
    Column("path", String(200), nullable=False),
    Column("body", JSON, nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", String(400), nullable=False, default=""),
    Column("at", Float, nullable=False),
)
"""Changes that are being checked, with their results. States: checking, done, refused, open."""

MAX_RENDER_SECONDS = 3.0
"""The time after which an action responds that its change is being checked."""
ASK_SECONDS = 12.0
"""How long a change is retried."""
SETTLE_SECONDS = 27.0
"""How long after the start the tracker is asked for the result."""
SHOW_SECONDS = 60.0
"""How long a board shows the result of a change."""
PAUSES = (0.05, 0.2, 0.5, 1.0, 2.0)
"""Delays before the second, third and later attempts in seconds; the last one repeats."""


@dataclass(frozen=True)
class Change:
    """One change in the tracker, by one user."""

    person: str
    project: str
    what: str
    """The description, such as "Move WEB-8 to review"."""
    method: str
    path: str
    body: Json
    key: str = ""


class NeverKnownError(Exception):
    """The result of a change was not known in time."""


class Outcomes:
    """Makes changes and resolves their results.

    Args:
        store: Where it is kept what is being checked.
        upstream: The tracker.
        changed: Told the project of which something became known.
    """

    def __init__(self, store: Store, upstream: Upstream, changed: Callable[[str], None]) -> None:
        self._store = store
        self._upstream = upstream
        self._changed = changed
        self._tasks: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Resume open checks while the block runs."""
        for change in await self._in_state("checking"):
            self._start(self._report(change, self._start(self._make(change, is_new=False))))
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def make(self, change: Change) -> Json | None:
        """Make a change once for the current action call.

        Returns:
            The tracker's answer, or None: it is not known yet and is being checked.

        Raises:
            RefusedError: It was not done, and why.
        """
        change = replace(change, key=idempotency_key() or uuid4().hex)
        task: asyncio.Task[Json] = self._start(self._make(change, is_new=True))
        await asyncio.wait([task], timeout=MAX_RENDER_SECONDS)
        if not task.done():
            await self._note(change)
            self._start(self._report(change, task))
            return None
        try:
            return task.result()
        except NeverKnownError:
            await self._note(change, "open")
            return None

    async def told(self, person: str, project: str) -> list[tuple[str, str]]:
        """Return notices about the changes of a user in a project: states with sentences."""
        is_recent = (OUTCOMES.c.at > time.time() - SHOW_SECONDS) | OUTCOMES.c.state.in_(["checking", "open"])
        wanted = select(OUTCOMES).where(OUTCOMES.c.person == person, OUTCOMES.c.project == project, is_recent)
        async with self._store.read() as connection:
            rows = (await connection.execute(wanted.order_by(OUTCOMES.c.at))).all()
        return [(row.state, _sentence(row.state, row.what, row.reason)) for row in rows]

    async def settle_open(self, person: str) -> None:
        """Resolve open changes of a user after the tracker responds again."""
        for change in await self._in_state("open", person):
            try:
                settled = await self._upstream.settle(person, change.key)
            except (RefusedError, LostError):
                return
            await self._write(change, "done" if settled["was_done"] else "refused")

    async def finish(self) -> None:
        """Wait until all changes and checks have ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _make(self, change: Change, *, is_new: bool) -> Json:
        """Retry until the result of a change is known.

        Raises:
            RefusedError: It was not done.
            NeverKnownError: There was no answer in time.
        """
        start, is_lost, tries = time.monotonic(), not is_new, 0
        while (passed := time.monotonic() - start) < SETTLE_SECONDS:
            try:
                if passed < ASK_SECONDS:
                    upstream = self._upstream.change(change.person, change.method, change.path, change.body, change.key)
                    return await upstream
                return await self._settled(change)
            except LostError:
                is_lost = True
            except (TroubleError, NotConnectedError) as error:
                if not is_lost:
                    raise
                if isinstance(error, NotConnectedError):
                    break
            await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
            tries += 1
        raise NeverKnownError

    async def _settled(self, change: Change) -> Json:
        settled = await self._upstream.settle(change.person, change.key)
        if not settled["was_done"]:
            reason = "The tracker did not get it in time."
            raise RefusedError(reason)
        answer: Json = settled["answer"]
        return answer

    async def _report(self, change: Change, task: "asyncio.Task[Json]") -> None:
        """Store the result of a change that is being checked."""
        try:
            await task
        except RefusedError as error:
            await self._write(change, "refused", error.reason)
        except NeverKnownError:
            await self._write(change, "open")
        else:
            await self._write(change, "done")

    def _start(self, work: Any) -> "asyncio.Task[Any]":
        # A separate context: the task outlives the request and does not belong to it.
        task = asyncio.create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not log it if the waiting request has ended

    async def _note(self, change: Change, state: str = "checking") -> None:
        async with self._store.write() as connection:
            here = (OUTCOMES.c.key == change.key) & (OUTCOMES.c.person == change.person)
            await connection.execute(delete(OUTCOMES).where(here))
            row = {**vars(change), "state": state, "reason": "", "at": time.time()}
            await connection.execute(insert(OUTCOMES).values(row))

    async def _write(self, change: Change, state: str, reason: str = "") -> None:
        here = (OUTCOMES.c.key == change.key) & (OUTCOMES.c.person == change.person)
        values = {"state": state, "reason": reason, "at": time.time()}
        async with self._store.write() as connection:
            await connection.execute(update(OUTCOMES).where(here).values(values))
        self._changed(change.project)

    async def _in_state(self, state: str, person: str | None = None) -> list[Change]:
        wanted = select(*(OUTCOMES.c[name] for name in Change.__dataclass_fields__)).where(OUTCOMES.c.state == state)
        if person is not None:
            wanted = wanted.where(OUTCOMES.c.person == person)
        async with self._store.read() as connection:
            return [Change(**row) for row in (await connection.execute(wanted)).mappings()]


def _sentence(state: str, what: str, reason: str) -> str:
    match state:
        case "checking":
            return f"{what}: no answer yet. Checking whether it was done."
        case "done":
            return f"{what}: it was done."
        case "refused":
            return f"{what}: it was not done. {reason}".strip()
        case _:
            return f"{what}: the tracker did not say whether it was done. It is asked again as soon as it answers."
