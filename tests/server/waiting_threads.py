"""Functions in threads wait until a test lets them go on."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager


class Latch:
    """Lets functions in threads wait until a test lets them go on."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()

    def pass_through(self, value: int = 0) -> int:
        self.entered.release()
        assert self.open.wait(60)
        return value

    async def is_entered(self, times: int = 1) -> None:
        """Wait, without the pool under test, until so many calls are inside."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def wait() -> None:
            for _ in range(times):
                assert self.entered.acquire(timeout=60)
            loop.call_soon_threadsafe(done.set_result, None)

        threading.Thread(target=wait, daemon=True).start()
        await done


@contextmanager
def latch() -> Generator[Latch]:
    """A latch that is opened in the end, so that no thread stays behind."""
    made = Latch()
    try:
        yield made
    finally:
        made.open.set()
