"""Draws the pages of sign-in: without script, without anything from elsewhere, and in no frame."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

STYLE_PATH = "/sign-in/style.css"

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    # Not "no-referrer": with it, browsers hide from us that a form comes from our own page.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def draw(template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any) -> Response:
    """Return a page.

    Args:
        template: Its name in `html/`, without `.html`.
        status: The HTTP status.
        headers: More headers.
        values: What the template names.
    """
    return page_of(_environment(), template, status=status, headers={**HEADERS, **(headers or {})}, **values)


def draw_stale(connector: str, text: str = "", link: str = "") -> Response:
    """Return the answer to a form that no page of ours in this browser was sent from."""
    return draw(
        "notice", status=403, connector=connector, title="This page is too old",
        text=text or "Nothing was changed. Go back to the app, and connect again from there.", link=link,
        label="Back" if link else "",
    )  # fmt: skip


def page_of(
    environment: Environment, template: str, *, status: int, headers: Mapping[str, str], **values: Any
) -> Response:
    """Return a page of one of our environments."""
    html = environment.get_template(f"{template}.html").render(style=STYLE_PATH, **values)
    return HTMLResponse(html, status, headers)


def environment_of(*packages: str) -> Environment:
    """Return what finds templates in the `html/` of these packages, those of the first first, and escapes all data."""
    loader = ChoiceLoader([PackageLoader(package, "html") for package in packages])
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


async def show_style(_request: Request) -> Response:
    """Answer with the style of all pages."""
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(_style(), media_type="text/css", headers=headers)


@cache
def _environment() -> Environment:
    return environment_of("intarsia.server.auth.authorization_server", "intarsia.server.pages")


@cache
def _style() -> str:
    return (files("intarsia.server.pages") / "html" / "style.css").read_text(encoding="utf-8")
