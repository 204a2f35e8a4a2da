import pytest

from intarsia.ui_templates import render_text
from intarsia.widgets import Grid, Metric
from tests.widgets.conftest import Stage


def test_the_text_form_is_that_of_the_children_one_after_the_other() -> None:
    assert render_text(Grid([Metric("Open", 12), Metric("Done", 30)])) == "**Open**: **12**\n\n**Done**: **30**\n"


@pytest.mark.parametrize(("width", "columns"), [(760, 4), (520, 2), (320, 1)])
async def test_children_stand_side_by_side_as_far_as_there_is_room(stage: Stage, width: int, columns: int) -> None:
    await stage.show(Grid.examples()["four columns"], width=width)

    tops = await stage.view.locator(".intarsia-grid__place").evaluate_all(
        "(places) => places.map((place) => place.offsetTop)"
    )
    assert tops.count(tops[0]) == columns
