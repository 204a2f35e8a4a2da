"""Switches: what an admin turns off is off for whom it was meant, in every process, and nobody is told more."""

import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from click.testing import CliRunner
from mcp import Client
from mcp.server.lowlevel import Server

from intarsia import Connector, Done, Grant
from intarsia.cli import main
from intarsia.errors import ConflictError, SettingError
from intarsia.server.audit.log import AuditQuery
from intarsia.server.audit.verify import verify
from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.server.mcp_server.server import Surface, build_server
from intarsia.server.switches import service
from intarsia.server.switches.positions import (
    ACTIONS_BY_MODEL,
    ACTIONS_IN_WIDGETS,
    CONNECTOR,
    NEW_TOOLS,
    TEXT_ONLY_NOTICE,
    Position,
    Positions,
)
from intarsia.server.switches.service import Change
from intarsia.server.wire.messages import PARTS, PROBLEM, SEEN, VIEW, CallResponse
from intarsia.widgets import BoardColumn, Card, TaskBoard, Text

ON, TEXT_ONLY, OFF = Position
ADA, EDITOR = Grant("ada"), Grant("edda", roles={"editor"})
MOVE = {"card": "T-1", "column": "todo", "index": 0}


def build(path: Path) -> Connector:
    tasks = Connector("Tasks", store=path)

    @tasks.action
    async def move(card: str, column: str, index: int) -> Done:
        """Move a card."""
        return Done(f"Moved {card}." if index == 0 else f"Moved {card} in {column}.")

    @tasks.action(visibility={"app"})
    async def sweep() -> Done:
        """Throw everything away."""
        return Done("Swept.")

    @tasks.widget
    async def board() -> TaskBoard:
        """Show the board."""
        return TaskBoard(columns=[BoardColumn("todo", "To do", [Card("T-1", "Water")])], on_move=move.bind())

    @tasks.widget
    async def note() -> Text:
        """Show a note."""
        return Text("Remember.")

    return tasks


@pytest.fixture
async def tasks(tmp_path: Path) -> AsyncIterator[Connector]:
    connector = build(tmp_path / "tasks.db")
    async with connector.running():
        yield connector


async def turn(tasks: Connector, what: str, position: Position, role: str = "", version: int | None = None) -> None:
    await tasks.switches.set([Change(what, position, role, version)], who="root", by="shell", why="a test")


async def call(tasks: Connector, tool: str, arguments: Mapping[str, Any] | None = None, *, grant: Grant = ADA,
               seen: CallResponse | None = None, **more: Any) -> CallResponse:  # fmt: skip
    """Call a tool, from the View of an answer if one is given."""
    meta: dict[str, Any] = {}
    if seen:
        parts = seen.meta[PARTS]
        meta = {VIEW: seen.meta[VIEW], SEEN: {
            "tool": parts["tool"], "arguments": parts["arguments"], "frame": parts["frame"]["hash"],
            "revision": parts["revision"], **more,
        }}  # fmt: skip
    return await tasks.calls.answer(tool, arguments or {}, meta, grant)


def kind(answer: CallResponse) -> str:
    return str(answer.meta.get(PROBLEM, {}).get("kind", ""))


def names(tasks: Connector) -> dict[str, Any]:
    return {tool.name: tool.meta for tool in Surface(tasks.catalog).listed(None)}


async def test_what_is_off_is_neither_listed_nor_answered(tasks: Connector) -> None:
    unknown = await call(tasks, "no_such_tool")
    await turn(tasks, "tool:note", OFF)

    assert "note" not in names(tasks)
    off = await call(tasks, "note")
    assert (off.text, off.meta, off.structured) == (unknown.text, unknown.meta, unknown.structured)
    assert "note" not in (await call(tasks, "nota")).text
    await turn(tasks, "tool:note", ON)
    assert "note" in names(tasks)
    assert (await call(tasks, "note")).text.startswith("Remember.")


async def test_text_only_leaves_the_text_and_nothing_for_a_view(tasks: Connector) -> None:
    await turn(tasks, "tool:board", TEXT_ONLY)

    answer = await call(tasks, "board")
    assert "Water" in answer.text
    assert answer.text.endswith(TEXT_ONLY_NOTICE)
    assert (answer.structured, answer.meta) == (None, {})
    assert names(tasks)["board"] is None
    assert names(tasks)["note"] is not None


async def test_the_view_is_read_by_nobody_whom_no_widget_is_left_to(tasks: Connector) -> None:
    surface = Surface(tasks.catalog)
    (view,) = surface.views(None)
    await turn(tasks, "tool:note", TEXT_ONLY)
    assert surface.read(str(view.uri)) is not None
    await turn(tasks, "tool:board", OFF)

    assert surface.read(str(view.uri)) is None
    assert surface.views(None) == []
    assert {"intarsia_view", "intarsia_draft"} & set(names(tasks)) == set()


