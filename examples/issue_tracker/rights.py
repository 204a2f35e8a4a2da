"""What each person may do in a project of the tracker, as it last said; it has the last word with every change."""

import time
from collections.abc import Mapping
from typing import Any

from examples.issue_tracker.upstream import Json, Upstream
from intarsia import Grant, RefusedError
from intarsia.permissions import Rule

FRESH_SECONDS = 2.0
"""How long what the tracker said is taken for true when controls are drawn."""


class Rights:
    """Why the tracker would refuse things, by person and project.

    Args:
        upstream: The tracker.
    """

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._known: dict[tuple[str, str], tuple[float, Mapping[str, str]]] = {}

    def learn(self, person: str, project: Json) -> None:
        """Take what the tracker said with a project."""
        now = time.monotonic()
        old = [name for name, (at, _) in self._known.items() if at < now - FRESH_SECONDS]
        for name in old:
            del self._known[name]
        self._known[person, project["id"]] = (now, project["refusals"])

    def forget(self, person: str, project: str) -> None:
        """Ask again the next time: the tracker has just said something else."""
        self._known.pop((person, project), None)

    def rule(self, right: str) -> Rule:
        """Return a rule for an action that needs a right in its `project`."""

        async def may(grant: Grant, arguments: Mapping[str, Any]) -> bool | str:
            try:
                return await self._refusal(grant.person, arguments["project"], right) or True
            except RefusedError:
                return True  # what it is cannot be learned now; the change itself will say

        return may

    async def _refusal(self, person: str, project: str, right: str) -> str:
        at, refusals = self._known.get((person, project), (float("-inf"), {}))
        if at < time.monotonic() - FRESH_SECONDS:
            said = await self._upstream.read(person, f"/v1/projects/{project}")
            self.learn(person, said)
            refusals = said["refusals"]
        return refusals.get(right, "")
