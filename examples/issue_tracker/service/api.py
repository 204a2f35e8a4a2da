"""The tracker's API: JSON over HTTP, under `/v1`, with the tracker's own access tokens."""

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from examples.issue_tracker.service import issues
from examples.issue_tracker.service.accounts import User, user_of
from examples.issue_tracker.service.answers import digest_of, first_answer, keep_answer, settle
from examples.issue_tracker.service.database import Database
from examples.issue_tracker.service.problems import Problem
from examples.issue_tracker.service.tables import MEMBERS

Body = Mapping[str, Any]
Read = Callable[[AsyncConnection, User, Request], Awaitable[Any]]
Change = Callable[[AsyncConnection, User, Request, Body], Awaitable[Body]]

MINUTE = 60


class Api:
    """Handles requests of connectors on behalf of users.

    Args:
        database: What it reads and writes.
        calls_per_minute: The rate limit of each user.
    """

    def __init__(self, database: Database, calls_per_minute: int) -> None:
        self._database = database
        self.calls_per_minute = calls_per_minute
        self.closed_for = ""
        """The reason of an outage; empty if the service works."""
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)

    @property
    def routes(self) -> list[Route]:
        """The routes under `/v1`."""
        return [
            self._reads("/v1/me", _me),
            self._reads("/v1/projects", _projects),
            self._reads("/v1/projects/{project}", _board),
            self._reads("/v1/issues/{issue}", _issue),
            self._changes("POST", "/v1/projects/{project}/issues", _add),
            self._changes("PATCH", "/v1/issues/{issue}", _change),
            self._changes("POST", "/v1/issues/{issue}/comments", _comment),
            self._changes("PUT", "/v1/projects/{project}/members/{user}", _seat),
            self._changes("POST", "/v1/requests/{key}/settle", _settle),
        ]

    def _reads(self, path: str, read: Read) -> Route:
        async def answer(request: Request) -> Response:
            async with self._database.read() as connection:
                user = await self._admitted(connection, request)
                return JSONResponse(await read(connection, user, request))

        return Route(path, answer, methods=["GET"])

    def _changes(self, method: str, path: str, change: Change) -> Route:
        async def answer(request: Request) -> Response:
            body = await _body_of(request)
            key = request.headers.get("idempotency-key")
            asked = digest_of(method, request.url.path, body)
            async with self._database.write() as connection:
                user = await self._admitted(connection, request)
                first = await first_answer(connection, user.id, key, asked) if key else None
                if first is not None:
                    return JSONResponse(first[1], first[0], {"Idempotent-Replayed": "true"})
                made = await change(connection, user, request, body)
                if key:
                    await keep_answer(connection, user.id, key, asked, 200, made)
            return JSONResponse(made)

        return Route(path, answer, methods=[method])

    async def _admitted(self, connection: AsyncConnection, request: Request) -> User:
        """Return the user of a request, within the rate limit."""
        if self.closed_for:
            raise Problem(503, self.closed_for, {"Retry-After": "120"})
        user = await user_of(connection, request.headers.get("authorization", ""))
        now, calls = monotonic(), self._calls[user.id]
        while calls and calls[0] <= now - MINUTE:
            calls.popleft()
        if len(calls) >= self.calls_per_minute:
            raise Problem(429, "Too many requests.", {"Retry-After": str(int(calls[0] + MINUTE - now) + 1)})
        calls.append(now)
        return user


async def _body_of(request: Request) -> Body:
    try:
        body: object = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Problem(422, "The body must be a JSON object.")
    return body  # pyright: ignore[reportUnknownVariableType] - keys of JSON objects are texts


async def _me(_connection: AsyncConnection, user: User, _request: Request) -> Body:
    return {"id": user.id, "name": user.name}


async def _projects(connection: AsyncConnection, user: User, _request: Request) -> Any:
    return await issues.projects_of(connection, user)


async def _board(connection: AsyncConnection, user: User, request: Request) -> Body:
    return await issues.board_of(connection, request.path_params["project"], user)


async def _issue(connection: AsyncConnection, user: User, request: Request) -> Body:
    return await issues.issue_of(connection, request.path_params["issue"], user)


async def _add(connection: AsyncConnection, user: User, request: Request, body: Body) -> Body:
    return await issues.add_issue(connection, request.path_params["project"], user, body)


async def _change(connection: AsyncConnection, user: User, request: Request, body: Body) -> Body:
    return await issues.change_issue(connection, request.path_params["issue"], user, body)


async def _comment(connection: AsyncConnection, user: User, request: Request, body: Body) -> Body:
    return await issues.comment(connection, request.path_params["issue"], user, body)


async def _seat(connection: AsyncConnection, user: User, request: Request, body: Body) -> Body:
    """Set the role of a user in a project; without a role the user is removed."""
    project, member, role = request.path_params["project"], request.path_params["user"], body.get("role")
    await issues.check_right(connection, project, user, "invite")
    if role is not None and role not in issues.RIGHTS:
        raise Problem(422, f"The roles are {', '.join(issues.RIGHTS)}.")
    await connection.execute(delete(MEMBERS).where(MEMBERS.c.project == project, MEMBERS.c.user == member))
    if role is not None:
        await connection.execute(insert(MEMBERS).values(project=project, user=member, role=role))
    return {"user": member, "role": role}


async def _settle(connection: AsyncConnection, user: User, request: Request, _body: Body) -> Body:
    return await settle(connection, user.id, request.path_params["key"])
