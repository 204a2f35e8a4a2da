"""The connector with the pages by which people connect their accounts, as one application."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Mount

from examples.issue_tracker.tools import connecting, issues

if TYPE_CHECKING:
    from intarsia import ResourceServer


def make_app(auth: "ResourceServer | None" = None) -> Starlette:
    """Return the application: `/mcp`, and `/connect/tracker` for browsers, which bring no token.

    Args:
        auth: Whose access tokens are taken at `/mcp`. Without it whoever reaches the server is one and the same person.
    """
    connector = issues.app(auth=auth)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with connector.router.lifespan_context(connector):
            yield

    return Starlette(routes=[*connecting.routes, Mount("/", connector)], lifespan=lifespan)
