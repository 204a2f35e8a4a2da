from intarsia.ui_templates import render_text
from intarsia.widgets import Heading, Stack, Text
from tests.widgets.markup import find, find_all, words


def test_children_stand_in_order_each_with_an_id_of_its_own() -> None:
    stack = Stack([Heading("Release"), Stack([Text("One"), Text("Two")])])

    assert [child.attrib["id"] for child in find_all(stack, "./div/*")] == ["w-0", "w-1"]
    assert [child.attrib["id"] for child in find_all(stack, "./div/div/*")] == ["w-1-0", "w-1-1"]


def test_the_text_form_is_that_of_the_children_one_after_the_other() -> None:
    assert (
        render_text(Stack([Heading("Release"), Text("Two cards are left.")])) == "## Release\n\nTwo cards are left.\n"
    )


def test_an_empty_stack_says_so() -> None:
    assert words(find(Stack([]), "./div")) == "Nothing to show."
    assert render_text(Stack([])) == "*Nothing to show.*\n"
