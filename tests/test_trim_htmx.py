"""What the bundler takes out of htmx, and that it stops when htmx is not as expected."""

import re

import pytest

from scripts.bundle import HTMX, ROOT
from scripts.trim_htmx import DROPPED, EVALUATION, TrimError, trim_htmx

BUNDLE = ROOT / "intarsia/ui_templates/view/dist/view.js"


@pytest.fixture(scope="module")
def source() -> str:
    return (ROOT / HTMX).read_text("utf-8")


def test_what_a_view_never_runs_is_empty_and_the_rest_is_as_it_was(source: str) -> None:
    trimmed = trim_htmx(source)

    for name in DROPPED:
        assert re.search(rf"^ {{8}}(async )?{name}\([^\n]*\) \{{\n {{8}}\}}$", trimmed, re.MULTILINE), name
    kept = set(source.splitlines()) & set(trimmed.splitlines())
    assert set(trimmed.splitlines()) == kept


@pytest.mark.parametrize("name", ["#issueRequest", *EVALUATION[:1]])
def test_a_method_that_is_gone_is_named(source: str, name: str) -> None:
    with pytest.raises(TrimError, match=f"0 methods named {name}"):
        trim_htmx(source.replace(f"{name}(", f"{name}Again("))


def test_a_block_that_is_gone_is_named(source: str) -> None:
    with pytest.raises(TrimError, match="0 blocks like trigger every"):
        trim_htmx(source.replace("// Every: set up interval", ""))


@pytest.mark.parametrize(
    "word", ["fetch(", "pushState", "with(event", "startViewTransition", "createElement('script')", "isRevealed"]
)
def test_the_bundle_holds_nothing_that_fetches_navigates_or_evaluates(source: str, word: str) -> None:
    spellings = {word, word.replace("'", '"')}

    assert any(spelling in source for spelling in spellings)
    assert not any(spelling in BUNDLE.read_text("utf-8") for spelling in spellings)
