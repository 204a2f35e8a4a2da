"""The line under a widget that follows the world: how old it is, paused, and as often as the person wants."""

from itertools import pairwise

from playwright.async_api import expect

from tests.view.conftest import Lab
from tests.view.test_live import SEEN_TO_BE, counts, open_tiles

LINE = ".intarsia-freshness"
HIDE = """(isHidden) => {
  Object.defineProperty(document, "hidden", {value: isHidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""
FAILS = "() => { lab.server.twist = () => ({isError: true, content: []}) }"
WORKS = "() => { lab.server.twist = null }"


async def says(lab: Lab, text: str) -> None:
    await expect(lab.view.locator(f"{LINE}__text")).to_have_text(text)


async def press(lab: Lab, name: str) -> None:
    await lab.view.locator(LINE).get_by_role("button", name=name, exact=True).click()


async def test_a_live_widget_says_how_old_it_is_and_another_says_nothing(timed_lab: Lab) -> None:
    await timed_lab.open_html('<div id="w" data-refresh="60">1</div>')
    await says(timed_lab, "Updated just now")
    await timed_lab.pass_time(11)
    await says(timed_lab, "Updated 11 s ago")

    await timed_lab.open_html('<div id="w">1</div>')
    await timed_lab.shows(["1"], "#w")
    await expect(timed_lab.view.locator(LINE)).to_be_hidden()


async def test_a_paused_widget_sends_nothing_says_so_and_is_resumed_by_one_call(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    await press(timed_lab, "Pause")
    await says(timed_lab, "Paused. Last updated just now.")
    resume = timed_lab.view.get_by_role("button", name="Resume")
    await expect(resume).to_be_focused()
    for _ in range(3):
        await timed_lab.pass_time(60)
    assert await counts(timed_lab) == {"cpu": 1, "disk": 1}
    await says(timed_lab, "Paused. Last updated 3 min ago.")

    await resume.press("Enter")
    await timed_lab.pass_time(0.6)
    await timed_lab.shows(["2", "2"], "b")
    assert len(await timed_lab.calls("tiles")) == 1
    await says(timed_lab, "Updated just now")


async def test_what_a_person_does_in_a_paused_widget_works_and_is_shown(timed_lab: Lab) -> None:
    await timed_lab.run(
        """() => {
          const make = lab.server.widgets.get("board");
          lab.server.widgets.set("board", (...given) => {
            const drawn = make(...given);
            return {...drawn, frame: drawn.frame.replace('id="w"', 'id="w" data-refresh="5"')};
          });
        }"""
    )
    await timed_lab.open()
    await timed_lab.order("todo", ["T-1", "T-2", "T-3"])
    await press(timed_lab, "Pause")
    await timed_lab.pass_time(60)
    await timed_lab.view.locator("#w-card-T-1").get_by_role("button", name="Boost").click()

    await timed_lab.status().to_have_text("Boosted T-1.")
    await timed_lab.shows(["Write the plan!"], "#w-card-T-1 .title")
    await says(timed_lab, "Paused. Last updated just now.")
    await timed_lab.pass_time(60)
    assert [call["name"] for call in await timed_lab.calls()] == ["boost"]


async def test_a_person_chooses_how_often_and_never_more_often_than_the_connector_allows(timed_lab: Lab) -> None:
    await timed_lab.open_html('<div id="w" data-refresh="30">1</div>')
    await timed_lab.shows(["1"], "#w")
    choice = timed_lab.view.get_by_role("combobox", name="How often to update")
    assert await choice.locator("option").all_text_contents() == ["Automatic", "Every 1 min", "Every 5 min"]

    await choice.select_option("Every 1 min")
    await timed_lab.pass_time(50)
    assert await timed_lab.calls() == []
    await timed_lab.pass_time(11)
    await timed_lab.until("() => lab.server.calls.length === 1")

    await choice.select_option("Automatic")
    await timed_lab.pass_time(31)
    await timed_lab.until("() => lab.server.calls.length === 2")


async def test_a_tile_that_is_chosen_to_be_seldom_is_not_read_while_the_widget_waits_for_changes(
    timed_lab: Lab,
) -> None:
    await timed_lab.run(
        """() => {
          const make = lab.server.widgets.get("tiles");
          lab.server.widgets.set("tiles", (...given) => {
            const drawn = make(...given);
            const topic = '<div id="w-topic" data-tile="topic"><i>x</i></div>';
            const frame = drawn.frame.replace('id="w"', 'id="w" data-live').replace("</section>", topic + "</section>");
            return {...drawn, frame};
          });
        }"""
    )
    await open_tiles(timed_lab)
    choice = timed_lab.view.get_by_role("combobox", name="How often to update")
    await timed_lab.run("() => lab.pause()")
    await choice.select_option("Every 5 min")
    await timed_lab.pass_time(0.6)

    call = (await timed_lab.run("() => lab.messages.filter(({method}) => method === 'tools/call')"))[-1]["params"]
    assert call["name"] == "intarsia_view"
    assert 23 < call["arguments"]["wait_seconds"] <= 25
    assert call["_meta"]["dev.intarsia/seen"]["tiles"] == ["topic"], "all but what goes by the clock is read again"


async def test_a_choice_and_a_pause_last_while_the_view_lives(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    choice = timed_lab.view.get_by_role("combobox", name="How often to update")
    await choice.select_option("Every 30 s")
    await press(timed_lab, "Pause")
    await timed_lab.run("() => lab.push('tiles', {})")
    await says(timed_lab, "Paused. Last updated just now.")
    await press(timed_lab, "Resume")

    await expect(choice).to_have_value("30000")


async def test_old_data_stay_beside_the_last_error_until_they_are_read(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    await timed_lab.run(FAILS)
    await timed_lab.pass_time(3.5)
    await expect(timed_lab.view.locator(f"{LINE}[data-state=stale] {LINE}__text")).to_have_text(
        "Update failed. Last updated just now. The request failed."
    )
    await timed_lab.shows(["1", "1"], "b")
    await timed_lab.run(WORKS)
    await timed_lab.pass_time(7.5)
    await timed_lab.shows(["3", "1"], "b")
    await says(timed_lab, "Updated just now")


async def test_never_are_there_more_than_twenty_calls_in_a_minute(timed_lab: Lab) -> None:
    await timed_lab.run("() => lab.server.actions.set('intarsia_view', () => ({message: ''}))")  # always something new
    await timed_lab.open_html('<div id="w" data-live>1</div>')
    await timed_lab.shows(["1"], "#w")
    started: list[int] = []
    for step in range(720):
        await timed_lab.page.context.clock.run_for(250)
        await timed_lab.settle()
        count = await timed_lab.run("() => lab.messages.filter(({method}) => method === 'tools/call').length")
        started += [step] * (count - len(started))

    in_a_minute = [sum(first <= step < first + 240 for step in started) for first in range(480)]
    assert max(in_a_minute) <= 20
    assert max(in_a_minute) >= 18, "and nearly that many are made"
    gaps = [after - before for before, after in pairwise(started)]
    assert max(gaps) <= 4 * 8, "evenly: what changes is never long unseen"


async def test_a_person_who_scrolls_back_after_an_hour_wakes_it_by_one_call(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    await timed_lab.run("() => { lab.frame.style.marginTop = '3000px' }")
    await timed_lab.inside(SEEN_TO_BE, argument=False)
    await timed_lab.pass_time(3600)
    assert await timed_lab.calls() == []
    await timed_lab.run("() => { lab.frame.style.marginTop = '0' }")
    await timed_lab.inside(SEEN_TO_BE, argument=True)
    await timed_lab.pass_time(0.6)

    await timed_lab.shows(["2", "2"], "b")
    assert len(await timed_lab.calls("tiles")) == 1


async def test_a_clock_that_is_set_back_stops_nothing_and_one_set_ahead_pauses_nothing(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    day = await timed_lab.run("() => Date.now() / 1000")
    for hour in (-1, 1):
        await timed_lab.page.context.clock.set_system_time(day + hour * 3_600)
        before = (await counts(timed_lab))["cpu"]
        await timed_lab.pass_time(3.5)
        await timed_lab.shows([str(before + 1)], "#w-cpu b")
    await timed_lab.page.context.clock.set_system_time(day + 10)


async def test_a_widget_that_was_opened_again_asks_no_more_until_it_is_wanted(timed_lab: Lab) -> None:
    await timed_lab.run(
        """() => {
          lab.server.actions.set("intarsia_view", () => ({message: ""}));
          const _meta = {"dev.intarsia/problem": {kind: "superseded", message: "Opened again."}};
          lab.server.twist = () => ({isError: true, content: [], _meta});
        }"""
    )
    await timed_lab.open_html('<div id="w" data-live><input class="typed"></div>')
    typed = timed_lab.view.locator(".typed")
    await typed.fill("Half a thought")
    await timed_lab.pass_time(0.6)
    await says(timed_lab, "A newer copy is open. Last updated just now.")
    await timed_lab.pass_time(120)
    assert len(await timed_lab.calls()) == 1
    await expect(typed).to_have_value("Half a thought")
    await expect(timed_lab.view.get_by_role("button", name="Pause")).to_have_count(0)

    await timed_lab.run(WORKS)
    await press(timed_lab, "Open latest")
    await says(timed_lab, "Updated just now")
    assert (await timed_lab.calls())[1]["arguments"]["take_over"] is True
    await expect(typed).to_have_value("Half a thought")
    await timed_lab.pass_time(0.6)
    await timed_lab.until("() => lab.server.calls.length >= 3")