async def test_the_main_switch_is_above_all_others(tasks: Connector) -> None:
    await turn(tasks, CONNECTOR, OFF)
    assert names(tasks) == {}
    assert kind(await call(tasks, "move", MOVE)) == "unknown_tool"
    await turn(tasks, CONNECTOR, TEXT_ONLY)
    assert (await call(tasks, "note")).meta == {}


async def test_a_switch_for_a_role_is_for_that_role_and_the_most_restrictive_wins(tasks: Connector) -> None:
    await turn(tasks, "tool:board", OFF, "editor")
    assert kind(await call(tasks, "board", grant=EDITOR)) == "unknown_tool"
    assert kind(await call(tasks, "board")) == ""
    await turn(tasks, "tool:board", TEXT_ONLY)
    await turn(tasks, "tool:board", ON, "editor")
    assert (await call(tasks, "board", grant=EDITOR)).meta == {}


@pytest.mark.parametrize("everybody", Position)
@pytest.mark.parametrize("role", Position)
@pytest.mark.parametrize("main", Position)
def test_the_most_restrictive_of_all_wins(everybody: Position, role: Position, main: Position) -> None:
    rows = {("tool:board", ""): everybody, ("tool:board", "editor"): role, ("connector", ""): main}
    order = [ON, TEXT_ONLY, OFF]

    assert Positions(rows).tool_position("board", EDITOR) == max(everybody, role, main, key=order.index)
    assert Positions(rows).tool_position("board", ADA) == max(everybody, main, key=order.index)


@pytest.mark.parametrize("position", [TEXT_ONLY, OFF])
async def test_t45_an_open_view_is_told_and_does_nothing_more(tasks: Connector, position: Position) -> None:
    board = await call(tasks, "board")
    await turn(tasks, "tool:board", position)

    for tool, arguments in (
        ("move", MOVE),
        ("sweep", {}),
        ("intarsia_view", {}),
        ("intarsia_draft", {}),
        ("board", {}),
    ):
        answer = await call(tasks, tool, arguments, seen=board)
        assert kind(answer) == "off", tool
        assert PARTS not in answer.meta
    assert kind(await call(tasks, "sweep")) == "unknown_tool"


@pytest.mark.parametrize("position", [TEXT_ONLY, OFF])
@pytest.mark.parametrize("tool", ["sweep", "move"])
async def test_t45_leaving_out_or_forging_what_is_seen_helps_nobody(
    tasks: Connector, position: Position, tool: str
) -> None:
    board, note = await call(tasks, "board"), await call(tasks, "note")
    await turn(tasks, "tool:board", position)
    seen: dict[str, Any] = {
        "tool": "note", "arguments": {}, "frame": note.meta[PARTS]["frame"]["hash"], "revision": 1,
    }  # fmt: skip
    metas: list[dict[str, Any]] = [{VIEW: board.meta[VIEW]}, {VIEW: board.meta[VIEW], SEEN: seen}]

    for meta in metas:
        answer = await tasks.calls.answer(tool, MOVE if tool == "move" else {}, meta, ADA)
        assert kind(answer) == "off"


async def test_t45_nobody_hears_that_something_is_off_but_whom_it_was_shown(tasks: Connector) -> None:
    board, note = await call(tasks, "board"), await call(tasks, "note")
    await turn(tasks, "tool:board", OFF)

    of_another = CallResponse("", meta={**board.meta, VIEW: note.meta[VIEW]})
    assert kind(await call(tasks, "intarsia_view", seen=of_another)) == "unknown_tool"
    assert kind(await call(tasks, "intarsia_view", seen=board, grant=EDITOR)) == "unknown_tool"


async def test_a_view_whose_widget_is_off_waits_until_it_is_back(tasks: Connector) -> None:
    board = await call(tasks, "board")
    await turn(tasks, "tool:board", OFF)
    answers: list[CallResponse] = []

    async def wait() -> None:
        answers.append(await call(tasks, "intarsia_view", {"wait_seconds": 20}, seen=board, frame=""))

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        with anyio.fail_after(10):
            while not CHANGE_LOG.waiting:
                await anyio.lowlevel.checkpoint()
        await turn(tasks, "tool:board", ON)
        with anyio.fail_after(2):
            while not answers:
                await anyio.lowlevel.checkpoint()

    assert "Water" in answers[0].meta[PARTS]["frame"]["html"] + str(answers[0].meta[PARTS])


async def test_actions_in_widgets_are_away_and_the_widget_stays(tasks: Connector) -> None:
    before = await call(tasks, "board")
    await turn(tasks, ACTIONS_IN_WIDGETS, OFF)
    after = await call(tasks, "board")

    assert ("Move" in str(before.meta[PARTS]), "Move" in str(after.meta[PARTS])) == (True, False)
    assert "An admin turned off actions in widgets." in (await call(tasks, "move", MOVE, seen=before)).text
    assert (await call(tasks, "move", MOVE)).text == "Moved T-1."


