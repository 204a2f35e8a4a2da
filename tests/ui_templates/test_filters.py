"""Data in the text form stays data: it cannot be told from what Intarsia says, and hides nothing."""

import re

import pytest

from intarsia.ui_templates import load_document
from intarsia.ui_templates.filters import hue, number
from intarsia.ui_templates.text_markdown import code, plain


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("T-12", "`T-12`"),
        ("a`b", "`` a`b ``"),
        ("a``b", "``` a``b ```"),
        ("`", "`` ` ``"),
        ("``` # x", "```` ``` # x ````"),
        ("a\n# b", "`a# b`"),
        ("Zoë 😀", "`Zoë 😀`"),
    ],
)
def test_an_id_cannot_end_its_code(name: str, shown: str) -> None:
    assert code(name) == shown


@pytest.mark.parametrize(
    "hidden",
    [
        "\u202e",
        "\u200b",
        "\u2066",
        "\x1b",
        "\x85",
        "\u2028",
        "\U000e0041",
        "\U000e0141",
        "\ufe00\ufe0a\ufe03",
        "\u3164",
    ],
)
def test_what_people_cannot_see_does_not_reach_models(hidden: str) -> None:
    assert plain(f"Fix{hidden} login").split() == ["Fix", "login"]
    assert code(f"T-{hidden}12").replace(" ", "") == "`T-12`"


def test_an_emoji_keeps_its_looks() -> None:
    assert plain("❤\ufe0f done") == "❤\ufe0f done"


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (-0.04, None, "-0.04"),
        (1234.56, None, "1,234.56"),
        (70, "fahrenheit", "70°F"),
        (20, "celsius", "20°C"),
        (3, "hour", "3 h"),
    ],
)
def test_numbers_are_written_as_people_do(value: float, unit: str | None, shown: str) -> None:
    assert number(value, unit) == shown


def test_a_connector_may_be_called_like_a_hole() -> None:
    document = load_document("{{ script }} & {{ style }}").html

    assert re.findall("<title>(.*?)</title>", document) == ["{{ script }} &amp; {{ style }}"]


def test_a_name_has_the_same_color_everywhere_and_names_share_all_eight() -> None:
    names = [f"Person {n}" for n in range(100)]

    assert {hue(name) for name in names} == set(range(1, 9))
    assert hue("Ada Lovelace") == hue("ADA LOVELACE") == 2
