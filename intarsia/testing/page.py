"""The host page of one user in the browser, with its settings and Views."""

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
"""The maximum time to wait for a condition, on a busy machine."""

BINDING = "intarsiaHearsAnnouncement"
"""The function that the script below calls."""

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
"""Records what a screen reader announces in a View: all text that appears in live regions."""


class HostPage:
    """The host page of one user.

    Args:
        page: The page in the browser.
        addresses: The addresses of the host.
        console: The console messages of this user.
        token: The user's access token; empty without sign-in.
        has_touch: Whether the device has a touch screen.
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
        """Open the page with these settings, sign in, and wait until it is connected."""
        await self.page.expose_binding(BINDING, self._hear)  # pyright: ignore[reportUnknownMemberType] - a bare callable
        await self.page.add_init_script(LISTEN)
        if self._token:  # only in the page's own window: widgets never see a token
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
        """Call a widget tool, wait for the result, and return the number of its View.

        Raises:
            AssertionError: The tool shows no View; the message contains its response.
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
        """Return all messages between View, host and server."""
        entries: list[Json] = await self.page.evaluate("() => intarsiaHost.traffic.entries")
        return entries

    async def said(self, number: int) -> list[str]:
        """Return the messages that a View sent on behalf of the user."""
        said: list[Json] = await self.page.evaluate("() => intarsiaHost.said")
        return [one["text"] for one in said if one["view"] == number]

    async def wait_until(self, condition: str, argument: Any = None, *, about: str = "") -> None:
        """Wait until a JavaScript function returns something true in the host page.

        Raises:
            AssertionError: The condition did not become true in time.
        """
        try:
            await self.page.wait_for_function(condition, arg=argument, timeout=WAIT_MS)
        except PlaywrightTimeoutError:
            message = f"Waited {WAIT_MS // 1000} s in vain for {about or condition}."
            raise AssertionError(message) from None

    async def mouse_drag(self, start: Locator, end: Locator | Point, *, steps: int = 8) -> None:
        """Drag with the mouse from an element to a point in page pixels, or to the center of another element."""
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
        """Drag with a finger from the center of an element to a point, or to the center of another element.

        Args:
            start: The element at which the touch starts.
            end: The element, or the point in page pixels, at which it ends.
            steps: The number of moves in between.
            hold: Awaited after the touch starts, for drags that start with a long press.
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
    """Return a point in page pixels: the center of an element, or the point itself."""
    return place if isinstance(place, tuple) else await center(place)


async def center(locator: Locator, *, share: float = 0.5) -> Point:
    """Return a point in an element, in page pixels: its center, or at a fraction of its height."""
    await locator.scroll_into_view_if_needed()
    box = await locator.bounding_box()
    assert box is not None, f"{locator} is not on the page"
    return box["x"] + box["width"] / 2, box["y"] + box["height"] * share


def context_options(*, width: int, height: int, touch: bool) -> Json:
    """Return the options of a user's browser context."""
    return {"viewport": {"width": width, "height": height}, "has_touch": touch}


def patient(context: BrowserContext) -> BrowserContext:
    """Set the default time-out of a context, long enough for a busy machine."""
    context.set_default_timeout(WAIT_MS)
    return context
