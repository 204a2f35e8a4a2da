"""The grants of users at the tracker: encrypted in the store, refreshed in time, and revoked.

A token of the tracker never leaves this server, and a token of Intarsia never leaves it for the tracker.
"""

import asyncio
import time
from collections.abc import Mapping
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, LargeBinary, MetaData, String, Table, delete, insert, select, update

from examples.issue_tracker.refusals import NO_ANSWER, LostError, NotConnectedError, TroubleError
from examples.issue_tracker.settings import Sealer
from examples.issue_tracker.wire import Wire
from intarsia.server.storage.store import Store

TABLES = MetaData()

GRANTS = Table(
    "grants",
    TABLES,
    Column("person", String(200), primary_key=True),
    Column("account", String(80), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""The tracker account of each user, with the encrypted tokens."""

RENEW_SECONDS = 60
"""How long before its expiry a token is refreshed."""
TRIES = 3

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Held:
    """The grant of one user."""

    account: str
    """The name of the account at the tracker."""
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    until: float
    """The expiry of the access token, in seconds since 1970."""
    sealed: bytes = field(repr=False)
    """The encrypted tokens in the store."""


class Grants:
    """The grants of all users.

    Args:
        store: Where they are kept.
        wire: The way to the tracker.
        client: What the tracker calls this connector.
        sealer: What they are sealed with.
    """

    def __init__(self, store: Store, wire: Wire, client: str, sealer: Sealer) -> None:
        self._store = store
        self._wire = wire
        self._client = client
        self._renewals: dict[str, asyncio.Task[Held]] = {}
        self._sealer = sealer

    async def held(self, person: str) -> Held | None:
        """Return the grant of a user; `None` if there is none, or its key was removed."""
        async with self._store.read() as connection:
            row = (await connection.execute(select(GRANTS).where(GRANTS.c.person == person))).first()
        tokens = self._sealer.unseal("grant", row.sealed.decode()) if row else None
        return Held(row.account, **tokens, sealed=row.sealed) if row and tokens else None

    async def usable(self, person: str) -> Held:
        """Return a grant whose access token does not expire soon.

        Raises:
            NotConnectedError: There is none.
            TroubleError: It cannot be renewed at the moment.
        """
        held = await self.held(person)
        if held is None:
            raise NotConnectedError
        return held if held.until > time.time() + RENEW_SECONDS else await self.renewed(person, held.access)

    async def renewed(self, person: str, stale: str) -> Held:
        """Return a grant with a new access token, after the old one was rejected.

        It is asked for once, however many need it; and it is kept even if all of them have gone, because the tracker
        takes the old refresh token back.

        Raises:
            NotConnectedError: The tracker does not renew it: it was withdrawn.
            TroubleError: The tracker does not answer.
        """
        task = self._renewals.get(person)
        if task is None:
            # A separate context: the task serves all waiting requests and belongs to none.
            task = asyncio.create_task(self._renew(person, stale), context=Context())
            self._renewals[person] = task
            task.add_done_callback(lambda done: self._landed(person, done))
        return await asyncio.shield(task)

    def _landed(self, person: str, task: "asyncio.Task[Held]") -> None:
        del self._renewals[person]
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not log it if all waiting requests have ended

    async def _renew(self, person: str, stale: str) -> Held:
        held = await self.held(person)
        if held is None:
            raise NotConnectedError
        if held.access != stale:
            return held
        tokens = await self.ask({"grant_type": "refresh_token", "refresh_token": held.refresh})
        if tokens is None:
            await self._forget_if(person, held)
            raise NotConnectedError
        sealed = self._seal(tokens, held.refresh)
        here = (GRANTS.c.person == person) & (GRANTS.c.sealed == held.sealed)
        async with self._store.write() as connection:
            count = (await connection.execute(update(GRANTS).where(here).values(sealed=sealed))).rowcount
        now = await self.held(person)
        if count == 0 and now is None:  # the user has disconnected in the meantime
            await self._give_back(str(tokens["access_token"]))
        if now is None:
            raise NotConnectedError
        return now

    async def keep(self, person: str, account: str, tokens: Json) -> None:
        """Store new tokens of a user."""
        async with self._store.write() as connection:
            await connection.execute(delete(GRANTS).where(GRANTS.c.person == person))
            row = {"person": person, "account": account, "sealed": self._seal(tokens)}
            await connection.execute(insert(GRANTS).values(row))

    async def withdraw(self, person: str) -> None:
        """Delete the grant of a user and revoke it at the tracker."""
        held = await self.held(person)
        async with self._store.write() as connection:
            await connection.execute(delete(GRANTS).where(GRANTS.c.person == person))
        if held is not None:
            await self._give_back(held.refresh)

    async def lost(self, person: str, access: str) -> None:
        """Delete a grant that the tracker rejects even after a refresh."""
        held = await self.held(person)
        if held is not None and held.access == access:
            await self._forget_if(person, held)

    async def ask(self, form: Mapping[str, str]) -> Json | None:
        """Request tokens from the tracker; `None` if it refuses permanently.

        A request is sent again when its answer is lost: for a while the tracker takes a rotated token once more.

        Raises:
            TroubleError: It does not answer.
        """
        for _ in range(TRIES):
            try:
                response = await self._wire.send("POST", "/oauth/token", form={**form, "client_id": self._client})
            except LostError:
                continue
            if response.status_code == 200:
                return response.json()  # type: ignore[no-any-return]
            if response.status_code in (400, 401):
                return None
        raise TroubleError(NO_ANSWER)

    async def _give_back(self, token: str) -> None:
        form = {"token": token, "client_id": self._client}
        for _ in range(TRIES):
            try:
                await self._wire.send("POST", "/oauth/revoke", form=form)
            except (LostError, TroubleError):
                continue
            return

    async def _forget_if(self, person: str, held: Held) -> None:
        here = (GRANTS.c.person == person) & (GRANTS.c.sealed == held.sealed)
        async with self._store.write() as connection:
            await connection.execute(delete(GRANTS).where(here))

    def _seal(self, tokens: Json, refresh: str = "") -> bytes:
        values = {
            "access": tokens["access_token"],
            "refresh": tokens.get("refresh_token") or refresh,
            "until": time.time() + float(tokens["expires_in"]),
        }
        return self._sealer.seal("grant", values).encode()
