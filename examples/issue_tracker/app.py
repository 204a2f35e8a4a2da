"""The connector with the pages by which people connect their accounts, as one application."""

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Mount

from examples.issue_tracker.tools import connecting, issues

if TYPE_CHECKING:
    from inlay import ResourceServer


def make_app(auth: "ResourceServer | None" = None) -> Starlette:
    """Return the application: `/mcp`, and `/connect/tracker` for browsers, which bring no token.

    Args:
        auth: Whose access tokens are taken at `/mcp`. Without it whoever reaches the server is one and the same person.
    """
    connector = issues.app(auth=auth)
    return Starlette(
        routes=[*connecting.routes, Mount("/", connector)],
        lifespan=lambda _: connector.router.lifespan_context(connector),
    )
