"""Readings after actions that took too long to wait for: the action is answered, and whoever asks next gets them."""

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine, Hashable
from typing import Any, Generic, TypeVar

MAX_RENDER_SECONDS = 0.3
"""How long the answer of an action waits for the widget as it is after it."""

KEEP_SECONDS = 30
MAX_KEPT = 1_000

T = TypeVar("T")


class PendingRenders(Generic[T]):
    """Readings that go on without those who began them."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[Hashable, asyncio.Task[T | None]] = OrderedDict()

    @property
    def count(self) -> int:
        """How many nobody has asked for yet."""
        return len(self._tasks)

    async def read(self, key: Hashable | None, reading: Coroutine[Any, Any, T | None]) -> tuple[T | None, bool]:
        """Wait for a reading, but not for long.

        Args:
            key: Who may take it afterwards; nothing waits for as long as it takes.
            reading: Reads, and raises nothing.

        Returns:
            What it brought, and whether it is still under way.
        """
        if key is None:
            return await reading, False
        task = asyncio.create_task(reading)
        self._leave(key, task)  # whoever is cancelled meanwhile asks again, too
        await asyncio.wait({task}, timeout=MAX_RENDER_SECONDS)
        if not task.done():
            return None, True
        self._drop(key, task)
        return task.result(), False

    async def take(self, key: Hashable) -> T | None:
        """Wait for a reading that was left under way, if there is one."""
        task = self._tasks.pop(key, None)
        return None if task is None else await asyncio.shield(task)

    def _leave(self, key: Hashable, task: "asyncio.Task[T | None]") -> None:
        self._tasks[key] = task
        self._tasks.move_to_end(key)
        task.get_loop().call_later(KEEP_SECONDS, self._drop, key, task)
        while len(self._tasks) > MAX_KEPT:
            self._tasks.popitem(last=False)

    def _drop(self, key: Hashable, task: "asyncio.Task[T | None]") -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
