"""The users of a test: each Grant gets a test token, and the tested server accepts only these tokens."""

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
"""The subject of all callers without sign-in."""

RELOAD_SECONDS = 0.02


class TestUsers:
    """The accepted tokens and their grants. The SDK verifies tokens with it."""

    def __init__(self) -> None:
        self._tokens: dict[Grant, str] = {}
        self._grants: dict[str, Grant] = {}
        self._notices: Counter[str] = Counter()

    def token_of(self, grant: Grant) -> str:
        """Return the token of a user. The first call creates it."""
        if grant not in self._tokens:
            token = token_urlsafe(24)
            self._tokens[grant], self._grants[token] = token, grant
        return self._tokens[grant]

    def change(self, grant: Grant, now: Grant | None, *, is_noticed: bool) -> None:
        """Change the grant of a user's token, or revoke the token.

        Args:
            grant: The user.
            now: The new grant, or `None` to revoke the token.
            is_noticed: Whether waiting calls are notified.
        """
        token = self.token_of(grant)
        self._notices[token] += is_noticed
        if now is None:
            self._grants.pop(token, None)
        else:
            self._grants[token] = now

    def grant_of(self, token: str) -> Grant | None:
        """Return the grant of a token."""
        return self._grants.get(token)

    def notices(self, token: str) -> int:
        """Return how many changes of a token waiting calls were notified of."""
        return self._notices[token]

    async def changed(self, token: str, before: int) -> Grant | None:
        """Wait for a change of a token of which waiting calls are notified.

        Args:
            token: The token.
            before: The number of `notices` when the call began.
        """
        while self._notices[token] == before:  # noqa: ASYNC110  # the change may happen in another event loop
            await asyncio.sleep(RELOAD_SECONDS)
        return self._grants.get(token)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Verify a token, as the SDK requires."""
        grant = self.grant_of(token)
        if grant is None:
            return None
        return access_token(grant)


class _Held:
    """The access of one call, from its beginning: a change before the call waits counts too."""

    def __init__(self, users: TestUsers, token: str) -> None:
        self._users = users
        self._token = token
        self._before = users.notices(token)

    async def changed(self) -> Grant | None:
        """Wait until the user's permissions differ from what they were when the call began."""
        return await self._users.changed(self._token, self._before)


class _Watched:
    """ASGI middleware that lets calls watch the caller's access, as a server with sign-in does."""

    def __init__(self, app: ASGIApp, users: TestUsers) -> None:
        self._app = app
        self._users = users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request. Without sign-in there is no access to watch."""
        token = Headers(scope=scope).get("authorization", "").removeprefix("Bearer ") if scope["type"] == "http" else ""
        grant = self._users.grant_of(token)
        before = ACCESS_WATCH.set(_Held(self._users, token) if grant and grant.subject != LOCAL else None)
        try:
            await self._app(scope, receive, send)
        finally:
            ACCESS_WATCH.reset(before)


def access_token(grant: Grant) -> AccessToken:
    """Return the SDK's access token for a grant."""
    return AccessToken(
        token="",
        client_id=grant.client,
        scopes=sorted(grant.scopes),
        subject=grant.subject,
        claims={**grant.claims, "iss": grant.issuer, "roles": sorted(grant.roles)},
    )


def with_test_users(app: Starlette, users: TestUsers) -> Starlette:
    """Wrap an application so that it accepts the users of a test only.

    Args:
        app: Any Starlette application with `/mcp`; it is not changed.
        users: The accepted tokens. Requests with other tokens, or without one, are rejected.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with app.router.lifespan_context(app):
            yield

    return Starlette(
        routes=[Mount("/", app=RequireAuthMiddleware(app, required_scopes=[]))],
        middleware=[
            Middleware(_Watched, users=users),  # first, so that no change falls between its look and the check
            Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(users)),
            Middleware(AuthContextMiddleware),
        ],
        lifespan=lifespan,
    )
