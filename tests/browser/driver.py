"""Drives the local host in Chromium: open a tool, look into its View, break the host, read what was said.

A test takes the fixture `open_host`, gives it a connector's application, and works with the `HostPage` it gets.
Everything runs in the test's own event loop: the connector, the host's two listeners and the browser's driver.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from playwright.async_api import CDPSession, ConsoleMessage, Error, Frame, FrameLocator, Locator, Page
from starlette.applications import Starlette

from inlay.host import HostAddresses

Json = dict[str, Any]

WAIT_MS = 15_000
"""How long a condition may take to come true on a busy machine."""


@dataclass
class Console:
    """What the console was told, in every frame of every page of one context: in normal work, nothing."""

    problems: list[str] = field(default_factory=list[str])
    lines: list[str] = field(default_factory=list[str])
    _allowed: list[re.Pattern[str]] = field(default_factory=list[re.Pattern[str]])

    def allow(self, pattern: str) -> None:
        """Let a test expect a complaint: those that match the pattern do not fail it."""
        self._allowed.append(re.compile(pattern))

    def hear(self, message: ConsoleMessage) -> None:
        """Note a console message."""
        line = f"{message.type}: {message.text} ({message.location.get('url', '')})"
        self.lines.append(line)
        self.problems.append(line)

    def hear_error(self, error: Error) -> None:
        """Note an uncaught exception."""
        self.problems.append(f"uncaught: {error.message}")

    def unexpected(self) -> list[str]:
        """Return the complaints that no test allowed."""
        return [one for one in self.problems if not any(pattern.search(one) for pattern in self._allowed)]


class ViewHandle:
    """One View in the page: the innermost frame, and what went over its bridge.

    Args:
        host: The page that shows it.
        number: The host's id of the View.
    """

    def __init__(self, host: "HostPage", number: int) -> None:
        self.host = host
        self.number = number

    @property
    def frame(self) -> Frame:
        """The View's own frame, inside the sandbox proxy's. A recreated View has a new one."""
        outer = self.host.page.frame(name=f"view-{self.number}")
        assert outer is not None, "the View is not on the page"
        assert outer.child_frames, "the sandbox holds no View"
        return outer.child_frames[0]

    @property
    def body(self) -> FrameLocator:
        """The way into the View that survives its recreation."""
        return self.host.page.frame_locator(f'iframe[name="view-{self.number}"]').frame_locator("iframe")

    @property
    def box(self) -> Locator:
        """The View's outer frame, as it stands in the conversation."""
        return self.host.page.locator(f'iframe[name="view-{self.number}"]')

    def locator(self, selector: str) -> Locator:
        """Find elements in the View."""
        return self.body.locator(selector)

    async def calls(self, name: str | None = None) -> list[Json]:
        """Return the View's tool calls so far: name, arguments, meta, state, sent, error."""
        calls: list[Json] = await self._read("calls")
        return [call for call in calls if name is None or call["name"] == name]

    async def messages(self) -> list[str]:
        """Return what the View said in the person's name."""
        said: list[Json] = await self.host.page.evaluate("() => inlayHost.said")
        return [one["text"] for one in said if one["view"] == self.number]

    async def model_context(self) -> Json | None:
        """Return the last context that the View gave to the model."""
        context: Json | None = await self._read("modelContext")
        return context

    async def sizes(self) -> list[Json]:
        """Return every size that the View reported, in order."""
        sizes: list[Json] = await self._read("sizes")
        return sizes

    async def state(self) -> str:
        """Return `starting`, `ready`, `away` or `closed`."""
        return str(await self._read("state"))

    async def traffic(self) -> list[Json]:
        """Return the messages between this View and the host."""
        return [entry for entry in await self.host.traffic() if entry["view"] == self.number]

    async def height(self) -> float:
        """Return how high the View is shown, in pixels."""
        box = await self.box.bounding_box()
        assert box is not None
        return box["height"]

    async def recreate(self, *, abrupt: bool = False) -> None:
        """Let the host end the View's document and start it anew; abruptly, it is not told."""
        await self.host.page.evaluate("([id, abrupt]) => inlayHost.recreate(id, {abrupt})", [self.number, abrupt])

    async def push(self, result: Json) -> None:
        """Push another tool result to the View."""
        await self.host.page.evaluate("([id, result]) => inlayHost.view(id).push(result)", [self.number, result])

    async def wait_for_calls(self, count: int, name: str | None = None, state: str | None = "answered") -> list[Json]:
        """Wait until the View has made so many calls and they have come to a state; return them."""
        await self.host.wait_until(
            """([id, name, state, count]) => inlayHost.view(id).calls.filter(
                (call) => (!name || call.name === name) && (!state || call.state === state)).length >= count""",
            [self.number, name, state, count],
        )
        return [call for call in await self.calls(name) if state is None or call["state"] == state]

    async def _read(self, name: str) -> Any:
        return await self.host.page.evaluate("([id, name]) => inlayHost.view(id)[name]", [self.number, name])


