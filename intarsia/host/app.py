"""The routes of the host page: the page, its script and style, and its configuration.

The sandbox proxy is a second application, because it must have another origin: see `intarsia.host.sandbox`.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from intarsia.errors import SettingError
from intarsia.host.connectors.registry import ConnectorRegistry
from intarsia.host.connectors.routes import CONNECTORS, connector_routes
from intarsia.host.same_origin import FRESH
from intarsia.server.http.body_limits import checked_requests
from intarsia.server.http.request_limits import LOCAL_HOSTS, checked_hosts

HOST_FOLDER = Path(__file__).parent
PAGE_FOLDER = HOST_FOLDER / "page"
BUNDLE_FOLDER = HOST_FOLDER / "dist"

USERS = "/host/users"
"""The route for demo users, if the connector is served with them."""

# The policy of the page itself. The frames of widgets have their own policy.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src {sandbox}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def host_app(
    connector_app: Starlette,
    *,
    sandbox_port: int,
    hosts: tuple[str, ...] = LOCAL_HOSTS,
    script: Path | None = None,
    connectors: ConnectorRegistry | None = None,
) -> Starlette:
    """Build an application that serves the host page at `/` and all other paths from the connector.

    Args:
        connector_app: The connector's application; its lifespan runs inside this one's. If it has demo users, its
            `state.users` is their route.
        sandbox_port: The port of `sandbox_app`, on the same machine.
        hosts: Host names that requests may name, without port.
        script: Another bundle of the page, to test another version of the bridge.
        connectors: The connectors that users add in the page; `None` turns this off.

    Raises:
        SettingError: The page is not bundled.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        adding = connectors.running() if connectors else nullcontext()
        async with adding, connector_app.router.lifespan_context(connector_app):
            yield

    users: str | None = getattr(connector_app.state, "users", None)
    about = {"users": users, "connectors": CONNECTORS if connectors else None}
    routes = host_routes(sandbox_port=sandbox_port, hosts=hosts, script=script, about=about)
    if connectors:
        routes += connector_routes(connectors, checked_hosts(hosts))
    return Starlette(routes=[*routes, Mount("/", app=connector_app)], lifespan=lifespan)


def host_routes(
    *,
    sandbox_port: int,
    hosts: tuple[str, ...] = LOCAL_HOSTS,
    script: Path | None = None,
    about: Mapping[str, str | None] | None = None,
) -> list[BaseRoute]:
    """Return the routes of the page, to mount beside a connector's own.

    Args:
        sandbox_port: The port of `sandbox_app`, on the same machine.
        hosts: Host names that requests may name, without port.
        script: Another bundle of the page's script.
        about: The routes for demo users and for added connectors.

    Raises:
        SettingError: The page is not bundled.
    """

    async def page(request: Request) -> Response:
        policy = _PAGE_POLICY.format(sandbox=sandbox_origin(request, sandbox_port))
        return FileResponse(PAGE_FOLDER / "index.html", headers={**FRESH, "Content-Security-Policy": policy})

    async def config(request: Request) -> Response:
        known = {"mcp": "/mcp", "sandbox": sandbox_origin(request, sandbox_port), **(about or {})}
        return JSONResponse(known, headers=FRESH)

    gate = checked_requests(checked_hosts(hosts))
    return [
        Route("/", page, middleware=gate),
        Route("/host/config.json", config, middleware=gate),
        file_route("/host/host.js", script or bundle("host.js"), gate),
        file_route("/host/host.css", bundle("host.css"), gate),
        file_route("/host/icon.svg", PAGE_FOLDER / "icon.svg", gate),
        file_route("/favicon.ico", PAGE_FOLDER / "icon.svg", gate),
    ]


def file_route(path: str, file: Path, middleware: tuple[Middleware, ...] = ()) -> Route:
    """Return a route that serves one file without caching."""

    async def send_file(_request: Request) -> Response:
        return FileResponse(file, headers=FRESH)

    return Route(path, send_file, middleware=middleware)


def bundle(name: str) -> Path:
    """Return the path of a bundled file.

    Raises:
        SettingError: It is not bundled.
    """
    path = BUNDLE_FOLDER / name
    if not path.is_file():
        message = f"The host page is not bundled: {path} is missing. Bundle it with: make bundle"
        raise SettingError(message)
    return path


def sandbox_origin(request: Request, sandbox_port: int) -> str:
    """Return the sandbox's origin: the host name of the request, with the sandbox's port."""
    return str(request.url.replace(scheme="http", port=sandbox_port, path="", query="", fragment="")).rstrip("/")
