"""Every example of every widget is drawn as it was, as HTML and as text; whoever changes that shows it in a diff."""

from pathlib import Path

import pytest

from intarsia.widgets import WIDGETS, Text, Widget
from tests.widgets import snapshots
from tests.widgets.snapshots import FORMS, RENEW, Form, draw, kept, path_of

EXAMPLES = [pytest.param(widget, name, id=f"{widget.kind}, {name}") for widget in WIDGETS for name in widget.examples()]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("widget", "name"), EXAMPLES)
def test_an_example_is_drawn_as_it_was(widget: type[Widget], name: str, form: Form) -> None:
    before = kept(widget, form).get(name)

    assert before is not None, f"There is no snapshot of {widget.__name__}, example {name!r}. {RENEW}"
    assert FORMS[form](widget.examples()[name]) == before, RENEW


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("widget", WIDGETS)
def test_there_is_no_snapshot_of_an_example_that_is_gone(widget: type[Widget], form: Form) -> None:
    assert list(kept(widget, form)) == list(widget.examples()), RENEW


def test_there_is_no_snapshot_of_a_widget_that_is_gone() -> None:
    wanted = {path_of(widget, form) for widget in WIDGETS for form in FORMS}

    assert set(snapshots.FOLDER.iterdir()) == wanted, RENEW


@pytest.mark.parametrize("form", FORMS)
def test_what_is_kept_is_what_was_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Form) -> None:
    monkeypatch.setattr(snapshots, "FOLDER", tmp_path)
    assert kept(Text, form) == {}

    path_of(Text, form).write_text(draw(Text, form), encoding="utf-8")

    assert kept(Text, form) == {name: FORMS[form](example) for name, example in Text.examples().items()}


def test_renewing_forgets_what_belongs_to_no_widget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "FOLDER", tmp_path)
    (tmp_path / "card_pile.html").write_text("old")

    snapshots.renew()

    assert not (tmp_path / "card_pile.html").exists()
    assert kept(Text, "md")["default"] == "Three cards are waiting for a review.\n"
