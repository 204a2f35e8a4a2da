"""Holds the house in order: layers, rooms, one stem for each widget, sizes, and what is never written.

Each rule is applied to this repository, and shown to bite on a mistake planted in a small tree of its own.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from intarsia import widgets
from intarsia.testing.markup import REMEDIES
from intarsia.widgets import WIDGETS
from tests import house_rules as rules
from tests import widget_rules

ROOT = Path(__file__).resolve().parent.parent
RULES: tuple[Callable[[Path], list[str]], ...] = (
    rules.complain_about_layers,
    rules.complain_about_strangers,
    rules.complain_about_rooms,
    rules.complain_about_length,
    rules.complain_about_unfinished,
    rules.complain_about_clocks,
    rules.complain_about_asserts,
    rules.complain_about_templates,
    rules.complain_about_decisions,
    widget_rules.complain_about_widget_steps,
    widget_rules.complain_about_widgets_in_server,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__.removeprefix("complain_about_"))
def test_the_repository_keeps_the_rule(rule: Callable[[Path], list[str]]) -> None:
    assert rule(ROOT) == []


def test_every_widget_has_one_stem_everywhere() -> None:
    modules = {widget.__name__: widget.__module__ for widget in WIDGETS}

    assert rules.complain_about_stems(ROOT, modules) == []


def test_every_exported_widget_has_templates_or_is_a_piece_of_one_that_has() -> None:
    owners = {widget.__module__ for widget in WIDGETS}
    exported = [getattr(widgets, name) for name in widgets.__all__]
    classes = [item for item in exported if isinstance(item, type) and issubclass(item, widgets.Widget)]

    assert {item.__name__ for item in classes if item.__module__ not in owners} == {"Widget"}


def test_widgets_load_without_a_server() -> None:
    heavy = "{'mcp', 'starlette', 'jinja2', 'sqlalchemy', 'uvicorn'}"
    program = f"import sys, intarsia.widgets; print(sorted({heavy} & set(sys.modules)))"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    assert loaded.stdout.strip() == "[]"


def plant(root: Path, path: str, text: str) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        (
            "intarsia/errors.py",
            "from intarsia.widgets import Text",
            "intarsia.errors:1 imports intarsia.widgets.Text, which is above it.",
        ),
        (
            "intarsia/widgets/card.py",
            "import intarsia.server.wire.diff",
            "imports intarsia.server.wire.diff, which is above it.",
        ),
        (
            "intarsia/widgets/card.py",
            "def show():\n    from ..server.wire import diff",
            "intarsia.widgets.card:2 imports intarsia.server.wire.diff",
        ),
        (
            "intarsia/server/wire/diff.py",
            "import examples.team_tasks",
            "imports examples.team_tasks, which is above it.",
        ),
        (
            "intarsia/server/wire/diff.py",
            "from tests import conftest",
            "imports tests.conftest, which is not part of the product.",
        ),
        ("intarsia/server/wire/diff.py", "from intarsia import Connector", "whose names come from everywhere"),
        ("intarsia/shelf.py", "", "intarsia.shelf has no layer"),
    ],
)
def test_an_import_that_points_up_is_found(tmp_path: Path, path: str, text: str, complaint: str) -> None:
    plant(tmp_path, path, text)

    (found,) = rules.complain_about_layers(tmp_path)

    assert complaint in found


def test_imports_that_point_down_or_along_are_welcome(tmp_path: Path) -> None:
    plant(
        tmp_path,
        "intarsia/cli.py",
        "from intarsia import __version__\nfrom intarsia.host.server import serve\nimport mcp\n",
    )
    plant(tmp_path, "examples/tasks.py", "from intarsia import Connector\n")

    assert rules.complain_about_layers(tmp_path) == []


@pytest.mark.parametrize("stranger", ["jinja2", "starlette.requests", "mcp.types"])
def test_a_library_that_widgets_must_not_know_is_found_behind_another_module(tmp_path: Path, stranger: str) -> None:
    plant(tmp_path, "intarsia/errors.py", f"import {stranger}\n")
    plant(tmp_path, "intarsia/widgets/card.py", "from intarsia import errors\nfrom intarsia.errors import CardError\n")

    (found,) = rules.complain_about_strangers(tmp_path)

    assert found == f"intarsia.widgets.card loads {stranger} through intarsia.errors."


def test_a_library_named_for_its_types_alone_is_not_loaded(tmp_path: Path) -> None:
    plant(tmp_path, "intarsia/server/live.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import mcp\n")

    assert rules.complain_about_strangers(tmp_path) == []


def test_a_deciding_module_that_knows_the_web_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "intarsia/server/wire/diff.py", "from starlette.requests import Request\n")

    (found,) = rules.complain_about_strangers(tmp_path)

    assert found == "intarsia.server.wire.diff loads starlette.requests.Request through intarsia.server.wire.diff."


def test_a_room_that_moved_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "docs/decisions/0001-layout.md", "| widgets | `intarsia/widgets/` |")
    plant(tmp_path, "README.md", "| widgets | [`intarsia/widgets/`](intarsia/widgets) |")
    (tmp_path / "intarsia/widgets").mkdir(parents=True)

    complaints = rules.complain_about_rooms(tmp_path)

    assert "The room server is missing: there is no folder intarsia/server/." in complaints
    assert "Decision 0001 does not say that tests is tests/." in complaints
    assert "The README does not map examples to examples/." in complaints
    assert not [complaint for complaint in complaints if "widgets" in complaint]


def plant_widget(root: Path) -> None:
    folder = "intarsia/ui_templates/card_pile"
    plant(root, f"{folder}/view.html", '<section class="intarsia-card-pile"></section>')
    plant(root, f"{folder}/style.css", ".intarsia-card-pile { gap: 4px; }")
    plant(root, f"{folder}/text.md", "Cards")


def test_a_widget_with_one_stem_is_welcome(tmp_path: Path) -> None:
    plant_widget(tmp_path)

    assert rules.complain_about_stems(tmp_path, {"CardPile": "intarsia.widgets.card_pile"}) == []


def test_a_widget_in_the_wrong_module_or_of_another_class_is_found(tmp_path: Path) -> None:
    plant_widget(tmp_path)
    plant(tmp_path, "intarsia/ui_templates/card_pile/style.css", ".intarsia-card-piles {}")
    plant(tmp_path, "intarsia/ui_templates/card_pile/view.html", '<section class="intarsia-card-pile__top"></section>')
    plant(tmp_path, "intarsia/ui_templates/old_pile/view.html", "")

    assert rules.complain_about_stems(tmp_path, {"CardPile": "intarsia.widgets.cards"}) == [
        "CardPile is defined in intarsia.widgets.cards, and belongs into intarsia.widgets.card_pile.",
        "intarsia/ui_templates/card_pile/view.html does not use the class intarsia-card-pile.",
        "intarsia/ui_templates/card_pile/style.css does not use the class intarsia-card-pile.",
        "intarsia/ui_templates/old_pile/ belongs to no widget.",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("from intarsia.widgets import Widget, CardPile", "intarsia.server.wire.diff:1 names the widget CardPile."),
        (
            "def f():\n    from intarsia.widgets.card_pile import Card",
            "intarsia.server.wire.diff:2 names the widget Card.",
        ),
        (
            "from intarsia import widgets\nx = widgets.CardPile",
            "intarsia.server.wire.diff:2 names the widget CardPile.",
        ),
        (
            "def f(w):\n    return w.kind == 'card_pile'",
            "intarsia.server.wire.diff:2 tells widgets apart by 'card_pile'.",
        ),
        (
            "def f(w):\n    return type(w).__name__ in ('Card', 1)",
            "intarsia.server.wire.diff:2 tells widgets apart by 'Card'.",
        ),
    ],
)
def test_a_module_of_the_server_that_knows_a_widget_by_name_is_found(tmp_path: Path, text: str, complaint: str) -> None:
    plant(tmp_path, "intarsia/widgets/card_pile.py", "class Card(Widget): ...\nclass CardPile(Widget): ...")
    plant(tmp_path, "intarsia/server/wire/diff.py", text)
    plant(
        tmp_path,
        "intarsia/server/calls/handler.py",
        "from intarsia.widgets import Widget\nfrom intarsia.widgets.text import note",
    )

    (found,) = widget_rules.complain_about_widgets_in_server(tmp_path)

    assert found.startswith(complaint)


@pytest.mark.parametrize(
    "name", ["intarsia/long.py", "intarsia/ui_templates/view/long.ts", "intarsia/host/page/long.css"]
)
def test_a_long_file_is_found(tmp_path: Path, name: str) -> None:
    plant(tmp_path, name, "\n" * (rules.LINE_LIMIT + 1))
    plant(tmp_path, "intarsia/host/dist/host.css", "\n" * 1000)

    (found,) = rules.complain_about_length(tmp_path)

    assert found.startswith(f"{name} has 501 lines")


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME", "XX" + "X", "raise Not" + "ImplementedError"])
def test_an_unfinished_line_is_found(tmp_path: Path, word: str) -> None:
    plant(tmp_path, "examples/tasks.py", f"fine = 1\n# {word}: later\n")

    (found,) = rules.complain_about_unfinished(tmp_path)

    assert found.startswith("examples/tasks.py:2 is unfinished")


@pytest.mark.parametrize("wait", ["time.sl" + "eep(1)", "await page.wait_for_" + "timeout(100)"])
def test_waiting_by_the_clock_is_found(tmp_path: Path, wait: str) -> None:
    plant(tmp_path, "tests/test_board.py", wait)

    assert rules.complain_about_clocks(tmp_path)


@pytest.mark.parametrize("what", ["[card.done for card in cards]", "(done, 'a message')", "(one for one in cards)"])
def test_an_assert_that_cannot_fail_is_found(tmp_path: Path, what: str) -> None:
    plant(tmp_path, "tests/test_board.py", f"cards = []\nassert {what}\nassert [] == cards\nassert all(cards)\n")

    (found,) = rules.complain_about_asserts(tmp_path)

    assert found.startswith("tests/test_board.py:2 checks nothing")


@pytest.mark.parametrize(
    ("markup", "what"),
    [
        ("{{ widget.title|safe }}", "a filter that ends escaping"),
        ("{{ widget.title | safe }}", "a filter that ends escaping"),
        ("{% autoescape false %}", "escaping switched off"),
        ('<b hx-on:click="go()">', "hx-on"),
        ("<b hx-vals='js:{now: Date.now()}'>", "a js: value"),
        ('<a href="javascript:go()">', "a js: value"),
        ('<b class="x" onclick="go()">', "an inline handler"),
        ("<img src=x onError='go()'>", "an inline handler"),
        ("<SCRIPT>go()</SCRIPT>", "an inline script"),
        ("<li title={{ card.title }}>", "an unquoted value"),
        ('<a href="{{ card.address }}">', "a link that data fill"),
        ("<img src='/{{ card.picture }}'>", "a link that data fill"),
    ],
)
def test_script_or_unescaped_text_in_a_template_is_found(tmp_path: Path, markup: str, what: str) -> None:
    plant(tmp_path, "intarsia/ui_templates/card/view.html", f"<p>fine</p>\n{markup}\n")

    (found,) = rules.complain_about_templates(tmp_path)

    assert found == f"intarsia/ui_templates/card/view.html:2 has {what}. {REMEDIES[what]}"


def test_honest_markup_is_welcome(tmp_path: Path) -> None:
    attributes = 'data-item={{ {"card": card.id}|quoted_json }} data-outlet="move" aria-label="{{ widget.once }}"'
    honest = f'<li {attributes}>Safe | one = 1</li>{{% if turn_on == "x" %}}{{% endif %}}'
    plant(tmp_path, "intarsia/ui_templates/card/view.html", honest)

    assert rules.complain_about_templates(tmp_path) == []


def test_a_gap_among_decisions_and_a_title_without_its_number_are_found(tmp_path: Path) -> None:
    plant(tmp_path, "docs/decisions/0001-layout.md", "# 0001: Rooms")
    plant(tmp_path, "docs/decisions/0003-store.md", "# The store")

    assert rules.complain_about_decisions(tmp_path) == [
        "docs/decisions/0003-store.md should start with 0002-.",
        "docs/decisions/0003-store.md should open with '# 0003: '.",
    ]
