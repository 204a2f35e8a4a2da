"""Tiles that refresh by themselves: only those due, one request at a time, never unseen, honest when it fails."""

from playwright.async_api import expect

from tests.view.conftest import Lab

COUNTS = "() => lab.counts"


async def open_tiles(lab: Lab) -> None:
    await lab.open(tool="tiles", args={})
    await lab.shows(["1", "1"], "b")


async def test_only_tiles_that_are_due_are_read_and_words_in_them_stay(lab: Lab) -> None:
    await open_tiles(lab)
    await lab.view.locator("#w-cpu .typed").fill("mine")

    await lab.shows(["2", "1"], "b")
    (call,) = await lab.calls("tiles")
    assert call["_meta"]["dev.inlay/seen"]["tiles"] == ["cpu"]
    await expect(lab.view.locator("#w-cpu .typed")).to_have_value("mine")
    await expect(lab.view.locator("#w-cpu .typed")).to_be_focused()


async def test_a_held_widget_is_not_refreshed_and_a_released_one_is(lab: Lab) -> None:
    await lab.run("() => { const make = lab.server.widgets.get('tiles'); lab.server.widgets.set('tiles', (...args) => { const made = make(...args); return {...made, frame: made.frame.replace('id=\"w\"', 'id=\"w\" data-inlay=\"probe\"')} }) }")
    await open_tiles(lab)
    await lab.inside("() => { window.release = probe.view.hold() }")
    await lab.inside("() => new Promise((done) => setTimeout(done, 3600))")
    assert await lab.run(COUNTS) == {"cpu": 1, "disk": 1}
    await lab.inside("() => release()")

    await lab.shows(["2", "1"], "b")


async def test_one_request_is_in_flight_and_a_person_calls_a_waiting_refresh_off(lab: Lab) -> None:
    await lab.run(
        """() => { const make = lab.server.widgets.get("tiles"); lab.server.widgets.set("tiles", (...args) => {
          const made = make(...args);
          return {...made, frame: made.frame.replace("</section>", '<button hx-post="tool:none">Go</button></section>')};
        }) }"""
    )
    await open_tiles(lab)
    await lab.run("() => lab.pause()")
    await lab.until("() => lab.messages.some(({method}) => method === 'tools/call')")
    await lab.view.get_by_role("button", name="Go").click()

    await lab.until("() => lab.aborted.includes('tiles')")
    await lab.run("() => lab.resume()")
    await lab.status().to_have_text("There is no tool named none.")


async def test_a_failing_refresh_leaves_the_data_says_how_old_it_is_and_recovers(lab: Lab) -> None:
    await open_tiles(lab)
    await lab.run("() => { lab.refusal = 'Down.' }")
    stale = lab.view.locator('[data-state="stale"]')
    await expect(stale).to_contain_text("Could not refresh. Showing what was read", timeout=8000)
    await lab.shows(["1", "1"], "b")

    await stale.get_by_role("button", name="Try again").click()
    await lab.shows(["2", "2"], "b")
    await expect(stale).to_have_count(0)


async def test_a_widget_off_screen_is_not_refreshed_until_it_is_seen_again(lab: Lab) -> None:
    await open_tiles(lab)
    await lab.run("() => { lab.frame.style.marginTop = '3000px' }")
    await lab.run("() => new Promise((done) => setTimeout(done, 3600))")
    assert await lab.run(COUNTS) == {"cpu": 1, "disk": 1}
    await lab.run("() => { lab.frame.style.marginTop = '0' }")

    await lab.shows(["2", "1"], "b")


async def test_a_widget_turned_off_by_the_admin_stops_and_says_so(lab: Lab) -> None:
    await open_tiles(lab)
    await lab.run(
        """() => { lab.server.twist = () => ({isError: true, content: [{type: "text", text: "Ask Ada."}],
          _meta: {"dev.inlay/problem": {kind: "off", message: "Ask Ada."}}}) }"""
    )

    await expect(lab.view.locator('[data-state="off"]')).to_contain_text("Ask Ada.", timeout=8000)
    await expect(lab.view.locator("b")).to_have_count(0)


async def test_a_closed_view_refreshes_no_more(lab: Lab) -> None:
    await open_tiles(lab)
    await lab.run("() => lab.bridge.teardownResource({})")
    await lab.run("() => new Promise((done) => setTimeout(done, 3600))")

    assert await lab.run(COUNTS) == {"cpu": 1, "disk": 1}
