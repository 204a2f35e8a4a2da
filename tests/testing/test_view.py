"""What a test can do in a View, and what it can read of it."""

import re
from pathlib import Path

import pytest

from intarsia import Connector
from intarsia.testing import Grant, Host
from tests.testing.gestures_connector import build_gestures_connector

READER = Grant("rita", scopes={"pantry:read"})


@pytest.fixture
def connector(tmp_path: Path) -> Connector:
    return build_gestures_connector(tmp_path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intarsia.testing.gestures.MAX_WAIT_MS", 300)
    monkeypatch.setattr("intarsia.testing.view.WAIT_MS", 300)


async def test_a_view_says_what_it_shows_and_did(host: Host) -> None:
    board = await host.call("pantry")
    await board.fill("Add a card", "Salt", enter=True)

    assert board.text.startswith("Pantry 5 cards")
    assert "Salt" in board.text
    assert board.announcements == ["Added Salt."]
    [call] = board.calls_of("add")
    assert (call.arguments, call.state, call.sent) == ({"title": "Salt"}, "answered", True)
    assert board.calls[-1] == call
    await board.until(lambda: board.model_context, about="the model to be told")
    assert "Added Salt." in str(board.model_context)
    assert (board.messages, board.console, board.problem, board.state) == ([], [], "", "ready")


async def test_a_refusal_can_be_read(host: Host) -> None:
    board = await host.call("pantry")
    await board.fill("Add a card", "Cat", enter=True)

    assert board.problem == "Cats do not go on shelves."
    assert board.announcements == ["Cats do not go on shelves."]
    await board.press("Dismiss")
    assert board.problem == ""


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("thing", "shelf", "index", "order"),
    [
        ("Beans", "Top shelf", 0, ["Beans", "Rice", "Rice flour"]),
        ("Rice", "Top shelf", 1, ["Rice flour", "Rice", "Beans"]),
        ("Rice", "Top shelf", None, ["Rice flour", "Beans", "Rice"]),
        ("Beans", "Low shelf", 0, ["Beans", "Oil"]),
        ("Beans", "Low shelf", None, ["Oil", "Beans"]),
        ("Rice flour", "Nothing here", None, ["Rice flour"]),
    ],
)
async def test_a_thing_is_dragged_to_a_place(
    host: Host, thing: str, shelf: str, index: int | None, order: list[str]
) -> None:
    board = await host.call("pantry")
    await board.drag(thing, to=shelf, index=index)

    [call] = board.calls_of("move")
    assert call.arguments["card"] == thing
    column = board.body.get_by_role("group", name=shelf, exact=True)
    assert await column.locator("li p").all_inner_texts() == order


async def test_a_finger_drags_onto_a_tab_where_the_list_is_not_shown(host: Host, phone: object) -> None:
    assert phone
    board = await host.call("pantry")
    assert await board.locator("[role=tab]").count() == 3
    await board.drag("Beans", to="Low shelf")

    assert [call.arguments["column"] for call in board.calls_of("move")] == ["low"]
    assert "Moved Beans." in board.announcements[-1]


@pytest.mark.parametrize(
    ("thing", "shelf", "index", "complaint"),
    [
        ("Cheese", "Top shelf", 0, "Nothing to drag says 'Cheese'."),
        ("Rice", "Cellar", 0, "No list is called 'Cellar'. There are: Top shelf, Low shelf, Nothing here."),
        ("Rice", "Low shelf", 4, "index 4"),
    ],
)
async def test_a_drag_that_cannot_be_made_says_what_there_is(
    host: Host, thing: str, shelf: str, index: int, complaint: str
) -> None:
    board = await host.call("pantry")
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        await board.drag(thing, to=shelf, index=index)

    assert board.calls_of("move") == []


async def test_controls_are_used_by_their_names(host: Host) -> None:
    panel = await host.call("wall_panel")
    await panel.slide("Height", 7)
    await panel.press("Save")
    assert panel.announcements[-1] == "Height 7."

    switches = await host.call("switches")
    await switches.press("Light")
    assert await switches.body.get_by_role("checkbox", name="Light").is_checked()
    await switches.press("Out")
    assert switches.announcements == ["Lit.", "Dark."]
    await switches.press("Out <now>")
    assert len(switches.calls_of("light")) == 3
    assert not await switches.body.get_by_role("checkbox", name="Light").is_checked()

    board = await host.call("pantry")
    await board.choose("Shelf", "low")
    assert "Oil" in board.text
    assert "Rice" not in board.text


