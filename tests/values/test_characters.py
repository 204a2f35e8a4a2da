"""Text of all scripts: what means something is kept, and ids are sent back as they are read, or refused."""
# ruff: noqa: RUF001  # letters of all scripts are what is tested

from collections.abc import Callable

import pytest

from intarsia.errors import UnsupportedValueError
from intarsia.ui_templates import render_text
from intarsia.ui_templates.text_markdown import code, plain
from intarsia.ui_templates.value_format import json_attribute
from intarsia.widgets import BoardColumn, Card, Select, Table, TableColumn, TaskBoard, Tile

UNREAD = [
    "fix\u200bme",
    "fix\u200cme",
    "\ufefffix",
    "fix\u202eme",
    "fix\nme",
    "fix\tme",
    "fix\U000e0041me",
    "fix\ud800",
    "fix\ufe0fme",
    "\u3164",
]


BUILDERS: dict[str, Callable[[str], object]] = {
    "card": lambda text: Card(text, "x"),
    "column": lambda text: BoardColumn(text, "x", []),
    "option": lambda text: Select("x", options=[text]),
    "tile": lambda text: Tile(text, title="x", problem="x"),
    "row": lambda text: Table(columns=[TableColumn("x", "X")], rows=[{"x": text}], row_key="x", caption="x"),
}


@pytest.mark.parametrize("unread", UNREAD)
@pytest.mark.parametrize(
    "build",
    BUILDERS.values(),
    ids=BUILDERS,
)
def test_an_id_that_reads_like_another_is_refused_when_the_widget_is_built(
    build: Callable[[str], object], unread: str
) -> None:
    with pytest.raises(UnsupportedValueError, match=r"has the invisible character U\+[0-9A-F]{4,5} .+ at position \d"):
        build(unread)


MEANT = [
    "می\u200cخواهم",
    "क्\u200dष",
    "👨\u200d👩\u200d👧\u200d👦",
    "🏳\ufe0f\u200d🌈",
    "🇩🇪",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "1\ufe0f\u20e3",
    "👩🏽\u200d🚀",
    "辻\U000e0100",
    "❤\ufe0f",
    "ชื่อ 名前 שם اسم",
    "\u06dd١",
    "a b",
]


@pytest.mark.parametrize("meant", MEANT)
def test_what_means_something_is_kept_in_titles_and_ids(meant: str) -> None:
    board = TaskBoard(columns=[BoardColumn("todo", "To do", [Card(meant, meant)])])

    assert render_text(board).count(meant) == 2
    assert code(meant) == f"`{meant}`"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("\ufeffFix login", "Fix login"),
        ("Fix\nlogin", "Fix login"),
        ("Fix\u200b log\u200cin", "Fix login"),
        ("می\u200c\u200cخواهم", "می\u200cخواهم"),
        ("a\u200d👩", "a👩"),
        ("x\ufe0f", "x"),
        ("\U000e0067\U000e0062hidden", "hidden"),
        ("辻\U000e0100\U000e0101", "辻"),
    ],
)
def test_what_means_nothing_is_removed_from_titles(given: str, shown: str) -> None:
    assert plain(given) == shown


@pytest.mark.parametrize(
    ("one", "other"),
    [("caf\u00e9", "cafe\u0301"), ("a b", "a\u00a0b"), ("T-1", "T-1 "), ("❤", "❤\ufe0f"), ("مم", "م\u200dم")],
)
def test_two_ids_that_read_the_same_are_refused(one: str, other: str) -> None:
    for build in (
        lambda: TaskBoard(columns=[BoardColumn("todo", "To do", [Card(one, "x"), Card(other, "y")])]),
        lambda: Table(columns=[TableColumn("x", "X")], rows=[{"x": one}, {"x": other}], row_key="x", caption="x"),
        lambda: Select("x", options=[one, other]),
    ):
        with pytest.raises(UnsupportedValueError, match="two ids that differ, and read the same"):
            build()


def test_a_bound_argument_reads_as_it_is_sent() -> None:
    assert json_attribute({"card": "fix\u200bme"}) == '{"card":"fix\\u200bme"}'
    assert json_attribute({"card": "Zoë"}) == '{"card":"Zoë"}'
