from playwright.async_api import expect

from intarsia.ui_templates import render_text
from intarsia.widgets import Dashboard, Option, Select
from tests.widgets.conftest import Stage
from tests.widgets.markup import find, find_all, words

PERIODS = [Option("1h", "1 hour"), Option("24h", "24 hours")]


def filters(select: Select) -> list[str]:
    return [words(option) for option in find_all(Dashboard(title="Health", tiles=[], filters=[select]), ".//option")]


async def test_a_choice_calls_the_action_with_value(stage: Stage) -> None:
    await stage.show(Select.examples()["calls an action"])

    await stage.view.get_by_label("Assignee").select_option("Grace")

    await expect(stage.view.get_by_text("Done.")).to_be_visible()
    assert await stage.calls("assign_card") == [{"card": "T-12", "value": "Grace"}]


def test_a_select_that_calls_nothing_cannot_be_used() -> None:
    assert "disabled" in find(Select("period", options=PERIODS), ".//select").attrib


def test_a_filter_is_an_argument_and_offers_any_unless_one_has_to_be_chosen() -> None:
    select = find(Dashboard(title="Health", tiles=[], filters=[Select("period", options=PERIODS)]), ".//select")

    assert select.attrib["name"] == "period"
    assert "data-filter" in select.attrib
    assert filters(Select("period", options=PERIODS)) == ["Any", "1 hour", "24 hours"]
    assert filters(Select("period", options=PERIODS, value="1h", placeholder="")) == ["1 hour", "24 hours"]


def test_without_options_it_says_so() -> None:
    empty = Select("assignee", options=[])

    assert words(find(empty, ".//option")) == "No choices"
    assert "no choices" in render_text(empty)


def test_the_text_form_lists_the_values_to_send() -> None:
    assert (
        render_text(Select("period", options=PERIODS, value="24h"))
        == "**Period**: **24 hours** (choices: `1h`, `24h`)\n"
    )
