"""Widgets in the real View, inside a host as small as it can be.

The fixture `host` shows widgets in the kit's host. `stage` needs no server, and answers calls with what a test laid
ready: for the many small things that behaviors do.
"""

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import ConsoleMessage, FrameLocator, Page, expect

from intarsia import Connector
from intarsia.server.wire.diff import difference
from intarsia.testing.show_widget import showing_connector
from intarsia.ui_templates import load_document, render_widget
from intarsia.widgets import Widget

HOST = Path(__file__).with_name("small_host.html")

Theme = Literal["light", "dark"]


def make_result(widget: Widget, revision: int = 1, **meta: object) -> dict[str, Any]:
    """Make the result that the server would answer with."""
    parts: dict[str, Any] = {
        "revision": f"{revision}.stage",
        "tool": "show_it",
        "arguments": {},
        **difference(render_widget(widget), None),
    }
    return {"content": [{"type": "text", "text": "A widget."}], "_meta": {"dev.intarsia/parts": parts, **meta}}


@dataclass
class Stage:
    """The page with the host, and the View in it."""

    page: Page
    console: list[str] = field(default_factory=list[str])

    @property
    def revision(self) -> int:
        """A revision of now, in microseconds; that of results which are pushed is set when they are."""
        return time.time_ns() // 1_000

    @property
    def view(self) -> FrameLocator:
        """What is inside the View."""
        return self.page.frame_locator("iframe")

    async def show(self, widget: Widget, *, width: int = 760, theme: Theme = "light", **context: object) -> None:
        """Open a View on a widget, and wait until it is shown."""
        await self.page.set_viewport_size({"width": width, "height": 1200})
        host_context = {"theme": theme, "displayMode": "inline", "locale": "en-US", **context}
        await self.page.evaluate(
            "([view, context, result]) => openView(view, context, result)",
            [load_document("Stage").html, host_context, make_result(widget)],
        )
        await expect(self.view.locator("#w")).to_be_attached()

    async def push(self, widget: Widget) -> None:
        """Let the model run the tool again, with this outcome."""
        await self.page.evaluate("(result) => push(result)", make_result(widget))

    async def answer(self, tool: str, result: Mapping[str, Any]) -> None:
        """Lay ready what calls of a tool are answered with."""
        await self.page.evaluate("([tool, result]) => { answers[tool] = result; }", [tool, result])

    async def calls(self, tool: str) -> list[dict[str, Any]]:
        """Return the arguments of every call of a tool so far, without those that are the View's own."""
        calls: list[dict[str, Any]] = await self.page.evaluate("calls")
        return [
            {name: value for name, value in call["arguments"].items() if name != "_intarsia"}
            for call in calls
            if call["tool"] == tool
        ]

    async def height(self) -> int:
        """Return how high the View last said it is, in pixels."""
        await self.page.wait_for_function("heights.length > 0")
        height: int = await self.page.evaluate("heights.at(-1)")
        return height


@pytest.fixture
def connector() -> Connector:
    """Let `host` show widgets by themselves."""
    return showing_connector()


@pytest.fixture
async def stage(page: Page) -> AsyncIterator[Stage]:
    """Open the small host; afterwards, nothing may have been said on the console."""
    opened = Stage(page)

    def hear(message: ConsoleMessage) -> None:
        opened.console.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: opened.console.append(str(error)))
    await page.set_content(HOST.read_text(encoding="utf-8"))
    yield opened
    assert opened.console == []
