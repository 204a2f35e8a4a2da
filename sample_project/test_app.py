"""What the board promises, tried without a browser and in one."""

from intarsia import Grant
from intarsia.testing import Host, Tools, assert_accessible, assert_refused

GUEST = Grant("guest")


async def test_a_chore_is_added(tools: Tools) -> None:
    added = await tools.call("add_chore", title="Water the plants")
    board = await tools.call("chore_board")

    assert added.message == "Added Water the plants."
    assert "Water the plants" in board.text


async def test_a_guest_may_look_but_not_add(tools: Tools) -> None:
    refused = await tools.call("add_chore", title="Party", as_=GUEST)
    board = await tools.call("chore_board", as_=GUEST)

    assert_refused(refused, missing_scopes={"chores:write"})
    assert "Party" not in board.text


async def test_a_chore_is_dragged_to_done(host: Host) -> None:
    board = await host.call("chore_board")
    await board.fill("Add a card", "Water the plants", enter=True)
    await board.drag("Water the plants", to="Done", index=0)
    assert board.announcements[-1] == "Moved Water the plants to Done."
    await assert_accessible(board)
