"""The call of an open View waits in front of the SDK, is answered there as the SDK would, and ends with its caller."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send

from inlay import Connector
from inlay.host.serving import running_server
from inlay.server.adapter import Surface, build_server
from inlay.server.asgi import mount
from inlay.server.gate import JSON
from inlay.server.live.changes import CHANGES
from inlay.server.waits import ANSWERED, AT_ONCE, WaitsFirst
from inlay.server.wire import Answer
from inlay.widgets import Metric
from tests.security.served import EARLIER, ERAS
from tests.server.test_stopping import messages, request_of

SECONDS = 20


class Kitchen:
    """A connector with one widget that changes."""

    def __init__(self, path: Path) -> None:
        self.degrees = 20
        self.connector = kitchen = Connector("Kitchen", store=path / "kitchen.db")

        @kitchen.widget(topics="oven")
        async def oven() -> Metric:  # pyright: ignore[reportUnusedFunction]  # the decorator takes it
            """Show how hot it is."""
            return Metric("Oven", self.degrees)

    def heat(self) -> None:
        self.degrees += 10
        self.connector.changed("oven")


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path)


@asynccontextmanager
async def client(address: str) -> AsyncGenerator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=address, timeout=40) as http:
        yield http


async def called(http: httpx2.AsyncClient, era: str, tool: str, arguments: object, meta: object = None) -> Any:
    params = {"name": tool, "arguments": arguments, **({"_meta": meta} if meta is not None else {})}
    if not isinstance(params.get("_meta", {}), dict):
        response = await http.post("/mcp", headers=request_of("ping", {}, era)["headers"], json={
            "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params})  # fmt: skip
    else:
        response = await http.post("/mcp", **request_of("tools/call", params, era))
    (message,) = messages(response)
    return message


async def opened(http: httpx2.AsyncClient, era: str) -> dict[str, Any]:
    meta = (await called(http, era, "oven", {}))["result"]["_meta"]
    shown = meta["dev.inlay/parts"]
    hashes = {name: part["hash"] for name, part in shown.get("parts", {}).items()}
    seen = {"tool": "oven", "arguments": {}, "frame": shown["frame"]["hash"], "parts": hashes}
    return {"dev.inlay/seen": {**seen, "revision": shown["revision"]}, "dev.inlay/view": meta["dev.inlay/view"]}


def without_moments(value: Any) -> Any:
    """Leave out what is another each time: revisions, and handles, which hold a time."""
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value)
        return {
            name: None if name in ("revision", "dev.inlay/view") else without_moments(each)
            for name, each in pairs.items()
        }
    return value


@pytest.mark.parametrize("era", ERAS)
async def test_answers_are_those_of_the_sdk(kitchen: Kitchen, era: str) -> None:
    connector = kitchen.connector
    bare = mount(build_server(connector), running=connector.running)
    async with (
        running_server(connector.app()) as ours,
        running_server(bare) as theirs,
        client(ours) as front,
        client(theirs) as back,
    ):
        meta = await opened(front, era)
        answers: list[list[Any]] = []
        calls: tuple[tuple[object, object], ...] = (
            ({}, meta),
            ({"wait_seconds": 0}, meta),
            ({"wait_seconds": "long"}, meta),
            ({"wait_seconds": 0}, {}),
            ({"wait_seconds": 0}, {**meta, "dev.inlay/view": "forged"}),
            ({"wait_seconds": 0}, {**meta, "dev.inlay/seen": {}}),
            ({"_inlay": {"seen": meta["dev.inlay/seen"], "view": meta["dev.inlay/view"]}}, {}),
            ([], meta),
            ("text", meta),
            ({}, "text"),
        )
        for arguments, carried in calls:
            both = [await called(http, era, "inlay_view", arguments, carried) for http in (front, back)]
            answers.append([without_moments(each) for each in both])
        kitchen.heat()
        changed = [await called(http, era, "inlay_view", {}, meta) for http in (front, back)]
        answers.append([without_moments(each) for each in changed])

    assert "30" in json.dumps(changed[0])
    for ours_said, theirs_said in answers:
        assert ours_said == theirs_said


@pytest.mark.parametrize("era", ERAS)
async def test_a_wait_is_answered_with_the_change_in_one_message(kitchen: Kitchen, era: str) -> None:
    async with running_server(kitchen.connector.app()) as address, client(address) as http:
        meta = await opened(http, era)
        before = CHANGES.waiting
        params = {"name": "inlay_view", "arguments": {"wait_seconds": 25}, "_meta": meta}
        waiting = asyncio.create_task(http.post("/mcp", **request_of("tools/call", params, era)))
        await until(lambda: CHANGES.waiting > before)
        kitchen.heat()
        response = await asyncio.wait_for(waiting, SECONDS)

    assert response.headers["content-type"] == "application/json"
    assert "30" in json.dumps(response.json()["result"]["_meta"]["dev.inlay/parts"])


async def until(holds: Any) -> None:
    async with asyncio.timeout(SECONDS):
        while not holds():  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("era", ERAS)
async def test_whoever_hangs_up_waits_no_longer(kitchen: Kitchen, era: str) -> None:
    async with running_server(kitchen.connector.app()) as address:
        async with client(address) as http:
            meta = await opened(http, era)
        before = CHANGES.waiting
        params = {"name": "inlay_view", "arguments": {"wait_seconds": 25}, "_meta": meta}
        async with client(address) as http:
            calls = [asyncio.create_task(http.post("/mcp", **request_of("tools/call", params, era))) for _ in range(5)]
            await until(lambda: CHANGES.waiting == before + 5)
            for call in calls:
                call.cancel()
            await asyncio.wait(calls)
        await asyncio.wait_for(until(lambda: CHANGES.waiting == before), 10)


async def test_who_accepts_no_json_is_told_by_the_sdk(kitchen: Kitchen) -> None:
    async with running_server(kitchen.connector.app()) as address, client(address) as http:
        sent = request_of(
            "tools/call", {"name": "inlay_view", "arguments": {}, "_meta": await opened(http, EARLIER)}, EARLIER
        )
        sent["headers"]["Accept"] = "text/event-stream"
        response = await http.post("/mcp", **sent)

    assert response.status_code == 406


async def test_a_call_of_nobody_is_no_answer_where_everybody_signs_in(kitchen: Kitchen) -> None:
    async with kitchen.connector.running():
        assert await Surface(kitchen.connector, signs_in=True).answer_view({}, {}) is None
        assert await Surface(kitchen.connector).answer_view({}, {}) is not None


class Desk:
    """Answers at once, and notes which answers are written down; in the later version, where the SDK does that."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.written = 0
        self.may_write = asyncio.Event()
        self.app = WaitsFirst(self.write, self.write, self)

    async def answer_view(self, arguments: Mapping[str, Any], meta: Mapping[str, Any]) -> Answer:
        return Answer(f"{arguments} {meta}")

    def plain_result(self, answer: Answer, headers: Mapping[bytes, bytes]) -> None:  # noqa: ARG002 - as in the adapter
        return None

    async def write(self, _scope: Scope, receive: Receive, send: Send) -> None:
        answer = ANSWERED.get()
        assert answer
        assert (await receive())["body"] == b"whole"
        self.begun.append(answer.text)
        await self.may_write.wait()
        await send({"type": "http.response.start", "status": 200})
        self.written += 1

    def call(self, send: Send) -> "asyncio.Task[None]":
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "inlay_view"}}
        arriving = asyncio.Queue[Message]()
        arriving.put_nowait({"type": "http.request", "body": b"whole", "more_body": False})
        return asyncio.create_task(self.app({JSON: message, "headers": []}, arriving.get, send))


