"""What is known of guards without running them: each can be removed, and which were proved with these very files."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.guard_record import digest_of, read_record, write_record
from tests.security.mutation import ROOT, Guard, Mutation, MutationError

ATTACK = "tests/shop/test_till.py"
GUARD = Guard("t01", f"{ATTACK} -k 't01'", (Mutation("shop/till.py", "if is_open:", "if True:"),))


def guards_of(path: Path) -> Iterator[Guard]:
    """Find the guards of a test module, as pytest does."""
    module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for function in vars(module).values():
        marks: list[Any] = getattr(function, "pytestmark", [])
        for mark in marks:
            if mark.name == "parametrize" and mark.args[0] == "guard":
                yield from (parameter.values[0] for parameter in mark.args[1])


MODULES = sorted(
    path
    for path in (ROOT / "tests").rglob("test_*.py")
    if "\n@each_guard(" in path.read_text(encoding="utf-8") and "node_modules" not in path.parts
)


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in MODULES])
def test_every_guard_is_there_to_be_removed(path: Path) -> None:
    guards = list(guards_of(path))

    assert guards
    for guard in guards:
        assert guard.mutations, f"{guard.name}: name what is taken away."
        guard.check()


SHOP = {
    "shop/till.py": "if is_open:\n    sell()\n",
    "shop/other.py": "",
    ATTACK: "def test_t01() -> None: ...\n",
    "tests/shop/conftest.py": "",
    "tests/conftest.py": "",
}
"""A source with one guard."""


def plant(folder: Path) -> Path:
    for path, text in SHOP.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return plant(tmp_path)


def test_a_guard_that_has_moved_is_told(shop: Path) -> None:
    GUARD.check(shop)
    (shop / "shop/till.py").write_text("if self.is_open:\n    sell()\nif is_open:\n    if is_open:\n")

    with pytest.raises(MutationError, match="and should once"):
        GUARD.check(shop)


def test_an_attack_that_is_gone_is_told(shop: Path) -> None:
    (shop / ATTACK).unlink()

    with pytest.raises(MutationError, match=f"{ATTACK} is not there"):
        GUARD.check(shop)


def test_two_mutations_of_one_file_fit_one_after_the_other(shop: Path) -> None:
    both = replace(GUARD, mutations=(*GUARD.mutations, Mutation("shop/till.py", "if True:", "if sell:")))

    both.check(shop)
    with pytest.raises(MutationError):
        replace(both, mutations=both.mutations[::-1]).check(shop)


@pytest.mark.parametrize(
    ("path", "is_stale"),
    [
        ("shop/till.py", True),
        (ATTACK, True),
        ("tests/shop/conftest.py", True),
        ("shop/other.py", False),
        ("tests/conftest.py", False),
    ],
)
def test_a_verdict_rests_on_the_mutated_files_and_on_those_of_the_attack(
    tmp_path: Path, path: str, *, is_stale: bool
) -> None:
    before, same, changed = (plant(tmp_path / name) for name in ("before", "same", "changed"))
    (changed / path).write_text("# now different\n")

    assert digest_of(GUARD, before) == digest_of(GUARD, same)
    assert (digest_of(GUARD, before) != digest_of(GUARD, changed)) is is_stale


@pytest.mark.parametrize(
    "changed",
    [
        replace(GUARD, attack=f"{ATTACK} -k 't02'"),
        replace(GUARD, mutations=(replace(GUARD.mutations[0], new="if False:"),)),
        replace(GUARD, mutations=(*GUARD.mutations, *GUARD.mutations)),
    ],
    ids=["another attack", "another mutation", "one more"],
)
def test_a_guard_that_was_written_anew_was_not_proved(shop: Path, changed: Guard) -> None:
    assert digest_of(changed, shop) != digest_of(GUARD, shop)


def test_the_record_keeps_what_is_still_true_and_what_was_not_asked_about(tmp_path: Path) -> None:
    file = tmp_path / "record.txt"
    write_record({"a.py::t[1 2]": "aa", "a.py::t[3]": "bb", "b.py::t": "cc"}, ["aa", "bb", "cc"], file)

    write_record({"a.py::t[1 2]": "aa", "a.py::t[3]": "b2", "a.py::t[4]": "dd"}, ["dd"], file)

    assert file.read_text().splitlines()[1:] == ["aa a.py::t[1 2]", "dd a.py::t[4]", "cc b.py::t"]
    assert read_record(file) == {"aa", "cc", "dd"}


def test_a_record_that_git_merged_by_taking_both_sides_is_read(tmp_path: Path) -> None:
    file = tmp_path / "record.txt"
    file.write_text("# one\naa a.py::t\n# one\na2 a.py::t\naa a.py::t\n\n")

    assert read_record(file) == {"aa", "a2"}
    assert read_record(tmp_path / "none.txt") == frozenset()
