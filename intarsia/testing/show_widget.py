"""Showing widgets by themselves in a real host, for those who make widgets."""

from typing import Any

from intarsia.server.changes.change_log import REVISIONS
from intarsia.server.connector import Connector
from intarsia.server.wire.diff import difference
from intarsia.server.wire.messages import PARTS
from intarsia.testing.host import Host
from intarsia.testing.view import View
from intarsia.ui_templates import render_widget
from intarsia.widgets import Stack, Widget

TOOL = "show"


def showing_connector() -> Connector:
    """Make a connector with one tool, whose View `show` and `show_in` fill: return it from a fixture `connector`."""
    connector = Connector("Showing")

    @connector.widget
    async def show() -> Stack:
        """Show nothing, until a test says what."""
        return Stack([])

    return connector


async def show(host: Host, widget: Widget) -> View:
    """Open a View on a widget, and wait until it is settled.

    Args:
        host: A host whose connector is a `showing_connector()`.
        widget: Any widget. Its actions can be seen, and lead to no tool.
    """
    return await show_in(await host.call(TOOL), widget)


async def show_in(view: View, widget: Widget) -> View:
    """Let a View that `show` opened show another widget.

    Args:
        view: The View.
        widget: What it shows from now on.
    """
    return await view.push(result_of(widget))


def result_of(widget: Widget) -> dict[str, Any]:
    """Make the result that the tool of a `showing_connector()` would answer with."""
    parts: dict[str, Any] = {
        "revision": REVISIONS.next(),
        "tool": TOOL,
        "arguments": {},
        **difference(render_widget(widget), None),
    }
    return {"content": [{"type": "text", "text": "A widget."}], "_meta": {PARTS: parts}}
