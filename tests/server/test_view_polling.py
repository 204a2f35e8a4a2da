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

from intarsia import Connector, Done, Grant, Introspection, Issuer, ResourceServer
from intarsia.host.server import running_server
from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.server.http.app import mount
from intarsia.server.mcp_server.server import Surface, build_server
from intarsia.server.mcp_server.view_polling import MAX_CONCURRENT_RESPONSES, RESPONSE_KEY, ViewPollingMiddleware
from intarsia.server.wire.messages import CallResponse
from intarsia.server.wire.strict_json import JSON
from intarsia.widgets import Metric
from tests.security.connector_server import EARLIER, ERAS, MODERN, RESOURCE, Answers, good_claims
from tests.server.test_stopping import messages, request_of

SECONDS = 20
HEADERS = [(b"accept", b"*/*")]


class Kitchen:
    """A connector with a widget that changes, and an action that says that it was run."""

    def __init__(self, path: Path) -> None:
        self.degrees = 20
        self.read = 0
        self.bought: list[str] = []
        self.connector = kitchen = Connector("Kitchen", store=path / "kitchen.db")

        @kitchen.widget(topics="oven", scopes=frozenset())
        async def oven() -> Metric:  # pyright: ignore[reportUnusedFunction]  # the decorator takes it
            """Show how hot it is."""
            return Metric("Oven", self.degrees)

        @kitchen.widget(topics="oven", scopes=frozenset())
        async def own(grant: Grant) -> Metric:  # pyright: ignore[reportUnusedFunction]  # as above
            """Show whose kitchen it is, which is read for each call."""
            self.read += 1
            return Metric(f"Kitchen of {grant.subject}", self.degrees)

        @kitchen.action(scopes=frozenset())
        async def buy(what: str) -> Done:  # pyright: ignore[reportUnusedFunction]  # as above
            """Buy something."""
            self.bought.append(what)
            return Done(f"Bought {what}.")

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


def sent(tool: str, arguments: object, meta: object = None, era: str = EARLIER, **more: Any) -> dict[str, Any]:
    """Return a call as it is sent; of the later version only with a `_meta` that is one."""
    request = request_of("tools/call", {"name": tool, "arguments": arguments, "_meta": meta or {}}, era)
    request["json"] |= more
    return request


async def opened(http: httpx2.AsyncClient, era: str, tool: str = "oven", **headers: str) -> dict[str, Any]:
    request = sent(tool, {}, era=era)
    request["headers"] |= headers
    (message,) = messages(await http.post("/mcp", **request))
    meta = message["result"]["_meta"]
    shown = meta["dev.intarsia/parts"]
    hashes = {name: part["hash"] for name, part in shown.get("parts", {}).items()}
    seen = {"tool": tool, "arguments": {}, "frame": shown["frame"]["hash"], "parts": hashes}
    return {
        "dev.intarsia/seen": {**seen, "revision": shown["revision"]},
        "dev.intarsia/view": meta["dev.intarsia/view"],
    }


def without_moments(value: Any) -> Any:
    """Leave out what is another each time: revisions, and handles, which hold a time."""
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value)
        return {
            name: None if name in ("revision", "dev.intarsia/view") else without_moments(each)
            for name, each in pairs.items()
        }
    return value


def said_by(response: httpx2.Response) -> list[Any]:
    return [without_moments(message) for message in messages(response)]


