"""How the widget of a tool looks, drawn from the examples of its kind: no tool is called for it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from intarsia.server.admin.switch_rows import widget_of
from intarsia.server.admin.templates import draw_admin
from intarsia.server.pages.forms import Fields, read_query
from intarsia.server.pages.oauth_errors import Code, OAuthError
from intarsia.ui_templates import render_widget
from intarsia.ui_templates.document import load_style
from intarsia.widgets import Widget

if TYPE_CHECKING:
    from intarsia.server.admin.access import Admin, AdminAccess
    from intarsia.server.tools.tool import Tool

_EXAMPLE_HEADERS = {
    # Widgets bring styles with their data, and an opaque origin has no 'self'. Nothing here runs, and it is shown on
    # the page of previews alone.
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}


class PreviewPage:
    """The page, and the example inside.

    Args:
        guarding: Whose page it is, and who may see it.
    """

    def __init__(self, guarding: "AdminAccess") -> None:
        self._of = guarding

    async def show(self, request: Request, admin: "Admin") -> Response:
        """Answer with the page."""
        query = read_query(request)
        tool, examples = self._examples(query)
        return draw_admin(
            "preview", connector=self._of.catalog.name, account=admin.name, form_token=admin.form_token,
            here="switches", has_people=self._of.has_people, tool=tool, names=list(examples),
            example=_chosen(query, examples),
        )  # fmt: skip

    async def show_example(self, request: Request, _admin: "Admin") -> Response:
        """Answer with one example, as a document of its own."""
        query = read_query(request)
        tool, examples = self._examples(query)
        widget = Markup(render_widget(examples[_chosen(query, examples)]).html)  # noqa: S704  # by our own templates
        style = Markup(load_style())  # noqa: S704  # ours
        return draw_admin("example", headers=_EXAMPLE_HEADERS, title=tool.title, widget=widget, style_of_widgets=style)

    def _examples(self, query: Fields) -> "tuple[Tool, Mapping[str, Widget]]":
        tool = self._of.catalog.tools.get(query.one("tool") or "")
        widget = widget_of(tool) if tool else None
        examples: Mapping[str, Widget] = widget.examples() if widget else {}
        if tool is None or not examples:
            raise OAuthError(Code.INVALID_REQUEST, "There is no such widget.")
        return tool, examples


def _chosen(query: Fields, examples: Mapping[str, Widget]) -> str:
    wanted = query.one("example") or next(iter(examples))
    if wanted not in examples:
        raise OAuthError(Code.INVALID_REQUEST, "There is no such example.")
    return wanted
