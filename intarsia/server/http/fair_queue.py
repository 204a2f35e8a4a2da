"""A fair queue for calls: persons take turns, so that nobody's calls wait for all the calls of somebody else."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import ceil
from time import monotonic
from typing import Literal

from intarsia.errors import BusyError
from intarsia.server.http.limits import Limits
from intarsia.server.http.processor_share import ProcessorShare

MAX_WAIT_SECONDS = 20.0
"""How long a call waits. Hosts give up on calls after 30 to 60 seconds."""
ACTIVE_SECONDS = 1.0
"""For how long a person counts as calling after the last call began."""
MAX_RETRY_SECONDS = 30
YIELD_SECONDS = 0.2
"""How long a person whose calls wait gives way to the calls of others on a busy processor."""

_Turn = asyncio.Future[None]
_Lines = OrderedDict["Lane", deque[tuple[float, _Turn]]]

Kind = Literal["call", "view"]
"""A call, or the read of an open View after a change. The two take turns as well."""


@dataclass(frozen=True)
class Lane:
    """What waits in one line: the calls of one person, or the reads of that person's open Views.

    Args:
        person: Whose calls they are.
        kind: `call`, or `view` for reads of open Views. These are never refused for being many: how many Views are
            open is limited elsewhere, and one change wakes all of them.
        is_shared: Whether many people may be behind it: all callers of a known host without sign-in.
    """

    person: str
    kind: Kind = "call"
    is_shared: bool = False


def busy(seconds: int) -> BusyError:
    """Return the error for a call that is not tried.

    Args:
        seconds: After how many seconds to send it again.
    """
    message = f"The server is busy, and nothing was done. Try again in {seconds} second{'s' if seconds > 1 else ''}."
    return BusyError(message, seconds)


class FairQueue:
    """Decides when calls start.

    Args:
        limits: How many calls run and wait at once.
        now: Returns a monotonic time, in seconds.
        is_busy: Returns whether the processor is what calls wait for, and not another service.
    """

    def __init__(
        self, limits: Limits, now: Callable[[], float] = monotonic, is_busy: Callable[[], bool] | None = None
    ) -> None:
        self._limits = limits
        self._now = now
        self._is_busy = is_busy or ProcessorShare().is_busy
        self._running: Counter[Lane] = Counter()
        self._waiting: dict[Kind, _Lines] = {"call": OrderedDict(), "view": OrderedDict()}
        self._next: Kind = "call"
        self._started_at: dict[Lane, float] = {}
        self._paused: set[Lane] = set()
        self._called_at: OrderedDict[str, float] = OrderedDict()

    @property
    def running(self) -> int:
        """How many calls run."""
        return self._running.total()

    @property
    def waiting(self) -> int:
        """How many calls wait, without the reads of open Views."""
        return sum(map(len, self._waiting["call"].values()))

    @asynccontextmanager
    async def turn(self, lane: Lane) -> AsyncGenerator[None]:
        """Wait for a turn, and keep it while the block runs.

        Raises:
            BusyError: Too many calls wait, or it was not this one's turn in time.
        """
        await self.enter(lane)
        try:
            yield
        finally:
            self.leave(lane)

    def is_free(self, lane: Lane) -> bool:
        """Return whether a call would start without waiting."""
        return lane not in self._waiting[lane.kind] and self._may_start(lane)

    async def enter(self, lane: Lane) -> None:
        """Wait until a call may start. `leave` must follow when it has ended.

        Raises:
            BusyError: Too many calls wait, or it was not this one's turn in time.
        """
        self._called_at[lane.person] = self._now()
        self._called_at.move_to_end(lane.person)
        if len(self._called_at) > 2:  # enough to know whether somebody else calls
            self._called_at.popitem(last=False)
        if self.is_free(lane):
            self._start(lane)
            return
        self._check_room(lane)
        turn: _Turn = asyncio.get_running_loop().create_future()
        self._waiting[lane.kind].setdefault(lane, deque()).append(entry := (self._now(), turn))
        try:
            async with asyncio.timeout(MAX_WAIT_SECONDS):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.leave(lane)  # the turn came at the same moment
            else:
                self._remove(lane, entry)
            if isinstance(error, TimeoutError):
                raise self._busy(lane) from None
            raise

    def leave(self, lane: Lane) -> None:
        """End the turn of a call, and start those whose turn it is now."""
        self._running[lane] -= 1
        if not self._running[lane]:
            del self._running[lane]
        self._start_waiting()

    def _start_waiting(self) -> None:
        while self.running < self._limits.max_calls and (lane := self._next_lane()):
            lines = self._waiting[lane.kind]
            line = lines[lane]
            _, turn = line.popleft()
            lines.move_to_end(lane)
            self._started_at[lane] = self._now()
            if not line:
                self._close(lane)
            if not turn.done():
                self._start(lane)
                turn.set_result(None)

    def _close(self, lane: Lane) -> None:
        """Remove a line in which nothing waits any more."""
        del self._waiting[lane.kind][lane]
        self._started_at.pop(lane, None)

    def _next_lane(self) -> Lane | None:
        """Return the line whose turn it is: calls and reads of Views alternate, and in both the persons do."""
        other: Kind = "view" if self._next == "call" else "call"
        for kind in (self._next, other):
            may_start = (lane for lane in self._waiting[kind] if self._may_start(lane) and not self._yields(lane))
            lane = next(may_start, None)
            if lane is not None:
                self._next = "view" if kind == "call" else "call"
                return lane
        return None

    def _may_start(self, lane: Lane) -> bool:
        if self.running >= self._limits.max_calls:
            return False
        if lane.is_shared:
            return True
        # Calls that wait for another service slow nobody. On a busy processor, every call slows all others.
        is_rationed = not self._is_alone(lane) and self._is_busy()
        limits = self._limits
        most = limits.max_shared_calls_per_person if is_rationed else limits.max_calls_per_person
        return lane not in self._paused and self._running[lane] < most

    def _start(self, lane: Lane) -> None:
        self._running[lane] += 1
        if not lane.is_shared and not self._is_alone(lane):
            # Without a pause, all calls of a person that arrived together would begin before anybody else's, and before
            # it is known whether they make the processor busy.
            self._paused.add(lane)
            asyncio.get_running_loop().call_soon(self._resume, lane)

    def _resume(self, lane: Lane) -> None:
        self._paused.discard(lane)
        self._start_waiting()

    def _yields(self, lane: Lane) -> bool:
        """Return whether a line gives way to a call of another person that runs.

        Who has calls that wait sends more than their share. Beside the next one, the other call would take longer.
        """
        if lane.is_shared or lane.kind == "view" or not self._is_busy():
            return False
        if all(other.person == lane.person or other.kind == "view" for other in self._running):
            return False
        return self._now() - self._started_at.get(lane, -YIELD_SECONDS) < YIELD_SECONDS

    def _is_alone(self, lane: Lane) -> bool:
        """Return whether nobody else has called for a moment."""
        since = self._now() - ACTIVE_SECONDS
        return not any(person != lane.person and at > since for person, at in self._called_at.items())

    def _check_room(self, lane: Lane) -> None:
        if lane.kind == "view":
            return
        own = len(self._waiting["call"].get(lane, ()))
        most = self._limits.max_waiting_calls if lane.is_shared else self._limits.max_waiting_calls_per_person
        if own >= most or self.waiting >= self._limits.max_waiting_calls:
            raise self._busy(lane)

    def _busy(self, lane: Lane) -> BusyError:
        line = self._waiting[lane.kind].get(lane)
        # As long as the first call of the line has waited, which is about how long the next one would wait.
        waited = self._now() - line[0][0] if line else 0.0
        return busy(min(max(1, ceil(waited)), MAX_RETRY_SECONDS))

    def _remove(self, lane: Lane, entry: tuple[float, _Turn]) -> None:
        line = self._waiting[lane.kind].get(lane)
        if line and entry in line:
            line.remove(entry)
            if not line:
                self._close(lane)
