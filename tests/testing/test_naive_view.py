"""Each fault breaks a View that was written without a thought of it, in the way it is meant to."""

import pytest
from starlette.applications import Starlette

from intarsia import Connector
from intarsia.testing import FAULTS, Host
from tests.testing.board_data import INBOX, Work, some_work
from tests.testing.board_story import BrokenPromiseError, open_board, story
from tests.testing.naive_view.server import naive_app

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


@pytest.fixture
def work() -> Work:
    return some_work()


@pytest.fixture
def connector() -> Connector:
    return Connector("None of this server's")


@pytest.fixture
def connector_app(work: Work) -> Starlette:
    return naive_app(work)


async def test_without_a_fault_the_naive_view_keeps_every_promise(host: Host, work: Work) -> None:
    await story(await open_board(host, work), None)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", FAULTS)
async def test_the_fault_breaks_the_naive_view(
    request: pytest.FixtureRequest, host: Host, work: Work, name: str
) -> None:
    fault = request.getfixturevalue(name)
    host.expect_console(".*")

    with pytest.raises(BrokenPromiseError, match=HOW_THE_NAIVE_VIEW_BREAKS[name]):
        await story(await open_board(host, work, patience_seconds=2), fault)

    assert work.books.get(INBOX) == (["added Buy milk"] if name == "drops_request_meta" else None)
