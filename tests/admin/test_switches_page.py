"""Admins turn tools on and off on a page: one by one, and several after a look at who is affected."""

from pathlib import Path

import pytest

from intarsia import Grant
from intarsia.server.storage.call_counts import CallCount, CallCounts
from intarsia.server.storage.store import Store
from tests.admin.admin_site import BOARD, Office, token_of, turning
from tests.authorization_server.browser import Page
from tests.server.conftest import build_connector


def words_of(page: Page) -> str:
    return " ".join(page.words.split())


async def test_a_tool_is_turned_off_for_calls_and_lists_and_the_page_says_so(office: Office) -> None:
    browser, page = await office.come()
    held = await office.place.connect(office.place.browser("ada"))
    assert await office.place.call(held.access) == 200

    page = await browser.post("/admin/switches", turning(page, "off"))

    assert page.response.status_code == 200
    assert "Task board: off." in words_of(page)
    assert "Off since" in words_of(page)
    assert await office.positions() == {BOARD: "off"}
    [row] = await office.noted("switch")
    assert (row.entry.who, row.entry.by, row.entry.what, row.entry.result) == ("root", "admin", BOARD, "off")


async def test_a_switch_for_a_role_stands_below_the_one_for_everybody(office: Office) -> None:
    browser, page = await office.come()
    form = [("csrf_token", token_of(page)), ("tool", BOARD), ("position", "text_only"), ("role", "editor")]
    page = await browser.post("/admin/review", [*form, ("why", "numbers are checked")])
    assert "2 accounts: ada, ruth" in words_of(page)
    assert "root" not in words_of(page).partition("Now that is")[2].partition("Why")[0]

    page = await browser.send(page.form("/admin/switches"))

    assert await office.positions() == {f"{BOARD} editor": "text_only"}
    assert "Task board: text only for editor." in words_of(page)
    row = next(form for form in page.forms if ("role", "editor") in form.fields)
    await browser.post("/admin/switches", [*row.fields, ("position", "on")])
    assert await office.positions() == {f"{BOARD} editor": "on"}


async def test_several_are_changed_together_after_a_look(office: Office) -> None:
    browser, page = await office.come()
    chosen = [("tool", BOARD), ("tool", "tool:add_task"), ("position", "off"), ("why", "audit week")]

    page = await browser.post("/admin/review", [("csrf_token", token_of(page)), *chosen])
    assert words_of(page).count("on → off") == 2
    assert await office.positions() == {}
    tools = [("tool", "tool:add_task"), ("tool", BOARD)]
    form = page.form("/admin/switches")
    assert [field for field in form.fields if field[0] == "tool"] == tools
    page = await browser.post("/admin/switches", form.fields)

    assert await office.positions() == {BOARD: "off", "tool:add_task": "off"}
    assert "and 1 more" in words_of(page)
    assert [row.entry.details["why"] for row in await office.noted("switch")] == ["audit week"] * 2


async def test_t44_of_two_admins_one_wins_both_are_written_down_and_the_loser_is_told(office: Office) -> None:
    (root, of_root), (ruth, of_ruth) = await office.come("root"), await office.come("ruth")

    first = await root.post("/admin/switches", turning(of_root, "text_only"))
    second = await ruth.post("/admin/switches", turning(of_ruth, "off"))

    assert (first.response.status_code, second.response.status_code) == (200, 409)
    assert "root set tool:task_board to text_only. Nothing was changed." in words_of(second)
    assert second.links == ["/admin"]
    assert await office.positions() == {BOARD: "text_only"}
    assert [row.entry.who for row in await office.noted("switch")] == ["root"]
    [refusal] = await office.noted("refusal")
    assert (refusal.entry.who, refusal.entry.what) == ("ruth", "switches")


