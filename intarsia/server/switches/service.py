"""The switches of a connector: kept in its store, held in memory, followed by every process."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from intarsia.errors import ConflictError, SettingError, near_miss
from intarsia.server.audit.log import AuditEntry, AuditLog, append
from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.server.storage.store import Store
from intarsia.server.switches.positions import (
    ACTIONS_BY_MODEL,
    ACTIONS_IN_WIDGETS,
    ALL_ON,
    CONNECTOR,
    EVERYBODY,
    NEW_TOOLS,
    SWITCHED,
    Position,
    Positions,
    switch_of,
)
from intarsia.server.switches.tables import SEEN_TOOLS, SWITCHES

logger = logging.getLogger(__name__)

FOLLOW_SECONDS = 1.0
"""How often a process looks whether another one changed a switch. Open Views follow within twice that."""

MAX_REASON_LENGTH = 500
MAX_ROLE_LENGTH = 200

_TWO_WAYS = frozenset({ACTIONS_IN_WIDGETS, ACTIONS_BY_MODEL})
"""These are on or off: there is no text of an action."""


@dataclass(frozen=True)
class Switch:
    """One switch, as it was set last."""

    what: str
    role: str
    position: Position
    version: int
    at: float
    who: str
    why: str


@dataclass(frozen=True)
class Change:
    """What a switch is to be set to.

    Args:
        what: `connector`, `tool:NAME`, `actions_in_widgets`, `actions_by_model` or `new_tools`.
        position: Where to.
        role: For whom; left out, for everybody.
        expected_version: The version that whoever sets it has seen: 0 if it was never set, `None` if any will do.
    """

    what: str
    position: Position
    role: str = EVERYBODY
    expected_version: int | None = None


class Switches:
    """The switches of one connector.

    Args:
        store: Where they are kept.
        audit: Where it is written down who set them.
        tools: Names the connector's tools.
    """

    def __init__(self, store: Store, audit: AuditLog, tools: Callable[[], Iterable[str]]) -> None:
        self._store = store
        self._audit = audit
        self._tools = tools
        self._mark: object = None
        self.positions: Positions = ALL_ON

    async def load(self) -> None:
        """Take the switches from the store, and set those of tools that were not seen before."""
        async with self._store.write() as connection:
            await self._note_new_tools(connection)
        await self._read()

    async def follow(self) -> None:
        """Follow what other processes change, until it is cancelled."""
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            try:
                if await self._read():
                    CHANGE_LOG.publish(frozenset({SWITCHED}))
            except Exception:
                logger.exception("The switches could not be read; those of before stay.")

    async def rows(self) -> list[Switch]:
        """Return the switches that were ever set."""
        async with self._store.read() as connection:
            found = await connection.execute(select(SWITCHES).order_by(SWITCHES.c.what, SWITCHES.c.role))
            return [
                Switch(row.what, row.role, Position(row.position), row.version, row.at, row.who, row.why)
                for row in found
            ]

    async def set(self, changes: Sequence[Change], *, who: str, by: str, why: str = "") -> None:
        """Set switches: all of them, or none.

        Args:
            changes: What to set.
            who: Who does it.
            by: `admin` or `shell`.
            why: For those who read it later.

        Raises:
            SettingError: There is no such tool or switch, or it has no such position.
            ConflictError: Somebody else set one of them meanwhile.
        """
        self.check(changes)
        try:
            async with self._store.write() as connection:
                for change in changes:
                    await _set(connection, change, who=who, by=by, why=why[:MAX_REASON_LENGTH])
        except ConflictError as error:
            await self._audit.write(
                AuditEntry("refusal", who, by=by, what="switches", result=f"conflict: {error.reason}")
            )
            raise
        await self._read()
        CHANGE_LOG.publish(frozenset({SWITCHED}))

    def check(self, changes: Iterable[Change]) -> None:
        """Check that there are such switches, with such positions.

        Raises:
            SettingError: There is no such tool or switch, or it has no such position.
        """
        for change in changes:
            self._check(change)

    async def _read(self) -> bool:
        """Read the switches if one was set since; return whether that changed anything."""
        async with self._store.read() as connection:
            mark = tuple((await connection.execute(_MARK)).one())
            if mark == self._mark:
                return False
            rows = (await connection.execute(select(SWITCHES.c.what, SWITCHES.c.role, SWITCHES.c.position))).all()
        before = self.positions
        self.positions = Positions(
            {(row.what, row.role): Position(row.position) for row in rows if row.position != "on"}
        )
        self._mark = mark
        return self.positions != before

    async def _note_new_tools(self, connection: AsyncConnection) -> None:
        seen = set((await connection.execute(select(SEEN_TOOLS.c.tool))).scalars())
        new = [tool for tool in self._tools() if tool not in seen]
        wanted = select(SWITCHES.c.position).where(SWITCHES.c.what == NEW_TOOLS, SWITCHES.c.role == EVERYBODY)
        position = Position((await connection.execute(wanted)).scalar_one_or_none() or Position.ON)
        for tool in new:
            await connection.execute(insert(SEEN_TOOLS).values(tool=tool, at=time.time()))
            if position is not Position.ON:
                change = Change(switch_of(tool), position)
                await _set(connection, change, who="", by="server", why="Tools that were not seen before start so.")

    def _check(self, change: Change) -> None:
        tools = {switch_of(tool) for tool in self._tools()}
        known = {CONNECTOR, NEW_TOOLS, *_TWO_WAYS, *tools}
        if change.what not in known:
            message = f"There is no switch {change.what!r}.{near_miss(change.what, known)} Tools are named 'tool:NAME'."
            raise SettingError(message)
        if change.what in _TWO_WAYS and change.position is Position.TEXT_ONLY:
            message = f"{change.what} is on or off; text_only is for tools."
            raise SettingError(message)
        if len(change.role) > MAX_ROLE_LENGTH or change.role != change.role.strip() or not change.role.isprintable():
            message = f"{change.role[:50]!r} is no role; write a word, such as 'editor', or nothing for everybody."
            raise SettingError(message)
        if change.what == NEW_TOOLS and change.role:
            message = "new_tools is for everybody: leave the role out."
            raise SettingError(message)


async def _set(connection: AsyncConnection, change: Change, *, who: str, by: str, why: str) -> None:
    here = (SWITCHES.c.what == change.what) & (SWITCHES.c.role == change.role)
    found = (await connection.execute(select(SWITCHES).where(here))).first()
    version = found.version if found else 0
    if change.expected_version not in (None, version):
        name = found.who if found else "somebody"
        reason = f"{name} set {change.what} to {found.position if found else 'on'} meanwhile. Nothing was changed."
        raise ConflictError(reason, current={"position": found.position if found else "on", "version": version})
    values: dict[str, Any] = {
        "position": change.position.value, "version": version + 1, "at": time.time(), "who": who, "why": why,
    }  # fmt: skip
    key = {"what": change.what, "role": change.role}
    changed = update(SWITCHES).where(here).values(**values) if found else insert(SWITCHES).values(**key, **values)
    await connection.execute(changed)
    details = {"role": change.role, "before": found.position if found else "on", "why": why}
    entry = AuditEntry("switch", who, "", by, change.what, "", change.position.value, str(version + 1), details)
    await append(connection, entry)


_MARK = select(func.count(SWITCHES.c.what), func.coalesce(func.sum(SWITCHES.c.version), 0))
"""Versions only grow, and no row is ever deleted: with every change this is another pair."""
