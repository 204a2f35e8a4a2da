import pytest

from intarsia.ui_templates import render_text
from intarsia.widgets import Text
from tests.widgets.markup import find_all, words


def test_a_blank_line_parts_paragraphs() -> None:
    text = Text("First.\n\nSecond.")

    assert [words(paragraph) for paragraph in find_all(text, ".//p")] == ["First.", "Second."]
    assert render_text(text) == "First.\n\nSecond.\n"


@pytest.mark.parametrize("tone", ["info", "success", "warning", "danger"])
def test_a_tone_is_an_icon_and_a_word_and_never_a_color_alone(tone: str) -> None:
    text = Text.model_validate({"text": "The disk is full.", "tone": tone})

    assert len(find_all(text, ".//svg")) == 1
    assert words(find_all(text, "./div")[0]).startswith(f"{tone.capitalize()}:")
    assert render_text(text) == f"*{tone.capitalize()}:* The disk is full.\n"


def test_a_plain_text_has_neither() -> None:
    assert find_all(Text("All is well."), ".//svg") == []
    assert render_text(Text("All is well.")) == "All is well.\n"
