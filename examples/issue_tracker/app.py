"""An application with the connector and the pages on which users connect their accounts."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Mount

from examples.issue_tracker.tools import connecting, issues

if TYPE_CHECKING:
    from intarsia import ResourceServer


def make_app(auth: "ResourceServer | None" = None) -> Starlette:
    """Return the application: `/mcp`, and `/connect/tracker` for browsers, which need no token.

    Args:
        auth: The accepted access tokens at `/mcp`. Without it, all callers are the same user.
    """
    connector = issues.app(auth=auth)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with connector.router.lifespan_context(connector):
            yield

    return Starlette(routes=[*connecting.routes, Mount("/", connector)], lifespan=lifespan)
