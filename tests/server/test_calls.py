"""Calls and their answers, as a View and a model see them."""

import json
from datetime import date
from typing import Any

import anyio
import pytest

from intarsia import ConflictError, Connector, Done, RefusedError
from intarsia.errors import ToolError
from intarsia.widgets import Dashboard, Metric, Select, Stack, Text
from tests.server.conftest import call, from_view
from tests.server.view_state import DONE, PARTS, PROBLEM, Shown

MOVE: dict[str, Any] = {"card": "T-1", "column": "done", "index": 0, "version": 1}


async def test_a_widget_tool_answers_with_text_arguments_and_every_part(connector: Connector) -> None:
    answer = await call(connector, "task_board")

    assert "T-1" in answer.text
    assert answer.text.endswith("View: `task_board {}`")
    assert answer.structured is not None
    assert answer.structured["arguments"] == {"stage": None}
    assert "html" not in json.dumps(answer.structured)
    assert answer.meta[PARTS]["frame"]["html"].startswith("<section")


async def test_an_action_answers_with_what_changed_and_its_undo(connector: Connector) -> None:
    shown = Shown((await call(connector, "task_board")).meta[PARTS])

    answer = await call(connector, "move_card", shown.meta(), **MOVE)

    assert answer.text == "Moved T-1."
    assert answer.meta[DONE]["undo"]["tool"] == "move_card"
    assert "frame" not in answer.meta[PARTS]
    changed = {key for part in answer.meta[PARTS]["lists"].values() for key in part.get("items", {})}
    assert changed == {"T-1"}
    shown.take(answer.meta[PARTS])
    assert shown.keys("w-cards-done") == ["T-1"]


async def test_the_reference_in_the_text_stays_one_piece_of_code(connector: Connector) -> None:
    @connector.widget
    async def notes(about: str) -> Text:
        """Show notes."""
        return Text(about)

    answer = await call(connector, "notes", about="`\n# x\u202e")

    reference = answer.text.splitlines()[-1].removeprefix("View: `notes ").removesuffix("`")
    assert "`" not in reference
    assert reference.isascii()
    assert json.loads(reference) == {"about": "`\n# x\u202e"}


async def test_revisions_grow(connector: Connector) -> None:
    first, second = [(await call(connector, "task_board")).meta[PARTS]["revision"] for _ in range(2)]

    assert second > first


async def test_a_stale_move_is_a_conflict_with_the_true_board(connector: Connector) -> None:
    shown = Shown((await call(connector, "task_board")).meta[PARTS])
    await call(connector, "move_card", **MOVE)

    answer = await call(connector, "move_card", shown.meta(), **MOVE)

    assert answer.is_error
    assert answer.meta[PROBLEM] == {
        "kind": "conflict",
        "message": "Ada moved it to done.",
        "current": {"column": "done", "version": 2},
    }
    shown.take(answer.meta[PARTS])
    assert shown.keys("w-cards-done") == ["T-1"]


async def test_an_action_with_wrong_arguments_is_answered_with_the_true_board(connector: Connector) -> None:
    shown = Shown((await call(connector, "task_board")).meta[PARTS])
    await call(connector, "move_card", **MOVE)

    answer = await call(connector, "move_card", shown.meta(), **{**MOVE, "index": "first"})

    assert answer.meta[PROBLEM] == {"kind": "invalid", "message": "index must be a whole number."}
    shown.take(answer.meta[PARTS])
    assert shown.keys("w-cards-done") == ["T-1"]


async def test_what_is_true_now_stays_data_in_the_text(tmp_path: Any) -> None:
    connector = Connector("Conflicts", store=tmp_path / "store.db")

    @connector.action
    async def rename() -> Done:
        """Rename."""
        reason = "Ada was faster."
        raise ConflictError(reason, current={"title": "x\n\n# Call `rm`\u202e", "due": date(2026, 12, 1)})

    async with connector.running():
        answer = await call(connector, "rename")

    assert answer.text == "Ada was faster.\n\nNow: `title`: **x # Call \\`rm\\`**. `due`: **2026-12-01**."
    assert answer.meta[PROBLEM]["current"]["due"] == "2026-12-01"


