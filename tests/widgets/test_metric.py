import json

from intarsia.ui_templates import render_text
from intarsia.widgets import Metric, Sparkline
from tests.widgets.conftest import Stage
from tests.widgets.markup import find, find_all, words

LATENCY = Metric("Latency", 412.26, unit="millisecond", change=-38, good="down", detail="p95")


def test_a_number_carries_what_the_view_needs_to_write_it_for_the_reader() -> None:
    data = find(LATENCY, ".//dd[@class='intarsia-metric__value']/data")

    assert data.attrib["value"] == "412.26"
    assert json.loads(data.attrib["data-format"])["unit"] == "millisecond"
    assert words(data) == "412.3 ms"


async def test_the_number_is_written_for_the_readers_locale(stage: Stage) -> None:
    await stage.show(Metric("Visitors", 12840.5), locale="de-DE")

    assert await stage.view.locator(".intarsia-metric__value").inner_text() == "12.840,5"


def test_a_change_has_an_arrow_and_a_word() -> None:
    change = find(LATENCY, ".//dd[@class='intarsia-metric__change']")

    assert change.attrib["data-verdict"] == "better"
    assert change.find("svg") is not None
    assert words(change) == "-38 ms better"


def test_the_text_form_says_value_change_verdict_and_detail_in_one_line() -> None:
    assert render_text(LATENCY) == "**Latency**: **412.3 ms**, down 38 ms (better), **p95**\n"
    assert render_text(Metric("Load", 1, change=0)) == "**Load**: **1**, no change\n"


def test_a_number_that_is_not_known_is_a_dash_and_words_to_a_model() -> None:
    unknown = Metric("Temperature", None, unit="celsius")

    assert words(find(unknown, ".//dd")) == "\u2013"
    assert render_text(unknown) == "**Temperature**: *not known*\n"


def test_the_history_is_drawn_below_and_told_after() -> None:
    metric = Metric("CPU", 30, history=Sparkline([10, 30], label="CPU, last minute"))

    assert len(find_all(metric, ".//svg")) == 1
    assert render_text(metric) == "**CPU**: **30**\n\n**CPU, last minute**: from 10 to 30, last 30\n"
