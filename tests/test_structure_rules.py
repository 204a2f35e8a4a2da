"""Holds the shape of the package: one direction, small folders, one name for one thing.

Each rule is applied to this repository, and shown to bite on a mistake planted in a small tree of its own.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import structure_rules as rules
from tests.test_house import plant

ROOT = Path(__file__).resolve().parent.parent
RULES: tuple[Callable[[Path], list[str]], ...] = (
    rules.complain_about_circles,
    rules.complain_about_folder_order,
    rules.complain_about_crowds,
    rules.complain_about_class_names,
    rules.complain_about_constants,
    rules.complain_about_module_names,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__.removeprefix("complain_about_"))
def test_the_repository_keeps_the_rule(rule: Callable[[Path], list[str]]) -> None:
    assert rule(ROOT) == []


@pytest.mark.parametrize("back", ["import intarsia.widgets.card", "from intarsia.widgets import card"])
def test_a_circle_is_found(tmp_path: Path, back: str) -> None:
    plant(tmp_path, "intarsia/widgets/card.py", "from intarsia.widgets.board import Board\n")
    plant(tmp_path, "intarsia/widgets/board.py", f"{back}\n")

    (found,) = rules.complain_about_circles(tmp_path)

    assert {"intarsia.widgets.card", "intarsia.widgets.board"} <= set(found.rstrip(".").split(" imports "))


@pytest.mark.parametrize(
    "back",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from intarsia.widgets.card import Card\n",
        "def draw() -> None:\n    from intarsia.widgets.card import Card\n",
    ],
    ids=["for types alone", "inside a function"],
)
def test_a_circle_that_does_no_harm_at_import_is_found(tmp_path: Path, back: str) -> None:
    plant(tmp_path, "intarsia/widgets/card.py", "from intarsia.widgets.board import Board\n")
    plant(tmp_path, "intarsia/widgets/board.py", back)

    assert len(rules.complain_about_circles(tmp_path)) == 1


def test_two_circles_are_both_found(tmp_path: Path) -> None:
    for one, other in (("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")):
        plant(tmp_path, f"intarsia/widgets/{one}.py", f"import intarsia.widgets.{other}\n")

    assert len(rules.complain_about_circles(tmp_path)) == 2


def test_imports_that_go_one_way_are_welcome(tmp_path: Path) -> None:
    plant(tmp_path, "intarsia/server/wire/messages.py", "")
    plant(tmp_path, "intarsia/server/calls/handler.py", "from intarsia.server.wire.messages import ToolCall\n")
    plant(tmp_path, "intarsia/server/connector.py", "from intarsia.server.calls import handler\n")

    assert rules.complain_about_circles(tmp_path) == []
    assert rules.complain_about_folder_order(tmp_path) == []


def test_an_import_against_the_order_of_folders_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "intarsia/server/connector.py", "")
    plant(
        tmp_path,
        "intarsia/server/wire/messages.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from intarsia.server.connector import Connector\n",
    )

    (found,) = rules.complain_about_folder_order(tmp_path)

    assert found.startswith("intarsia.server.wire.messages imports intarsia.server.connector, which is above it")


def test_an_import_against_the_order_inside_a_folder_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "intarsia/server/auth/authorization_server/pages/login_page.py", "")
    plant(
        tmp_path,
        "intarsia/server/auth/authorization_server/accounts/accounts.py",
        "from intarsia.server.auth.authorization_server.pages.login_page import LoginPage\n",
    )

    (found,) = rules.complain_about_folder_order(tmp_path)

    assert "stands after accounts in FOLDER_ORDER" in found


def test_a_folder_without_a_place_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "intarsia/server/misc/helpers.py", "")

    assert rules.complain_about_folder_order(tmp_path) == ["intarsia.server.misc has no place in FOLDER_ORDER."]


def test_a_crowded_folder_is_found_and_a_full_one_is_not(tmp_path: Path) -> None:
    plant(tmp_path, "intarsia/server/wire/__init__.py", "")
    for number in range(12):
        plant(tmp_path, f"intarsia/server/wire/part_{number}.py", "")
    assert rules.complain_about_crowds(tmp_path) == []

    plant(tmp_path, "intarsia/server/wire/one_more.py", "")

    (found,) = rules.complain_about_crowds(tmp_path)
    assert found.startswith("intarsia/server/wire/ has 13 modules, and 12 are the most")


def test_two_public_classes_of_one_name_are_found(tmp_path: Path) -> None:
    plant(tmp_path, "intarsia/server/calls/handler.py", "class Answer:\n    pass\n\n\nclass _Own:\n    pass\n")
    plant(tmp_path, "intarsia/host/app.py", "class Answer:\n    pass\n\n\nclass _Own:\n    pass\n")

    assert rules.complain_about_class_names(tmp_path) == [
        "Answer is a class in intarsia.host.app and in intarsia.server.calls.handler."
    ]


@pytest.mark.parametrize("line", ["MOST_WAITING = 3", "_LONGEST = 80", "class Queue:\n    LEAST_SECONDS = 3"])
def test_a_limit_in_words_of_its_own_is_found(tmp_path: Path, line: str) -> None:
    plant(tmp_path, "intarsia/server/calls/handler.py", f"{line}\nMAX_SECONDS = 3\nMOSTLY = 4\n")

    (found,) = rules.complain_about_constants(tmp_path)

    assert "write MAX_ or MIN_" in found


def test_a_module_named_by_what_goes_on_in_it_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "intarsia/server/calls/answering.py", "")
    plant(tmp_path, "intarsia/server/rendering/load.py", "")
    plant(tmp_path, "intarsia/server/mcp_server/view_polling.py", "")

    (found,) = rules.complain_about_module_names(tmp_path)

    assert found.startswith("intarsia.server.calls.answering is named by what goes on in it")
