"""Shows single widgets in a real host, for tests of widget classes."""

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
    """Create a connector with one tool, whose View `show` and `show_in` fill. Return it from a fixture `connector`."""
    connector = Connector("Showing")

    @connector.widget
    async def show() -> Stack:
        """Show an empty widget until a test pushes another."""
        return Stack([])

    return connector


async def show(host: Host, widget: Widget) -> View:
    """Show a widget in a new View, and wait until the View has settled.

    Args:
        host: A host whose connector is a `showing_connector()`.
        widget: Any widget. Its actions are shown, but call no tool.
    """
    return await show_in(await host.call(TOOL), widget)


async def show_in(view: View, widget: Widget) -> View:
    """Show another widget in a View that `show` opened.

    Args:
        view: The View.
        widget: The new widget.
    """
    return await view.push(result_of(widget))


def result_of(widget: Widget) -> dict[str, Any]:
    """Create the result that the tool of a `showing_connector()` would return."""
    parts: dict[str, Any] = {
        "revision": REVISIONS.text_of(REVISIONS.next()),
        "tool": TOOL,
        "arguments": {},
        **difference(render_widget(widget), None),
    }
    return {"content": [{"type": "text", "text": "A widget."}], "_meta": {PARTS: parts}}
