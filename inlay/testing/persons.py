"""The people of a test: each Grant gets a made-up token, and the server that is tested knows these and no others."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from secrets import token_urlsafe

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.routing import Mount

from inlay.permissions import Grant


class Persons:
    """Who may come, by their tokens. The SDK asks it about every token that it is sent."""

    def __init__(self) -> None:
        self._tokens: dict[Grant, str] = {}
        self._grants: dict[str, Grant] = {}

    def token_of(self, grant: Grant) -> str:
        """Return the token of a person, made when it is first asked for."""
        if grant not in self._tokens:
            token = token_urlsafe(24)
            self._tokens[grant], self._grants[token] = token, grant
        return self._tokens[grant]

    def change(self, grant: Grant, now: Grant | None) -> None:
        """Let a person's token stand for another grant from now on, or for none: it was revoked."""
        token = self.token_of(grant)
        if now is None:
            self._grants.pop(token, None)
        else:
            self._grants[token] = now

    async def verify_token(self, token: str) -> AccessToken | None:
        """Say whom a token is about, as the SDK asks."""
        grant = self._grants.get(token)
        if grant is None:
            return None
        return access_token(grant)


def access_token(grant: Grant) -> AccessToken:
    """Say of a person what the SDK knows of a verified token."""
    return AccessToken(
        token="",
        client_id=grant.client,
        scopes=sorted(grant.scopes),
        subject=grant.subject,
        claims={**grant.claims, "iss": grant.issuer, "roles": sorted(grant.roles)},
    )


def with_persons(app: Starlette, persons: Persons) -> Starlette:
    """Put the people of a test in front of an application that knows none, or others.

    Args:
        app: Any Starlette application with `/mcp`; it stays as it is.
        persons: Whose tokens are taken. Whoever comes with another, or with none, is turned away.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with app.router.lifespan_context(app):
            yield

    return Starlette(
        routes=[Mount("/", app=RequireAuthMiddleware(app, required_scopes=[]))],
        middleware=[
            Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(persons)),
            Middleware(AuthContextMiddleware),
        ],
        lifespan=lifespan,
    )
