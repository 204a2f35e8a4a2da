"""The switches of a connector: stored in its store, cached in memory, and followed by all processes."""

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
from intarsia.server.storage.tables import SEEN_TOOLS, SWITCHES
from intarsia.server.switches.positions import (
    ACTIONS_BY_MODEL,
    ACTIONS_IN_WIDGETS,
    ALL_ON,
    CONNECTOR,
    EVERYONE,
    NEW_TOOLS,
    SWITCHED,
    Position,
    Positions,
    switch_of,
)

logger = logging.getLogger(__name__)

FOLLOW_SECONDS = 1.0
"""How often a process checks for changes by other processes. Open Views follow within twice that time."""

MAX_REASON_LENGTH = 500
MAX_ROLE_LENGTH = 200

_ON_OFF = frozenset({ACTIONS_IN_WIDGETS, ACTIONS_BY_MODEL})
"""Switches without the position `text_only`: an action has no text version."""


@dataclass(frozen=True)
class Switch:
    """The stored state of a switch.

    Args:
        what: Its name, such as `tool:task_board`.
        role: The role that it applies to; empty for all callers.
        position: Its position.
        version: How often it was set.
        at: When it was last set, in Unix time.
        who: The user who set it.
        why: The reason that they gave.
    """

    what: str
    role: str
    position: Position
    version: int
    at: float
    who: str
    why: str


@dataclass(frozen=True)
class Change:
    """A change of a switch.

    Args:
        what: `connector`, `tool:NAME`, `actions_in_widgets`, `actions_by_model` or `new_tools`.
        position: The new position.
        role: The role that it applies to; by default all callers.
        expected_version: The version that the change is based on; 0 if the switch was never set, `None` for any.
    """

    what: str
    position: Position
    role: str = EVERYONE
    expected_version: int | None = None


