"""The first widget of the examples' page and the three stories of the design run as they are written."""

import copy
import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from examples import hello
from intarsia import Connector
from intarsia.server.wire.messages import CallResponse
from tests.server.view_state import Shown
from tests.typed import design_examples as design

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
async def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    for name in ("projects", "accents", "radii", "proposals"):
        monkeypatch.setattr(design, name, copy.deepcopy(getattr(design, name)))
    everything = Connector("Everything", store=tmp_path / "everything.db")
    for connector in (hello.hello, design.tasks, design.ops, design.brand):
        monkeypatch.setattr(connector.store, "path", tmp_path / f"{connector.catalog.slug}.db")
        everything.include(connector)
    async with everything.running():
        yield


async def call(
    connector: Connector, name: str, meta: dict[str, Any] | None = None, /, **arguments: Any
) -> CallResponse:
    return await connector.calls.answer(name, arguments, meta or {}, connector.local)


async def test_the_first_widget_greets() -> None:
    answer = await call(hello.hello, "greeting", name="<b>Ada</b>")

    assert "Hello" in answer.text
    assert "Hello, &lt;b&gt;Ada&lt;/b&gt;!" in str(answer.meta)


async def test_the_first_widget_takes_ten_lines() -> None:
    lines = inspect.getsource(hello).splitlines()
    code = [line for line in lines[1:] if line.strip()]

    assert len(code) <= 10


async def test_the_page_of_the_examples_shows_the_first_widget_as_it_is() -> None:
    code = inspect.getsource(hello).split('"""\n', 1)[1].strip()

    assert code in (ROOT / "examples" / "README.md").read_text()


async def test_a_card_is_moved_the_board_follows_and_undo_brings_it_back() -> None:
    board = await call(design.tasks, "task_board", project="apollo")
    shown = Shown(board.meta["dev.intarsia/parts"])

    moved = await call(
        design.tasks, "move_card", shown.meta(), project="apollo", card="T-12", column="done", index=0, version=1
    )
    shown.take(moved.meta["dev.intarsia/parts"])
    assert moved.text == "Moved T-12 to Done."
    assert shown.keys("w-cards-done") == ["T-12", "T-1"]

    undo = moved.meta["dev.intarsia/done"]["undo"]
    await call(design.tasks, undo["tool"], **undo["arguments"])
    assert [card.id for card in design.projects["apollo"].columns["todo"]] == ["T-12", "T-7"]


async def test_a_stale_move_says_who_was_faster() -> None:
    await call(design.tasks, "move_card", project="apollo", card="T-12", column="done", index=0, version=1)

    stale = await call(design.tasks, "move_card", project="apollo", card="T-12", column="todo", index=0, version=1)

    assert stale.meta["dev.intarsia/problem"]["kind"] == "conflict"
    assert stale.text.startswith("Ada moved it to Done.")


async def test_a_filter_on_the_board_is_an_argument_of_its_tool() -> None:
    ada = await call(design.tasks, "task_board", project="apollo", assignee="Ada")

    assert "T-12" in ada.text
    assert "T-7" not in ada.text


async def test_one_tile_fails_and_the_other_lives() -> None:
    both = await call(design.ops, "health")
    one = await call(design.ops, "health", service="search", period="24h")

    assert "412 ms" in both.text
    assert "1.2" in both.text
    assert "36 ms" in one.text
    assert "Search reports no errors since its last release." in one.text


async def test_the_filters_of_the_dashboard_come_from_the_types_of_its_tool() -> None:
    html = str((await call(design.ops, "health")).meta)
    wrong = await call(design.ops, "health", service="payments")

    assert all(f'value="{value}"' in html for value in ("checkout", "search", "1h", "24h"))
    assert wrong.is_error
    assert "checkout" in wrong.text


async def test_tokens_are_saved_or_proposed() -> None:
    saved = await call(design.brand, "save_tokens", brand_id="northwind", values={"radius": 16})
    proposed = await call(design.brand, "propose_tokens", brand_id="northwind", values={"accent": "#be185d"})
    panel = await call(design.brand, "brand_panel", brand_id="northwind")

    assert (saved.text, proposed.text) == ("Saved.", "Proposed.")
    assert "16px" in panel.text
    assert "#1f5fbf" in panel.text
    assert design.proposals == [{"accent": "#be185d", "brand": "northwind"}]
