"""Counts of calls, errors and refusals of each tool in the last day, for the admin pages."""

import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields

import anyio
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.sqlite import insert

from intarsia.server.storage.store import Store
from intarsia.server.storage.tables import COUNTS

logger = logging.getLogger(__name__)

WRITE_SECONDS = 10.0
"""How often counts are written to the store. A process that is killed loses the counts since then."""

_HOUR = 3600
_HOURS = 24


@dataclass(frozen=True)
class CallCount:
    """The counts of one tool.

    Args:
        calls: The number of calls, by users and by models.
        errors: The number of calls that failed.
        refusals: The number of calls that were refused.
    """

    calls: int = 0
    errors: int = 0
    refusals: int = 0


_KINDS = tuple(field.name for field in fields(CallCount))
_OF_PROBLEM = {"failed": "errors", "refused": "refusals"}


class CallCounts:
    """The counts of one connector.

    Args:
        store: Keeps the counts.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._new: Counter[tuple[str, int, str]] = Counter()

    def note(self, tool: str, problem: str | None = None) -> None:
        """Count one call.

        Args:
            tool: The name of the tool.
            problem: The kind of problem in the response, if there was one.
        """
        hour = int(time.time()) // _HOUR
        self._new[tool, hour, "calls"] += 1
        if kind := _OF_PROBLEM.get(problem or ""):
            self._new[tool, hour, kind] += 1

    async def write(self) -> None:
        """Write new counts to the store, and delete those older than a day."""
        if not self._new:
            return
        new, self._new = self._new, Counter()
        oldest = int(time.time()) // _HOUR - _HOURS
        async with self._store.write() as connection:
            for tool, hour in sorted({(tool, hour) for tool, hour, _kind in new}):
                found = {kind: new[tool, hour, kind] for kind in _KINDS}
                row = insert(COUNTS).values(tool=tool, hour=hour, **found)
                more = {kind: COUNTS.c[kind] + row.excluded[kind] for kind in _KINDS}
                await connection.execute(row.on_conflict_do_update(index_elements=["tool", "hour"], set_=more))
            await connection.execute(delete(COUNTS).where(COUNTS.c.hour < oldest))

    async def keep(self) -> None:
        """Write counts regularly until cancelled."""
        try:
            while True:
                await anyio.sleep(WRITE_SECONDS)
                await self._try_to_write()
        finally:
            with anyio.CancelScope(shield=True):
                await self._try_to_write()

    async def last_day(self) -> Mapping[str, CallCount]:
        """Return the counts of each tool in the last 24 full hours and in the current one."""
        await self.write()
        since = int(time.time()) // _HOUR - _HOURS
        sums = [func.sum(COUNTS.c[kind]) for kind in _KINDS]
        async with self._store.read() as connection:
            wanted = select(COUNTS.c.tool, *sums).where(COUNTS.c.hour >= since).group_by(COUNTS.c.tool)
            return {row[0]: CallCount(*row[1:]) for row in await connection.execute(wanted)}

    async def _try_to_write(self) -> None:
        try:
            await self.write()
        # Counts are not worth stopping the server for; the next write is tried again.
        except Exception:
            logger.exception("The call counts could not be written to the store.")
