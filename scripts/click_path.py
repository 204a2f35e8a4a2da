"""The way of one click through the package: which modules it enters, and how often it changes from one to another.

Moves a card on a task board of `examples/team_tasks`, as a person's click does: signed in with a token of an issuer of
its own, over the application's HTTP, from an open View that gets the difference. The first clicks warm up; those that
count are traced. Run by path in the tree that is measured, it finds the package by itself and prints JSON:
`PYTHONPATH=. python scripts/click_path.py`.

An entry is a function of the package that begins to run, in whichever thread; a coroutine that goes on after an
`await` is none. A change of module is an entry whose module is not that of the entry before.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from itertools import cycle, pairwise
from pathlib import Path
from types import FrameType
from typing import Any

ERAS = ("2025-11-25", "2026-07-28")
WARM_UP, CLICKS = 3, 7
RESOURCE = "http://127.0.0.1:8484/mcp"
CARDS = {"2025-11-25": "T-32", "2026-07-28": "T-33"}
"""The card that is moved in each era: what was done in one is not in the way of the other."""
PROJECT = "apollo"
PLACES = (("review", 0), ("doing", 0))
MAX_SECONDS = 180

Json = dict[str, Any]


@dataclass(frozen=True)
class ClickPath:
    """The way of one click."""

    era: str
    """The version of the protocol that was spoken."""
    modules: int
    """How many modules of the package were entered."""
    entries: int
    """How many functions of the package began to run."""
    changes: int
    """How often an entry was in another module than the one before."""
    entries_of: dict[str, int]
    """How many functions of each module began to run, most first."""


def find_package(root: Path) -> str:
    """Return the name of the package that a tree is about, as its `pyproject.toml` says."""
    project: Json = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["name"])


def measure_clicks(root: Path) -> list[ClickPath]:
    """Measure the way of one click in a tree, with the environment of that tree if it has one.

    Args:
        root: The root of the tree.

    Raises:
        RuntimeError: The click did not work; the message says why.
    """
    own = root / ".venv" / "bin" / "python"
    command = [str(own) if own.is_file() else sys.executable, "-P", "-W", "ignore", str(Path(__file__).resolve())]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    finished = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=MAX_SECONDS
    )
    if finished.returncode:
        message = f"The click could not be traced in {root}:\n{finished.stderr[-3000:]}"
        raise RuntimeError(message)
    return [ClickPath(**found) for found in json.loads(finished.stdout)]


class Tracer:
    """Notes the entries into the modules of a package, in every thread that starts after it.

    Args:
        folder: Where the package is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = f"{folder}{os.sep}"
        self._is_on = False
        self._known: set[FrameType] = set()  # holds the frames, so that none takes the place of another
        self.entered: list[str] = []

    @contextmanager
    def tracing(self) -> Generator[None]:
        """Note what happens inside the block, and nothing that happened before."""
        self.entered, self._known, self._is_on = [], set(), True
        sys.setprofile(self.profile)
        try:
            yield
        finally:
            sys.setprofile(None)
            self._is_on = False
            self._known.clear()

    def profile(self, frame: FrameType, event: str, _argument: object) -> None:
        """Take an event of Python's profiler."""
        if not self._is_on or event != "call":
            return
        file = frame.f_code.co_filename
        if file.startswith(self._folder) and file.endswith(".py") and frame not in self._known:
            self._known.add(frame)
            self.entered.append(file[len(self._folder) :])


def count_changes(entered: list[str]) -> int:
    """Count how often an entry is in another module than the one before."""
    return sum(one != other for one, other in pairwise(entered))