def calls_of(meta: dict[str, Any], era: str) -> dict[str, dict[str, Any]]:
    """Return calls of the View's tool, good ones and bad ones."""
    spare = {"_intarsia": {"seen": meta["dev.intarsia/seen"], "view": meta["dev.intarsia/view"]}}
    calls = {
        "plain": sent("intarsia_view", {}, meta, era),
        "a text for an id": sent("intarsia_view", {}, meta, era, id="seven"),
        "no wait": sent("intarsia_view", {"wait_seconds": 0}, meta, era),
        "a wrong wait": sent("intarsia_view", {"wait_seconds": "long"}, meta, era),
        "no View": sent("intarsia_view", {}, {}, era),
        "a forged handle": sent("intarsia_view", {}, {**meta, "dev.intarsia/view": "forged"}, era),
        "nothing seen": sent("intarsia_view", {}, {**meta, "dev.intarsia/seen": {}}, era),
        "a host that drops _meta": sent("intarsia_view", spare, {}, era),
        "arguments that are none": sent("intarsia_view", [], meta, era),
        "a text for arguments": sent("intarsia_view", "text", meta, era),
        "a token of progress that is none": sent("intarsia_view", {}, {**meta, "progressToken": {}}, era),
        "no id": sent("intarsia_view", {}, meta, era),
    }
    del calls["no id"]["json"]["id"]
    headers: dict[str, dict[str, str | None]] = {
        "no version": {"MCP-Protocol-Version": None},
        "an unknown version": {"MCP-Protocol-Version": "1999-01-01"},
        "JSON alone": {"Accept": "application/json"},
        "a stream alone": {"Accept": "text/event-stream"},
        "anything": {"Accept": "*/*"},
        "nearly JSON": {"Accept": "application/jsonx, text/event-stream"},
        "another name": {"Mcp-Name": "buy"},
    }
    for name, changed in headers.items():
        call = sent("intarsia_view", {}, meta, era)
        call["headers"] = {key: text for key, text in {**call["headers"], **changed}.items() if text is not None}
        calls[name] = call
    twice = sent("intarsia_view", {}, meta, era)
    usual: dict[str, str] = twice["headers"]
    twice["headers"] = [("MCP-Protocol-Version", MODERN if era == EARLIER else EARLIER), *usual.items()]
    return {**calls, "two versions": twice}


@pytest.mark.parametrize("era", ERAS)
async def test_answers_and_refusals_are_those_of_the_sdk(kitchen: Kitchen, era: str) -> None:
    connector = kitchen.connector
    bare = mount(build_server(connector.catalog), running=connector.running)
    async with (
        running_server(connector.app()) as ours,
        running_server(bare) as theirs,
        client(ours) as front,
        client(theirs) as back,
    ):
        meta = await opened(front, era, "own")
        for name, call in calls_of(meta, era).items():
            before, response = kitchen.read, await front.post("/mcp", **call)
            read, same = kitchen.read - before, await back.post("/mcp", **call)
            assert response.status_code == same.status_code, name
            assert said_by(response) == said_by(same), name
            is_read = response.status_code == 200 and "dev.intarsia/unchanged" in response.text
            assert read == is_read, name
            if is_read:
                assert response.headers["content-type"] == "application/json"
        kitchen.heat()
        changed = [await http.post("/mcp", **sent("intarsia_view", {}, meta, era)) for http in (front, back)]

    assert "30" in changed[0].text
    assert said_by(changed[0]) == said_by(changed[1])


