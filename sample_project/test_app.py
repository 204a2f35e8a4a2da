"""What the board promises, tried in a browser."""

from inlay.testing import Host


async def test_a_chore_is_dragged_to_done(host: Host) -> None:
    board = await host.call("chore_board")
    await board.fill("Add a card", "Water the plants", enter=True)
    await board.drag("Water the plants", to="Done", index=0)
    assert board.announcements[-1] == "Moved Water the plants to Done."
