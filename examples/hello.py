"""The first widget, in ten lines: `intarsia serve examples.hello:hello`."""

from intarsia import Connector
from intarsia.widgets import Text

hello = Connector("Hello")


@hello.widget
async def greeting(name: str = "world") -> Text:
    """Greet somebody."""
    return Text(f"Hello, {name}!", tone="success")
