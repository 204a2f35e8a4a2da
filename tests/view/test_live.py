"""Tiles that refresh by themselves: only those due, one request at a time, never unseen, honest when it fails."""

from playwright.async_api import expect

from tests.view.conftest import Lab
from tests.view.test_actions import move

WITH_EXTRAS = """() => {
  const make = lab.server.widgets.get("tiles");
  lab.server.widgets.set("tiles", (...args) => {
    const {frame, ...rest} = make(...args);
    const button = '<button hx-post="tool:none">Go</button></section>';
    return {...rest, frame: frame.replace('id="w"', 'id="w" data-intarsia="probe"').replace("</section>", button)};
  });
}"""
SEEN_TO_BE = """(isOnScreen) => new Promise((done) => new IntersectionObserver((entries, observer) => {
  if (entries.at(-1).isIntersecting === isOnScreen) { observer.disconnect(); done(); }
}).observe(document.getElementById("intarsia-root")))"""


async def open_tiles(lab: Lab) -> None:
    await lab.run(WITH_EXTRAS)
    await lab.open(tool="tiles", args={})
    await lab.shows(["1", "1"], "b")


async def counts(lab: Lab) -> dict[str, int]:
    read: dict[str, int] = await lab.run("() => lab.counts")
    return read


async def test_only_tiles_that_are_due_are_read_and_words_in_them_stay(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    await timed_lab.view.locator("#w-cpu .typed").fill("mine")
    await timed_lab.pass_time(3.5)

    await timed_lab.shows(["2", "1"], "b")
    (call,) = await timed_lab.calls("tiles")
    assert call["_meta"]["dev.intarsia/seen"]["tiles"] == ["cpu"]
    await expect(timed_lab.view.locator("#w-cpu .typed")).to_have_value("mine")
    await expect(timed_lab.view.locator("#w-cpu .typed")).to_be_focused()


async def test_tiles_that_are_due_together_are_one_call(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    await timed_lab.pass_time(61)

    await timed_lab.shows(["2", "2"], "b")
    (call,) = await timed_lab.calls("tiles")
    assert call["_meta"]["dev.intarsia/seen"]["tiles"] == ["cpu", "disk"]


async def test_a_widget_that_refreshes_as_a_whole_is_read_whole(timed_lab: Lab) -> None:
    await timed_lab.open_html('<div id="w" data-refresh="5"><p>1</p></div>')
    await timed_lab.shows(["1"], "#w p")
    await timed_lab.serve("given", '<div id="w" data-refresh="5"><p>2</p></div>')
    await timed_lab.pass_time(5.5)

    await timed_lab.shows(["2"], "#w p")
    (call,) = await timed_lab.calls("given")
    assert "tiles" not in call["_meta"]["dev.intarsia/seen"]


async def test_no_widget_is_read_more_often_than_every_three_seconds(timed_lab: Lab) -> None:
    await timed_lab.open_html('<div id="w" data-refresh="0.1"><p>1</p></div>')
    await timed_lab.shows(["1"], "#w p")
    await timed_lab.pass_time(2.9)

    assert await timed_lab.calls() == []


async def test_who_waits_sees_the_answer_of_a_server_that_came_back_with_an_earlier_clock(timed_lab: Lab) -> None:
    await timed_lab.open_html('<div id="w" data-refresh="5"><p>1</p></div>')
    await timed_lab.shows(["1"], "#w p")
    await timed_lab.run("() => { lab.server.sequence = 'second'; lab.server.revision -= 3_600_000_000 }")
    await timed_lab.serve("given", '<div id="w" data-refresh="5"><p>2</p></div>')

    await timed_lab.pass_time(6)

    await timed_lab.shows(["2"], "#w p")


async def test_a_held_widget_is_not_refreshed_and_a_released_one_is(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    await timed_lab.inside("() => { window.release = probe.view.hold() }")
    await timed_lab.pass_time(10)
    assert await counts(timed_lab) == {"cpu": 1, "disk": 1}
    await timed_lab.inside("() => release()")
    await timed_lab.pass_time(0.3)

    await timed_lab.shows(["2", "1"], "b")


async def test_one_request_is_in_flight_and_a_person_calls_a_waiting_refresh_off(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    await timed_lab.run("() => lab.pause()")
    await timed_lab.pass_time(3.5)
    await timed_lab.pass_time(30)
    sent = "() => lab.messages.filter(({method}) => method === 'tools/call').length"
    assert await timed_lab.run(sent) == 1
    await timed_lab.view.get_by_role("button", name="Go").click()

    await timed_lab.until("() => lab.aborted.includes('tiles')")
    await timed_lab.run("() => lab.resume()")
    await timed_lab.status().to_have_text("There is no tool named none.")


async def test_an_answer_that_was_called_off_changes_nothing(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    await timed_lab.inside("() => { window.release = null }")
    await timed_lab.run("() => lab.pause()")
    await timed_lab.pass_time(3.5)
    await timed_lab.inside("() => { window.release = probe.view.hold() }")
    await timed_lab.run("() => lab.resume()")
    await timed_lab.settle()
    await timed_lab.view.get_by_role("button", name="Go").click()
    await timed_lab.inside("() => release()")
    await timed_lab.status().to_have_text("There is no tool named none.")

    notes = await timed_lab.inside("() => probe.notes")
    assert notes == ["start w", "patched w"], "the answer of the action alone was shown"


async def test_a_failing_refresh_leaves_the_data_says_how_old_it_is_and_recovers(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    await timed_lab.run("() => { lab.refusal = 'Down.' }")
    await timed_lab.pass_time(3.5)
    stale = timed_lab.view.locator('[data-state="stale"]')
    await expect(stale).to_contain_text("Update failed.")
    await timed_lab.shows(["1", "1"], "b")

    await stale.get_by_role("button", name="Try again").click()
    await timed_lab.shows(["2", "2"], "b")
    await expect(stale).to_have_count(0)


async def test_a_refresh_that_keeps_failing_asks_less_and_less_often(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    await timed_lab.run("() => { lab.server.twist = () => ({isError: true, content: [] }) }")
    asked: list[int] = []
    for _ in range(20):
        await timed_lab.pass_time(3.5)
        asked.append(len(await timed_lab.calls("tiles")))

    assert asked[-1] <= 5
    assert asked[0] == 1


async def test_a_widget_off_screen_is_not_refreshed_until_it_is_seen_again(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    await timed_lab.run("() => { lab.frame.style.marginTop = '3000px' }")
    await timed_lab.inside(SEEN_TO_BE, argument=False)
    await timed_lab.pass_time(30)
    assert await counts(timed_lab) == {"cpu": 1, "disk": 1}
    await timed_lab.run("() => { lab.frame.style.marginTop = '0' }")
    await timed_lab.inside(SEEN_TO_BE, argument=True)
    await timed_lab.pass_time(0.3)

    await timed_lab.shows(["2", "1"], "b")


async def test_a_hidden_page_is_not_refreshed_and_is_read_once_when_it_is_back(timed_lab: Lab) -> None:
    hide = """(isHidden) => {
      Object.defineProperty(document, "hidden", {value: isHidden, configurable: true});
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    await open_tiles(timed_lab)
    await timed_lab.inside(hide, argument=True)
    await timed_lab.pass_time(300)
    assert await counts(timed_lab) == {"cpu": 1, "disk": 1}
    await timed_lab.inside(hide, argument=False)
    await timed_lab.pass_time(0.3)

    await timed_lab.shows(["2", "2"], "b")
    assert len(await timed_lab.calls("tiles")) == 1


async def test_after_fifteen_idle_minutes_it_rests_until_somebody_moves(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    await timed_lab.pass_time(15 * 60 + 1)
    await timed_lab.pass_time(3.5)
    rested = (await counts(timed_lab))["cpu"]
    await timed_lab.pass_time(60)
    assert (await counts(timed_lab))["cpu"] == rested
    await timed_lab.view.locator("#w-cpu").click()
    await timed_lab.pass_time(0.3)

    await timed_lab.shows([str(rested + 1)], "#w-cpu b")


async def test_a_widget_turned_off_by_the_admin_stops_and_says_so(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    await timed_lab.run(
        """() => { lab.server.twist = () => ({isError: true, content: [{type: "text", text: "Ask Ada."}],
          _meta: {"dev.intarsia/problem": {kind: "off", message: "Ask Ada."}}}) }"""
    )
    await timed_lab.pass_time(3.5)

    await expect(timed_lab.view.locator('[data-state="off"]')).to_contain_text("Ask Ada.")
    for _ in range(6):
        await timed_lab.pass_time(10)
    assert len(await timed_lab.calls("tiles")) == 1
    waits = [call["arguments"]["wait_seconds"] for call in await timed_lab.calls("intarsia_view")]
    assert len(waits) > 1
    assert min(waits) > 10, "the server may wait each time, so that it is not asked again and again"


async def test_a_closed_view_refreshes_no_more(timed_lab: Lab) -> None:
    await open_tiles(timed_lab)
    await timed_lab.run("() => lab.bridge.teardownResource({})")
    await timed_lab.pass_time(60)

    assert await counts(timed_lab) == {"cpu": 1, "disk": 1}


async def test_a_host_that_never_answers_is_asked_twice_under_one_key_and_then_given_up(timed_lab: Lab) -> None:
    await timed_lab.open()
    await timed_lab.order("todo", ["T-1", "T-2", "T-3"])
    await timed_lab.run("() => { lab.bridge.oncalltool = () => new Promise(() => undefined) }")
    await timed_lab.inside(
        "() => { window.acted = probe.view.act('boost', {}, document.getElementById('w-card-T-1')) }"
    )
    for _ in range(3):
        await timed_lab.pass_time(61)

    assert (await timed_lab.inside("() => acted"))["kind"] == "offline"
    messages = await timed_lab.run("() => lab.messages")
    keys = [
        message["params"]["_meta"]["dev.intarsia/id"]
        for message in messages
        if message.get("method") == "tools/call" and message["params"]["name"] == "boost"
    ]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert sum(message.get("method") == "notifications/cancelled" for message in messages) == 3


async def test_relative_times_stay_true(timed_lab: Lab) -> None:
    now = await timed_lab.run("() => new Date().toISOString()")
    await timed_lab.open_html(f"<p id='w'><time datetime='{now}' data-format='{{\"relative\":true}}'>x</time></p>")
    await timed_lab.pass_time(31)
    await timed_lab.pass_time(31)

    await timed_lab.shows(["1 minute ago"], "#w")


async def test_the_model_is_told_once_after_things_calm_down(timed_lab: Lab) -> None:
    await timed_lab.open()
    await timed_lab.order("todo", ["T-1", "T-2", "T-3"])
    for index in range(10):
        await move(timed_lab, "T-2", "done" if index % 2 else "todo")
        await timed_lab.pass_time(0.5)
    assert await timed_lab.run("() => lab.contexts") == []
    await timed_lab.pass_time(0.8)

    (text,) = await timed_lab.run("() => lab.contexts")
    assert text.count('- "Moved T-2') == 8