async def test_actions_by_the_model_are_for_people_alone(tasks: Connector) -> None:
    await turn(tasks, ACTIONS_BY_MODEL, OFF)
    board = await call(tasks, "board")

    assert kind(await call(tasks, "move", MOVE)) == "unknown_tool"
    assert (await call(tasks, "move", MOVE, seen=board)).text == "Moved T-1."
    assert names(tasks)["move"] == {"ui": {"visibility": ["app"]}}


async def test_a_tool_that_was_not_seen_before_starts_as_it_was_said(tmp_path: Path) -> None:
    first = build(tmp_path / "tasks.db")
    async with first.running():
        await turn(first, NEW_TOOLS, OFF)
    second = build(tmp_path / "tasks.db")

    @second.widget
    async def report() -> Text:
        """Show a report."""
        return Text("All is well.")

    async with second.running():
        assert "report" not in names(second)
        assert "note" in names(second)
        await turn(second, "tool:report", ON)
        assert "report" in names(second)
    third = build(tmp_path / "tasks.db")
    third.widget(report.function)
    async with third.running():
        assert "report" in names(third)


async def test_another_process_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "FOLLOW_SECONDS", 0.02)
    here, there = build(tmp_path / "tasks.db"), build(tmp_path / "tasks.db")
    async with here.running(), there.running():
        await turn(there, "tool:note", OFF)
        with anyio.fail_after(2):
            while "note" in names(here):
                await anyio.lowlevel.checkpoint()

    assert service.FOLLOW_SECONDS < 2


async def test_t44_of_two_who_set_the_same_switch_one_wins_and_both_are_written_down(tasks: Connector) -> None:
    await turn(tasks, "tool:board", OFF, version=0)
    with pytest.raises(ConflictError, match="root set tool:board to off\\."):
        await tasks.switches.set(
            [Change("tool:note", OFF), Change("tool:board", TEXT_ONLY, "", 0)], who="eve", by="admin"
        )

    assert [(row.what, row.position, row.version, row.who) for row in await tasks.switches.rows()] == [
        ("tool:board", OFF, 1, "root")
    ]
    told = [(row.entry.event, row.entry.who, row.entry.what) for row in await tasks.audit.rows(AuditQuery())]
    assert told == [("refusal", "eve", "switches"), ("switch", "root", "tool:board")]
    assert (await verify(tasks.store)).is_intact


@pytest.mark.parametrize(
    ("what", "position", "role", "said"),
    [
        ("tool:bord", OFF, "", "Did you mean 'tool:board'?"),
        (ACTIONS_BY_MODEL, TEXT_ONLY, "", "can be on or off"),
        ("tool:board", OFF, " editor", "is not a valid role"),
        ("tool:board", OFF, "x" * 201, "is not a valid role"),
        (NEW_TOOLS, OFF, "editor", "applies to everyone"),
    ],
    ids=["misspelled", "two ways", "space", "long", "new tools"],
)
async def test_what_cannot_be_set_is_said(
    tasks: Connector, what: str, position: Position, role: str, said: str
) -> None:
    with pytest.raises(SettingError, match=said):
        await turn(tasks, what, position, role)
    assert await tasks.switches.rows() == []


async def test_switches_of_what_is_included_are_those_of_who_includes(tmp_path: Path) -> None:
    outer = Connector("Outer", store=tmp_path / "outer.db")
    outer.include(build(tmp_path / "tasks.db"))
    async with outer.running():
        await turn(outer, "tool:note", OFF)
        assert "note" not in names(outer)
        assert kind(await call(outer, "note")) == "unknown_tool"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_clients_with_an_old_list_and_new_ones_in_both_eras(tasks: Connector, mode: Any) -> None:
    server: Server[Any] = build_server(tasks.catalog)
    async with Client(server, mode=mode) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} >= {"board", "note"}
        await turn(tasks, "tool:note", OFF)
        await turn(tasks, "tool:board", TEXT_ONLY)
        refused = await client.call_tool("note", {})
        text = await client.call_tool("board", {})
    async with Client(server, mode=mode) as new:
        listed = {tool.name: tool.meta for tool in (await new.list_tools()).tools}

    assert (refused.is_error, "no such tool" in str(refused.content)) == (True, True)
    assert (text.is_error, text.structured_content) == (False, None)
    assert [name for name in text.meta or {} if name.startswith("dev.intarsia")] == []
    assert ("note" in listed, listed["board"]) == (False, None)


def test_the_commands_set_and_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "switch_app.py").write_text(
        "from pathlib import Path\nfrom tests.server.test_switches import build\n"
        "tasks = build(Path(__file__).parent / 'tasks.db')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(main, ["switches", *arguments])
        assert "Traceback" not in result.output
        return result.output

    assert run("set", "switch_app:tasks", "board", "off", "--role", "editor", "--why", "holidays") == (
        "tool:board is off for editor.\n"
    )
    shown = run("list", "switch_app:tasks")
    assert "tool:board  off  for editor  by " in shown
    assert "holidays" in shown
    assert "tool:note  on" in shown
    assert "There is no switch 'bored'" in run("set", "switch_app:tasks", "bored", "off")
