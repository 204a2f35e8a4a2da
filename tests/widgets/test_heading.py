import pytest

from intarsia.ui_templates import render_text
from intarsia.widgets import Heading
from tests.widgets.markup import find, words


@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_level_is_that_of_the_element(level: int) -> None:
    heading = Heading.model_validate({"text": "Open work", "level": level})

    assert words(find(heading, f"./h{level}")) == "Open work"
    assert render_text(heading) == "#" * (level + 1) + " Open work\n"


def test_what_looks_like_markup_is_read_as_text() -> None:
    heading = Heading("<b>Bold</b> & *stars*")

    assert words(find(heading, "./h1")) == "<b>Bold</b> & *stars*"
    assert render_text(heading) == "## \\<b>Bold\\</b> & \\*stars\\*\n"
