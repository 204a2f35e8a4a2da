"""Checks the accessibility of a View with axe-core, and the size of inline widgets."""

from functools import cache
from pathlib import Path
from typing import Any

from intarsia.errors import SettingError
from intarsia.testing.view import View

_AXE = Path(__file__).parent / "dist" / "axe.js"

STANDARDS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")

OF_A_WHOLE_PAGE = (
    "bypass",
    "document-title",
    "heading-order",
    "landmark-no-duplicate-banner",
    "landmark-no-duplicate-main",
    "landmark-one-main",
    "landmark-unique",
    "page-has-heading-one",
    "region",
)
"""Rules about whole pages, which do not apply to a widget."""

# The View is transparent, which axe takes for white: it is given the ground that the host has behind it. A motion that
# is under way is brought to its end, because what fades has the contrast of neither state.
_RUN = """async ([ground, tags, off]) => {
  const root = document.documentElement;
  const before = root.style.background;
  root.style.background = ground;
  document.getAnimations().forEach((motion) => { try { motion.finish(); } catch { motion.cancel(); } });
  try {
    const rules = Object.fromEntries(off.map((rule) => [rule, { enabled: false }]));
    const runOnly = { type: "tag", values: tags };
    const { violations } = await axe.run(document, { runOnly, rules, resultTypes: ["violations"] });
    const told = (rule, { target, html, failureSummary }) =>
      [`${rule.id}: ${rule.help}`, `${target.join(" ")}: ${html}`, ...failureSummary.split("\\n")].join("\\n    ");
    return violations.flatMap((rule) => rule.nodes.map((node) => told(rule, node)));
  } finally {
    root.style.background = before;
  }
}"""

_GROUND = """(frame) => {
  for (let element = frame; element; element = element.parentElement) {
    const color = getComputedStyle(element).backgroundColor;
    if (color !== "rgba(0, 0, 0, 0)" && color !== "transparent") return color;
  }
  return "#ffffff";
}"""


async def assert_accessible(view: View) -> None:
    """Assert that axe-core finds no violations in a View: WCAG 2.2 AA, and best practices for a widget.

    Args:
        view: A View in the conversation, in the host's theme.

    Raises:
        AssertionError: There are violations. The message names the rules and elements, and says what to do.
        SettingError: axe-core is not bundled.
    """
    await view.settled()
    frame = view.frame
    if not await frame.evaluate("typeof axe === 'object'"):
        await frame.evaluate(_axe())
    ground = await view.box.evaluate(_GROUND)
    found: list[str] = await frame.evaluate(_RUN, [ground, list(STANDARDS), list(OF_A_WHOLE_PAGE)])
    assert not found, f"axe-core finds {len(found)} barriers:\n  " + "\n  ".join(found)


@cache
def _axe() -> str:
    try:
        # `undefined` avoids that Playwright serializes the result of the script.
        return _AXE.read_text(encoding="utf-8") + "\n;undefined"
    except FileNotFoundError as error:
        message = f"{_AXE.name} of axe-core is missing: copy it with `make bundle`, or install Intarsia from a wheel."
        raise SettingError(message) from error


MAX_HEIGHT = 500
"""The maximum height of an inline widget in pixels (the MCP Apps guidelines of hosts)."""
MIN_WIDTH = 320
"""The width of the narrowest host in pixels."""

_MEASURE = """(width) => {
  const name = (element) => `<${element.localName}${element.id ? ` id="${element.id}"` : ""}${
    element.classList.length ? ` class="${[...element.classList].join(" ")}"` : ""}>`;
  const shown = [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility());
  const scrolls = (element, axis, size, whole) =>
    /auto|scroll/.test(getComputedStyle(element)[axis]) && element[whole] > element[size] + 1;
  const nested = shown.filter((element) =>
    scrolls(element, "overflowY", "clientHeight", "scrollHeight") ||
    scrolls(element, "overflowX", "clientWidth", "scrollWidth"));
  const clipped = (element) => {
    for (let outer = element.parentElement; outer && outer !== document.body; outer = outer.parentElement) {
      if (getComputedStyle(outer).overflowX !== "visible") return true;
    }
    return false;
  };
  const isText = (element) => element.localName !== "option";
  const wide = shown.filter((element) => {
    const { left, right, width: own } = element.getBoundingClientRect();
    return own > 1 && isText(element) && (right > width + 1 || left < -1) && !clipped(element);
  });
  const { scrollHeight, clientHeight } = document.documentElement;
  return { nested: nested.map(name), wide: wide.map(name), cut: scrollHeight - clientHeight };
}"""


async def assert_fits_inline(view: View) -> None:
    """Assert that a View fits inline: at most 500 px high, no scrolling inside, no element wider than 320 px.

    The check runs at the current width and at 320 px, then restores the width.

    Args:
        view: An inline View.

    Raises:
        AssertionError: The View is too high or too wide, or scrolls. The message says where, and what to do.
    """
    page = view.host.page
    before: Any = await page.evaluate("() => intarsiaHost.settings.value.width")
    told = await _misfits(view)
    await view.host.set({"width": str(MIN_WIDTH)})
    try:
        told += await _misfits(view)
    finally:
        await view.host.set({"width": before})
        await view.settled()
    told = list(dict.fromkeys(told))
    assert not told, "It does not fit inline:\n  " + "\n  ".join(told)


async def _misfits(view: View) -> list[str]:
    await view.settled()
    width: float = await view.frame.evaluate("() => innerWidth")
    measured: Any = await view.frame.evaluate(_MEASURE, width)
    height = max(await view.height(), float(view.sizes[-1].get("height", 0)) if view.sizes else 0)
    told: list[str] = []
    if height > MAX_HEIGHT:
        told.append(f"{width:g} px wide, it is {height:g} px high; {MAX_HEIGHT} is the most. Show less, or page it.")
    told += [
        f"{width:g} px wide, {name} scrolls inside of the conversation. Let it grow, or page it."
        for name in measured["nested"]
    ]
    told += [f"{width:g} px wide, {name} is wider than the View. Let it wrap." for name in measured["wide"]]
    return told
