"""`intarsia serve --stdio`: a host starts the connector as a process, and speaks to it over its standard streams."""

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner
from mcp import Client, StdioServerParameters
from mcp.client import advertise
from mcp.client.stdio import stdio_client
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

import intarsia
from intarsia.cli import main
from tests.commands import ROOT
from tests.server.view_state import PARTS, Shown

ERAS = ["legacy", "2026-07-28"]
COMMAND = ["-c", "from intarsia.cli import main; main()", "serve", "--stdio"]
SHELF, NOTES = "tests.interop.stdio_app:shelf", "tests.interop.stdio_app:notes"
SHOWS_APPS = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})
HANDLE = "dev.intarsia/view"


def environment(folder: Path) -> dict[str, str]:
    # The package that is tested may be a copy.
    found = os.pathsep.join([str(Path(intarsia.__file__).parent.parent), str(ROOT)])
    return {**os.environ, "PYTHONPATH": found, "SHELF_STORE": str(folder / "shelf.db")}


@asynccontextmanager
async def client_of(folder: Path, era: str, target: str = SHELF) -> AsyncGenerator[Client]:
    server = StdioServerParameters(command=sys.executable, args=[*COMMAND, target], env=environment(folder), cwd=folder)
    with (folder / "log.txt").open("w") as log:
        async with Client(stdio_client(server, log), mode=era, extensions=[SHOWS_APPS]) as client:
            yield client


@contextmanager
def started(folder: Path) -> Generator[subprocess.Popen[bytes]]:
    """Start the command, and speak to it without a client."""
    with subprocess.Popen(
        [sys.executable, *COMMAND, SHELF], env=environment(folder), cwd=folder,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def answers_to(folder: Path, *lines: bytes) -> list[dict[str, Any]]:
    """Return the answers to some lines, in the order in which they came, once the input has ended."""
    with started(folder) as process:
        output, _ = process.communicate(b"".join(line + b"\n" for line in lines), timeout=30)
        assert process.returncode == 0
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize("era", ERAS)
async def test_the_same_tools_and_widgets_are_there(tmp_path: Path, era: str) -> None:
    async with client_of(tmp_path, era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        uri = (tools["show"].meta or {})["ui"]["resourceUri"]
        view: Any = (await client.read_resource(uri)).contents[0]
        opened = await client.call_tool("show", {})
        meta = opened.meta or {}
        shown = Shown(meta[PARTS])
        seen = {**shown.meta(revision=meta[PARTS]["revision"]), HANDLE: meta[HANDLE]}
        key = {"dev.intarsia/id": "0123456789abcdef"}
        done: Any = await client.call_tool("fill", {"amount": "3"}, meta=cast("Any", {**seen, **key}))
        again: Any = await client.call_tool("fill", {"amount": 3}, meta=cast("Any", {**seen, **key}))
        refreshed = await client.call_tool("intarsia_view", {}, meta=cast("Any", seen))

    assert (view.mime_type, "<html" in view.text) == (APP_MIME_TYPE, True)
    assert "Fill more than 0" in json.dumps(meta[PARTS])
    assert (done.content[0].text, again.meta["dev.intarsia/done"]["replayed"]) == ("Filled with 3.", True)
    assert "Fill more than 3" in json.dumps(done.meta[PARTS])
    assert "Fill more than 3" in json.dumps((refreshed.meta or {})[PARTS])


@pytest.mark.parametrize("era", ERAS)
async def test_a_connector_on_a_server_of_its_author_is_served_with_it(tmp_path: Path, era: str) -> None:
    async with client_of(tmp_path, era, NOTES) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        added: Any = await client.call_tool("add", {"a": 1, "b": 2})
        shown = await client.call_tool("note", {"number": "2"})

    assert names >= {"add", "note"}
    assert added.structured_content == {"result": 3}
    assert (shown.structured_content or {})["arguments"] == {"number": 2}


@pytest.mark.parametrize("era", ERAS)
async def test_what_prints_goes_to_the_log_and_children_read_nothing(tmp_path: Path, era: str) -> None:
    async with client_of(tmp_path, era) as client:
        await client.call_tool("fill", {"amount": 1})
        child: Any = await client.call_tool("ask_child", {})
        who: Any = await client.call_tool("who_calls", {})

    assert child.content[0].text == "The child ended with 0."
    assert who.content[0].text.startswith("local")
    log = (tmp_path / "log.txt").read_text()
    for printed in ("when it is loaded", "A function that prints", "A child that prints", "''"):
        assert printed in log


def test_the_process_ends_when_its_input_does(tmp_path: Path) -> None:
    assert answers_to(tmp_path) == []


CALL = b'{"jsonrpc": "2.0", "id": %d, "method": "tools/call", "params": {"name": "fill", "arguments": {"amount": %s}}}'
ABOUT: dict[str, Any] = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"extensions": {EXTENSION_ID: {"mimeTypes": [APP_MIME_TYPE]}}},
    "clientInfo": {"name": "test", "version": "1"},
}