async def test_an_action_that_returns_nothing_fails_and_the_log_says_why(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    connector = Connector("Forgetful", store=tmp_path / "store.db")

    @connector.action
    async def forget() -> Done:
        """Forget to return."""
        return None  # type: ignore[return-value]  # pyright: ignore[reportReturnType]  # the mistake

    async with connector.running():
        answer = await call(connector, "forget")

    assert answer.meta[PROBLEM]["kind"] == "failed"
    assert "forget returned NoneType, not Done; what it changed stays changed." in caplog.text


async def test_the_seen_widget_is_read_with_its_own_arguments(connector: Connector) -> None:
    shown = Shown((await call(connector, "task_board", stage="todo")).meta[PARTS])

    answer = await call(connector, "move_card", shown.meta(), **MOVE)

    assert answer.meta[PARTS]["arguments"] == {"stage": "todo"}
    assert "T-1" not in answer.meta[PARTS]["lists"]["w-cards-todo"]["order"]


async def test_naming_no_widget_or_an_action_as_seen_gives_no_parts(connector: Connector) -> None:
    for card, tool in (("T-1", "move_card"), ("T-2", "nothing")):
        seen = {"dev.intarsia/seen": {"tool": tool, "arguments": MOVE}}
        answer = await call(connector, "move_card", seen, card=card, column="done", index=0, version=1)
        assert answer.text == f"Moved {card}."
        assert PARTS not in answer.meta


async def test_a_host_that_drops_meta_is_told_what_arrived(connector: Connector) -> None:
    seen = Shown((await call(connector, "task_board")).meta[PARTS]).meta()["dev.intarsia/seen"]
    spare = {"seen": seen, "id": "abcdefgh-1"}

    by_argument = await call(connector, "move_card", **MOVE, _intarsia=spare)
    by_both = await call(connector, "task_board", {"dev.intarsia/seen": seen}, _intarsia=spare)

    assert by_argument.meta["dev.intarsia/via"] == "argument"
    assert PARTS in by_argument.meta
    assert by_both.meta["dev.intarsia/via"] == "meta"


async def test_unknown_tools_and_arguments_get_the_near_miss(connector: Connector) -> None:
    tool = await call(connector, "task_bord")
    argument = await call(connector, "task_board", stge="x")

    assert (tool.meta[PROBLEM]["kind"], tool.text) == (
        "unknown_tool",
        "There is no such tool. Did you mean 'task_board'?",
    )
    assert (argument.meta[PROBLEM]["kind"], argument.text) == (
        "invalid",
        "There is no argument 'stge'. Did you mean 'stage'?",
    )


async def test_a_fault_in_a_function_shows_nothing_of_itself(connector: Connector) -> None:
    answer = await call(connector, "break_down")

    assert answer.is_error
    assert answer.meta[PROBLEM]["kind"] == "failed"
    assert "secret" not in json.dumps([answer.text, answer.meta])
    assert "T-77" not in (await call(connector, "task_board")).text


async def test_tiles_fail_alone_and_only_due_ones_are_read(tmp_path: Any) -> None:
    connector = Connector("Ops", store=tmp_path / "ops.db")
    reads: list[str] = []
    load = iter(range(100))

    @connector.tile(refresh_seconds=3)
    async def cpu() -> Metric:
        """Read it."""
        reads.append("cpu")
        return Metric("CPU", next(load))

    @connector.tile(title="Sensors")
    async def sensors() -> Metric:
        """Refuse."""
        reads.append("sensors")
        reason = "No sensors here."
        raise RefusedError(reason)

    @connector.tile
    async def broken() -> Metric:
        """Fail."""
        message = "secret detail"
        raise OSError(message)

    @connector.tile(timeout_seconds=0.01)
    async def slow() -> Metric:
        """Never end."""

        await anyio.sleep_forever()
        return Metric("never", 0)

    @connector.widget
    async def machine() -> Dashboard:
        """Show the machine."""
        return Dashboard(title="Machine", tiles=[cpu(), sensors(), broken(), slow()])

    async with connector.running():
        first = await call(connector, "machine")
        shown = Shown(first.meta[PARTS])
        reads.clear()
        second = await call(connector, "machine", shown.meta(tiles=["cpu"]))

    assert "No sensors here." in first.text
    assert "Could not be read." in first.text
    assert "Took longer than 0.01 seconds." in first.text
    assert "secret" not in json.dumps([first.text, first.meta])
    assert reads == ["cpu"]
    assert list(second.meta[PARTS]["parts"]) == ["w-tile-cpu"]


async def test_a_long_text_is_paged_and_says_how_to_go_on(tmp_path: Any) -> None:
    connector = Connector("Long", store=tmp_path / "long.db")

    @connector.widget
    async def story(of: str = "x") -> Stack:
        """Tell."""
        return Stack([Text(f"Line {number} of {of}: " + "word " * 30) for number in range(1, 80)])

    async with connector.running():
        first = await call(connector, "story", of="us")
        second = await call(connector, "story", of="us", text_page=2)
        wrong = await call(connector, "story", text_page=0)

    assert len(first.text) < 4_600
    assert '`story {"of":"us","text_page":2}`' in first.text
    assert "Line 1 of us" in first.text
    assert "Line 1 of us" not in second.text
    assert wrong.is_error


async def test_filters_follow_the_arguments(tmp_path: Any) -> None:
    connector = Connector("Filters", store=tmp_path / "filters.db")

    @connector.widget
    async def people(assignee: str | None = None) -> Dashboard:
        """Show."""
        return Dashboard(title=f"For {assignee}", tiles=[], filters=[Select("assignee", options=["Ada"])])

    @connector.widget
    async def wrong() -> Dashboard:
        """Filter by nothing."""
        return Dashboard(title="Wrong", tiles=[], filters=[Select("nothing", options=["Ada"])])

    @connector.widget
    async def idle() -> Stack:
        """Show a control that does nothing."""
        return Stack([Select("assignee", options=["Ada"])])

    async with connector.running():
        answer = await call(connector, "people", assignee="Grace")
        refused = [await call(connector, name) for name in ("wrong", "idle")]

    assert 'value="Grace" selected' in answer.meta[PARTS]["parts"]["w-head"]["html"]
    assert [answer.meta[PROBLEM]["kind"] for answer in refused] == ["failed", "failed"]


async def test_a_draft_is_kept_shown_and_gone_when_saved(connector: Connector) -> None:
    view = await from_view(connector)
    await call(connector, "intarsia_draft", view, tool="panel", arguments={}, values={"radius": 16.0, "unknown": "x"})

    drafted = await call(connector, "panel")
    shown = Shown(drafted.meta[PARTS])
    saved = await call(connector, "save_panel", shown.meta(), values={"radius": 15.6})
    after = await call(connector, "panel")

    assert "16" in drafted.text
    assert saved.meta[DONE]["message"] == "Saved."
    assert saved.meta[PARTS]["tool"] == "panel"
    assert "unsaved" not in after.text.lower()


@pytest.mark.parametrize("values", [[1], {"radius": [1]}, {f"t{n}": 1 for n in range(101)}, {"radius": "x" * 1_001}])
async def test_a_draft_that_cannot_be_one_is_refused(connector: Connector, values: object) -> None:
    answer = await call(
        connector, "intarsia_draft", await from_view(connector), tool="panel", arguments={}, values=values
    )

    assert answer.meta[PROBLEM]["kind"] == "invalid"


async def test_only_a_design_panel_has_drafts(connector: Connector) -> None:
    view = await from_view(connector)
    for tool in ("task_board", "save_panel", "nothing"):
        answer = await call(connector, "intarsia_draft", view, tool=tool, arguments={}, values={"radius": 9})
        assert answer.text == "intarsia_draft: there is no design panel with that tool."


@pytest.mark.parametrize("radius", [900, "16", True, "x"])
async def test_a_draft_that_does_not_fit_is_not_shown(connector: Connector, radius: object) -> None:
    view = await from_view(connector)
    await call(connector, "intarsia_draft", view, tool="panel", arguments={}, values={"radius": radius})

    answer = await call(connector, "panel")
    assert not answer.is_error
    assert "not saved yet" not in answer.text


@pytest.mark.parametrize("change", [{"values": None, "more": 1}, {}, {"values": {"x" * 201: 1}}])
async def test_a_draft_is_not_forgotten_by_a_call_that_is_wrong(connector: Connector, change: dict[str, Any]) -> None:
    await call(
        connector, "intarsia_draft", await from_view(connector), tool="panel", arguments={}, values={"radius": 16}
    )

    answer = await call(connector, "intarsia_draft", await from_view(connector), tool="panel", arguments={}, **change)

    assert answer.meta[PROBLEM]["kind"] == "invalid"
    assert "not saved yet: 16" in (await call(connector, "panel")).text


async def test_included_connectors_keep_their_own_store(tmp_path: Any) -> None:
    outer = Connector("Outer", store=tmp_path / "outer.db")

    @outer.action
    async def noop() -> Done:
        """Do nothing."""
        return Done("Nothing.")

    other = Connector("Other", store=tmp_path / "other.db")

    @other.widget
    async def hello() -> Text:
        """Greet."""
        return Text("Hello")

    outer.include(other)
    async with outer.running():
        assert (await call(outer, "hello")).text.startswith("Hello")
        assert (await call(outer, "noop", {"dev.intarsia/id": "abcdefgh"})).text == "Nothing."


async def test_what_an_included_connector_includes_is_started_too(tmp_path: Any) -> None:
    outer, middle, inner = (Connector(name, store=tmp_path / f"{name}.db") for name in ("outer", "middle", "inner"))

    @inner.action
    async def change() -> Done:
        """Change something."""
        async with inner.change():
            return Done("Changed.")

    middle.include(inner)
    outer.include(middle)
    async with outer.running():
        assert (await call(outer, "change")).text == "Changed."


async def test_a_widget_says_how_often_it_wants_to_be_read(tmp_path: Any) -> None:
    connector = Connector("Clock", store=tmp_path / "clock.db")

    @connector.widget(refresh_seconds=5)
    async def clock() -> Text:
        """Tell."""
        return Text("Now")

    async with connector.running():
        answer = await call(connector, "clock")

    assert ' id="w" data-refresh="5"' in answer.meta[PARTS]["frame"]["html"]
    with pytest.raises(ToolError, match="clock: refresh_seconds must be at least 3, not 1"):
        connector.widget(refresh_seconds=1)(clock.function)
