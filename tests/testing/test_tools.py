"""The in-memory layer: tools are called as a person, and a reply is what a model reads and what a View shows."""

from pathlib import Path
from typing import Any

import pytest

from intarsia import Connector, Done
from intarsia.testing import Grant, Tools, assert_clean, assert_refused
from intarsia.ui_templates import render_widget
from intarsia.widgets import TaskBoard
from tests.server.conftest import build_connector, fill


@pytest.fixture
def connector(tmp_path: Path) -> Connector:
    built = build_connector(tmp_path / "not-used.db")

    @built.action(scopes={"tasks:write"})
    async def clear(stage: str) -> Done:
        """Clear a column."""
        return Done(f"Cleared {stage}.")

    @built.action(allow=lambda grant, arguments: arguments["card"].startswith("T") or f"Not for {grant.subject}.")
    async def archive(card: str) -> Done:
        """Archive a card."""
        return Done(f"Archived {card}.")

    @built.action(roles={"manager"})
    async def close_month() -> Done:
        """Close the month."""
        return Done("Closed.")

    return built


@pytest.fixture
async def board_tools(tools: Tools, connector: Connector) -> Tools:
    await fill(connector)
    return tools


async def test_a_widget_is_read_as_a_model_and_as_a_view(board_tools: Tools) -> None:
    reply = await board_tools.call("task_board", stage="todo")

    assert "Task T-1" in reply.text
    assert not reply.is_error
    assert reply.arguments == {"stage": "todo"}
    assert reply.structured is not None
    assert reply.structured["tool"] == "task_board"
    assert "Task T-12" in reply.parts["w-card-T-12"]
    assert reply.parts["w-card-T-12"] in reply.html
    assert "<!--intarsia:" not in reply.html
    assert_clean(reply)


async def test_an_action_on_a_shown_widget_brings_what_changed_alone(board_tools: Tools) -> None:
    board = await board_tools.call("task_board")

    moved = await board_tools.act(board, "move_card", card="T-7", column="done", index=0, version=1)

    assert moved.message == "Moved T-7."
    assert "w-card-T-7" in moved.changed
    assert "w-card-T-8" not in moved.changed
    assert moved.undo is not None
    assert moved.undo["arguments"]["column"] == "todo"
    fresh = await board_tools.call("task_board")
    assert moved.html == fresh.html
    assert moved.html != board.html


async def test_the_merged_markup_is_what_is_drawn_anew(board_tools: Tools, connector: Connector) -> None:
    shown = await board_tools.call("task_board")
    for card in ("T-3", "T-5", "T-9"):
        shown = await board_tools.act(shown, "move_card", card=card, column="done", index=0, version=1)
    read: TaskBoard = await connector.tools["task_board"].function()

    assert shown.html == render_widget(read).html


async def test_a_key_that_is_sent_again_acts_once(board_tools: Tools) -> None:
    board = await board_tools.call("task_board")
    move: dict[str, Any] = {"card": "T-7", "column": "done", "index": 0, "version": 1}

    first = await board_tools.act(board, "move_card", key="the-key-of-this-move-1", **move)
    again = await board_tools.act(first, "move_card", key="the-key-of-this-move-1", **move)

    assert again.message == first.message
    assert again.meta["dev.intarsia/done"]["replayed"] is True
    assert again.html == first.html


async def test_a_conflict_shows_what_is_true(board_tools: Tools) -> None:
    board = await board_tools.call("task_board")

    refused = await board_tools.act(board, "move_card", card="T-7", column="done", index=0, version=0)

    assert_refused(refused, "Ada moved it to todo.", kind="conflict")
    assert refused.html == board.html
    assert refused.message == ""


async def test_who_did_not_grant_enough_is_refused_and_told_what_is_missing(board_tools: Tools) -> None:
    reader = Grant("ada", scopes={"tasks:read"})

    assert (await board_tools.call("clear", stage="done")).message == "Cleared done."
    refused = await board_tools.call("clear", as_=reader, stage="done")
    reason = "Clear needs tasks:write, a permission you don't have."
    assert_refused(refused, reason, missing_scopes={"tasks:write"}, kind="refused")


async def test_assert_refused_fails_when_it_was_done_or_for_another_reason(board_tools: Tools) -> None:
    done = await board_tools.call("clear", stage="done")
    refused = await board_tools.call("clear", as_=Grant("ada"), stage="done")

    with pytest.raises(AssertionError, match=r"was not refused. It says: Cleared done\."):
        assert_refused(done)
    with pytest.raises(AssertionError, match="for another reason than 'Only on Mondays'"):
        assert_refused(refused, "Only on Mondays")
    with pytest.raises(AssertionError, match=r"says that \['tasks:write'\] are missing, not \['tasks:read'\]"):
        assert_refused(refused, missing_scopes={"tasks:read"})
    with pytest.raises(AssertionError, match="kind 'refused', not 'conflict'"):
        assert_refused(refused, kind="conflict")


async def test_a_decision_is_made_without_a_call(board_tools: Tools) -> None:
    reader = Grant("ada")

    assert (await board_tools.decide("clear")).allowed
    refused = await board_tools.decide("clear", as_=reader)
    assert (refused.allowed, refused.missing_scopes) == (False, frozenset({"tasks:write"}))
    assert (await board_tools.decide("archive", as_=reader, card="T-1")).allowed
    assert (await board_tools.decide("archive", as_=reader, card="U-1")).reason == "Not for ada."
    with pytest.raises(AssertionError, match=r"There is no tool 'achive'. Did you mean 'archive'"):
        await board_tools.decide("achive")


async def test_the_tools_are_listed_over_the_protocol(board_tools: Tools, connector: Connector) -> None:
    names = await board_tools.list()

    assert set(connector.tools) <= set(names)
    assert "intarsia_draft" in names
    assert "close_month" in await board_tools.list(as_=Grant("ada", roles={"manager"}))
    assert "close_month" not in await board_tools.list(as_=Grant("ada"))


async def test_what_the_server_logs_is_kept(board_tools: Tools) -> None:
    answer = await board_tools.call("break_down")

    assert answer.is_error
    assert "secret detail" not in answer.text
    assert any("break_down" in line for line in board_tools.log)


async def test_nobody_acts_on_what_no_view_shows(board_tools: Tools) -> None:
    answer = await board_tools.call("clear", stage="done")

    with pytest.raises(AssertionError, match="This reply has no widget to act on"):
        await board_tools.act(answer, "clear", stage="todo")