class Switches:
    """The switches of one connector.

    Args:
        store: The store of the connector.
        audit: The audit log for changes.
        tools: Returns the names of the connector's tools.
    """

    def __init__(self, store: Store, audit: AuditLog, tools: Callable[[], Iterable[str]]) -> None:
        self._store = store
        self._audit = audit
        self._tools = tools
        self._revision: object = None
        self.positions: Positions = ALL_ON

    async def load(self) -> None:
        """Load the switches, and set those of new tools to the position of `new_tools`."""
        async with self._store.write() as connection:
            await self._add_new_tools(connection)
        await self._read()

    async def follow(self) -> None:
        """Follow the changes of other processes until cancelled."""
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            try:
                if await self._read():
                    CHANGE_LOG.publish(frozenset({SWITCHED}))
            except Exception:
                logger.exception("The switches could not be read; their last known positions stay in effect.")

    async def rows(self) -> list[Switch]:
        """Return all switches that were ever set."""
        async with self._store.read() as connection:
            found = await connection.execute(select(SWITCHES).order_by(SWITCHES.c.what, SWITCHES.c.role))
            return [
                Switch(row.what, row.role, Position(row.position), row.version, row.at, row.who, row.why)
                for row in found
            ]

    async def set(self, changes: Sequence[Change], *, who: str, by: str, why: str = "") -> None:
        """Set switches, all or none of them.

        Args:
            changes: The changes.
            who: The user who makes them.
            by: `admin` or `shell`.
            why: The reason, for the audit log; cut to 500 characters.

        Raises:
            SettingError: A switch or a tool does not exist, or has no such position.
            ConflictError: Another user set one of the switches in the meantime.
        """
        self.check(changes)
        try:
            async with self._store.write() as connection:
                for change in changes:
                    await _set(connection, change, who=who, by=by, why=why[:MAX_REASON_LENGTH])
        except ConflictError as error:
            # In a transaction of its own, because the conflict rolled back the one of the changes.
            await self._audit.write(
                AuditEntry("refusal", who, by=by, what="switches", result=f"conflict: {error.reason}")
            )
            raise
        await self._read()
        CHANGE_LOG.publish(frozenset({SWITCHED}))

    def check(self, changes: Iterable[Change]) -> None:
        """Check that the switches exist and have these positions.

        Raises:
            SettingError: A switch or a tool does not exist, or has no such position.
        """
        for change in changes:
            self._check(change)

    async def _read(self) -> bool:
        """Read the switches if any was set since the last time; return whether a position changed."""
        async with self._store.read() as connection:
            revision = tuple((await connection.execute(_REVISION)).one())
            if revision == self._revision:
                return False
            rows = (await connection.execute(select(SWITCHES.c.what, SWITCHES.c.role, SWITCHES.c.position))).all()
        before = self.positions
        self.positions = Positions(
            {(row.what, row.role): Position(row.position) for row in rows if row.position != "on"}
        )
        self._revision = revision
        return self.positions != before

    async def _add_new_tools(self, connection: AsyncConnection) -> None:
        seen = set((await connection.execute(select(SEEN_TOOLS.c.tool))).scalars())
        new = [tool for tool in self._tools() if tool not in seen]
        statement = select(SWITCHES.c.position).where(SWITCHES.c.what == NEW_TOOLS, SWITCHES.c.role == EVERYONE)
        position = Position((await connection.execute(statement)).scalar_one_or_none() or Position.ON)
        for tool in new:
            await connection.execute(insert(SEEN_TOOLS).values(tool=tool, at=time.time()))
            if position is not Position.ON:
                change = Change(switch_of(tool), position)
                await _set(connection, change, who="", by="server", why="The position of new tools.")

    def _check(self, change: Change) -> None:
        tools = {switch_of(tool) for tool in self._tools()}
        known = {CONNECTOR, NEW_TOOLS, *_ON_OFF, *tools}
        if change.what not in known:
            message = (
                f"There is no switch {change.what!r}.{near_miss(change.what, known)} Switch a tool by 'tool:NAME'."
            )
            raise SettingError(message)
        if change.what in _ON_OFF and change.position is Position.TEXT_ONLY:
            message = f"{change.what} can be on or off; text_only is for tools."
            raise SettingError(message)
        if len(change.role) > MAX_ROLE_LENGTH or change.role != change.role.strip() or not change.role.isprintable():
            message = (
                f"{change.role[:50]!r} is not a valid role: use a word, such as 'editor', or omit it for everyone."
            )
            raise SettingError(message)
        if change.what == NEW_TOOLS and change.role:
            message = "new_tools applies to everyone: omit the role."
            raise SettingError(message)


async def _set(connection: AsyncConnection, change: Change, *, who: str, by: str, why: str) -> None:
    condition = (SWITCHES.c.what == change.what) & (SWITCHES.c.role == change.role)
    found = (await connection.execute(select(SWITCHES).where(condition))).first()
    version = found.version if found else 0
    if change.expected_version not in (None, version):
        position = found.position if found else "on"
        reason = f"{found.who if found else 'Another user'} set {change.what} to {position}. Nothing was changed."
        raise ConflictError(reason, current={"position": position, "version": version})
    values: dict[str, Any] = {
        "position": change.position.value, "version": version + 1, "at": time.time(), "who": who, "why": why,
    }  # fmt: skip
    key = {"what": change.what, "role": change.role}
    changed = update(SWITCHES).where(condition).values(**values) if found else insert(SWITCHES).values(**key, **values)
    await connection.execute(changed)
    details = {"role": change.role, "before": found.position if found else "on", "why": why}
    entry = AuditEntry("switch", who, "", by, change.what, "", change.position.value, str(version + 1), details)
    await append(connection, entry)


_REVISION = select(func.count(SWITCHES.c.what), func.coalesce(func.sum(SWITCHES.c.version), 0))
"""A value that is different after each change: versions only grow, and rows are never deleted."""
