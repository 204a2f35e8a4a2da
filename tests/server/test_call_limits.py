"""Too many calls of one person are refused in a form that hosts pass on, and other persons notice nothing."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from intarsia import Connector
from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.server.http import call_limits
from intarsia.server.http.limits import Limits
from intarsia.server.wire.counted_log import CountedLog
from intarsia.server.wire.messages import PROBLEM, VIEW
from intarsia.widgets import Metric
from tests.server.people import Client, app_of, result_of, running
from tests.server.view_state import PARTS, Shown

LIMITS = Limits(
    max_calls=4,
    max_calls_per_person=2,
    max_shared_calls_per_person=2,
    max_waiting_calls_per_person=2,
    max_polls_per_person=3,
)
SECONDS = 10


class Place:
    """A connector whose tool `slow` ends when it is let go."""

    def __init__(self, client: Client, connector: Connector) -> None:
        self.client = client
        self.connector = connector
        self.entered: list[str] = []
        self.may_end = asyncio.Event()

    async def until_entered(self, count: int) -> None:
        async with asyncio.timeout(SECONDS):
            while len(self.entered) < count:  # noqa: ASYNC110 - it is waited for that they are inside
                await asyncio.sleep(0)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    connector = Connector("Limited", store=tmp_path / "limited.db")

    @connector.widget(scopes={"read"})
    async def slow() -> Metric:
        """Show a number after a while."""
        made.entered.append("slow")
        await made.may_end.wait()
        return Metric("Slow", 1)

    @connector.widget(scopes={"read"}, topics="number")
    async def quick() -> Metric:
        """Show a number."""
        return Metric("Quick", 1)

    async with running(app_of(connector, LIMITS)) as client:
        made = Place(client, connector)
        yield made
        made.may_end.set()


async def test_too_many_calls_of_one_person_are_refused_as_busy(place: Place) -> None:
    hers = [asyncio.ensure_future(place.client.call("slow")) for _ in range(10)]
    refused, _ = await asyncio.wait(hers, timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
    await place.until_entered(2)

    problems = [result_of(each.result()) for each in refused]
    assert all(problem["isError"] for problem in problems)
    assert problems[0]["_meta"][PROBLEM]["kind"] == "busy"
    assert problems[0]["_meta"][PROBLEM]["retry_after"] == 1
    assert problems[0]["content"][0]["text"].endswith("nothing was done. Try again in 1 second.")
    place.may_end.set()
    answers = [await each for each in hers]
    assert sum("busy" in answer.text for answer in answers) == 6
    assert len(place.entered) == 4, "a call that is refused is not tried"


async def test_what_is_no_call_of_a_tool_is_refused_with_429(place: Place) -> None:
    hers = [asyncio.ensure_future(place.client.call("slow")) for _ in range(4)]
    await place.until_entered(2)
    for _ in range(20):  # the others are in line by then
        await asyncio.sleep(0)

    refused = await place.client.send("tools/list", {})

    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["message"].startswith("The server is busy")
    place.may_end.set()
    assert [(await each).status_code for each in hers] == [200] * 4


async def test_the_calls_of_another_person_begin_at_once(place: Place) -> None:
    hers = [asyncio.ensure_future(place.client.call("slow")) for _ in range(10)]
    await place.until_entered(2)

    async with asyncio.timeout(SECONDS):
        answer = await place.client.call("quick", "bob")

    assert "Quick" in result_of(answer)["content"][0]["text"]
    assert len(place.entered) == 2
    place.may_end.set()
    await asyncio.gather(*hers)


async def poll(place: Place, opened: dict[str, Any], person: str = "ada") -> Any:
    parts = opened["_meta"][PARTS]
    meta = {VIEW: opened["_meta"][VIEW], **Shown(parts).meta(revision=parts["revision"])}
    params = {"name": "intarsia_view", "arguments": {"wait_seconds": 25}, "_meta": meta}
    return await place.client.send("tools/call", params, person)


async def test_open_views_that_wait_use_up_no_calls(place: Place) -> None:
    opened = result_of(await place.client.call("quick"))
    views = [asyncio.ensure_future(poll(place, opened)) for _ in range(3)]
    async with asyncio.timeout(SECONDS):
        while CHANGE_LOG.waiting < 3:  # noqa: ASYNC110 - it is waited for that they wait
            await asyncio.sleep(0)

    place.may_end.set()
    answers = await asyncio.gather(*(place.client.call("slow") for _ in range(4)))
    assert [PROBLEM in result_of(answer)["_meta"] for answer in answers] == [False] * 4
    refused = result_of(await poll(place, opened))
    assert refused["_meta"][PROBLEM]["kind"] == "busy"
    place.connector.changed("number")
    for view in views:
        assert PROBLEM not in result_of(await asyncio.wait_for(view, SECONDS))["_meta"]


async def test_a_caller_who_goes_while_waiting_leaves_the_line(place: Place) -> None:
    hers = [asyncio.ensure_future(place.client.call("slow")) for _ in range(4)]
    await place.until_entered(2)
    for each in hers[2:]:
        each.cancel()
    await asyncio.wait(hers[2:], timeout=SECONDS)

    again = [asyncio.ensure_future(place.client.call("slow")) for _ in range(2)]
    for _ in range(20):
        await asyncio.sleep(0)
    place.may_end.set()

    assert [PROBLEM in result_of(await each)["_meta"] for each in again] == [False, False]


async def test_overload_writes_one_line(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One of its own: that of the module may have written a line in another test a moment ago.
    counted = CountedLog(logging.getLogger(call_limits.__name__), logging.WARNING)
    monkeypatch.setattr(call_limits, "_LOG", counted)
    with caplog.at_level(logging.WARNING, "intarsia.server.http.call_limits"):
        calls = [asyncio.ensure_future(place.client.call("slow")) for _ in range(60)]
        await place.until_entered(2)
        place.may_end.set()
        await asyncio.gather(*calls)

    lines = [record for record in caplog.records if record.name == "intarsia.server.http.call_limits"]
    assert 1 <= len(lines) <= 3
