"""The colors of `base.css` keep WCAG AA, focus is seen, and motion can be left out. For axe see `test_in_a_host.py`."""

import re
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest

from intarsia.widgets import WIDGETS
from tests.widgets.conftest import Stage, Theme

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "intarsia/ui_templates/view/base.css"


def colors_of(place: int) -> dict[str, str]:
    """The fallbacks in `base.css`: the first color of `light-dark()` is for light, the second for dark."""
    tokens = re.findall(r"--host-([\w-]+): var\([\w-]+, light-dark\((#\w{6}), (#\w{6})\)\)", BASE.read_text("utf-8"))
    return {name: (light, dark)[place] for name, light, dark in tokens}


def luminance(color: str) -> float:
    shares = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


TEXTS = ("text", "muted", "accent", "danger", "warning", "success")
GROUNDS = ("surface", "sunken", "raised")


@pytest.mark.parametrize(("text", "ground"), [*product(TEXTS, GROUNDS)])
@pytest.mark.parametrize("place", [0, 1], ids=get_args(Theme))
def test_our_own_colors_need_no_bands(place: int, text: str, ground: str) -> None:
    colors = colors_of(place)

    assert contrast(colors[text], colors[ground]) >= 4.5


@pytest.mark.parametrize("theme", get_args(Theme))
async def test_focus_is_always_visible(stage: Stage, theme: Theme) -> None:
    buttons: Any = next(widget for widget in WIDGETS if widget.kind == "button").examples()["default"]
    await stage.show(buttons, theme=theme)
    button = stage.view.get_by_role("button", name="Restart")
    await button.focus()
    await stage.page.keyboard.press("Shift")

    outline = await button.evaluate(
        "(element) => getComputedStyle(element).outlineStyle + getComputedStyle(element).outlineWidth"
    )
    assert outline == "solid2px"


async def test_nothing_moves_for_those_who_ask_for_less_motion(stage: Stage) -> None:
    await stage.page.emulate_media(reduced_motion="reduce")
    buttons: Any = next(widget for widget in WIDGETS if widget.kind == "button").examples()["default"]
    await stage.show(buttons)

    button = stage.view.get_by_role("button", name="Restart")
    assert set((await button.evaluate("(element) => getComputedStyle(element).transitionDuration")).split(", ")) == {
        "0s"
    }
