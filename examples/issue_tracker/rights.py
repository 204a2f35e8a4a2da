"""Caches the permissions of users in the tracker's projects. The tracker authorizes each change itself."""

import time
from collections.abc import Mapping
from typing import Any

from examples.issue_tracker.upstream import Json, Upstream
from intarsia import Grant, RefusedError
from intarsia.permissions import Rule

FRESH_SECONDS = 2.0
"""How long permissions are cached for rendering controls."""


class Rights:
    """The reasons for which the tracker would refuse actions, by user and project.

    Args:
        upstream: The tracker.
    """

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._known: dict[tuple[str, str], tuple[float, Mapping[str, str]]] = {}

    def learn(self, person: str, project: Json) -> None:
        """Store the permissions from a project of the tracker."""
        now = time.monotonic()
        old = [name for name, (at, _) in self._known.items() if at < now - FRESH_SECONDS]
        for name in old:
            del self._known[name]
        self._known[person, project["id"]] = (now, project["refusals"])

    def forget(self, person: str, project: str) -> None:
        """Drop cached permissions after a refusal of the tracker."""
        self._known.pop((person, project), None)

    def rule(self, right: str) -> Rule:
        """Return an `allow` rule for an action that needs a permission in its `project`."""

        async def may(grant: Grant, arguments: Mapping[str, Any]) -> bool | str:
            try:
                return await self._refusal(grant.person, arguments["project"], right) or True
            except RefusedError:
                return True  # unknown at the moment; the tracker decides when the change is made

        return may

    async def _refusal(self, person: str, project: str, right: str) -> str:
        at, refusals = self._known.get((person, project), (float("-inf"), {}))
        if at < time.monotonic() - FRESH_SECONDS:
            said = await self._upstream.read(person, f"/v1/projects/{project}")
            self.learn(person, said)
            refusals = said["refusals"]
        return refusals.get(right, "")
