"""One View in a user's host page: its state, its calls, and the user actions in it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic
from typing import Any, Literal

from playwright.async_api import Error, Frame, FrameLocator, Locator

from intarsia.testing.gestures import drag, find_control, find_field
from intarsia.testing.page import WAIT_MS, HostPage, Json

FOLLOWING = "intarsia_view"
"""The tool with which a View polls for changes. It has such a call open nearly all the time."""

State = Literal["starting", "ready", "away", "closed"]

READ = """(id) => {
  const { calls, modelContext, sizes, state } = intarsiaHost.view(id);
  const held = intarsiaHost.calls.held + intarsiaHost.approvals.waiting;
  const said = intarsiaHost.said.filter(({ view }) => view === id).map(({ text }) => text);
  return { calls, modelContext, sizes, state, held, said, isTold: intarsiaHost.view(id).isTold };
}"""

DRAWN = """() => new Promise((done) => {
  setTimeout(done, 250); // frames outside the viewport are not rendered
  requestAnimationFrame(() => requestAnimationFrame(done));
})"""


@dataclass(frozen=True)
class ViewCall:
    """One tool call of a View."""

    name: str
    arguments: Json
    """The arguments that the tool received, without those of the View."""
    meta: Json
    state: Literal["waiting", "answered", "failed", "lost", "cancelled"]
    sent: bool
    """Whether it reached the server."""
    error: str | None = None


@dataclass
class Snapshot:
    """The observable state of a View at one moment."""

    text: str = ""
    problem: str = ""
    calls: list[ViewCall] = field(default_factory=list[ViewCall])
    messages: list[str] = field(default_factory=list[str])
    model_context: Json | None = None
    sizes: list[Json] = field(default_factory=list[Json])
    state: State = "starting"
    is_told: bool = False
    held: int = 0


class View:
    """One View. Its properties show the state after the last awaited step; `settled()` updates them.

    Args:
        host: The page that shows the View.
        number: The number of the View on that page, from 1.
    """

    def __init__(self, host: HostPage, number: int) -> None:
        self.host = host
        self.number = number
        self._now = Snapshot()

    @property
    def text(self) -> str:
        """The visible text, with single spaces."""
        return self._now.text

    @property
    def problem(self) -> str:
        """The problem that the View shows; empty without one."""
        return self._now.problem

    @property
    def announcements(self) -> list[str]:
        """The announcements for screen readers, in order."""
        return list(self.host.announced.get(self.number, ()))

    @property
    def messages(self) -> list[str]:
        """The messages that the View sent on behalf of the user."""
        return self._now.messages

    @property
    def model_context(self) -> Json | None:
        """The latest context for the model, or `None`."""
        return self._now.model_context

    @property
    def calls(self) -> list[ViewCall]:
        """The tool calls of the View, in order, without its polls; `calls_of("intarsia_view")` returns those."""
        return [call for call in self._now.calls if call.name != FOLLOWING]

    def calls_of(self, name: str) -> list[ViewCall]:
        """Return the calls of one tool, in order."""
        return [call for call in self._now.calls if call.name == name]

    @property
    def console(self) -> list[str]:
        """The console messages of all frames of this user."""
        return self.host.console.lines

    @property
    def sizes(self) -> list[Json]:
        """The sizes that the View reported, in order."""
        return self._now.sizes

    @property
    def state(self) -> State:
        """The lifecycle state. `away`: its document is unloaded for a while."""
        return self._now.state

    @property
    def frame(self) -> Frame:
        """The frame of the View, inside the frame of the sandbox proxy. A recreated View has a new one."""
        outer = self.host.page.frame(name=f"view-{self.number}")
        assert outer is not None, "the View is not on the page"
        assert outer.child_frames, "the sandbox holds no View"
        return outer.child_frames[0]

    @property
    def body(self) -> FrameLocator:
        """A locator of its frame that remains valid when the View is recreated."""
        return self.host.page.frame_locator(f'iframe[name="view-{self.number}"]').frame_locator("iframe")

    @property
    def box(self) -> Locator:
        """Its outer frame in the conversation."""
        return self.host.page.locator(f'iframe[name="view-{self.number}"]')

    def locator(self, selector: str) -> Locator:
        """Find elements in the View by a CSS selector."""
        return self.body.locator(selector)

    async def height(self) -> float:
        """Return the displayed height in pixels."""
        box = await self.box.bounding_box()
        assert box is not None, "the View is not on the page"
        return box["height"]

    async def press(self, name: str, *, in_: str | None = None) -> "View":
        """Click a button, checkbox, tab or other control by its accessible name.

        Args:
            name: The complete accessible name.
            in_: Text of the card, row or part that contains the control, if there are several with this name.
        """
        control = await find_control(self.body, name, in_)
        await (control.tap() if self.host.has_touch else control.click())
        return await self.settled()

    async def fill(self, name: str, value: str, *, enter: bool = False) -> "View":
        """Fill a field by its label; `enter` presses Enter afterwards."""
        found = await find_field(self.body, name)
        await found.fill(value)
        if enter:
            await found.press("Enter")
        return await self.settled()

    async def slide(self, name: str, value: float) -> "View":
        """Set a slider by its label."""
        return await self.fill(name, f"{value:g}")

    async def choose(self, name: str, option: str) -> "View":
        """Select an option by the labels of the field and the option."""
        await (await find_field(self.body, name)).select_option(label=option)
        return await self.settled()

    async def key(self, *keys: str) -> "View":
        """Press keys on the focused element, such as `"ArrowDown"` or `"Shift+Tab"`."""
        for one in keys:
            await self.host.page.keyboard.press(one)
        return await self.settled()

    async def focus(self, name: str, *, in_: str | None = None) -> "View":
        """Focus a control by its accessible name."""
        await (await find_control(self.body, name, in_)).focus()
        return await self.settled()

    async def drag(self, item: str, *, to: str, index: int | None = None) -> "View":
        """Drag an item to a position in a list, with the mouse or, on a touch screen, by touch.

        Args:
            item: Text of the item, such as a card's title.
            to: The name of the list, such as a column's title.
            index: The target position from 0, not counting the item itself; by default the end.
        """
        await drag(self.host, self.body, item, to, index)
        return await self.settled()

    async def recreate(self, *, abrupt: bool = False) -> "View":
        """Let the host unload the document and reload it; with `abrupt` the View is not notified."""
        await self.host.page.evaluate("([id, abrupt]) => intarsiaHost.recreate(id, {abrupt})", [self.number, abrupt])
        return await self.settled()

    async def push(self, result: Json) -> "View":
        """Push another tool result to the View."""
        await self.host.page.evaluate("([id, result]) => intarsiaHost.view(id).push(result)", [self.number, result])
        return await self.settled()

    async def traffic(self) -> list[Json]:
        """Return the messages between the View and the host."""
        return [entry for entry in await self.host.traffic() if entry["view"] == self.number]

    async def wait_for_calls(
        self, count: int, name: str | None = None, state: str | None = "answered"
    ) -> list[ViewCall]:
        """Wait until the View has made this many calls, of one tool or any, in this state; return them."""

        def wanted() -> list[ViewCall]:
            return [call for call in self.calls if name in (None, call.name) and state in (None, call.state)]

        await self.until(lambda: len(wanted()) >= count, about=f"{count} calls of {name or 'any tool'} to be {state}")
        return wanted()

    async def until(self, condition: str | Callable[[], object], *, about: str = "") -> "View":
        """Wait until a text is visible, or until a condition is true.

        Args:
            condition: The text, or a function that is called after each update of the properties.
            about: A description of the condition, for the error.

        Raises:
            AssertionError: The condition was not true within 15 seconds. The message contains the text of the View and
                its open calls.
        """
        end = monotonic() + WAIT_MS / 1000
        while True:
            await self._look()
            if condition in self.text if isinstance(condition, str) else condition():
                return self
            if monotonic() > end:
                what = repr(condition) if isinstance(condition, str) else about or "a condition"
                raise AssertionError(self._in_vain(what))
            await self._drawn()

    async def settled(self) -> "View":
        """Wait until all activity in the View has ended, then update its properties.

        Calls that the host holds, or for which it asks the user, are not waited for, and neither are polls for
        changes.

        Raises:
            AssertionError: The View was still active after 15 seconds.
        """
        end, before = monotonic() + WAIT_MS / 1000, -1
        while True:
            await self._drawn()
            await self._look()
            is_quiet = self._is_quiet()
            if is_quiet and before == len(self.calls):
                return self
            before = len(self.calls) if is_quiet else -1
            if monotonic() > end:
                raise AssertionError(self._in_vain("the View to settle"))

    async def screenshot(self, path: Path | None = None) -> Path:
        """Take a screenshot of the View in the conversation; return the path of the PNG file."""
        path = path or Path(mkdtemp(prefix="intarsia-")) / f"view-{self.number}.png"
        await self.box.screenshot(path=path)
        return path

    def _is_quiet(self) -> bool:
        if self.state in ("away", "closed"):
            return True
        waiting = sum(call.state == "waiting" for call in self.calls)
        return self.state == "ready" and self._now.is_told and (not waiting or self._now.held > 0)

    async def _look(self) -> None:
        read: Json = await self.host.page.evaluate(READ, self.number)
        text, problem = await self._read_text() if read["state"] == "ready" else (self.text, self.problem)
        self._now = Snapshot(
            text=text,
            problem=problem,
            calls=[_call_of(call) for call in read["calls"]],
            messages=read["said"],
            model_context=read["modelContext"],
            sizes=read["sizes"],
            state=read["state"],
            is_told=read["isTold"],
            held=read["held"],
        )

    async def _read_text(self) -> tuple[str, str]:
        try:
            text, problem = await self.frame.evaluate(
                """() => [document.body.innerText,
                  document.querySelector("[data-tone=problem] [role=status], [role=alert]")?.textContent ?? ""]"""
            )
        except (Error, AssertionError):  # its document was just unloaded
            return self.text, self.problem
        return " ".join(text.split()), " ".join(problem.split())

    async def _drawn(self) -> None:
        try:
            await self.frame.evaluate(DRAWN)
        except (Error, AssertionError):  # there is no document, or it was just unloaded
            await self.host.page.evaluate(DRAWN)

    def _in_vain(self, what: str) -> str:
        waiting = [f"{call.name} {call.arguments}" for call in self.calls if call.state == "waiting"]
        return (
            f"Waited {WAIT_MS // 1000} s in vain for {what}.\n"
            f"The View is {self.state} and shows: {self.text or 'nothing'}\n"
            f"Calls under way: {', '.join(waiting) or 'none'}"
        )


def _call_of(call: Any) -> ViewCall:
    arguments = {name: value for name, value in call["arguments"].items() if name != "_intarsia"}
    error = re.sub(r"\s+", " ", call["error"]) if call["error"] else None
    return ViewCall(call["name"], arguments, call["meta"], call["state"], call["sent"], error)
