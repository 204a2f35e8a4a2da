"""The issue tracker and the connector in front of it, in one process, with a wire between them that can be cut."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx2
import pytest
from sqlalchemy import delete, func, insert, select, update

from examples.issue_tracker import tools
from examples.issue_tracker.service.accounts import make_tokens
from examples.issue_tracker.service.app import CLIENT, Tracker
from examples.issue_tracker.service.seed import PEOPLE
from examples.issue_tracker.service.tables import ISSUES, MEMBERS, TOKENS
from intarsia import Grant
from intarsia.server.wire.messages import CallResponse

SCOPES = frozenset({"issues:read", "issues:write"})
NOOR, EMIL, LUCIA, TOMAS = (Grant(f"{name}@here", scopes=SCOPES) for name in PEOPLE)
MOVE: dict[str, Any] = {"project": "webshop", "card": "WEB-8", "column": "review", "index": 0, "version": 1}

Fate = Callable[[httpx2.Request], httpx2.Response | Exception | None]
"""What becomes of a request or of its answer; None: it goes its way."""


def nothing(_request: httpx2.Request) -> None:
    """Let everything through."""


class Wire(httpx2.AsyncBaseTransport):
    """Carries requests to the service, and loses what it is told to.

    Args:
        service: Who answers.
    """

    def __init__(self, service: Tracker) -> None:
        self._carrier = httpx2.ASGITransport(service, raise_app_exceptions=False)
        self.before: Fate = nothing
        self.after: Fate = nothing
        self.sent: list[httpx2.Request] = []
        self.statuses: list[int] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carry one request."""
        self.sent.append(request)
        instead = _met(self.before(request))
        if instead is None:
            answer = await self._carrier.handle_async_request(request)
            self.statuses.append(answer.status_code)
            instead = _met(self.after(request)) or answer
        return instead

    def changes(self) -> list[httpx2.Request]:
        """Return the requests that asked for a change, without those that settle one."""
        asked = [one for one in self.sent if "idempotency-key" in one.headers]
        return [one for one in asked if not one.url.path.startswith("/v1/requests/")]


def _met(fate: httpx2.Response | Exception | None) -> httpx2.Response | None:
    if isinstance(fate, Exception):
        raise fate
    return fate


class World:
    """Both sides, and who is who."""

    def __init__(self, service: Tracker, wire: Wire) -> None:
        self.service = service
        self.wire = wire
        self.connector = tools.issues

    async def connect(self, grant: Grant, person: str | None = None) -> None:
        """Connect a person with the account of the same name; `person` is who they are where they signed in."""
        name = grant.subject.removesuffix("@here")
        async with self.service.database.write() as connection:
            tokens = await make_tokens(connection, name, CLIENT, token_hex(8))
        await tools.grants.keep(person or grant.person, PEOPLE[name], tokens)

    async def call(
        self, tool: str, grant: Grant, meta: Mapping[str, Any] | None = None, **arguments: Any
    ) -> CallResponse:
        """Call a tool as a host would."""
        return await self.connector.calls.answer(tool, arguments, meta or {}, grant)

    async def move(self, grant: Grant, key: str | None = None, **changes: Any) -> CallResponse:
        """Move an issue."""
        meta = {"dev.intarsia/id": key} if key else {}
        return await self.call("move_issue", grant, meta, **{**MOVE, **changes})

    async def seat(self, user: str, role: str | None, project: str = "webshop") -> None:
        """Say at the tracker what somebody is in a project."""
        async with self.service.database.write() as connection:
            here = (MEMBERS.c.user == user) & (MEMBERS.c.project == project)
            await connection.execute(delete(MEMBERS).where(here))
            if role:
                await connection.execute(insert(MEMBERS).values(project=project, user=user, role=role))

    async def end_tokens(self, kind: str | None = None) -> None:
        """Let the tracker forget its tokens, or those of one kind."""
        async with self.service.database.write() as connection:
            await connection.execute(delete(TOKENS).where(TOKENS.c.kind == kind) if kind else delete(TOKENS))

    async def touch(self, issue: str, change: str) -> None:
        """Let somebody change an issue at the tracker."""
        values = {"version": ISSUES.c.version + 1, "changed_by": "Noor Haddad", "change": change}
        async with self.service.database.write() as connection:
            await connection.execute(update(ISSUES).where(ISSUES.c.id == issue).values(values))

    async def issue(self, name: str) -> Mapping[str, Any]:
        """Return an issue as the tracker has it."""

        async with self.service.database.read() as connection:
            return dict((await connection.execute(select(ISSUES).where(ISSUES.c.id == name))).mappings().one())

    async def count(self, title: str) -> int:
        """Return how many issues have a title."""
        wanted = select(func.count()).where(ISSUES.c.title == title)
        async with self.service.database.read() as connection:
            return int((await connection.execute(wanted)).scalar_one())


@asynccontextmanager
async def running_tracker_system(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[World]:
    """Run the service on a new file; the connector, which has new files too, is not started."""
    service = Tracker(folder / "service.db", calls_per_minute=1_000_000)
    wire = Wire(service)
    monkeypatch.setattr(tools.wire, "transport", wire)
    monkeypatch.setattr(tools.issues.store, "path", folder / "connector.db")
    monkeypatch.setattr(tools.rights, "_known", {})
    monkeypatch.setattr(tools.connecting, "_links", {})
    async with service.database.running():
        yield World(service, wire)