def request(number: int, method: str, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()


HELLO = (request(0, "initialize", **ABOUT), b'{"jsonrpc": "2.0", "method": "notifications/initialized"}')


def test_messages_are_as_strict_as_over_http(tmp_path: Path) -> None:
    wrong = {
        1: (b"NaN", "holds NaN"),
        2: (b"1e400", "too large"),
        3: (str(2**63).encode(), "64 bits"),
        4: (b'1, "amount": 2', "a key twice"),
        5: (b"[" * 500 + b"]" * 500, "too deeply"),
        6: (b'"\\ud800"', "lone surrogate"),
    }
    lines = [CALL % (number, value) for number, (value, _) in wrong.items()]
    large = CALL % (7, b'"' + b"x" * 300_000 + b'"')
    others = [b"no JSON", b"\xff", b"", b"[]", b'{"jsonrpc": "2.0", "id": null, "method": "x"}', large]

    with started(tmp_path) as process:
        answers = list(answers_until(process, 99, *HELLO, *lines, *others, CALL % (99, b"2")))

    by_id = {answer["id"]: answer for answer in answers}
    for number, (_, words) in wrong.items():
        assert words in by_id[number]["error"]["message"], number
    assert sum(answer["id"] is None and "error" in answer for answer in answers) == len(others)
    assert by_id[99]["result"]["content"][0]["text"] == "Filled with 2."


def answers_until(process: subprocess.Popen[bytes], last: int, *lines: bytes) -> Iterator[dict[str, Any]]:
    """Send lines, and yield the answers up to the one with an id."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"".join(line + b"\n" for line in lines))
    process.stdin.flush()
    while line := process.stdout.readline():
        answer = json.loads(line)
        yield answer
        if answer.get("id") == last:
            return


@pytest.mark.parametrize(
    "option", [["--port", "0"], ["--host", "127.0.0.1"], ["--sign-in"], ["--issuer", "https://login.example.com"]]
)
def test_options_of_http_and_sign_in_are_refused(option: list[str]) -> None:
    ended = CliRunner().invoke(main, ["serve", "app:nothing", "--stdio", *option])

    assert ended.exit_code == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"Error: --stdio and {option[0]} cannot be used together: ")


def test_a_view_that_waits_does_not_keep_the_process(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        *_, opened = answers_until(process, 1, *HELLO, request(1, "tools/call", name="show", arguments={}))
        meta = opened["result"]["_meta"]
        seen = {**Shown(meta[PARTS]).meta(revision=meta[PARTS]["revision"]), HANDLE: meta[HANDLE]}
        poll = request(2, "tools/call", name="intarsia_view", arguments={"wait_seconds": 25}, _meta=seen)
        (answer,) = answers_until(process, 3, poll, request(3, "ping"))
        assert process.stdin
        process.stdin.close()

        assert (answer["id"], process.wait(15)) == (3, 0)
        assert process.stderr
        assert b"Traceback" not in process.stderr.read()


def test_the_documented_configurations_name_a_command_that_is_there() -> None:
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / "docs/connect.md").read_text(), re.DOTALL)
    servers = [next(iter(next(iter(json.loads(block).values())).values())) for block in blocks]

    assert len(servers) == 2
    for server in servers:
        assert server["command"].endswith("/intarsia")
        name, *arguments = server["args"]
        context = main.commands[name].make_context(name, arguments)
        assert (context.params["target"], context.params["stdio"]) == ("app:tasks", True)
