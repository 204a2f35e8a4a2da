"""What a morph must not take from the person, and what it must: the rules of dirty controls."""

from playwright.async_api import expect

from tests.view.conftest import Lab


async def show(lab: Lab, before: str, after: str) -> None:
    """Show some HTML, let the caller touch it, and be ready to push what comes after."""
    await lab.open_html(before)
    await expect(lab.view.locator("#w")).to_be_visible()
    await lab.serve("given", after)


async def push(lab: Lab) -> None:
    await lab.run("() => lab.push('given', {})")
    await lab.settle()


async def test_words_stay_until_the_server_has_other_words(lab: Lab) -> None:
    field = '<div id="w"><input id="a" value="{}"><textarea id="t">{}</textarea><p>{}</p></div>'
    await show(lab, field.format("one", "long", 1), field.format("one", "long", 2))
    await lab.view.locator("#a").fill("mine")
    await lab.view.locator("#t").fill("my text")
    await lab.view.locator("p").click()
    await push(lab)
    await lab.shows(["2"], "p")
    await expect(lab.view.locator("#a")).to_have_value("mine")
    await expect(lab.view.locator("#t")).to_have_value("my text")

    await lab.serve("given", field.format("two", "short", 3))
    await push(lab)
    await expect(lab.view.locator("#a")).to_have_value("two")
    await expect(lab.view.locator("#t")).to_have_value("short")


async def test_words_in_the_field_with_the_focus_stay_in_any_case(lab: Lab) -> None:
    field = '<div id="w"><input id="a" value="{}"></div>'
    await show(lab, field.format("one"), field.format("two"))
    await lab.view.locator("#a").fill("mine")
    await push(lab)

    await expect(lab.view.locator("#a")).to_have_value("mine")
    await expect(lab.view.locator("#a")).to_be_focused()


async def test_a_box_and_a_choice_follow_the_server_when_it_changed_its_mind(lab: Lab) -> None:
    controls = (
        '<div id="w"><input type="checkbox" id="b"{}><select id="s"><option value="1"{}>1</option>'
        '<option value="2"{}>2</option><option value="3">3</option></select></div>'
    )
    await show(lab, controls.format("", " selected", ""), controls.format(" checked", "", " selected"))
    await lab.view.locator("#b").click(click_count=2)
    await expect(lab.view.locator("#b")).not_to_be_checked()
    await lab.view.locator("#s").select_option("2")
    await lab.view.locator("#s").select_option("3")
    await push(lab)

    await expect(lab.view.locator("#b")).to_be_checked()
    await expect(lab.view.locator("#s")).to_have_value("2")


async def test_a_box_keeps_what_the_person_chose_while_the_server_says_nothing_new(lab: Lab) -> None:
    controls = '<div id="w"><input type="checkbox" id="b"><p>{}</p></div>'
    await show(lab, controls.format(1), controls.format(2))
    await lab.view.locator("#b").check()
    await push(lab)

    await lab.shows(["2"], "p")
    await expect(lab.view.locator("#b")).to_be_checked()


async def test_opened_details_and_dialogs_stay_open(lab: Lab) -> None:
    html = '<div id="w"><details id="d"><summary>More</summary>x</details><dialog id="g">y</dialog><p>{}</p></div>'
    await show(lab, html.format(1), html.format(2))
    await lab.view.locator("summary").click()
    await lab.inside("() => document.getElementById('g').show()")
    await push(lab)

    await lab.shows(["2"], "p")
    await expect(lab.view.locator("#d")).to_have_attribute("open", "")
    await expect(lab.view.locator("#g")).to_be_visible()


async def test_closed_details_stay_closed_though_the_server_would_open_them(lab: Lab) -> None:
    html = '<div id="w"><details id="d" open><summary>More</summary>x</details><p>{}</p></div>'
    await show(lab, html.format(1), html.format(2))
    await lab.view.locator("summary").click()
    await push(lab)

    await lab.shows(["2"], "p")
    await expect(lab.view.locator("#d")).not_to_have_attribute("open", "")


async def test_scrolled_boxes_stay_where_they_are(lab: Lab) -> None:
    html = '<div id="w"><div id="box" style="height: 50px; overflow: auto"><p style="height: 500px">{}</p></div></div>'
    await show(lab, html.format(1), html.format(2))
    await lab.inside("() => { document.getElementById('box').scrollTop = 120 }")
    await push(lab)

    await lab.shows(["2"], "p")
    assert await lab.inside("() => document.getElementById('box').scrollTop") == 120


async def test_what_a_behavior_keeps_is_left_alone(lab: Lab) -> None:
    html = '<div id="w"><div id="k" data-keep title="{}"></div><p>{}</p></div>'
    await show(lab, html.format("one", 1), html.format("two", 2))
    await lab.inside("() => { document.getElementById('k').innerHTML = '<b>drawn</b>' }")
    await push(lab)

    await lab.shows(["2"], "p")
    await expect(lab.view.locator("#k")).to_have_attribute("title", "two")
    await lab.shows(["drawn"], "#k b")


async def test_an_unchanged_drawing_keeps_its_nodes(lab: Lab) -> None:
    html = '<div id="w"><svg id="s"><path id="line" d="{}"/></svg></div>'
    await show(lab, html.format("M0 0"), html.format("M1 1"))
    await lab.inside("() => { window.line = document.getElementById('line') }")
    await push(lab)

    assert await lab.inside("() => line === document.getElementById('line') && line.getAttribute('d')") == "M1 1"


async def test_history_is_never_touched_and_nothing_of_htmx_shows(lab: Lab) -> None:
    await lab.open_html('<div id="w"><button hx-post="tool:none" hx-push-url="/x">Go</button></div>', "opaque")
    before = await lab.inside("() => history.length")
    await lab.view.get_by_role("button", name="Go").click()
    await lab.status().to_have_text("There is no tool named none.")

    assert await lab.inside("() => [history.length, history.state]") == [before, None]
    assert await lab.inside("() => document.adoptedStyleSheets.length") == 0


async def test_controls_send_typed_values_and_files_are_refused(lab: Lab) -> None:
    await lab.open_html(
        """<form id="w" hx-post="tool:save"><input name="text" value="a"><input type="number" name="count" value="3">
        <input type="number" name="nothing"><input type="range" name="size" value="7" max="9">
        <input type="checkbox" name="on" checked><input type="checkbox" name="off">
        <input type="checkbox" name="tags" value="a" checked><input type="checkbox" name="tags" value="b" checked>
        <input type="checkbox" name="tags" value="c"><input type="radio" name="pick" value="x"><input type="radio"
        name="pick" value="y" checked><select name="many" multiple><option selected>1</option>
        <option selected>2</option></select>
        <input name="dead" value="z" disabled><button name="how" value="fast">Save</button></form>"""
    )
    await lab.view.get_by_role("button", name="Save").click()
    await lab.status().to_have_text("There is no tool named save.")

    (call,) = await lab.calls("save")
    assert {name: value for name, value in call["arguments"].items() if name != "_intarsia"} == {
        "text": "a",
        "count": 3,
        "nothing": None,
        "size": 7,
        "on": True,
        "off": False,
        "tags": ["a", "b"],
        "pick": "y",
        "many": ["1", "2"],
        "how": "fast",
    }


async def test_a_file_is_refused_before_anything_is_sent(lab: Lab) -> None:
    await lab.open_html('<form id="w" hx-post="tool:save"><input type="file" name="photo"><button>Save</button></form>')
    await lab.view.get_by_role("button", name="Save").click()

    await lab.status().to_contain_text("Files can't be sent from here. Clear the field photo.")
    assert await lab.calls() == []
