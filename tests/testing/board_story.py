"""One story about a board, told in any host: a person sees the cards, adds one, and can go on.

What a widget promises is checked at every turn: it shows what the server has, a change is applied once, it says that a
change was made only when it was, and the person can still act. The first promise that does not hold ends the story.
A promise has time to come true while the widget is still at work; one that is at rest has said its last word.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Locator

from intarsia.testing import Fault, Host, View
from intarsia.testing.faults import FAULTS
from intarsia.testing.page import center
from tests.testing.board_data import PROJECT, Shown, Work

ADDED = "Buy milk"
LAST = "Post the letter"
MOVED = "Call Grace"

AT_REST_MS = 200
"""A widget is at rest when for so long no call was on its way."""
WHEEL_STEPS = 25
"""How far a person turns the wheel to find something."""
PRESS_AGAIN_MS = 500
"""A person presses again when their words are still in the field after so long."""

_SHOWN = """() => Object.fromEntries([
    ...document.querySelectorAll("[role=group]:not(.intarsia-freshness), [role=tabpanel]")
].map((group) => [
    group.querySelector("h3")?.textContent ?? "",
    [...group.querySelectorAll("li > p")].map((title) => title.textContent)]))"""
_OPEN_CALLS = """([id, quiet]) => intarsiaHost.view(id).calls
    .filter(({state, name}) => state === "waiting" && !quiet.includes(name)).length"""
_WAITS_FOR_NEWS = ["wait_for_news"]


class BrokenPromiseError(AssertionError):
    """The widget did not keep a promise; the message says which, and how."""


@dataclass
class Person:
    """Somebody who uses a board, with the server's books beside them.

    Args:
        host: The host.
        view: The View of the board.
        work: What the server has.
        patience_seconds: How long they wait for anything.
    """

    host: Host
    view: View
    work: Work
    patience_seconds: float = 8

    async def sees_the_truth(self) -> None:
        """See what the server has."""

        async def complaint() -> str:
            shown = await self._shown()
            return "" if shown == self.work.truth else f"It shows {shown}, while the server has {self.work.truth}."

        await self._promised(complaint)

    async def finds_done_once(self, change: str) -> None:
        """Find in the books that a change was applied one time."""

        async def complaint() -> str:
            times = self.work.changes.count(change)
            return "" if times == 1 else f"The server {change} {times} times, not once."

        await self._promised(complaint)
        await self._promised(complaint, at_rest=True)

    async def is_told(self, words: str) -> None:
        """Read some words."""

        async def complaint() -> str:
            text = await self._text()
            return "" if words in text else f"It does not say {words!r}, but: {text}"

        await self._promised(complaint)

    async def is_not_told(self, words: str) -> None:
        """Find that it does not claim something."""
        text = await self._text()
        if words in text:
            message = f"It says {words!r}, while the server has done {self.work.changes}."
            raise BrokenPromiseError(message)

    async def adds(self, title: str) -> None:
        """Write a card and press Enter."""
        await self._reaches(self._field)
        await self._field.fill(title)
        await self._field.press("Enter")

    async def presses_again_when_nothing_happens(self) -> None:
        """Lose patience while the words are still there."""
        await self._within(PRESS_AGAIN_MS / 1000, self._is_field_empty)
        if not await self._is_field_empty():
            await self._field.press("Enter")

    async def is_asked_by_the_host(self) -> None:
        """Be asked whether the change may be made."""
        await self.view.host.wait_until("() => intarsiaHost.approvals.waiting === 1", about="a question of the host")

    async def tries_again(self) -> None:
        """Press what the widget offers after a failure, if it does."""
        offer = self.view.body.get_by_role("button", name="Try again")
        if await offer.count():
            await offer.first.click()

    async def moves(self, title: str, *, before: str, touch: bool = False) -> None:
        """Drag a card to another one's place."""
        start, end = self._card(title), await center(self._card(before), share=0.2)
        if not touch:
            await self.view.host.mouse_drag(start, end)
            return
        handle = self.view.locator("li").filter(has_text=title).get_by_role("button", name="Move")
        await self.view.host.touch_drag(handle if await handle.count() else start, end)

    async def _reaches(self, control: Locator) -> None:
        """Bring a control into sight, with the wheel alone."""
        for step in range(WHEEL_STEPS):
            if await self._is_in_sight(control):
                return
            if not step:
                await self.view.box.hover(position={"x": 20, "y": 20})
            await self.host.page.mouse.wheel(0, 30)
            await self._frame_passes()
            await self._frame_passes()
        message = "What adds a card cannot be brought into sight."
        raise BrokenPromiseError(message)

    @property
    def _field(self) -> Locator:
        return self.view.body.get_by_role("textbox", name="Add a card")

    def _card(self, title: str) -> Locator:
        return self.view.locator("li > p").filter(has_text=title)

    async def _is_in_sight(self, control: Locator) -> bool:
        frame, box = await self.view.box.bounding_box(), await control.bounding_box()
        assert frame is not None
        if box is None:
            return False
        return frame["y"] <= box["y"] and box["y"] + box["height"] <= frame["y"] + frame["height"]

    async def _is_field_empty(self) -> bool:
        return not await self._is_ready() or not await self._field.input_value()

    async def _shown(self) -> Shown:
        if not await self._is_ready():
            return {}
        shown: Shown = await self.view.frame.evaluate(_SHOWN)
        return shown

    async def _text(self) -> str:
        return " ".join((await self.view.locator("body").inner_text()).split())

    async def _promised(self, complaint: Callable[[], Awaitable[str]], *, at_rest: bool = False) -> None:
        """Wait until there is nothing to complain about, or until the widget is at rest and there still is."""

        async def is_kept() -> bool:
            return not at_rest and not await complaint()

        await self._until_at_rest(is_kept)
        found = await complaint()
        if found:
            raise BrokenPromiseError(found)

    async def _until_at_rest(self, is_enough: Callable[[], Awaitable[bool]]) -> None:
        end, rested_since = time.monotonic() + self.patience_seconds, time.monotonic()
        while time.monotonic() < end and not await is_enough():
            if await self._is_working():
                rested_since = time.monotonic()
            elif time.monotonic() - rested_since > AT_REST_MS / 1000:
                return
            await self._frame_passes()

    async def _within(self, seconds: float, is_enough: Callable[[], Awaitable[bool]]) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not await is_enough():
            await self._frame_passes()

    async def _is_working(self) -> bool:
        if not await self._is_ready():
            return True
        return bool(await self.host.page.evaluate(_OPEN_CALLS, [self.view.number, _WAITS_FOR_NEWS]))

    async def _is_ready(self) -> bool:
        return bool(await self.host.page.evaluate("(id) => intarsiaHost.view(id).state === 'ready'", self.view.number))

    async def _frame_passes(self) -> None:
        await self.host.page.evaluate("() => new Promise(requestAnimationFrame)")


