"""The preview of a tool's widget, rendered from its examples: the tool is not called."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from intarsia.server.admin.switch_rows import widget_of
from intarsia.server.admin.templates import render_admin_page
from intarsia.server.pages.forms import Fields, read_query
from intarsia.server.pages.oauth_errors import Code, OAuthError
from intarsia.ui_templates import render_widget
from intarsia.ui_templates.document import load_style
from intarsia.widgets import Widget

if TYPE_CHECKING:
    from intarsia.server.admin.access import Admin, AdminAccess
    from intarsia.server.tools.tool import Tool

_EXAMPLE_HEADERS = {
    # Widgets set inline styles, and in a sandbox with an opaque origin 'self' matches nothing. Scripts never run, and
    # only our own preview page may frame this document.
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}


class PreviewPage:
    """The preview page, and the example in its frame.

    Args:
        access: Restricts the pages to admins.
    """

    def __init__(self, access: "AdminAccess") -> None:
        self._access = access

    async def show(self, request: Request, admin: "Admin") -> Response:
        """Return the preview page."""
        query = read_query(request)
        tool, examples = self._examples(query)
        return render_admin_page(
            "preview", connector=self._access.catalog.name, account=admin.name, csrf_token=admin.csrf_token,
            section="switches", has_people=self._access.has_people, tool=tool, names=list(examples),
            example=_chosen(query, examples),
        )  # fmt: skip

    async def show_example(self, request: Request, _admin: "Admin") -> Response:
        """Return one example as a document of its own."""
        query = read_query(request)
        tool, examples = self._examples(query)
        widget = Markup(render_widget(examples[_chosen(query, examples)]).html)  # noqa: S704 - our own templates
        style = Markup(load_style())  # noqa: S704 - our own style sheet
        return render_admin_page(
            "example", headers=_EXAMPLE_HEADERS, title=tool.title, widget=widget, style_of_widgets=style
        )

    def _examples(self, query: Fields) -> "tuple[Tool, Mapping[str, Widget]]":
        tool = self._access.catalog.tools.get(query.one("tool") or "")
        widget = widget_of(tool) if tool else None
        examples: Mapping[str, Widget] = widget.examples() if widget else {}
        if tool is None or not examples:
            raise OAuthError(Code.INVALID_REQUEST, "There is no such widget.")
        return tool, examples


def _chosen(query: Fields, examples: Mapping[str, Widget]) -> str:
    name = query.one("example") or next(iter(examples))
    if name not in examples:
        raise OAuthError(Code.INVALID_REQUEST, "There is no such example.")
    return name