async def test_keys_go_where_the_focus_is(host: Host) -> None:
    board = await host.call("pantry")
    await board.focus("Move", in_="Beans")
    await board.key("Space", "ArrowUp", "Space")

    assert [call.arguments["index"] for call in board.calls_of("move")] == [1]


@pytest.mark.usefixtures("impatient")
async def test_a_name_that_is_not_there_gets_those_that_are(host: Host) -> None:
    switches = await host.call("switches")
    there_are = r"There are: Light, Out, Out <now>, Pause\."
    with pytest.raises(AssertionError, match=rf"Nothing to press is called 'Off'\. {there_are}"):
        await switches.press("Off")
    with pytest.raises(AssertionError, match=rf"No field is called 'Volume'\. {there_are}"):
        await switches.fill("Volume", "3")


async def test_a_name_that_several_have_needs_a_place(host: Host) -> None:
    board = await host.call("pantry")
    with pytest.raises(AssertionError, match="say in_="):
        await board.press("Move")
    await board.press("Move", in_="Oil")

    assert "Lifted Oil" in " ".join(board.announcements)


@pytest.mark.usefixtures("impatient")
async def test_what_is_awaited_in_vain_says_what_is_there(host: Host) -> None:
    switches = await host.call("switches")
    with pytest.raises(AssertionError, match=r"in vain for 'Goodbye'\.\nThe View is ready and shows: Hello tester"):
        await switches.until("Goodbye")


async def test_a_view_survives_being_made_anew(host: Host) -> None:
    board = await host.call("pantry")
    frame = board.frame
    await board.recreate(abrupt=True)
    await board.fill("Add a card", "Salt", enter=True)

    assert board.frame is not frame
    assert "Salt" in board.text


async def test_a_picture_is_taken_of_the_view_alone(host: Host, tmp_path: Path) -> None:
    board = await host.call("pantry")
    path = await board.screenshot(tmp_path / "pantry.png")

    assert path.read_bytes().startswith(b"\x89PNG")


async def test_each_person_has_a_page_and_a_grant_of_their_own(host: Host) -> None:
    mine = await host.call("switches")
    hers = await host.call("switches", as_=READER)

    assert "Hello tester" in mine.text
    assert "Hello rita" in hers.text
    assert len(host.pages) == 2
    first, second = host.pages
    assert first.page.context is not second.page.context


async def test_what_a_person_granted_can_change_under_an_open_view(host: Host) -> None:
    board = await host.call("pantry", as_=READER)
    refused = await host.call("switches", as_=READER)
    await refused.until("Hello rita")
    host.regrant(READER, Grant("rita", scopes={"pantry:read", "pantry:write"}), is_noticed=False)
    board = await host.call("pantry", as_=READER)
    await board.fill("Add a card", "Salt", enter=True)

    assert board.announcements == ["Added Salt."]


async def test_whoever_withdrew_is_turned_away(host: Host) -> None:
    host.expect_console("401")
    switches = await host.call("switches")
    assert host.user
    host.regrant(host.user, None, is_noticed=False)
    await switches.press("Out")

    assert switches.problem
    assert [call.state for call in switches.calls_of("light")] == ["failed"]


async def test_no_token_is_in_the_traffic_or_within_reach_of_a_view(host: Host) -> None:
    switches = await host.call("switches")

    assert host.token_of() not in str(await host.traffic())
    assert await switches.frame.evaluate("() => window.intarsiaToken") is None
    assert host.token_of() not in await switches.frame.content()


async def test_settings_hold_for_pages_that_open_later(host: Host) -> None:
    await host.set(width="320", theme="dark")
    switches = await host.call("switches")
    hers = await host.call("switches", as_=READER)

    for view in (switches, hers):
        assert await view.frame.evaluate("() => innerWidth") == 320
        assert await view.frame.evaluate("() => document.documentElement.dataset.theme") == "dark"
