"""`intarsia serve` as a process of its own: what waits is answered shortly, also when the server is asked to stop."""

import json
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2
import pytest

from tests.commands import running
from tests.security.connector_server import EARLIER, ERAS, MODERN, SHOWS_WIDGETS

APP = """
from intarsia import Connector
from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.widgets import Text

hello = Connector("Hello")


@hello.widget(topics="greeting")
async def greeting() -> Text:
    '''Greet somebody.'''
    return Text("Hello!")


@hello.widget()
async def waiting() -> Text:
    '''Say how many calls wait.'''
    return Text(f"{CHANGE_LOG.waiting} wait.")
"""
STOPS_WITHIN = 5
MAX_UNCHANGED_LENGTH = 300


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "waiting_app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INTARSIA_STATE", str(tmp_path / "state"))


def request_of(method: str, params: dict[str, Any], era: str) -> dict[str, Any]:
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": era}
    if era == MODERN:
        headers |= {"Mcp-Method": method} | ({"Mcp-Name": params["name"]} if "name" in params else {})
        params = {**params, "_meta": {**SHOWS_WIDGETS, **params.get("_meta", {})}}
    return {"headers": headers, "json": {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}}


def messages(response: httpx2.Response) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines():
        text = line.removeprefix("data: ")
        if text.startswith("{"):
            yield json.loads(text)


class Waiting(threading.Thread):
    """A client of its own, that waits for the end of one answer."""

    def __init__(self, address: str, method: str, params: dict[str, Any], era: str) -> None:
        super().__init__(daemon=True)
        self._address, self._request = address, request_of(method, params, era)
        self.began = threading.Event()
        self.messages: list[dict[str, Any]] = []

    def run(self) -> None:
        with httpx2.Client(timeout=60) as http, http.stream("POST", self._address, **self._request) as response:
            self.began.set()
            self.messages.extend(messages(response))


def opened(address: str, era: str) -> tuple[dict[str, Any], str]:
    answer = httpx2.post(address, **request_of("tools/call", {"name": "greeting", "arguments": {}}, era), timeout=30)
    (message,) = messages(answer)
    meta = message["result"]["_meta"]
    parts = meta["dev.intarsia/parts"]
    hashes = {name: part["hash"] for name, part in parts.get("parts", {}).items()}
    seen = {"tool": "greeting", "arguments": {}, "frame": parts["frame"]["hash"], "parts": hashes}
    carried = {
        "dev.intarsia/seen": {**seen, "revision": parts["revision"]},
        "dev.intarsia/view": meta["dev.intarsia/view"],
    }
    return carried, json.dumps(message)


def until_waiting(address: str, count: int, tool: str = "waiting") -> None:
    """Wait until so many calls wait; an answer to one begins only when it ends."""
    ends = monotonic() + 30
    request = request_of("tools/call", {"name": tool, "arguments": {}}, EARLIER)
    while f"{count} wait." not in httpx2.post(address, **request, timeout=30).text:
        assert monotonic() < ends


@pytest.mark.parametrize("era", ERAS)
def test_unchanged_is_under_300_bytes_on_the_wire(era: str) -> None:
    with running("serve", "waiting_app:hello", "--port", "0") as (_process, said):
        address = next(word for word in said.split() if word.endswith("/mcp"))
        meta, _ = opened(address, era)
        call = {"name": "intarsia_view", "arguments": {"wait_seconds": 0}, "_meta": meta}
        answer = httpx2.post(address, **request_of("tools/call", call, era), timeout=30)

    (line,) = [each for each in answer.text.splitlines() if "dev.intarsia/unchanged" in each]
    result = json.loads(line.removeprefix("data: "))["result"]
    assert len(json.dumps(result, separators=(",", ":"))) < MAX_UNCHANGED_LENGTH
    assert len(line.removeprefix("data: ")) < MAX_UNCHANGED_LENGTH + len('{"jsonrpc":"2.0","id":7,"result":}')


def test_sigterm_answers_each_call_and_stream_and_the_process_ends_in_time() -> None:
    with running("serve", "waiting_app:hello", "--port", "0") as (process, said):
        address = next(word for word in said.split() if word.endswith("/mcp"))
        meta, _ = opened(address, EARLIER)
        call = {"name": "intarsia_view", "arguments": {"wait_seconds": 25}, "_meta": meta}
        polls = [Waiting(address, "tools/call", call, EARLIER) for _ in range(5)]
        wanted = {"notifications": {"toolsListChanged": True}}
        streams = [Waiting(address, "subscriptions/listen", wanted, MODERN) for _ in range(5)]
        for poll in polls:
            poll.start()
        until_waiting(address, len(polls))
        for stream in streams:
            stream.start()
            assert stream.began.wait(30)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=STOPS_WITHIN)
        for each in (*polls, *streams):
            each.join(timeout=STOPS_WITHIN)

    assert ["dev.intarsia/unchanged" in poll.messages[-1]["result"]["_meta"] for poll in polls] == [True] * 5
    assert ["result" in stream.messages[-1] for stream in streams] == [True] * 5
    assert process.returncode == 0


SLOW_APP = (
    f"import asyncio\n{APP}"
    '''

running_slow = 0


@hello.widget()
async def slow() -> Text:
    """Take longer than a server that stops may take."""
    global running_slow
    running_slow += 1
    await asyncio.sleep(600)
    return Text("Done.")


@hello.widget()
async def running() -> Text:
    """Say how many slow calls run."""
    return Text(f"{running_slow} wait.")
'''
)
STREAMS, POLLS, SLOW = 20, 10, 10


def test_sigterm_with_forty_open_requests_logs_one_line(tmp_path: Path) -> None:
    (tmp_path / "waiting_app.py").write_text(SLOW_APP)
    with running("serve", "waiting_app:hello", "--port", "0") as (process, said):
        address = next(word for word in said.split() if word.endswith("/mcp"))
        meta, _ = opened(address, EARLIER)
        call = {"name": "intarsia_view", "arguments": {"wait_seconds": 25}, "_meta": meta}
        polls = [Waiting(address, "tools/call", call, EARLIER) for _ in range(POLLS)]
        wanted = {"notifications": {"toolsListChanged": True}}
        streams = [Waiting(address, "subscriptions/listen", wanted, MODERN) for _ in range(STREAMS)]
        slow = [
            Waiting(address, "tools/call", {"name": "slow", "arguments": {}}, (EARLIER, MODERN)[number % 2])
            for number in range(SLOW)
        ]
        for each in (*polls, *streams, *slow):
            each.start()
        for stream in streams:
            assert stream.began.wait(30)
        until_waiting(address, POLLS + STREAMS)
        until_waiting(address, SLOW, "running")
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=STOPS_WITHIN)
        assert process.stdout is not None
        logged = process.stdout.read().strip().splitlines()

    assert len(logged) == 1, logged
    counts = re.fullmatch(r".* Stopped with (\d+) open requests: (\d+) were answered, 10 were ended\.", logged[0])
    assert counts is not None, logged
    assert int(counts[1]) >= POLLS + STREAMS + SLOW
    assert process.returncode == 0
