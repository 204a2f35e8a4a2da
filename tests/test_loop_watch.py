"""`intarsia dev` says which function blocks the event loop. Functions block until that was said, and not for a time."""

import logging
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import pytest

from intarsia import Connector, Done, Grant
from intarsia.host.loop_watch import watching
from intarsia.widgets import Dashboard, Metric
from tests.commands import running
from tests.security.connector_server import EARLIER
from tests.server.conftest import call
from tests.server.test_stopping import request_of

LOGGER = logging.getLogger("intarsia.host.loop_watch")


class Freeing(logging.Handler):
    """Frees what blocks as soon as it was said that it does."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.is_said = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())
        self.is_said.set()

    def block(self) -> None:
        """Block the thread until it was noticed."""
        assert self.is_said.wait(60)
        self.is_said.clear()


@contextmanager
def freeing() -> Generator[Freeing]:
    handler = Freeing()
    LOGGER.addHandler(handler)
    try:
        yield handler
    finally:
        LOGGER.removeHandler(handler)


def logged(function: Callable[[], Coroutine[Any, Any, Done]]) -> Callable[[], Coroutine[Any, Any, Done]]:
    @wraps(function)
    async def inner() -> Done:
        return await function()

    return inner


async def test_each_function_that_blocks_is_named_with_its_line(tmp_path: Path) -> None:
    connector = Connector("Blocking", store=tmp_path / "store.db")
    with freeing() as handler:

        @connector.tile
        async def cpu() -> Metric:
            """Block."""
            handler.block()
            return Metric("CPU", 1)

        @connector.widget
        async def board() -> Dashboard:
            """Show."""
            return Dashboard(title="Board", tiles=[cpu()])

        @connector.action
        @logged
        async def press() -> Done:
            """Block below a decorator."""
            handler.block()
            return Done("Pressed.")

        def rule(_grant: Grant, _arguments: Any) -> bool:
            handler.block()
            return True

        @connector.action(allow=rule)
        async def turn() -> Done:
            """Ask a rule that blocks."""
            return Done("Turned.")

        async with connector.running(), watching(connector, blocking_seconds=0.01):
            for tool in (board, press, turn):
                assert not (await call(connector, tool.name)).is_error

    said = [text.partition(" blocks the event loop at test_loop_watch.py:") for text in handler.said]
    names = [name.rpartition(".")[2] for name, _, _ in said]
    assert names == ["cpu", "press", "rule"]
    assert all(rest.split(":")[0].isdigit() and "use `def`" in rest for _, _, rest in said)


async def test_what_awaits_or_runs_in_a_thread_is_not_named(tmp_path: Path) -> None:
    connector = Connector("Patient", store=tmp_path / "store.db")
    may_go_on = anyio.Event()
    in_thread, thread_may_go_on = threading.Event(), threading.Event()
    with freeing() as handler:

        @connector.widget
        async def patient() -> Metric:
            """Await."""
            await may_go_on.wait()
            return Metric("Patient", 1)

        @connector.widget
        def threaded() -> Metric:
            """Block a thread."""
            in_thread.set()
            assert thread_may_go_on.wait(60)
            return Metric("Threaded", 1)

        @connector.action
        async def press() -> Done:
            """Block, so that the watch is known to have looked."""
            handler.block()
            return Done("Pressed.")

        async with connector.running(), watching(connector, blocking_seconds=0.01), anyio.create_task_group() as group:
            group.start_soon(call, connector, "patient")
            group.start_soon(call, connector, "threaded")
            while not in_thread.is_set():
                await anyio.lowlevel.checkpoint()
            await call(connector, "press")
            may_go_on.set()
            thread_may_go_on.set()

    assert [text.split(" ")[0].rpartition(".")[2] for text in handler.said] == ["press"]


APP = """
import logging, threading
from intarsia import Connector
from intarsia.widgets import Metric

app = Connector("Blocking")
is_said = threading.Event()

class Freeing(logging.Handler):
    def emit(self, record):
        is_said.set()

logging.getLogger("intarsia.host.loop_watch").addHandler(Freeing())

@app.widget
async def board() -> Metric:
    '''Block until that was said.'''
    assert is_said.wait(60)
    return Metric("Board", 1)
"""


def test_dev_watches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "blocking_app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INTARSIA_STATE", str(tmp_path / "state"))

    with running("dev", "blocking_app:app", "--port", "0") as (process, said):
        address = next(word for word in said.split() if word.endswith("/mcp"))
        asked = request_of("tools/call", {"name": "board", "arguments": {}}, EARLIER)
        assert httpx2.post(address, timeout=60, **asked).status_code == 200
        assert process.stdout is not None
        line = next(line for line in process.stdout if "loop_watch" in line)

    assert "board blocks the event loop at blocking_app.py:" in line
