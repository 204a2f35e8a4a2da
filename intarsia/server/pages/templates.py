"""Renders the sign-in pages: without scripts, without external resources, and never in a frame."""

from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

STYLE_PATH = "/sign-in/style.css"

BASE_PATH: ContextVar[str] = ContextVar("intarsia_base_path", default="")
"""The path of the public address, below which the pages are; empty at the root. Set for each request."""

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    # Not "no-referrer": browsers would then send forms with `Origin: null`, and the CSRF check would reject them.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def render_page(
    template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> Response:
    """Render a page of sign-in.

    Args:
        template: The name of the template in `html/`, without `.html`.
        status: The HTTP status.
        headers: Additional headers.
        values: The variables of the template.
    """
    return render_template(_environment(), template, status=status, headers={**HEADERS, **(headers or {})}, **values)


def expired_page(connector: str, text: str = "", link: str = "") -> Response:
    """Return the page for a form that was not sent from one of our pages in this browser, or too late."""
    return render_page(
        "notice", status=403, connector=connector, title="This page has expired",
        text=text or "Nothing was changed. Go back to the app and connect again.", link=link,
        label="Back" if link else "",
    )  # fmt: skip


def render_template(
    environment: Environment, template: str, *, status: int, headers: Mapping[str, str], **values: Any
) -> Response:
    """Render a template of one of the environments to a response."""
    base = BASE_PATH.get()
    html = environment.get_template(f"{template}.html").render(base=base, style=base + STYLE_PATH, **values)
    return HTMLResponse(html, status, headers)


def redirect_to(path: str, headers: Mapping[str, str] | None = None) -> Response:
    """Redirect to another page of ours.

    Args:
        path: The path below the public address, with its query.
        headers: Headers instead of the default, which forbids caching.
    """
    return RedirectResponse(BASE_PATH.get() + path, 303, headers or {"Cache-Control": "no-store"})


def template_environment(*packages: str) -> Environment:
    """Return an environment that loads templates from `html/` in these packages, in order, and escapes all data."""
    loader = ChoiceLoader([PackageLoader(package, "html") for package in packages])
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


async def serve_style(_request: Request) -> Response:
    """Serve the style sheet of all pages."""
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(_style(), media_type="text/css", headers=headers)


@cache
def _environment() -> Environment:
    return template_environment("intarsia.server.auth.authorization_server", "intarsia.server.pages")


@cache
def _style() -> str:
    return (files("intarsia.server.pages") / "html" / "style.css").read_text(encoding="utf-8")
