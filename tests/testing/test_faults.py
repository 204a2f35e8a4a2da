"""No fault of a host breaks our View: what it shows is true, what it did was done once, and the person can go on."""

import pytest

from intarsia import Connector, Grant
from intarsia.testing import FAULTS, Fault, Host
from intarsia.testing.faults import settings_of
from tests.testing.board_data import PROJECT, Work, some_work
from tests.testing.board_story import open_board, story
from tests.testing.careful_board import careful_board


@pytest.fixture
def work() -> Work:
    return some_work()


@pytest.fixture
def connector(work: Work) -> Connector:
    return careful_board(work)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", FAULTS)
async def test_the_fault_does_not_break_our_view(
    request: pytest.FixtureRequest, host: Host, work: Work, name: str
) -> None:
    fault = request.getfixturevalue(name)

    await story(await open_board(host, work), fault)

    assert work.books.keys() == {PROJECT}


@pytest.mark.usefixtures("strips_meta", "strips_structured_content", "drops_request_meta", "serializes_calls")
async def test_many_faults_at_once_do_not_break_our_view(
    opaque_frame: Fault, phone: Fault, host: Host, host_faults: list[Fault], work: Work
) -> None:
    assert len(host_faults) == 6
    assert host_faults[-2:] == [opaque_frame, phone]

    await story(await open_board(host, work), phone)


def test_faults_add_up() -> None:
    both = settings_of([FAULTS["strips_meta"], FAULTS["strips_structured_content"], FAULTS["slow_calls"]])

    assert both["faults"]["strip_result_meta"] == ["_meta", "structuredContent"]
    assert both["faults"].keys() == {"strip_result_meta", "slow_ms"}


def test_a_fault_can_end() -> None:
    assert FAULTS["slow_calls"].off == {"faults": {"slow_ms": 0}}
    assert FAULTS["phone"].off == {"phone": False, "faults": {}}
    assert FAULTS["opaque_frame"].off == {"sandbox": "spec", "faults": {}}


async def test_following_changes_asks_nobody(host: Host, asks_approval: Fault) -> None:
    view = await host.call("task_board", project=PROJECT, as_=Grant("ada", scopes={"tasks:read"}))

    await view.until(lambda: any(call.sent for call in view.calls_of("intarsia_view")))
    assert asks_approval.name == "asks_approval"
    assert [call.state for call in view.calls_of("intarsia_view")] == ["waiting"]
