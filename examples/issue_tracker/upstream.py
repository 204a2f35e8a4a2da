"""Requests to the tracker with the grant of one user, whose error responses become refusals."""

from collections.abc import Mapping
from typing import Any

import httpx2

from examples.issue_tracker.grants import Grants
from examples.issue_tracker.refusals import NO_ANSWER, LostError, NotConnectedError, TroubleError, understood
from examples.issue_tracker.wire import Wire

READ_TRIES = 3

Json = dict[str, Any]


class Upstream:
    """Reads and changes data on behalf of users.

    Args:
        wire: The way to the tracker.
        grants: What people granted there.
    """

    def __init__(self, wire: Wire, grants: Grants) -> None:
        self._wire = wire
        self._grants = grants

    async def read(self, person: str, path: str) -> Any:
        """Read data. A read has no side effects, so it is retried when the response is lost.

        Raises:
            RefusedError: The tracker refuses, does not answer, or the person is not connected.
        """
        for _ in range(READ_TRIES):
            try:
                return (await self._send(person, "GET", path)).json()
            except LostError:
                continue
        raise TroubleError(NO_ANSWER)

    async def change(self, person: str, method: str, path: str, body: Mapping[str, Any], key: str) -> Json:
        """Make a change, once for each key.

        Raises:
            RefusedError: It was not done, and why.
            LostError: It is not known whether it was done. Ask again under the same key.
        """
        response = await self._send(person, method, path, body, {"Idempotency-Key": key})
        fields: Json = response.json()
        return fields

    async def settle(self, person: str, key: str) -> Json:
        """Ask for the result of a change. If there is none, the key is invalidated, so that it is never applied.

        Raises:
            RefusedError: It cannot be asked.
            LostError: There was no answer.
        """
        fields: Json = (await self._send(person, "POST", f"/v1/requests/{key}/settle", {})).json()
        return fields

    async def _send(
        self,
        person: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        held = await self._grants.usable(person)
        for is_renewed in (False, True):
            sent = {**(headers or {}), "Authorization": f"Bearer {held.access}"}
            response = await self._wire.send(method, path, headers=sent, body=body)
            if response.status_code != 401:
                return understood(response)
            if not is_renewed:
                held = await self._grants.renewed(person, held.access)
        await self._grants.lost(person, held.access)
        raise NotConnectedError
