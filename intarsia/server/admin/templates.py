"""Renders the admin pages. They run one script, htmx, and work without it too."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import Response

from intarsia.errors import SettingError
from intarsia.server.audit.export import escape_invisible
from intarsia.server.pages.templates import BASE_PATH, HEADERS, render_template, template_environment

SCRIPT_PATH = "/admin/admin.js"
ADMIN_STYLE_PATH = "/admin/admin.css"

_FOLDER = Path(__file__).parent
_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ASSET_HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
ADMIN_HEADERS: Mapping[str, str] = MappingProxyType({**HEADERS, "Content-Security-Policy": _POLICY})


def render_admin_page(
    template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> Response:
    """Render an admin page.

    Args:
        template: The name of the template in `html/`, without `.html`.
        status: The HTTP status.
        headers: Additional headers.
        values: The variables of the template.
    """
    more = {**ADMIN_HEADERS, **(headers or {})}
    base = BASE_PATH.get()
    own = {"script": base + SCRIPT_PATH, "admin_style": base + ADMIN_STYLE_PATH}
    return render_template(_environment(), template, status=status, headers=more, **own, **values)


async def serve_script(_request: Request) -> Response:
    """Serve the script of the admin pages."""
    return _asset("admin.js", "text/javascript")


async def serve_admin_style(_request: Request) -> Response:
    """Serve the style sheet that the admin pages add to that of sign-in."""
    return _asset("admin.css", "text/css")


def _asset(name: str, kind: str) -> Response:
    return Response(_bundle(name), media_type=kind, headers=_ASSET_HEADERS)


@cache
def _bundle(name: str) -> bytes:
    try:
        return (_FOLDER / "dist" / name).read_bytes()
    except FileNotFoundError as error:
        message = f"The admin page's {name} is missing: build it with `make bundle`, or install Intarsia from a wheel."
        raise SettingError(message) from error


@cache
def _environment() -> Environment:
    environment = template_environment("intarsia.server.admin", "intarsia.server.pages")
    environment.filters["escape_invisible"] = escape_invisible
    return environment
