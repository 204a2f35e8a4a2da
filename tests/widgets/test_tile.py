from intarsia.ui_templates import render_text
from intarsia.widgets import Metric, Text, Tile
from tests.widgets.conftest import Stage
from tests.widgets.markup import find, find_all, words


def test_a_tile_tells_the_view_its_name_and_when_to_read_it_again() -> None:
    live = find(Tile("cpu", title="CPU", content=Metric("CPU", 1), refresh_seconds=3), "./section").attrib

    assert live["data-tile"] == "cpu"
    assert float(live["data-refresh"]) == 3
    assert "data-refresh" not in find(Tile("cpu", title="CPU", content=Text("x")), "./section").attrib


def test_a_failed_tile_gives_the_reason_with_an_icon_in_the_contents_place() -> None:
    failed = Tile("sensors", title="Temperature", problem="This machine has no temperature sensors.")
    problem = find(failed, ".//p[@class='intarsia-problem']")

    assert words(problem) == "This machine has no temperature sensors."
    assert problem.find("svg") is not None
    assert (
        render_text(failed)
        == "### Temperature (`sensors`)\n\n*Unavailable:* This machine has no temperature sensors.\n"
    )


async def test_a_name_that_title_and_number_share_is_shown_once(stage: Stage) -> None:
    await stage.show(Tile("cpu", title="CPU", content=Metric("CPU", 37.5, unit="percent")))

    size = await stage.view.locator(".intarsia-metric__label").bounding_box()
    assert size is not None
    assert size["width"] <= 1


def test_ids_in_a_tile_cannot_be_those_of_another_tile() -> None:
    ids = {element.attrib["id"] for element in find_all(Tile("a", title="A", content=Text("x")), ".//*[@id]")}

    assert ids == {"w", "in-w"}