async def test_a_few_answers_are_written_at_a_time_and_slow_readers_keep_nobody_waiting() -> None:
    desk, reads, started = Desk(), asyncio.Event(), list[Message]()

    async def slowly(message: Message) -> None:
        started.append(message)
        await reads.wait()

    calls = [desk.call(slowly) for _ in range(AT_ONCE * 3)]
    await until(lambda: len(desk.begun) >= AT_ONCE)
    for _ in range(20):
        await asyncio.sleep(0)
    at_first = len(desk.begun)
    desk.may_write.set()
    await until(lambda: len(started) == AT_ONCE * 3)
    written_meanwhile = desk.written
    reads.set()
    await asyncio.wait_for(asyncio.gather(*calls), SECONDS)

    assert (at_first, written_meanwhile, desk.written) == (AT_ONCE, 0, AT_ONCE * 3)


async def test_whoever_gives_up_gives_the_turn_to_others() -> None:
    desk = Desk()

    async def quickly(_message: Message) -> None:
        pass

    given_up = [desk.call(quickly) for _ in range(AT_ONCE * 2)]
    await until(lambda: len(desk.begun) == AT_ONCE)
    for call in given_up:
        call.cancel()
    await asyncio.wait(given_up)
    desk.may_write.set()
    await asyncio.wait_for(desk.call(quickly), SECONDS)

    assert desk.written == 1
