"""A bounded pool of threads for synchronous functions, so that a slow one does not hold up the event loop.

A thread cannot be killed. A call that overruns its time gives its place in the pool to the next call, and its thread
runs on as an abandoned one. Abandoned threads count against the limit of their own function, so a function that hangs
every time stops only itself.
"""

import asyncio
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Hashable
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

import anyio

from intarsia.errors import RefusedError

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_THREADS = 40
"""How many synchronous functions run at once in this process; further calls wait in order."""

MAX_THREADS_PER_FUNCTION = 10
"""How many calls of one function run at once, abandoned ones included, so that none takes all threads."""

MAX_ABANDONED_THREADS = 100
"""How many abandoned threads there are at most; beyond that a call that overruns keeps its place until it ends."""

IDLE_SECONDS = 10.0
"""How long a thread without work waits for more before it ends."""

BUSY = "Earlier reads of this have not ended yet. It is read again when they have."


@dataclass(eq=False)
class _Call:
    """One call of a function, from its submission until it ends."""

    work: Callable[[], Any]
    function: Hashable
    name: str
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    is_running: bool = False
    is_abandoned: bool = False

    def run(self) -> tuple[BaseException | None, Any]:
        """Run the function in this thread; return its error, or its result."""
        try:
            return None, self.work()
        except StopIteration as error:  # a future cannot hold it
            wrapped = RuntimeError(f"{self.name} raised StopIteration")
            wrapped.__cause__ = error
            return wrapped, None
        except BaseException as error:  # noqa: BLE001  # raised again in the caller
            return error, None

    def resolve(self, error: BaseException | None, result: Any) -> None:
        """Set the outcome in the event loop of the caller."""

        def resolve() -> None:
            if self.future.done():
                return
            if error is None:
                self.future.set_result(result)
            else:
                self.future.set_exception(error)

        try:
            self.loop.call_soon_threadsafe(resolve)
        except RuntimeError:
            logger.warning("%s ended after its event loop was closed; its result is lost.", self.name)


class ThreadPool:
    """Runs synchronous functions in threads, which are started on demand.

    The threads are daemons: a function that never returns does not keep the process from ending.

    Args:
        max_threads: The maximum number of concurrent calls.
        max_per_function: The maximum number of concurrent calls of one function, abandoned ones included.
        max_abandoned: The maximum number of abandoned threads.
    """

    def __init__(
        self,
        max_threads: int = MAX_THREADS,
        max_per_function: int = MAX_THREADS_PER_FUNCTION,
        max_abandoned: int = MAX_ABANDONED_THREADS,
    ) -> None:
        self._max_threads = max_threads
        self._max_per_function = max_per_function
        self._max_abandoned = max_abandoned
        self._changed = threading.Condition()
        self._waiting: deque[_Call] = deque()
        self._ready: deque[_Call] = deque()
        self._running: Counter[Hashable] = Counter()
        self._abandoned: Counter[Hashable] = Counter()
        self._idle = 0

    @property
    def running(self) -> int:
        """The number of calls that occupy a slot of the pool."""
        with self._changed:
            return self._running.total()

    @property
    def abandoned(self) -> int:
        """The number of calls that overran and still run, outside the slots of the pool."""
        with self._changed:
            return self._abandoned.total()

    async def read(self, work: "partial[T]", slot_seconds: float | None = None) -> T:
        """Run a function that only reads, in a thread with the caller's context variables.

        If the caller is cancelled, it returns at once; the thread keeps its slot until the function ends.

        Args:
            work: The function with its arguments.
            slot_seconds: The time in seconds from now after which the call loses its slot to the next one.

        Returns:
            The function's return value.

        Raises:
            RefusedError: Abandoned threads use up the whole limit of this function.
        """
        call = self._submit(work)
        if slot_seconds is not None:
            timer = call.loop.call_later(slot_seconds, self._abandon, call, slot_seconds)
            call.future.add_done_callback(lambda future: None if future.cancelled() else timer.cancel())
        try:
            return cast("T", await call.future)
        except asyncio.CancelledError:
            self._withdraw(call)
            raise

    async def change(self, work: "partial[T]") -> T:
        """Run a function that changes something, in a thread with the caller's context variables.

        A disconnected client does not cancel it: the outcome must be known before the idempotency key is released.
        Only the shutdown of the event loop does not wait for it.

        Args:
            work: The function with its arguments.

        Returns:
            The function's return value.
        """
        call = self._submit(work)
        try:
            with anyio.CancelScope(shield=True):
                await asyncio.wait([call.future])
        except asyncio.CancelledError:
            call.future.cancel()
            self._withdraw(call)
            raise
        return cast("T", call.future.result())

    def _submit(self, work: "partial[Any]") -> _Call:
        loop, function = asyncio.get_running_loop(), work.func
        name = getattr(function, "__qualname__", repr(function))
        call = _Call(partial(copy_context().run, work), function, name, loop, loop.create_future())
        with self._changed:
            if self._abandoned[function] >= self._max_per_function:
                raise RefusedError(BUSY)
            self._waiting.append(call)
            self._start_waiting()
        return call

    def _start_waiting(self) -> None:
        """Start waiting calls while slots are free. The caller holds the lock."""
        left: deque[_Call] = deque()
        while self._waiting and self._running.total() < self._max_threads:
            call = self._waiting.popleft()
            if self._running[call.function] + self._abandoned[call.function] >= self._max_per_function:
                left.append(call)
                continue
            self._running[call.function] += 1
            call.is_running = True
            self._ready.append(call)
            if self._idle >= len(self._ready):
                self._changed.notify()
            else:
                threading.Thread(target=self._work, name="intarsia-function", daemon=True).start()
        self._waiting.extendleft(reversed(left))

    def _work(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                has_work = self._changed.wait_for(lambda: bool(self._ready), IDLE_SECONDS)
                self._idle -= 1
                if not has_work:
                    return
                call = self._ready.popleft()
            outcome = call.run()
            self._end(call)
            call.resolve(*outcome)
            del call, outcome  # an idle thread must not keep the last result alive

    def _end(self, call: _Call) -> None:
        with self._changed:
            call.is_running = False
            _count_down(self._abandoned if call.is_abandoned else self._running, call.function)
            self._start_waiting()

    def _abandon(self, call: _Call, seconds: float) -> None:
        """Release the slot of a call that overran to the next call."""
        with self._changed:
            if not call.is_running or self._abandoned.total() >= self._max_abandoned:
                return
            call.is_abandoned = True
            _count_down(self._running, call.function)
            self._abandoned[call.function] += 1
            self._start_waiting()
        logger.warning("%s still runs after %g seconds; its thread is abandoned.", call.name, seconds)

    def _withdraw(self, call: _Call) -> None:
        """Remove a cancelled call from the queue, unless it runs already."""
        with self._changed:
            if call in self._waiting:
                self._waiting.remove(call)


def _count_down(counted: Counter[Hashable], function: Hashable) -> None:
    counted[function] -= 1
    if not counted[function]:
        del counted[function]


POOL = ThreadPool()
"""The threads of this process."""
