"""URLs and paths of requests, as the request limits, the pages and the token check compare them."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit


def route_path(scope: Mapping[str, Any]) -> str:
    """Return the path of a request inside its application, without the path where the application is mounted.

    Args:
        scope: The ASGI scope of the request.
    """
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    inside = path.removeprefix(root)
    return inside if root and (not inside or inside.startswith("/")) else path


def origin_of(address: str) -> str:
    """Return the origin of a URL, in the form of the `Origin` header, such as `https://example.com:8443`."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
