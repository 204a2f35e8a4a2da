from intarsia.ui_templates import render_text
from intarsia.widgets import Sparkline
from tests.widgets.markup import find, find_all, words


def test_the_line_has_a_name_that_tells_its_range() -> None:
    line = Sparkline([3, 5.25, 12], label="Open cards")

    assert find(line, ".//svg").attrib["aria-label"] == "Open cards: from 3 to 12, last 12"
    assert render_text(line) == "**Open cards**: from 3 to 12, last 12\n"


def test_a_gap_parts_the_line_and_the_last_known_value_has_a_dot() -> None:
    lines = find_all(Sparkline([3, None, 6, None], label="Requests"), ".//polyline")

    assert [line.attrib["points"] for line in lines] == ["0.0,23.0 0.0,23.0", "66.7,1.0 66.7,1.0", "66.7,1.0 66.7,1.0"]
    assert lines[-1].attrib["class"] == "intarsia-sparkline__last"


def test_without_values_it_says_so() -> None:
    empty = Sparkline([None], label="Errors")

    assert words(find(empty, "./div")) == "No values yet"
    assert render_text(empty) == "**Errors**: no values yet\n"
