"""The people of a test: each Grant gets a made-up token, and the server that is tested knows these and no others."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from secrets import token_urlsafe

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from intarsia.permissions import Grant
from intarsia.server.changes.access_watch import ACCESS_WATCH

LOCAL = "local"
"""Who everybody is where nobody signs in."""

RELOAD_SECONDS = 0.02


class TestUsers:
    """Who may come, by their tokens. The SDK asks it about every token that it is sent."""

    def __init__(self) -> None:
        self._tokens: dict[Grant, str] = {}
        self._grants: dict[str, Grant] = {}
        self._notices: Counter[str] = Counter()

    def token_of(self, grant: Grant) -> str:
        """Return the token of a user, made when it is first asked for."""
        if grant not in self._tokens:
            token = token_urlsafe(24)
            self._tokens[grant], self._grants[token] = token, grant
        return self._tokens[grant]

    def change(self, grant: Grant, now: Grant | None, *, is_noticed: bool) -> None:
        """Let a user's token stand for another grant from now on, or for none: it was revoked.

        Args:
            grant: The user.
            now: What they grant from now on.
            is_noticed: Whether calls that wait are told of it.
        """
        token = self.token_of(grant)
        self._notices[token] += is_noticed
        if now is None:
            self._grants.pop(token, None)
        else:
            self._grants[token] = now

    def grant_of(self, token: str) -> Grant | None:
        """Return what a token stands for."""
        return self._grants.get(token)

    async def changed(self, token: str) -> Grant | None:
        """Wait until a token stands for something else, and calls that wait are told of it."""
        before = self._notices[token]
        while self._notices[token] == before:  # noqa: ASYNC110  # who changes it may run in another event loop
            await asyncio.sleep(RELOAD_SECONDS)
        return self._grants.get(token)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Say whom a token is about, as the SDK asks."""
        grant = self.grant_of(token)
        if grant is None:
            return None
        return access_token(grant)


class _Held:
    """The access of one call that waits."""

    def __init__(self, users: TestUsers, token: str) -> None:
        self._users = users
        self._token = token

    async def changed(self) -> Grant | None:
        """Wait until the user may do something else."""
        return await self._users.changed(self._token)


class _Watched:
    """ASGI middleware that lets calls wait for what becomes of their caller's access, as a server with sign-in does."""

    def __init__(self, app: ASGIApp, users: TestUsers) -> None:
        self._app = app
        self._users = users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on. Whoever is here without signing in has nothing to be withdrawn."""
        token = Headers(scope=scope).get("authorization", "").removeprefix("Bearer ") if scope["type"] == "http" else ""
        grant = self._users.grant_of(token)
        before = ACCESS_WATCH.set(_Held(self._users, token) if grant and grant.subject != LOCAL else None)
        try:
            await self._app(scope, receive, send)
        finally:
            ACCESS_WATCH.reset(before)


def access_token(grant: Grant) -> AccessToken:
    """Say of a user what the SDK knows of a verified token."""
    return AccessToken(
        token="",
        client_id=grant.client,
        scopes=sorted(grant.scopes),
        subject=grant.subject,
        claims={**grant.claims, "iss": grant.issuer, "roles": sorted(grant.roles)},
    )


def with_test_users(app: Starlette, users: TestUsers) -> Starlette:
    """Put the people of a test in front of an application that knows none, or others.

    Args:
        app: Any Starlette application with `/mcp`; it stays as it is.
        users: Whose tokens are taken. Whoever comes with another, or with none, is turned away.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with app.router.lifespan_context(app):
            yield

    return Starlette(
        routes=[Mount("/", app=RequireAuthMiddleware(app, required_scopes=[]))],
        middleware=[
            Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(users)),
            Middleware(AuthContextMiddleware),
            Middleware(_Watched, users=users),
        ],
        lifespan=lifespan,
    )