class HostPage:
    """The host page in a browser.

    Args:
        page: The browser's page; it shows the host already.
        addresses: Where the host runs.
        console: What this browser context complained about.
    """

    def __init__(self, page: Page, addresses: HostAddresses, console: Console) -> None:
        self.page = page
        self.addresses = addresses
        self.console = console
        self._touch: CDPSession | None = None

    async def load(self, **settings: Any) -> None:
        """Open the page and wait until it is connected, with these settings."""
        await self.page.goto(self.addresses.page)
        await self.page.evaluate("() => inlayHost.ready")
        if settings:
            await self.set(**settings)

    async def set(self, **settings: Any) -> None:
        """Change settings and faults, such as `theme="dark"` or `faults={"ask": True}`."""
        await self.page.evaluate("(patch) => inlayHost.set(patch)", settings)

    async def open(self, tool: str, **arguments: Any) -> ViewHandle:
        """Call a widget tool; return its View when it has the result."""
        number: int | None = await self.page.evaluate(
            "([tool, given]) => inlayHost.call(tool, given)", [tool, arguments]
        )
        assert number is not None, f"{tool} shows no View: {await self.page.locator('.turn').last.inner_text()}"
        return ViewHandle(self, number)

    async def start(self, tool: str, **arguments: Any) -> None:
        """Call a tool as `open` does, without waiting for anything."""
        await self.page.evaluate("([tool, given]) => void inlayHost.call(tool, given)", [tool, arguments])

    def view(self, number: int) -> ViewHandle:
        """Return a View by its number: the first is 1."""
        return ViewHandle(self, number)

    async def answer(self, *, allow: bool) -> None:
        """Answer the question that the page asks."""
        await self.wait_until("() => inlayHost.approvals.waiting > 0")
        await self.page.evaluate("(allow) => inlayHost.answer(allow)", allow)

    async def wait_for_held(self, count: int = 1) -> None:
        """Wait until so many calls are held (fault `hold`)."""
        await self.wait_until("(count) => inlayHost.calls.held >= count", count)

    async def release(self, count: int | None = None) -> None:
        """Let held calls go on, the oldest first."""
        await self.page.evaluate("(count) => inlayHost.release(count ?? undefined)", count)

    async def traffic(self) -> list[Json]:
        """Return every message on both hops, with the message itself."""
        entries: list[Json] = await self.page.evaluate("() => inlayHost.traffic.entries")
        return entries

    async def wait_until(self, condition: str, argument: Any = None) -> None:
        """Wait until a JavaScript function returns something true in the host page."""
        await self.page.wait_for_function(condition, arg=argument, timeout=WAIT_MS)

    async def touch_drag(
        self, start: Locator, end: Locator, *, steps: int = 8, hold: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Drag with a finger from the middle of one element to the middle of another.

        Args:
            start: Where the finger goes down.
            end: Where it goes up.
            steps: How many moves are between.
            hold: Awaited after the finger is down, for what starts with a long press.
        """
        first, last = await center(start), await center(end)
        await self._touch_event("touchStart", first)
        if hold is not None:
            await hold()
        for step in range(1, steps + 1):
            part = step / steps
            await self._touch_event(
                "touchMove", (first[0] + (last[0] - first[0]) * part, first[1] + (last[1] - first[1]) * part)
            )
        await self._touch_event("touchEnd", None)

    async def mouse_drag(self, start: Locator, end: Locator, *, steps: int = 8) -> None:
        """Drag with the mouse from the middle of one element to the middle of another."""
        first, last = await center(start), await center(end)
        await self.page.mouse.move(*first)
        await self.page.mouse.down()
        await self.page.mouse.move(*last, steps=steps)
        await self.page.mouse.up()

    async def _touch_event(self, kind: str, at: tuple[float, float] | None) -> None:
        if self._touch is None:
            self._touch = await self.page.context.new_cdp_session(self.page)
        points = [] if at is None else [{"x": at[0], "y": at[1]}]
        event: Json = {"type": kind, "touchPoints": points}
        await self._touch.send("Input.dispatchTouchEvent", event)  # pyright: ignore[reportUnknownMemberType] - a bare dict


async def center(locator: Locator) -> tuple[float, float]:
    """Return the middle of an element, in pixels of the page."""
    await locator.scroll_into_view_if_needed()
    box = await locator.bounding_box()
    assert box is not None, f"{locator} is not on the page"
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


class OpenHost(Protocol):
    """The fixture `open_host`: starts a connector, the host and a browser page that shows it."""

    async def __call__(
        self,
        connector: Starlette,
        *,
        width: int = 1200,
        height: int = 900,
        touch: bool = False,
        bridge_1: bool = False,
        **settings: Any,
    ) -> HostPage:
        """Open the host.

        Args:
            connector: A Starlette application that serves `/mcp`.
            width: Pixels that the browser window is wide.
            height: Pixels that it is high.
            touch: Whether the browser has a touch screen.
            bridge_1: Use the AppBridge before this one (1.7.5).
            **settings: Settings of the host, such as `sandbox="opaque"` or `theme="dark"`.
        """
        ...