async def test_of_several_none_is_changed_when_one_was_changed_meanwhile(office: Office) -> None:
    browser, page = await office.come()
    chosen = [("tool", BOARD), ("tool", "tool:add_task"), ("position", "off")]
    review = await browser.post("/admin/review", [("csrf_token", token_of(page)), *chosen])
    await browser.post("/admin/switches", turning(page, "text_only"))

    late = await browser.post("/admin/switches", review.form("/admin/switches").fields)

    assert late.response.status_code == 409
    assert await office.positions() == {BOARD: "text_only"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "3 of 3 tools"),
        ("?find=BOARD", "1 of 3 tools"),
        ("?find=tasks:write", "1 of 3 tools"),
        ("?kind=widget", "1 of 3 tools"),
        ("?kind=action", "2 of 3 tools"),
        ("?at=off", "0 of 3 tools"),
        ("?find=%3Cscript%3Ealert(1)%3C/script%3E", "0 of 3 tools"),
    ],
)
async def test_tools_are_found_by_words_kind_and_position(office: Office, query: str, found: str) -> None:
    _browser, page = await office.come(to=f"/admin{query}")

    assert found in words_of(page)
    assert "<script>alert" not in page.response.text


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"position": "sideways"}, 403),
        ({"tool": "tool:no_such"}, 403),  # its version is missing
        ({"tool": "tool:no_such", "version tool:no_such": "0"}, 400),
        ({f"version {BOARD}": "many"}, 403),
        ({f"version {BOARD}": "9" * 16}, 403),
        ({"role": "x" * 201}, 400),
    ],
)
async def test_what_no_page_sends_changes_nothing(office: Office, changed: dict[str, str], status: int) -> None:
    browser, page = await office.come()
    fields = dict(turning(page, "off")) | changed

    answer = await browser.post("/admin/switches", list(fields.items()))

    assert answer.response.status_code == status
    assert await office.positions() == {}


async def test_a_widget_is_previewed_without_calling_its_tool(office: Office) -> None:
    browser, page = await office.come()
    assert "/admin/preview?tool=task_board" in page.links

    page = await browser.get("/admin/preview?tool=task_board&example=no cards yet")
    example = await browser.http.get("/admin/example?tool=task_board&example=no cards yet")

    assert page.response.status_code == 200
    assert "No cards" in example.text
    assert "sandbox" in example.headers["content-security-policy"]
    assert "<script" not in example.text
    assert office.place.entered == []
    for nothing in ("tool=add_task", "tool=no_such", "tool=task_board&example=no such", ""):
        answer = await browser.get(f"/admin/example?{nothing}")
        assert answer.response.status_code == 400


async def test_calls_errors_and_refusals_of_the_last_day_are_counted(office: Office) -> None:
    held = await office.place.connect(office.place.browser("ada"), scope="tasks:read")
    assert await office.place.call(held.access) == 200
    assert await office.place.call(held.access) == 200
    assert await office.place.call(held.access, "add_task") == 403

    _browser, page = await office.come()

    assert "last day: 2 calls ·" in words_of(page)
    assert "last day: 1 call, 1 refusal" in words_of(page)


async def test_what_failed_is_counted_as_an_error_and_an_unknown_tool_not_at_all(tmp_path: Path) -> None:
    connector = build_connector(tmp_path / "tasks.db")
    async with connector.running():
        async with connector.store.write() as connection:
            await connection.exec_driver_sql("DROP TABLE cards")
        move = {"card": "T-1", "column": "done", "index": 0, "version": 1}
        await connector.calls.answer("move_card", move, {}, Grant("ada"))
        await connector.calls.answer("no_such", {}, {}, Grant("ada"))

        assert await connector.catalog.counts.last_day() == {"move_card": CallCount(calls=1, errors=1)}


async def test_counts_of_an_hour_add_up_and_old_ones_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000_000.0
    monkeypatch.setattr("intarsia.server.storage.call_counts.time.time", lambda: now)
    async with Store(tmp_path / "counts.db").open() as store:
        one, other = CallCounts(store), CallCounts(store)  # as in two processes
        for counts in (one, other, one):
            counts.note("board")
            await counts.write()
        assert await one.last_day() == {"board": CallCount(calls=3)}
        now += 23 * 3600
        other.note("board", "refused")
        assert await other.last_day() == {"board": CallCount(calls=4, refusals=1)}
        now += 3 * 3600
        assert await one.last_day() == {"board": CallCount(calls=1, refusals=1)}
