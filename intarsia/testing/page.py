"""One user's host page in the browser: their settings, their Views, and what was said in it."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import BrowserContext, CDPSession, Locator, Page
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from intarsia.host import HostAddresses
from intarsia.testing.console import Console

Json = dict[str, Any]
Point = tuple[float, float]

WAIT_MS = 15_000
"""How long a condition may take to come true on a busy machine."""

BINDING = "intarsiaHearsAnnouncement"
"""What the script below calls."""

LISTEN = """(() => {
  if (window === top) return;
  const live = "[role=status], [role=alert], [role=log], [aria-live=polite], [aria-live=assertive]";
  const said = new WeakMap();
  const hear = (region) => {
    const text = region.textContent.trim();
    if (text && said.get(region) !== region.textContent) window.intarsiaHearsAnnouncement(text);
    said.set(region, region.textContent);
  };
  const isAlert = (node) => node.nodeType === Node.ELEMENT_NODE && node.matches("[role=alert]");
  new MutationObserver((records) => {
    const regions = new Set();
    for (const { target, addedNodes } of records) {
      const region = (target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement)?.closest(live);
      if (region) regions.add(region);
      [...addedNodes].filter(isAlert).forEach((alert) => regions.add(alert));
    }
    regions.forEach(hear);
  }).observe(document, { subtree: true, childList: true, characterData: true });
})()"""
"""Notes what a screen reader would say in a View: whatever comes into a live region."""


class HostPage:
    """The host page of one user.

    Args:
        page: The browser's page.
        addresses: Where the host runs.
        console: What this user's console was told.
        token: Who they are, for the server; empty when nobody signs in.
        has_touch: Whether they have a touch screen.
    """

    def __init__(self, page: Page, addresses: HostAddresses, console: Console, token: str, *, has_touch: bool) -> None:
        self.page = page
        self.addresses = addresses
        self.console = console
        self.has_touch = has_touch
        self.announced: dict[int, list[str]] = {}
        self._token = token
        self._session: CDPSession | None = None

    async def load(self, settings: Json) -> None:
        """Open the page, sign in, and wait until it is connected, with these settings."""
        await self.page.expose_binding(BINDING, self._hear)  # pyright: ignore[reportUnknownMemberType] - a bare callable
        await self.page.add_init_script(LISTEN)
        if self._token:  # for the page's own window alone: no widget ever sees a token
            await self.page.add_init_script(f"if (window === top) window.intarsiaToken = {json.dumps(self._token)}")
        await self.page.goto(self.addresses.page)
        await self.page.evaluate("() => intarsiaHost.ready")
        if settings:
            await self.set(settings)

    def _hear(self, source: Any, text: str) -> None:
        parent = source["frame"].parent_frame
        found = re.fullmatch(r"view-(\d+)", parent.name if parent else "")
        if found:
            self.announced.setdefault(int(found[1]), []).append(text)

    async def set(self, settings: Json) -> None:
        """Change settings and faults."""
        await self.page.evaluate("(patch) => intarsiaHost.set(patch)", settings)

    async def call(self, tool: str, arguments: Json) -> int:
        """Call a widget tool; return the number of its View when it has the result.

        Raises:
            AssertionError: The tool shows no View, and what it said.
        """
        number: int | None = await self.page.evaluate(
            "([tool, given]) => intarsiaHost.call(tool, given)", [tool, arguments]
        )
        assert number is not None, f"{tool} shows no View: {await self.page.locator('.turn').last.inner_text()}"
        return number

    async def start(self, tool: str, arguments: Json) -> None:
        """Call a tool without waiting for anything."""
        await self.page.evaluate("([tool, given]) => void intarsiaHost.call(tool, given)", [tool, arguments])

    async def traffic(self) -> list[Json]:
        """Return every message on both hops, with the message itself."""
        entries: list[Json] = await self.page.evaluate("() => intarsiaHost.traffic.entries")
        return entries

    async def said(self, number: int) -> list[str]:
        """Return what a View said in the user's name."""
        said: list[Json] = await self.page.evaluate("() => intarsiaHost.said")
        return [one["text"] for one in said if one["view"] == number]

    async def wait_until(self, condition: str, argument: Any = None, *, about: str = "") -> None:
        """Wait until a JavaScript function returns something true in the host page.

        Raises:
            AssertionError: It did not within the time.
        """
        try:
            await self.page.wait_for_function(condition, arg=argument, timeout=WAIT_MS)
        except PlaywrightTimeoutError:
            message = f"Waited {WAIT_MS // 1000} s in vain for {about or condition}."
            raise AssertionError(message) from None

    async def mouse_drag(self, start: Locator, end: Locator | Point, *, steps: int = 8) -> None:
        """Drag with the mouse from an element to a point, in pixels of the page, or to the middle of another."""
        await start.hover()
        goal = await point_of(end)
        await self.page.mouse.down()
        await self.page.mouse.move(*goal, steps=steps)
        await self.page.mouse.up()

    async def touch_drag(
        self,
        start: Locator,
        end: Locator | Point,
        *,
        steps: int = 8,
        hold: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Drag with a finger from the middle of an element to a point, or to the middle of another.

        Args:
            start: Where the finger goes down.
            end: Where it goes up: an element, or a point in pixels of the page.
            steps: How many moves are between.
            hold: Awaited after the finger is down, for what starts with a long press.
        """
        first, last = await center(start), await point_of(end)
        await self._touch("touchStart", first)
        if hold is not None:
            await hold()
        for step in range(1, steps + 1):
            part = step / steps
            await self._touch(
                "touchMove", (first[0] + (last[0] - first[0]) * part, first[1] + (last[1] - first[1]) * part)
            )
        await self._touch("touchEnd", None)

    async def _touch(self, kind: str, at: tuple[float, float] | None) -> None:
        if self._session is None:
            self._session = await self.page.context.new_cdp_session(self.page)
        points = [] if at is None else [{"x": at[0], "y": at[1]}]
        event: Json = {"type": kind, "touchPoints": points}
        await self._session.send("Input.dispatchTouchEvent", event)  # pyright: ignore[reportUnknownMemberType] - a bare dict


async def point_of(place: Locator | Point) -> Point:
    """Return a point in pixels of the page: the middle of an element, or the point itself."""
    return place if isinstance(place, tuple) else await center(place)


async def center(locator: Locator, *, share: float = 0.5) -> Point:
    """Return a place in an element, in pixels of the page: its middle, or at a share of its height."""
    await locator.scroll_into_view_if_needed()
    box = await locator.bounding_box()
    assert box is not None, f"{locator} is not on the page"
    return box["x"] + box["width"] / 2, box["y"] + box["height"] * share


def context_options(*, width: int, height: int, touch: bool) -> Json:
    """Return how a user's window is made."""
    return {"viewport": {"width": width, "height": height}, "has_touch": touch}


def patient(context: BrowserContext) -> BrowserContext:
    """Let everything in a context take as long as a busy machine needs."""
    context.set_default_timeout(WAIT_MS)
    return context