class Issuer:
    """An issuer of access tokens with one key, which is shown over HTTP on this machine."""

    def __init__(self) -> None:
        jwt, keys = import_module("jwt"), import_module("cryptography.hazmat.primitives.asymmetric.ec")
        self._jwt, self._key = jwt, keys.generate_private_key(keys.SECP256R1())
        public = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self._keys = json.dumps({"keys": [{**public, "kid": "click", "alg": "ES256", "use": "sig"}]}).encode()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        keys = self._keys

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(keys)))
                self.end_headers()
                self.wfile.write(keys)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # as the base has it
                """Keep the output to the JSON."""

        return Handler

    @contextmanager
    def serving(self) -> Generator[None]:
        """Show the key while the block runs."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()

    def token(self, scopes: str) -> str:
        """Sign an access token for the resource."""
        now = int(time.time())
        claims: Json = {"iss": self.url, "aud": RESOURCE, "sub": "ada", "client_id": "chat", "scope": scopes}
        claims |= {"iat": now, "exp": now + 600, "jti": "click"}
        signed = self._jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": "click", "typ": "at+jwt"})
        return str(signed)


class HostClient:
    """Calls tools of an application as a host does, without sockets and without a client's own code.

    Args:
        app: The ASGI application.
        era: The version of the protocol.
        token: The access token; none is sent when it is empty.
    """

    def __init__(self, app: Any, era: str, token: str = "") -> None:
        self._app, self._era, self._token = app, era, token

    async def call(self, tool: str, arguments: Mapping[str, Any], meta: Mapping[str, Any]) -> Json:
        """Call a tool and return its result.

        Raises:
            RuntimeError: The server answered with no result, or the tool with an error.
        """
        body = self._body(tool, arguments, meta)
        sent, is_answered = bytearray(), asyncio.Event()
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Json:
            for message in messages:
                return message
            await is_answered.wait()
            return {"type": "http.disconnect"}

        async def send(message: Mapping[str, Any]) -> None:
            sent.extend(message.get("body", b""))

        await self._app(self._scope(tool, body), receive, send)
        text = sent.decode()
        lines = [line.removeprefix("data: ") for line in text.splitlines()]
        answer = json.loads(next((line for line in lines if line.startswith("{")), "{}"))
        result: Json | None = answer.get("result")
        if result is None or result.get("isError"):
            message = f"{tool} did not work: {text[:1000]}"
            raise RuntimeError(message)
        return result

    def _body(self, tool: str, arguments: Mapping[str, Any], meta: Mapping[str, Any]) -> bytes:
        protocol = "io.modelcontextprotocol"
        ui = {"extensions": {f"{protocol}/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}}
        about: Json = {f"{protocol}/protocolVersion": self._era, f"{protocol}/clientCapabilities": ui}
        about[f"{protocol}/clientInfo"] = {"name": "click", "version": "1"}
        carried: Json = {**(about if self._era == ERAS[1] else {}), **meta}
        params: Json = {"name": tool, "arguments": arguments, "_meta": carried}
        return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()

    def _scope(self, tool: str, body: bytes) -> Json:
        headers = {
            "host": "127.0.0.1:8484", "content-type": "application/json", "content-length": str(len(body)),
            "accept": "application/json, text/event-stream", "mcp-protocol-version": self._era,
        }  # fmt: skip
        if self._era == ERAS[1]:
            headers |= {"mcp-method": "tools/call", "mcp-name": tool}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        return {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
            "path": "/mcp", "raw_path": b"/mcp", "query_string": b"", "root_path": "", "state": {},
            "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 8484),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip


async def trace_clicks(package: str, tracer: Tracer, era: str) -> list[list[str]]:
    """Click several times, and return the modules that each click entered, in order.

    Args:
        package: The package's name.
        tracer: Notes them.
        era: The version of the protocol.
    """
    issuer, door, card = Issuer(), import_module(package), CARDS[era]
    connector = import_module("examples.team_tasks").connector
    played: Any = import_module("benchmarks.playing_view").PlayedView
    parts, handle = f"dev.{package}/parts", f"dev.{package}/view"
    trusted = door.Issuer(issuer.url, jwks_uri=f"{issuer.url}/keys")
    app = connector.app(auth=door.ResourceServer(RESOURCE, issuers=[trusted]))
    traced: list[list[str]] = []
    with issuer.serving():
        client = HostClient(app, era, issuer.token("tasks:read tasks:write"))
        async with app.router.lifespan_context(app):
            opened = (await client.call("task_board", {"project": PROJECT}, {}))["_meta"]
            view, places, version = played(opened[parts]), cycle(PLACES), version_of(card, opened[parts])
            for number in range(-WARM_UP, CLICKS * 5):
                (column, index), meta = next(places), {**view.action(), handle: opened[handle]}
                arguments = {"project": PROJECT, "card": card, "column": column, "index": index, "version": version}
                with tracer.tracing():
                    answer = (await client.call("move_card", arguments, meta))["_meta"]
                version += 1
                if parts in answer:
                    view.take(answer[parts])
                # A board that took too long comes with a later answer, and that click goes another way.
                if number >= 0 and parts in answer:
                    traced.append(tracer.entered)
                if len(traced) == CLICKS:
                    return traced
    message = "No click was answered with the changed board."
    raise RuntimeError(message)


def version_of(card: str, parts: Mapping[str, Any]) -> int:
    """Return the version of a card, as the open board says it."""
    cards: Json = {
        key: item["html"] for change in parts["lists"].values() for key, item in change.get("items", {}).items()
    }
    html = str(cards[card]).replace("&#34;", '"').replace("&quot;", '"')
    return int(html.partition('"version":')[2].lstrip().split(",")[0].split("}")[0])


def summed_up(era: str, traced: list[list[str]]) -> ClickPath:
    """Return the typical click: each number is the median of several."""
    typical = sorted(traced, key=len)[len(traced) // 2]
    return ClickPath(
        era,
        modules=round(statistics.median(len(set(entered)) for entered in traced)),
        entries=round(statistics.median(map(len, traced))),
        changes=round(statistics.median(map(count_changes, traced))),
        entries_of=dict(Counter(typical).most_common()),
    )


def main() -> None:
    """Trace clicks in the tree of the working folder, in both eras, and print them as JSON."""
    root = Path.cwd()
    package = find_package(root)
    tracer = Tracer(root / package)
    threading.setprofile(tracer.profile)
    found: list[Json] = []
    with tempfile.TemporaryDirectory() as state:
        os.environ[f"{package.upper()}_STATE"] = os.environ["XDG_STATE_HOME"] = state
        for era in ERAS:
            traced = asyncio.run(trace_clicks(package, tracer, era))
            found.append(asdict(summed_up(era, traced)))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
