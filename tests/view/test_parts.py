"""An answer changes only what differs, and nothing that belongs to the person."""

from playwright.async_api import expect

from tests.view.conftest import Lab
from tests.view.test_actions import move

REMEMBER = "() => { window.nodes = Object.fromEntries([...document.querySelectorAll('[id]')].map((e) => [e.id, e])) }"
SURVIVORS = "() => Object.entries(nodes).filter(([id, node]) => node === document.getElementById(id)).map(([id]) => id)"


async def test_a_moved_card_keeps_its_node_its_focus_its_caret_and_what_is_open_in_it(lab: Lab) -> None:
    await lab.open()
    await lab.view.locator("#w-card-T-2 summary").click()
    own = lab.view.locator("#w-card-T-2 .own")
    await own.fill("my words")
    await own.evaluate("(field) => field.setSelectionRange(2, 5)")
    await lab.inside(REMEMBER)
    await move(lab, "T-2", "done")

    await lab.order("done", ["T-2"])
    assert "w-card-T-2" in await lab.inside(SURVIVORS)
    await expect(own).to_be_focused()
    await expect(own).to_have_value("my words")
    assert await own.evaluate("(field) => [field.selectionStart, field.selectionEnd]") == [2, 5]
    await expect(lab.view.locator("#w-card-T-2 details")).to_have_attribute("open", "")


async def test_focus_survives_a_move_in_a_browser_that_cannot_move_nodes_whole(lab: Lab) -> None:
    await lab.open()
    await lab.inside("() => { delete Element.prototype.moveBefore }")
    own = lab.view.locator("#w-card-T-2 .own")
    await own.fill("my words")
    await own.evaluate("(field) => field.setSelectionRange(2, 5)")
    await move(lab, "T-2", "done")

    await lab.order("done", ["T-2"])
    await expect(own).to_be_focused()
    assert await own.evaluate("(field) => [field.selectionStart, field.selectionEnd]") == [2, 5]


async def test_one_moved_card_touches_no_other_node(lab: Lab) -> None:
    await lab.open()
    await lab.inside(
        """() => { window.touched = []; new MutationObserver((records) => records.forEach((record) => touched.push(
          record.target.closest?.("li")?.id ?? record.target.id))).observe(document.getElementById("w"),
          {subtree: true, childList: true, attributes: true, characterData: true}) }"""
    )
    await move(lab, "T-1", "todo", 2)

    await lab.order("todo", ["T-2", "T-3", "T-1"])
    assert set(await lab.inside("() => touched")) <= {"w-cards-todo", "w-card-T-1"}


async def test_an_answer_of_one_moved_card_holds_that_card_alone(lab: Lab) -> None:
    await lab.open()
    await lab.run("() => { lab.server.twist = (result) => (lab.last = result._meta['dev.intarsia/parts'], result) }")
    await move(lab, "T-2", "done")

    parts = await lab.run("() => lab.last")
    assert "frame" not in parts
    assert parts["parts"] == {}
    assert {name: sorted(each["items"]) for name, each in parts["lists"].items()} == {
        "w-cards-todo": [],
        "w-cards-done": ["T-2"],
    }


async def test_a_changed_frame_keeps_what_the_view_already_has(lab: Lab) -> None:
    await lab.open()
    await lab.view.locator("#w-card-T-4 .own").fill("kept")
    await lab.inside(REMEMBER)
    await lab.run("() => { lab.board.columns = {...lab.board.columns, later: []} }")
    await move(lab, "T-2", "later")

    await lab.order("later", ["T-2"])
    await expect(lab.view.locator("#w-card-T-4 .own")).to_have_value("kept")
    assert {"w-card-T-4", "w-card-T-2", "w-head", "w"} <= set(await lab.inside(SURVIVORS))


async def test_a_card_that_is_gone_leaves_and_a_new_one_comes(lab: Lab) -> None:
    await lab.open()
    await lab.run("() => { lab.board.columns.todo.shift() }")
    await lab.view.locator("#w-add [name=title]").fill("New")
    await lab.view.locator("#w-add [name=title]").press("Enter")

    await lab.shows(["Order paper", "Call Ada", "New"], "#w-cards-todo .title")
    await lab.view.locator("#w-cards-todo > li").last.locator("[data-act=boost]").click()
    await lab.shows(["Order paper", "Call Ada", "New!"], "#w-cards-todo .title")


async def test_a_changed_part_is_morphed_and_its_controls_still_work(lab: Lab) -> None:
    await lab.open()
    await lab.inside(REMEMBER)
    await lab.run("() => { lab.board.note = 'of <b>many</b>' }")
    await move(lab, "T-2", "done")
    await lab.shows(["4 cards of <b>many</b>"], ".count")
    assert "w-head" in await lab.inside(SURVIVORS)

    await lab.view.locator("[name=assignee]").select_option("Ada")
    await lab.shows(["Call Ada"], "#w-cards-todo .title")


async def test_an_answer_older_than_what_is_shown_is_dropped(lab: Lab) -> None:
    await lab.open()
    await lab.shows(["4 cards"], ".count")
    await lab.inside(
        """() => { window.counts = ["4 cards "]; new MutationObserver(() => counts.push(document.querySelector(".count")
          .textContent)).observe(document.querySelector(".count"), {characterData: true, subtree: true}) }"""
    )
    await lab.run("() => { lab.board.note = 'new' ; return lab.push('board', {project: 'p'}) }")
    await lab.shows(["4 cards new"], ".count")
    await lab.run(
        "() => { lab.board.note = 'old'; lab.server.revision -= 1000; return lab.push('board', {project: 'p'}) }"
    )
    await lab.settle()
    assert await lab.inside("() => counts") == ["4 cards ", "4 cards new"]
    await lab.run("() => { lab.server.revision += 9000 }")
    await move(lab, "T-2", "done")

    await lab.order("done", ["T-2"])
    await lab.shows(["4 cards old"], ".count")


