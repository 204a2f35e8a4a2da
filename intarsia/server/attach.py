"""The way onto a FastMCP server. FastMCP is loaded when it is used, and is no requirement of Intarsia."""

from typing import TYPE_CHECKING, Any

from intarsia.errors import SettingError
from intarsia.server.connector import Connector

if TYPE_CHECKING:
    from fastmcp import FastMCP


MIN_VERSION, BELOW_VERSION = (4, 1), (5, 0)
"""Which versions of FastMCP are supported: the series that is tested, and what follows in it."""

_INSTALL = "Install one that is: pip install 'fastmcp>=4.1,<5'."


def attach(connector: Connector, server: "FastMCP[Any]") -> None:
    """Offer a connector's tools and its View on a FastMCP server; everything that the server has stays as it is.

    The server's sign-in, middleware and tools work as before, and the connector is opened and closed with it. Attach
    to a server before it is started. It may be mounted on another, but not under a namespace: widgets call tools by
    their names, so the server does not start where something renames them.

    Args:
        connector: Whose tools are offered; those that it gets later too.
        server: A server of FastMCP 4.1 or a later 4.x.

    Raises:
        SettingError: The server is none of FastMCP, FastMCP is missing or of a version that is not supported, or the
            server has a connector already.
    """
    _check_version()
    from intarsia.server.mcp_server.on_fastmcp import join  # noqa: PLC0415  # knows FastMCP, which may be missing

    join(connector.catalog, server)


def _check_version() -> None:
    try:
        import fastmcp  # noqa: PLC0415  # no requirement of Intarsia
    except ImportError:
        message = f"intarsia.attach needs FastMCP, which is not installed. {_INSTALL}"
        raise SettingError(message) from None
    words = fastmcp.__version__.split(".")
    found = tuple(int(word) for word in words[:2] if word.isdigit())
    if not MIN_VERSION <= found < BELOW_VERSION:
        message = f"intarsia.attach works with FastMCP 4.1 and later 4.x, not with {fastmcp.__version__}. {_INSTALL}"
        raise SettingError(message)
