"""Text and edges can be read in every host: whatever colors it sends, and in those that eight real hosts do send.

`palettes.json` holds the color variables of eight hosts, each as it sends them with a light and with a dark theme. Some
announce "light" and send dark colors.
"""

import json
import math
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from intarsia.testing import accessibility
from intarsia.widgets import WIDGETS, Stack
from tests.view.conftest import bundle
from tests.widgets.conftest import Stage

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "intarsia/ui_templates/view/base.css"
CONTRAST = ROOT / "intarsia/ui_templates/view/host/contrast.ts"
PALETTES: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("palettes.json").read_text("utf-8"))

TEXTS = ("text", "muted", "accent", "danger", "warning", "success")
GROUNDS = ("surface", "sunken", "raised")

Band = tuple[float, float, float]
"""The lowest and highest lightness, and the largest chroma."""


def bands(theme: str) -> dict[str, Band]:
    """Read the bands of each token from `base.css`; its first block is for light, the last for dark."""
    style = BASE.read_text("utf-8")
    block = style.partition(':root[data-theme="dark"]')[2] if theme == "dark" else style
    limits = {name: float(value) for name, value in reversed(re.findall(r"--(\w+-(?:low|high)): ([\d.]+);", block))}
    edge = re.search(r"--edge: ([\d.]+);", block)
    assert edge is not None
    tokens = re.findall(
        r"--intarsia-(\w+): oklch\(from var\(--host-\w+\) "
        r"clamp\(var\(--(\w+)-low\), l, var\(--[\w-]+\)\) min\(c, ([\d.]+)\)",
        style,
    )
    found = {name: (limits[f"{band}-low"], limits[f"{band}-high"], float(chroma)) for name, band, chroma in tokens}
    return {**found, "line-strong": (float(edge[1]), float(edge[1]), 0.02)}


def luminance(lightness: float, chroma: float, hue: float) -> float:
    """Return the relative luminance of an OKLCH color, clipped to sRGB (https://bottosson.github.io/posts/oklab/)."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    channels = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return sum(
        share * min(max(channel, 0), 1) for share, channel in zip((0.2126, 0.7152, 0.0722), channels, strict=True)
    )


def extremes(band: Band) -> tuple[float, float]:
    """Return the least and the greatest luminance of the colors in a band."""
    low, high, most = band
    hues = [step * math.tau / 72 for step in range(72)]
    steps = product((low, (low + high) / 2, high), (0, most / 2, most), hues)
    found = [luminance(*step) for step in steps]
    return min(found), max(found)


def worst_contrast(one: Band, other: Band) -> float:
    """Return the least contrast of a color in one band with a color in the other."""
    (dark_low, dark_high), (light_low, light_high) = sorted((extremes(one), extremes(other)))
    assert dark_high <= light_low, "the bands overlap"
    del dark_low, light_high
    return (light_low + 0.05) / (dark_high + 0.05)


@pytest.mark.parametrize(("text", "ground"), [*product(TEXTS, GROUNDS)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_host_color_makes_text_hard_to_read(theme: str, text: str, ground: str) -> None:
    assert worst_contrast(bands(theme)[text], bands(theme)[ground]) >= 4.5


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_host_color_hides_the_edge_of_a_control(theme: str, ground: str) -> None:
    assert worst_contrast(bands(theme)["line-strong"], bands(theme)[ground]) >= 3


async def use_axe(stage: Stage) -> list[str]:
    """Return what axe finds to be hard to read, on the ground that the host sends."""
    frame = stage.page.frames[-1]
    await frame.evaluate(accessibility._axe())  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    found: list[str] = await frame.evaluate("""async () => {
      document.documentElement.style.background = "var(--color-background-primary)";
      const { violations } = await axe.run(document, { runOnly: ["color-contrast"] });
      return violations.flatMap(({ nodes }) => nodes.map(({ html, failureSummary }) => html + failureSummary));
    }""")
    return found


@pytest.mark.sampled(4)
@pytest.mark.parametrize("palette", sorted(PALETTES))
async def test_every_widget_can_be_read_in_the_colors_of_every_host(stage: Stage, palette: str) -> None:
    everything = Stack([example for widget in WIDGETS for example in widget.examples().values()])
    theme: Any = palette.rpartition("/")[2]

    await stage.show(everything, theme=theme, styles={"variables": PALETTES[palette]})

    assert await use_axe(stage) == []


@pytest.mark.parametrize(("palette", "bands_of"), [("vscode/light", "dark"), ("chatgpt/light", "light")])
async def test_the_bands_follow_the_ground_of_the_host(stage: Stage, palette: str, bands_of: str) -> None:
    await stage.show(Stack([]), theme="light", styles={"variables": PALETTES[palette]})

    page = stage.view.locator("html")
    assert await page.get_attribute("data-theme") == bands_of
    assert await page.evaluate("(element) => element.style.colorScheme") == "light"  # else the page turns opaque


COLORS = """(tokens) => {
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const probe = document.body.appendChild(document.createElement("i"));
  return tokens.map((token) => {
    probe.style.color = `var(--intarsia-${token})`;
    pixel.fillStyle = getComputedStyle(probe).color;
    pixel.fillRect(0, 0, 1, 1);
    return [...pixel.getImageData(0, 0, 1, 1).data];
  });
}"""


@pytest.mark.sampled(2)
@pytest.mark.parametrize("palette", sorted(PALETTES))
async def test_browsers_without_relative_colors_get_the_same_colors(stage: Stage, palette: str) -> None:
    theme: Any = palette.rpartition("/")[2]
    await stage.show(Stack([]), theme=theme, styles={"variables": PALETTES[palette]})
    frame = stage.page.frames[-1]
    tokens = [*TEXTS, *GROUNDS, "line-strong", "on-accent"]
    by_style: list[list[int]] = await frame.evaluate(COLORS, tokens)
    entry = f'import {{ computeTokens }} from "./{CONTRAST.relative_to(ROOT).as_posix()}"; computeTokens();'

    await frame.evaluate(bundle(entry))

    by_script: list[list[int]] = await frame.evaluate(COLORS, tokens)
    for token, one, other in zip(tokens, by_style, by_script, strict=True):
        assert max(abs(a - b) for a, b in zip(one, other, strict=True)) <= 4, (
            token
        )  # a color outside of sRGB is clipped once more
    assert await frame.evaluate("document.documentElement.style.getPropertyValue('--intarsia-text')") != ""