async def test_a_client_of_the_later_version_without_widgets_is_sent_no_widget(kitchen: Kitchen) -> None:
    async with running_server(kitchen.connector.app()) as address, client(address) as http:
        call = sent("intarsia_view", {}, await opened(http, MODERN), MODERN)
        kitchen.heat()
        call["json"]["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = {}
        response = await http.post("/mcp", **call)

    assert response.json()["result"]["content"][0]["text"] == "Changed."
    assert "dev.intarsia/parts" not in response.text


async def test_a_call_whose_headers_say_something_else_has_no_effect(kitchen: Kitchen) -> None:
    answers = Answers()
    async with running_server(answers.app()) as issuer:
        app = kitchen.connector.app(auth=auth_of(issuer, answers, "ada"))
        async with running_server(app) as address, client(address) as http:
            token = {"Authorization": "Bearer ada"}
            older = await opened(http, MODERN, **token)
            newer = await opened(http, MODERN, **token)
            lying = sent("intarsia_view", {"take_over": True, "wait_seconds": 25}, older, MODERN)
            lying["headers"] |= {"Mcp-Name": "buy", **token}
            refused = await http.post("/mcp", **lying)
            latest = sent("intarsia_view", {}, newer, MODERN)
            latest["headers"] |= token
            answer = await http.post("/mcp", **latest)

    assert refused.status_code == 400
    assert "dev.intarsia/unchanged" in answer.text


def auth_of(issuer: str, answers: Answers, *people: str) -> ResourceServer:
    """Return an issuer at which a token is the name of its person."""
    url = "https://login.example.com"
    for name in people:
        answers.by_token[name] = {"active": True, **good_claims(url, sub=name)}
    asks = Introspection(client_id="intarsia", client_secret="made-up", endpoint=f"{issuer}/introspect")
    return ResourceServer(RESOURCE, [Issuer(url, introspection=asks)])


def raw(call: dict[str, Any], person: str) -> bytes:
    """Return a request as bytes, for a connection of one's own."""
    body = json.dumps(call["json"])
    head = {**call["headers"], "Authorization": f"Bearer {person}", "Host": "127.0.0.1", "Content-Length": len(body)}
    lines = [f"{name}: {value}" for name, value in {**head, "Content-Type": "application/json"}.items()]
    return "\r\n".join(["POST /mcp HTTP/1.1", *lines, "", body]).encode()


async def answer_on(reader: asyncio.StreamReader) -> str:
    """Read one answer of a connection, whole, however it is sent."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SECONDS)).lower()
    if b"content-length" in head:
        return (await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))).decode()
    text = b""
    while size := int(await reader.readline(), 16):
        text += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return text.decode()


@pytest.mark.parametrize("waits", [0, 25])
@pytest.mark.parametrize("era", ERAS)
async def test_what_comes_next_on_a_connection_gets_an_answer_of_its_own(
    kitchen: Kitchen, era: str, waits: int
) -> None:
    answers = Answers()
    async with running_server(answers.app()) as issuer:
        app = kitchen.connector.app(auth=auth_of(issuer, answers, "ada", "bob"))
        async with running_server(app) as address, client(address) as http:
            meta = await opened(http, era, "own", Authorization="Bearer ada")
            reader, writer = await asyncio.open_connection(*address.removeprefix("http://").split(":"))
            before = CHANGE_LOG.waiting
            writer.write(raw(sent("intarsia_view", {"wait_seconds": waits}, meta, era), "ada"))
            await writer.drain()
            if waits:
                await until(lambda: CHANGE_LOG.waiting > before)
                kitchen.heat()
            told = [await answer_on(reader)]
            writer.write(raw(sent("own", {}, era=era), "bob"))
            told.append(await answer_on(reader))
            for what in ("milk", "bread"):
                writer.write(raw(sent("buy", {"what": what}, era=era), "bob"))
                told.append(await answer_on(reader))
            writer.close()

    assert ("Kitchen of ada" in told[0]) == bool(waits)
    assert "Kitchen of bob" in told[1]
    assert "ada" not in "".join(told[1:])
    assert ["Bought milk." in told[2], "Bought bread." in told[3]] == [True, True]
    assert kitchen.bought == ["milk", "bread"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_wait_is_answered_with_the_change_in_one_message(kitchen: Kitchen, era: str) -> None:
    async with running_server(kitchen.connector.app()) as address, client(address) as http:
        meta = await opened(http, era)
        before = CHANGE_LOG.waiting
        waiting = asyncio.create_task(http.post("/mcp", **sent("intarsia_view", {"wait_seconds": 25}, meta, era)))
        await until(lambda: CHANGE_LOG.waiting > before)
        kitchen.heat()
        response = await asyncio.wait_for(waiting, SECONDS)

    assert response.headers["content-type"] == "application/json"
    assert "30" in json.dumps(response.json()["result"]["_meta"]["dev.intarsia/parts"])


async def until(holds: Any) -> None:
    async with asyncio.timeout(SECONDS):
        while not holds():  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("era", ERAS)
async def test_whoever_hangs_up_waits_no_longer(kitchen: Kitchen, era: str) -> None:
    async with running_server(kitchen.connector.app()) as address:
        async with client(address) as http:
            meta = await opened(http, era)
        before = CHANGE_LOG.waiting
        call = sent("intarsia_view", {"wait_seconds": 25}, meta, era)
        async with client(address) as http:
            calls = [asyncio.create_task(http.post("/mcp", **call)) for _ in range(5)]
            await until(lambda: CHANGE_LOG.waiting == before + 5)
            for each in calls:
                each.cancel()
            await asyncio.wait(calls)
        await asyncio.wait_for(until(lambda: CHANGE_LOG.waiting == before), 10)


async def test_a_call_of_nobody_is_no_answer_where_everybody_signs_in(kitchen: Kitchen) -> None:
    async with kitchen.connector.running():
        assert await Surface(kitchen.connector.catalog, signs_in=True).answer_view({}, {}) is None
        assert await Surface(kitchen.connector.catalog).answer_view({}, {}) is not None


class Desk:
    """Answers at once, and notes which answers are written down; in the later version, where the SDK does that."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.written = 0
        self.may_write = asyncio.Event()
        self.app = ViewPollingMiddleware(self.write, self.write, self)

    async def answer_view(self, arguments: Mapping[str, Any], meta: Mapping[str, Any]) -> CallResponse:
        return CallResponse(f"{arguments} {meta}")

    def plain_result(self, answer: CallResponse, version: str) -> None:  # noqa: ARG002 - as in the adapter
        return None

    async def write(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: CallResponse | None = scope[RESPONSE_KEY]
        assert answer
        assert (await receive())["body"] == b"whole"
        self.begun.append(answer.text)
        await self.may_write.wait()
        await send({"type": "http.response.start", "status": 200})
        self.written += 1

    async def nowhere(self, message: Message) -> None:
        pass

    def call(self, send: Send) -> "asyncio.Task[None]":
        message = sent("intarsia_view", {}, {})["json"]
        arriving = asyncio.Queue[Message]()
        arriving.put_nowait({"type": "http.request", "body": b"whole", "more_body": False})
        return asyncio.create_task(self.app({"type": "http", JSON: message, "headers": HEADERS}, arriving.get, send))


async def test_a_few_answers_are_written_at_a_time_and_slow_readers_keep_nobody_waiting() -> None:
    desk, reads, started = Desk(), asyncio.Event(), list[Message]()

    async def slowly(message: Message) -> None:
        started.append(message)
        await reads.wait()

    calls = [desk.call(slowly) for _ in range(MAX_CONCURRENT_RESPONSES * 3)]
    await until(lambda: len(desk.begun) >= MAX_CONCURRENT_RESPONSES)
    for _ in range(20):
        await asyncio.sleep(0)
    at_first = len(desk.begun)
    desk.may_write.set()
    await until(lambda: len(started) == MAX_CONCURRENT_RESPONSES * 3)
    written_meanwhile = desk.written
    reads.set()
    await asyncio.wait_for(asyncio.gather(*calls), SECONDS)

    assert (at_first, written_meanwhile, desk.written) == (MAX_CONCURRENT_RESPONSES, 0, MAX_CONCURRENT_RESPONSES * 3)


async def test_a_wait_that_is_given_up_inside_is_left_to_the_sdk_and_takes_no_turn() -> None:
    class GivesUp(Desk):
        async def answer_view(self, arguments: Mapping[str, Any], meta: Mapping[str, Any]) -> CallResponse:  # noqa: ARG002 - as above
            raise asyncio.CancelledError

    desk = GivesUp()
    left = list[Scope]()

    async def sdk(scope: Scope, _receive: Receive, _send: Send) -> None:
        left.append(scope)

    desk.app = ViewPollingMiddleware(sdk, desk.write, desk)
    await asyncio.wait_for(
        asyncio.gather(*(desk.call(desk.nowhere) for _ in range(MAX_CONCURRENT_RESPONSES + 1))), SECONDS
    )

    assert [RESPONSE_KEY in scope for scope in left] == [False] * (MAX_CONCURRENT_RESPONSES + 1)
    assert desk.begun == []


async def test_whoever_gives_up_gives_the_turn_to_others() -> None:
    desk = Desk()

    given_up = [desk.call(desk.nowhere) for _ in range(MAX_CONCURRENT_RESPONSES * 2)]
    await until(lambda: len(desk.begun) == MAX_CONCURRENT_RESPONSES)
    for call in given_up:
        call.cancel()
    await asyncio.wait(given_up)
    desk.may_write.set()
    await asyncio.wait_for(desk.call(desk.nowhere), SECONDS)

    assert desk.written == 1
