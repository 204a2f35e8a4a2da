"""The first widget, in ten lines: `inlay serve examples.hello:hello`."""

from inlay import Connector
from inlay.widgets import Text

hello = Connector("Hello")


@hello.widget
async def greeting(name: str = "world") -> Text:
    """Greet somebody."""
    return Text(f"Hello, {name}!", tone="success")
