"""Attaching a connector to a FastMCP server. FastMCP is imported on use; it is an optional dependency."""

from typing import TYPE_CHECKING, Any

from intarsia.errors import SettingError
from intarsia.server.connector import Connector

if TYPE_CHECKING:
    from fastmcp import FastMCP


MIN_VERSION, BELOW_VERSION = (4, 1), (5, 0)
"""The supported FastMCP versions: at least the first, below the second."""

_INSTALL = "Install a supported version: pip install 'fastmcp>=4.1,<5'."


def attach(connector: Connector, server: "FastMCP[Any]") -> None:
    """Add a connector's tools and View to a FastMCP server.

    The server's own authentication, middleware and tools are unchanged. The connector starts and stops with the server.
    Attach before the server starts. The server may be mounted on another FastMCP server, but without a namespace:
    widgets call tools by name, so startup fails if the names change.

    Args:
        connector: The connector. Tools that are registered later are added too.
        server: A server of FastMCP 4.1 or a later 4.x version.

    Raises:
        SettingError: `server` is not a FastMCP server, FastMCP is missing or its version is unsupported, or the server
            already has a connector.
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
    # Prereleases have further parts, such as "0rc1"; only major and minor version count.
    words = fastmcp.__version__.split(".")
    found = tuple(int(word) for word in words[:2] if word.isdigit())
    if not MIN_VERSION <= found < BELOW_VERSION:
        message = f"intarsia.attach works with FastMCP 4.1 and later 4.x, not with {fastmcp.__version__}. {_INSTALL}"
        raise SettingError(message)