async def open_board(host: Host, work: Work, *, patience_seconds: float = 8) -> Person:
    """Let a person ask for the board."""
    page = await host.page_of()
    number = await page.call("task_board", {"project": PROJECT})  # a View that waits for news would never settle
    return Person(host, View(page, number), work, patience_seconds)


async def _is_asked(person: Person, _: Fault) -> None:
    await person.is_asked_by_the_host()
    await person.is_not_told(f"Added {ADDED}")
    await person.host.answer(allow=False)
    await person.sees_the_truth()
    await person.is_told("declined")
    await person.adds(ADDED)
    await person.host.answer(allow=True)


async def _is_refused(person: Person, fault: Fault) -> None:
    await person.sees_the_truth()
    await person.is_not_told(f"Added {ADDED}")
    await person.is_told("refused")
    await person.host.set(**fault.off)
    await person.adds(ADDED)


async def _hears_nothing(person: Person, fault: Fault) -> None:
    await person.finds_done_once(f"added {ADDED}")
    await person.is_not_told(f"Added {ADDED}")
    await person.is_told("did not respond")
    await person.host.set(**fault.off)
    await person.tries_again()


async def _waits(person: Person, fault: Fault) -> None:
    await person.presses_again_when_nothing_happens()
    await person.finds_done_once(f"added {ADDED}")
    await person.sees_the_truth()
    await person.host.set(**fault.off)


_MEETS: dict[str, Callable[[Person, Fault], Awaitable[None]]] = {
    "asks_approval": _is_asked,
    "refuses_calls": _is_refused,
    "loses_answers": _hears_nothing,
    "recreates_views": _waits,
    "slow_calls": _waits,
}
"""What a person meets when they have added a card, in the hosts in which that is not the end of it."""


async def story(person: Person, fault: Fault | None) -> None:
    """Tell it, in a host with a fault or in a good one."""
    await person.sees_the_truth()
    await person.adds(ADDED)
    if fault and fault.name in _MEETS:
        await _MEETS[fault.name](person, fault)
    await person.presses_again_when_nothing_happens()
    await person.finds_done_once(f"added {ADDED}")
    await person.sees_the_truth()
    if fault and fault.name == "ignores_size":  # two cards at once are not in sight
        await person.adds(LAST)
        await person.finds_done_once(f"added {LAST}")
    else:
        await person.moves(MOVED, before="Write the plan", touch=fault is FAULTS["phone"])
        if fault and fault.name == "asks_approval":
            await person.host.answer(allow=True)
        await person.finds_done_once(f"moved {MOVED}")
    await person.sees_the_truth()
