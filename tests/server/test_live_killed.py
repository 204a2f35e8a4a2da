"""A server that is killed and started again, with its clock where it likes: everybody who waited sees what is true."""

import json
import os
import signal
import socket
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.commands import running
from tests.security.connector_server import ERAS
from tests.server.test_stopping import messages, request_of
from tests.server.view_state import Shown

APP = """
import os, time
from pathlib import Path
from types import SimpleNamespace
from intarsia import Connector, Done
from intarsia.server.changes import change_log
from intarsia.widgets import Metric

NUMBER = Path(__file__).with_name("number.txt")
AHEAD = int(os.environ["AHEAD_HOURS"]) * 3600 * 10**9
change_log.time = SimpleNamespace(time_ns=lambda: time.time_ns() + AHEAD)
world = Connector("World")

@world.widget(topics="number")
async def number() -> Metric:
    '''Show the number.'''
    return Metric("Number", int(NUMBER.read_text()))

@world.action(changes="number")
async def add() -> Done:
    '''Add one.'''
    new = NUMBER.with_suffix(".new")
    new.write_text(str(int(NUMBER.read_text()) + 1))
    new.replace(NUMBER)
    return Done("Added.")
"""
VIEWERS = 6
SOON = 20
"""Less than the 25 seconds that a poll waits."""


class Viewer:
    """An open View, that asks again when its server has gone and come back."""

    def __init__(self, address: str, era: str) -> None:
        self._address, self._era = address, era
        self._meta: dict[str, Any] = {}
        self._take(self._call("number", {}))

    def follow(self, number: int, seconds: float, is_up: threading.Event) -> None:
        """Ask until a number is shown."""
        for _ in range(5):
            try:
                answer = self._call("intarsia_view", {"wait_seconds": seconds})
            except httpx2.TransportError:
                assert is_up.wait(SOON * 2), "The server did not come back."
                continue
            self._take(answer)
            if f">{number}<" in self._said:
                return
        raise AssertionError(self._said)

    def add(self) -> None:
        """Change the number."""
        assert "dev.intarsia/done" in self._call("add", {})["_meta"]

    def _call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        params = {"name": name, "arguments": arguments, "_meta": self._meta}
        answer = httpx2.post(self._address, **request_of("tools/call", params, self._era), timeout=SOON)
        (message,) = messages(answer)
        result: dict[str, Any] = message["result"]
        return result

    def _take(self, result: dict[str, Any]) -> None:
        meta = result["_meta"]
        parts = meta.get("dev.intarsia/parts")
        if parts and not self._meta:
            self._shown = Shown(parts)
        if parts:
            self._shown.take(parts)
            self._said = json.dumps(parts)
            self._meta["dev.intarsia/view"] = meta["dev.intarsia/view"]
        told = parts or meta["dev.intarsia/unchanged"]
        self._meta |= self._shown.meta(revision=told["revision"])


class Server:
    """`intarsia serve`, always at the same address."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        self._monkeypatch = monkeypatch
        self.number = folder / "number.txt"
        self.address = f"http://127.0.0.1:{self._port}/mcp"
        self.is_up = threading.Event()

    @contextmanager
    def running(self, ahead_hours: int) -> Generator[None]:
        """Run it until the block ends, and kill it then."""
        self._monkeypatch.setenv("AHEAD_HOURS", str(ahead_hours))
        with running("serve", "killed_app:world", "--port", str(self._port)) as (process, _said):
            self.is_up.set()
            yield
            self.is_up.clear()
            os.kill(process.pid, signal.SIGKILL)
            process.wait(SOON)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    (tmp_path / "killed_app.py").write_text(APP)
    (tmp_path / "number.txt").write_text("1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INTARSIA_STATE", str(tmp_path / "state"))
    return Server(tmp_path, monkeypatch)


def test_who_waited_sees_what_happened_before_the_server_was_killed_and_while_it_was_gone(server: Server) -> None:
    with ThreadPoolExecutor(VIEWERS) as threads:
        with server.running(0):
            viewers = [Viewer(server.address, ERAS[number % 2]) for number in range(VIEWERS)]
            following = [threads.submit(viewer.follow, 3, 25, server.is_up) for viewer in viewers[1:]]
            viewers[0].add()
        server.number.write_text("3")
        with server.running(0):
            viewers[0].follow(3, 25, server.is_up)
            for each in following:
                each.result(SOON * 2)


@pytest.mark.parametrize(("before", "after"), [(0, 1), (1, 0)], ids=["an hour on", "an hour back"])
def test_a_server_that_comes_back_with_another_time_is_followed(server: Server, before: int, after: int) -> None:
    with server.running(before):
        viewers = [Viewer(server.address, ERAS[number % 2]) for number in range(VIEWERS)]
    server.number.write_text("2")
    with ThreadPoolExecutor(VIEWERS) as threads, server.running(after):
        viewers[0].add()
        following = [threads.submit(viewer.follow, 3, 25, server.is_up) for viewer in viewers]
        for each in following:
            each.result(SOON * 2)
