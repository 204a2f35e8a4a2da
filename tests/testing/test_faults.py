"""Each fault breaks a View that was written without a thought of it, in the way it is meant to, and never ours."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from inlay.testing.faults import FAULTS, Fault, settings_of, window_of
from tests.browser.driver import OpenHost
from tests.testing.careful_board import careful_app
from tests.testing.naive_view.server import naive_app
from tests.testing.story import ADDED, LAST, MOVED, BrokenPromiseError, Person, open_board
from tests.testing.work import INBOX, PROJECT, some_work

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

HOW_THE_NAIVE_VIEW_BREAKS = {
    "strips_meta": r"It shows \{'undefined': .*, while the server has \{'To do'",
    "strips_structured_content": r"It shows \{\}, while the server has",
    "drops_request_meta": "The server added Buy milk 0 times",
    "refuses_calls": r"It shows .*'Buy milk'\].*, while the server has \{'To do': \[.*'Call Grace'\]",
    "asks_approval": r"It says 'Added Buy milk', while the server has done \[\]",
    "slow_calls": "The server added Buy milk 2 times",
    "serializes_calls": "The server added Buy milk 0 times",
    "ignores_size": "cannot be brought into sight",
    "recreates_views": r"It shows \{'To do': \[.*'Call Grace'\].*, while the server has .*'Buy milk'",
    "loses_answers": "The server added Buy milk 3 times",
    "opaque_frame": r"It shows \{\}, while the server has",
    "loose_policy": r"It shows .*'Order 42 pens'.*, while the server has .*'Order \$\{2 \* 21\} pens'",
    "phone": "The server moved Call Grace 0 times",
}


async def is_asked(person: Person, _: Fault) -> None:
    await person.host.wait_until("() => inlayHost.approvals.waiting === 1")
    await person.is_not_told(f"Added {ADDED}")
    await person.host.answer(allow=False)
    await person.sees_the_truth()
    await person.is_told("declined")
    await person.adds(ADDED)
    await person.host.answer(allow=True)


async def is_refused(person: Person, fault: Fault) -> None:
    await person.sees_the_truth()
    await person.is_not_told(f"Added {ADDED}")
    await person.is_told("refused")
    await person.host.set(**fault.off)
    await person.adds(ADDED)


async def hears_nothing(person: Person, fault: Fault) -> None:
    await person.finds_done_once(f"added {ADDED}")
    await person.is_not_told(f"Added {ADDED}")
    await person.is_told("could not be reached")
    await person.host.set(**fault.off)
    await person.tries_again()


MEETS: dict[str, Callable[[Person, Fault], Awaitable[None]]] = {
    "asks_approval": is_asked,
    "refuses_calls": is_refused,
    "loses_answers": hears_nothing,
}
"""What a person meets when they have added a card, in the hosts in which that is not the end of it."""


async def story(person: Person, fault: Fault | None) -> None:
    await person.sees_the_truth()
    await person.adds(ADDED)
    if fault and fault.name in MEETS:
        await MEETS[fault.name](person, fault)
    await person.presses_again_when_nothing_happens()
    await person.finds_done_once(f"added {ADDED}")
    await person.sees_the_truth()
    if fault and fault.name == "ignores_size":  # two cards at once are not in sight
        await person.adds(LAST)
        await person.finds_done_once(f"added {LAST}")
    else:
        await person.moves(MOVED, before="Write the plan", touch=fault is FAULTS["phone"])
        if fault and fault.name == "asks_approval":
            await person.host.answer(allow=True)
        await person.finds_done_once(f"moved {MOVED}")
    await person.sees_the_truth()


async def test_without_a_fault_the_naive_view_keeps_every_promise(open_host: OpenHost) -> None:
    work = some_work()
    await story(await open_board(await open_host(naive_app(work)), work), None)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.name)
async def test_the_fault_breaks_the_naive_view(open_host: OpenHost, fault: Fault) -> None:
    work = some_work()
    host = await open_host(naive_app(work), **window_of([fault]), **settings_of([fault]))
    host.console.allow(".*")

    with pytest.raises(BrokenPromiseError, match=HOW_THE_NAIVE_VIEW_BREAKS[fault.name]):
        await story(await open_board(host, work, patience_seconds=3), fault)

    assert work.books.get(INBOX) == (["added Buy milk"] if fault.name == "drops_request_meta" else None)


def test_faults_add_up() -> None:
    both = settings_of([FAULTS["strips_meta"], FAULTS["strips_structured_content"], FAULTS["slow_calls"]])
    assert both["faults"]["strip_result_meta"] == ["_meta", "structuredContent"]
    assert both["faults"].keys() == {"strip_result_meta", "slow_ms"}
    assert FAULTS["slow_calls"].off == {"faults": {"slow_ms": 0}}
    assert FAULTS["phone"].off == {"phone": False, "faults": {}}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.name)
async def test_the_fault_does_not_break_our_view(open_host: OpenHost, tmp_path: Path, fault: Fault) -> None:
    work = some_work()
    host = await open_host(careful_app(work, tmp_path), **window_of([fault]), **settings_of([fault]))

    await story(await open_board(host, work), fault)

    assert work.books.keys() == {PROJECT}