async def test_who_acts_sees_the_answer_of_a_server_that_came_back_with_an_earlier_clock(lab: Lab) -> None:
    await lab.open()
    await lab.shows(["4 cards"], ".count")
    await lab.run("() => { lab.server.sequence = 'second'; lab.server.revision -= 3_600_000_000 }")
    await lab.run("() => { lab.board.note = 'of two' }")

    await move(lab, "T-2", "done")

    await lab.shows(["4 cards of two"], ".count")


async def test_an_answer_that_builds_on_something_else_is_followed_by_a_full_read(lab: Lab) -> None:
    await lab.open()
    await lab.run("() => lab.pause()")
    await lab.inside(
        """() => { window.moved = probe.view.act("move", {column: "done", index: 0},
          document.getElementById("w-card-T-2")) }"""
    )
    await lab.run("() => { lab.board.note = 'meanwhile'; return lab.push('board', {project: 'p'}) }")
    await lab.shows(["4 cards meanwhile"], ".count")
    await lab.run("() => lab.resume()")

    assert (await lab.inside("() => moved"))["ok"]
    await lab.order("done", ["T-2"])
    assert [call["name"] for call in await lab.calls()] == ["move", "board"]


async def test_an_answer_that_refers_to_what_nobody_has_is_followed_by_a_full_read(lab: Lab) -> None:
    await lab.open()
    await lab.run(
        """() => { lab.server.twist = (result) => {
          lab.server.twist = null;
          result._meta["dev.intarsia/parts"].lists["w-cards-done"].items = {};
          result._meta["dev.intarsia/parts"].lists["w-cards-done"].order = ["T-99"];
          return result;
        } }"""
    )
    await move(lab, "T-2", "done")

    await lab.order("done", ["T-2"])
    assert [call["name"] for call in await lab.calls()] == ["move", "board"]


async def test_swaps_wait_while_something_is_held(lab: Lab) -> None:
    await lab.open()
    await lab.inside("() => { window.release = probe.view.hold() }")
    await lab.inside(
        """() => { window.moved = probe.view.act("move", {column: "done", index: 0},
          document.getElementById("w-card-T-2")) }"""
    )
    await lab.until("() => lab.server.runs.length === 1")
    await lab.settle()
    await lab.order("todo", ["T-1", "T-2", "T-3"])
    await lab.inside("() => { release(); release() }")

    await lab.order("done", ["T-2"])


async def test_the_behavior_is_told_before_the_browser_paints_and_stopped_at_the_end(lab: Lab) -> None:
    await lab.open()
    await move(lab, "T-2", "done")
    started, *told = await lab.inside("() => probe.notes")
    assert started == "start w"
    assert set(told) == {"patched w"}

    await lab.run("() => lab.bridge.teardownResource({})")
    assert (await lab.inside("() => probe.notes"))[-1] == "stop w"


async def test_filters_change_an_argument_keep_the_others_and_the_empty_one_takes_it_away(lab: Lab) -> None:
    await lab.open()
    await lab.view.locator("[name=assignee]").select_option("Ada")
    await lab.shows(["Call Ada"], "#w-cards-todo .title")
    await lab.view.locator("[name=assignee]").select_option("")
    await lab.order("todo", ["T-1", "T-2", "T-3"])

    arguments = [{**call["arguments"], "_intarsia": None} for call in await lab.calls("board")]
    assert arguments == [{"project": "p", "assignee": "Ada", "_intarsia": None}, {"project": "p", "_intarsia": None}]


async def test_of_two_quick_filters_the_last_wins_and_the_first_is_called_off(lab: Lab) -> None:
    await lab.open()
    await lab.run("() => lab.pause()")
    await lab.view.locator("[name=assignee]").select_option("Ada")
    await lab.until("() => lab.messages.some(({method}) => method === 'tools/call')")
    await lab.view.locator("[name=assignee]").select_option("paper")
    await lab.until("() => lab.aborted.length === 1")
    await lab.run("() => lab.resume()")

    await lab.shows(["Order paper"], "#w-cards-todo .title")


async def test_a_refused_filter_goes_back_with_the_reason(lab: Lab) -> None:
    await lab.open()
    await lab.run("() => { lab.refusal = 'Not today.' }")
    await lab.view.locator("[name=assignee]").select_option("Ada")

    await lab.status().to_have_text("Not today.")
    await expect(lab.view.locator("[name=assignee]")).to_have_value("")
    await expect(lab.view.locator("#intarsia-root")).not_to_have_attribute("aria-busy", "true")


async def test_typing_in_a_filter_asks_once_and_keeps_the_words(lab: Lab) -> None:
    html = '<div id="w"><input name="query" data-filter value=""><p>{}</p></div>'
    await lab.open_html(html.format("all"))
    await lab.run(
        """(html) => lab.server.widgets.set("given", ({query}) => ({frame: html.replace("{}", query ?? "all")
          .replace('value=""', `value="${query ?? ""}"`)}))""",
        html,
    )
    field = lab.view.locator("[name=query]")
    await field.press_sequentially("wall", delay=20)

    await lab.shows(["wall"], "p")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("wall")
    assert [call["arguments"]["query"] for call in await lab.calls("given")] == ["wall"]
