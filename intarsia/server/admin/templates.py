"""Draws the pages of an admin: those of sign-in with one script of our own, htmx. Without it they work as well."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import Response

from intarsia.errors import SettingError
from intarsia.server.audit.export import visible
from intarsia.server.pages.templates import BASE_PATH, HEADERS, environment_of, page_of

SCRIPT_PATH = "/admin/admin.js"
OWN_STYLE_PATH = "/admin/admin.css"

_FOLDER = Path(__file__).parent
_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ASSET_HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
ADMIN_HEADERS: Mapping[str, str] = MappingProxyType({**HEADERS, "Content-Security-Policy": _POLICY})


def draw_admin(
    template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> Response:
    """Return a page of an admin.

    Args:
        template: Its name in `html/`, without `.html`.
        status: The HTTP status.
        headers: More headers.
        values: What the template names.
    """
    more = {**ADMIN_HEADERS, **(headers or {})}
    base = BASE_PATH.get()
    own = {"script": base + SCRIPT_PATH, "own_style": base + OWN_STYLE_PATH}
    return page_of(_environment(), template, status=status, headers=more, **own, **values)


async def show_script(_request: Request) -> Response:
    """Answer with the script of the pages."""
    return _asset("admin.js", "text/javascript")


async def show_own_style(_request: Request) -> Response:
    """Answer with the style that the pages add to that of sign-in."""
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
    environment = environment_of("intarsia.server.admin", "intarsia.server.pages")
    environment.filters["visible"] = visible
    return environment
