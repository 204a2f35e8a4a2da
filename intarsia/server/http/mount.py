"""Mounts a connector at a path of an existing FastAPI or Starlette application."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import urlsplit

from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from intarsia.errors import SettingError
from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer
from intarsia.server.auth.resource_server.settings import PROTECTED_RESOURCE, ResourceServer
from intarsia.server.catalog import Catalog
from intarsia.server.http.app import PATH, build_app
from intarsia.server.http.limits import Limits

_FORM = re.compile(r"(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)+")


def mount_on(
    catalog: Catalog,
    app: Starlette,
    path: str,
    *,
    server: MCPServer[Any] | None = None,
    auth: ResourceServer | EmbeddedIssuer | None = None,
    hosts: tuple[str, ...] | None = None,
    origins: tuple[str, ...] | None = None,
    limits: Limits | None = None,
) -> None:
    """Serve a connector at a path of an application. See `Connector.mount_on`.

    Args:
        catalog: The catalog of the connector to serve.
        app: The application around it.
        path: The path, such as `/tasks`. The MCP endpoint is `/mcp` below it.
        server: The author's own server, if the connector was added to one; its sign-in and tools are served too.
        auth: The issuers whose tokens are accepted. Their URL of the connector includes the path.
        hosts: The allowed host names, without port.
        origins: The origins from which browsers may call.
        limits: How much one person, one address and all callers together may use at once.

    Raises:
        SettingError: The application is not a Starlette application or has started, the path is malformed or in use,
            or the URL in `auth` does not lead to the path.
    """
    _check_app(app, path)
    if auth is not None:
        _check_address(auth, path)
    own = build_app(catalog, server=server, auth=auth, hosts=hosts, origins=origins, limits=limits)
    # Clients look for metadata at the root of the host, with the path behind it (RFC 8414 and 9728).
    metadata: list[BaseRoute] = [Route(each, endpoint=own) for each in _metadata_paths(auth)]
    # In front of the routes of the application, where a catch-all route would take the requests.
    app.router.routes[:0] = [*metadata, Mount(path, app=own)]
    # Starlette runs no lifespan of mounted applications, so the one of the connector is run inside the outer one.
    around = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(outer: Starlette) -> AsyncGenerator[object]:
        async with around(outer) as state, own.router.lifespan_context(own):
            yield state

    app.router.lifespan_context = lifespan  # type: ignore[assignment]  # the state is whatever the author yields


def _check_app(app: Starlette, path: str) -> None:
    if not isinstance(cast("object", app), Starlette):
        message = f"mount_on takes an application of FastAPI or Starlette, not {type(app).__name__}."
        raise SettingError(message)
    if not _FORM.fullmatch(path):
        message = (
            f"mount_on takes a path such as '/tasks', not {path!r}. Where the connector is all that is served, use "
            "connector.app()."
        )
        raise SettingError(message)
    if path.endswith(PATH):
        message = f"The server is at {PATH} below the path that mount_on is given; leave it out of {path!r}."
        raise SettingError(message)
    if any(isinstance(route, Mount) and route.path == path for route in app.routes):
        message = f"The application has something mounted at {path!r} already."
        raise SettingError(message)
    if app.middleware_stack is not None:
        message = "The application has started; call mount_on before it is served."
        raise SettingError(message)


def _check_address(auth: ResourceServer | EmbeddedIssuer, path: str) -> None:
    """Check that the URL that clients get leads to the path of the connector."""
    address, below = (auth.resource, path + PATH) if isinstance(auth, ResourceServer) else (auth.public_url, path)
    found = urlsplit(address)
    if not found.path.endswith(below):
        what = "resource" if isinstance(auth, ResourceServer) else "public_url"
        better = f"{found.scheme}://{found.netloc}{below}"
        message = f"The {what} {address!r} does not lead to the connector at {path!r}; write {better!r}."
        raise SettingError(message)


def _metadata_paths(auth: ResourceServer | EmbeddedIssuer | None) -> tuple[str, ...]:
    if auth is None:
        return ()
    if isinstance(auth, EmbeddedIssuer):
        return auth.metadata_path, PROTECTED_RESOURCE + urlsplit(auth.resource).path
    return (auth.metadata_path,)
