"""T27: a call that waits for changes ends when its caller's access does, and brings nothing after that."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2
import pytest

from intarsia import Introspection, Issuer, ResourceServer
from intarsia.host.server import running_server
from intarsia.server.changes.change_log import CHANGE_LOG
from tests.security.connector_server import (
    ERAS,
    MODERN,
    RESOURCE,
    Answers,
    Served,
    good_claims,
    running_connector_server,
)
from tests.security.issuer import RunningIssuer
from tests.security.mutation import Guard, Mutants, Mutation, each_guard

SECONDS = 5
THIS = "tests/security/test_waiting.py"
GUARD = "intarsia/server/auth/resource_server/middleware.py"
REFRESH = "intarsia/server/calls/refresh_view.py"


class Open:
    """A person with an open View, on a server that asks the issuer about each token."""

    def __init__(self, served: Served, answers: Answers, token: str, era: str) -> None:
        self.served, self.answers, self.token, self.era = served, answers, token, era
        self.meta: dict[str, Any] = {}

    async def read(self) -> None:
        """Open the View."""
        parts = answered(await self.served.call(self.era, token=self.token, shows_widgets=True))["_meta"]
        shown = parts["dev.intarsia/parts"]
        seen = {"tool": shown["tool"], "arguments": shown["arguments"], "frame": shown["frame"]["hash"]}
        lists = {
            name: [each["hash"] + key for key, each in items["items"].items()] for name, items in shown["lists"].items()
        }
        hashes = {name: part["hash"] for name, part in shown["parts"].items()}
        more = {"revision": shown["revision"], "parts": hashes, "lists": lists}
        self.meta = {"seen": {**seen, **more}, "view": parts["dev.intarsia/view"]}

    async def wait(self, seconds: float = 25) -> "asyncio.Task[httpx2.Response]":
        """Begin to wait for a change."""
        before = CHANGE_LOG.waiting
        arguments = {"wait_seconds": seconds, "_intarsia": self.meta}
        call = self.served.call(
            self.era, token=self.token, tool="intarsia_view", arguments=arguments, shows_widgets=True
        )
        task = asyncio.create_task(call)
        while CHANGE_LOG.waiting == before and not task.done():  # noqa: ASYNC110  # it is waited for that somebody waits
            await asyncio.sleep(0.01)
        return task


def answered(response: httpx2.Response) -> Mapping[str, Any]:
    assert response.status_code == 200, response.text
    is_event = response.headers["content-type"].startswith("text/event-stream")
    body = response.text.rpartition("data: ")[2] if is_event else response.text
    result: Mapping[str, Any] = json.loads(body)["result"]
    return result


@pytest.fixture(params=ERAS)
async def viewer(request: pytest.FixtureRequest, issuer: RunningIssuer, tmp_path: Path) -> AsyncIterator[Open]:
    answers = Answers()
    token = issuer.sign(good_claims(issuer.url))
    answers.by_token[token] = {"active": True}
    async with running_server(answers.app()) as address:
        asks = Introspection(client_id="intarsia", client_secret="made-up", endpoint=f"{address}/introspect")
        auth = ResourceServer(RESOURCE, [Issuer(issuer.url, introspection=asks)])
        async with running_connector_server(auth, tmp_path) as served:
            opened = Open(served, answers, token, request.param)
            await opened.read()
            yield opened


async def ends(task: "asyncio.Task[httpx2.Response]") -> Mapping[str, Any]:
    """Return what a call that waits is answered with, in time."""
    begun = monotonic()
    result = answered(await asyncio.wait_for(task, SECONDS + 3))
    assert monotonic() - begun < SECONDS + 1  # the machine may be busy; the wait itself is 25 seconds
    return result


async def test_t27_a_withdrawn_token_ends_the_wait_and_nothing_is_read(viewer: Open) -> None:
    waiting = await viewer.wait()
    viewer.served.entered.clear()
    viewer.answers.by_token.clear()

    result = await ends(waiting)

    assert result["isError"] is True
    assert result["_meta"]["dev.intarsia/problem"]["kind"] == "refused"
    assert "withdrawn" in result["content"][0]["text"]
    assert "Water the plants" not in json.dumps(result)
    assert viewer.served.entered == []
    again = await viewer.served.call(viewer.era, token=viewer.token)
    assert again.status_code == 401


async def test_t27_a_scope_that_was_taken_back_ends_the_wait_and_nothing_is_read(viewer: Open) -> None:
    waiting = await viewer.wait()
    viewer.served.entered.clear()
    viewer.answers.by_token[viewer.token] = {"active": True, "scope": "tasks:write"}

    result = await ends(waiting)

    assert result["_meta"]["dev.intarsia/problem"]["missing_scopes"] == ["tasks:read"]
    assert "Water the plants" not in json.dumps(result)
    assert viewer.served.entered == []


async def test_t27_a_scope_that_nothing_shown_depends_on_leaves_the_widget(viewer: Open) -> None:
    waiting = await viewer.wait()
    viewer.answers.by_token[viewer.token] = {"active": True, "scope": "tasks:read"}

    result = await ends(waiting)

    assert result["isError"] is False
    assert "dev.intarsia/unchanged" in result["_meta"]


async def test_t27_an_issuer_that_cannot_be_asked_ends_no_wait(viewer: Open) -> None:
    waiting = await viewer.wait(6)
    viewer.answers.is_down = True

    assert "dev.intarsia/unchanged" in answered(await asyncio.wait_for(waiting, 20))["_meta"]


WITHDRAWAL = f"{THIS} -k 'withdrawn_token and {MODERN}'"
GUARDS = {
    "nobody looks": (
        WITHDRAWAL,
        Mutation(GUARD, "if isinstance(found, AuthRefusal) and found.status != SERVICE_UNAVAILABLE:", "if False:"),
    ),
    "nothing to look at": (
        WITHDRAWAL,
        Mutation(GUARD, "ACCESS_WATCH.set(self._resource.watch_access(scope, bearer))", "ACCESS_WATCH.set(None)"),
    ),
    "read all the same": (
        WITHDRAWAL,
        Mutation(
            REFRESH, '        if wait.grant is None:\n            return problem_answer("refused", WITHDRAWN)\n', ""
        ),
    ),
    "a lost scope": (
        f"{THIS} -k 't27_a_scope_that_was_taken and {MODERN}'",
        Mutation(REFRESH, "call = self._for(call, wait.grant)", "pass"),
    ),
}


@each_guard(GUARDS)
async def test_withdrawal_is_missed_without_its_guard(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
