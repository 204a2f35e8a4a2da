"""The host's look and place: variables, theme, fonts, language, safe areas, formats, and the reported height."""

import json
import re
from typing import Any

import pytest

from tests.view.conftest import ROOT, Lab

TYPES = ROOT / "node_modules/@modelcontextprotocol/ext-apps/dist/src/spec.types.d.ts"


def standard_variables() -> list[str]:
    declared = TYPES.read_text().partition("type McpUiStyleVariableKey =")[2].partition(";")[0]
    return re.findall(r'"(--[\w-]+)"', declared)


async def style_of_html(lab: Lab, name: str) -> str:
    value: str = await lab.inside("(name) => document.documentElement.style.getPropertyValue(name)", name)
    return value


async def change_context(lab: Lab, context: dict[str, Any]) -> None:
    await lab.run(
        "(params) => lab.say({jsonrpc: '2.0', method: 'ui/notifications/host-context-changed', params})", context
    )
    await lab.settle()


async def test_all_76_standard_variables_are_applied_and_no_other(lab: Lab) -> None:
    names = standard_variables()
    assert len(names) == 76
    variables = {name: f"{index}px" for index, name in enumerate(names)}
    await lab.open(push="none")
    await change_context(lab, {"styles": {"variables": {**variables, "--intarsia-motion": "9s", "color": "red"}}})

    applied = await lab.inside(
        "(names) => Object.fromEntries(names.map((n) => [n, document.documentElement.style.getPropertyValue(n)]))",
        names,
    )
    assert applied == variables
    assert await style_of_html(lab, "--intarsia-motion") == ""
    assert await style_of_html(lab, "color") == ""


async def test_variables_that_a_later_theme_lacks_are_taken_away(lab: Lab) -> None:
    await lab.open(push="none", context={"styles": {"variables": {"--font-sans": "serif", "--font-mono": "mono"}}})
    await change_context(lab, {"styles": {"variables": {"--font-mono": "other"}}})

    assert await style_of_html(lab, "--font-sans") == ""
    assert await style_of_html(lab, "--font-mono") == "other"


async def test_a_change_of_one_field_leaves_the_others(lab: Lab) -> None:
    await lab.open(context={"theme": "dark", "platform": "mobile", "deviceCapabilities": {"touch": True}})
    await change_context(
        lab, {"displayMode": "fullscreen", "safeAreaInsets": {"top": 5, "right": 6, "bottom": 7, "left": 8}}
    )

    html = await lab.inside(
        "() => ({...document.documentElement.dataset, scheme: document.documentElement.style.colorScheme})"
    )
    assert html == {"theme": "dark", "scheme": "dark", "display": "fullscreen", "platform": "mobile", "touch": ""}
    assert await style_of_html(lab, "--intarsia-safe-bottom") == "7px"
    context = await lab.inside("() => probe.view.context")
    assert (context["touch"], context["displayMode"], context["theme"]) == (True, "fullscreen", "dark")


async def test_fonts_are_put_in_once(lab: Lab) -> None:
    fonts = "@font-face{font-family:Lab;src:local('Lab')}"
    await lab.open(push="none", context={"styles": {"css": {"fonts": fonts}}})
    await change_context(lab, {"styles": {"css": {"fonts": "@font-face{font-family:Other;src:local('x')}"}}})

    sheets = "() => [...document.querySelectorAll('#__mcp-host-fonts')].map((sheet) => sheet.textContent)"
    assert await lab.inside(sheets) == [fonts]


@pytest.mark.parametrize(
    ("locale", "lang", "direction"),
    [
        ("de-CH", "de-CH", "ltr"),
        ("ar-EG", "ar-EG", "rtl"),
        ("he", "he", "rtl"),
        ("fa-IR", "fa-IR", "rtl"),
        ("en_US", "en-US", "ltr"),
    ],
)
async def test_language_and_direction_follow_the_locale(lab: Lab, locale: str, lang: str, direction: str) -> None:
    await lab.open(push="none", context={"locale": locale})

    assert await lab.inside("() => [document.documentElement.lang, document.documentElement.dir]") == [lang, direction]


async def test_a_behavior_hears_of_changes_until_it_stops_listening(lab: Lab) -> None:
    await lab.open()
    await lab.inside("() => { window.heard = []; window.deaf = probe.view.onContext((c) => heard.push(c.locale)) }")
    await change_context(lab, {"locale": "fr-FR"})
    await lab.inside("() => deaf()")
    await change_context(lab, {"locale": "it-IT"})

    assert await lab.inside("() => heard") == ["fr-FR"]


async def test_a_display_mode_that_the_host_lacks_is_not_asked_for(lab: Lab) -> None:
    await lab.open(context={"availableDisplayModes": ["inline"]})
    assert await lab.inside("() => probe.view.requestDisplayMode('fullscreen')") == "inline"
    assert "ui/request-display-mode" not in await lab.run("() => lab.messages.map(({method}) => method)")


async def test_a_display_mode_is_the_one_that_the_host_grants(lab: Lab) -> None:
    await lab.open()
    assert await lab.inside("() => probe.view.requestDisplayMode('fullscreen')") == "fullscreen"
    assert await lab.inside("() => document.documentElement.dataset.display") == "fullscreen"


def data(value: object, style: dict[str, object]) -> str:
    return f"<data value='{value}' data-format='{json.dumps(style)}'>server</data>"


def time(value: str, style: dict[str, object]) -> str:
    return f"<time datetime='{value}' data-format='{json.dumps(style)}'>server</time>"


FORMATS = {
    "percent": (data(0.256, {"style": "percent"}), "26 %"),
    "grouped": (data(1234567.891, {"maximumFractionDigits": 1}), "1.234.567,9"),
    "unit": (data(12.5, {"style": "unit", "unit": "megabyte"}), "12,5 MB"),
    "currency": (data(9, {"style": "currency", "currency": "EUR"}), "9,00 €"),
    "no number": (data("many", {}), "server"),
    "empty": (data("", {}), "server"),
    "unknown style": (data(1, {"style": "nonsense"}), "server"),
    "no options": ("<data value='1' data-format='null'>server</data>", "server"),
    "broken options": ("<data value='1' data-format='{'>server</data>", "server"),
    "moment": (time("2026-11-22T23:30:00Z", {"dateStyle": "short", "timeStyle": "short"}), "23.11.26, 08:30"),
    "day": (time("2026-11-22", {"dateStyle": "short"}), "22.11.26"),
    "no moment": (time("soon", {"dateStyle": "short"}), "server"),
}


async def test_numbers_and_dates_are_in_the_hosts_locale_and_time_zone(lab: Lab) -> None:
    html = '<div id="w">' + "".join(f"<p>{markup}</p>" for markup, _ in FORMATS.values()) + "</div>"
    await lab.open_html(html, context={"locale": "de-DE", "timeZone": "Asia/Tokyo"})

    await lab.shows([shown for _, shown in FORMATS.values()], "p")


async def test_relative_times_count_from_now(lab: Lab) -> None:
    hours = await lab.run("() => new Date(Date.now() - 3 * 3600e3 - 60e3).toISOString()")
    soon = await lab.run("() => new Date(Date.now() + 2 * 86400e3 + 60e3).toISOString()")
    await lab.open_html(
        f'<div id="w"><p>{time(hours, {"relative": True})}</p><p>{time(soon, {"relative": True})}</p></div>'
    )

    await lab.shows(["3 hours ago", "in 2 days"], "p")


async def test_formats_follow_a_change_of_the_locale(lab: Lab) -> None:
    await lab.open_html(f'<p id="w">{data(0.5, {"style": "percent", "minimumFractionDigits": 1})}</p>')
    await lab.shows(["50.0%"], "#w")
    await change_context(lab, {"locale": "de-DE"})

    await lab.shows(["50,0 %"], "#w")


async def heights_settle(lab: Lab) -> list[int]:
    """Give a loop every chance to start: sixty painted frames."""
    await lab.inside(
        """() => new Promise((done) => {
          let left = 60;
          const next = () => (left-- ? requestAnimationFrame(next) : done());
          next();
        })"""
    )
    heights: list[int] = await lab.run("() => lab.heights")
    return heights


@pytest.mark.parametrize(
    ("name", "html", "most"),
    [
        ("content", '<div id="w" style="height: 300px">x</div>', 2),
        ("viewport", '<div id="w" style="height: 100vh">x</div>', 3),
        ("least viewport", '<div id="w" style="min-height: 100vh; padding: 20px">x</div>', 3),
        ("half", '<div id="w" style="height: 300px"><i style="display: block; height: 110vh"></i></div>', 3),
        ("margin", '<div id="w" style="height: 200px; margin: 30px 0">x</div>', 2),
    ],
)
async def test_a_host_that_applies_every_report_is_never_led_into_a_loop(
    lab: Lab, name: str, html: str, most: int
) -> None:
    await lab.open_html(html, appliesSize=True)
    await lab.until("() => lab.heights.length > 0")

    heights = await heights_settle(lab)
    assert len(heights) <= most, (name, heights)
    assert "width" not in json.dumps(await lab.run("() => lab.messages.filter(({method}) => /size/.test(method))"))


async def test_a_grown_widget_is_reported_once(lab: Lab) -> None:
    await lab.open_html(
        '<div id="w"><details><summary>More</summary><p style="height: 200px">x</p></details></div>', appliesSize=True
    )
    before = (await heights_settle(lab))[-1]
    await lab.view.locator("summary").click()
    await lab.until("(before) => lab.heights.at(-1) >= before + 200", before)

    count = len(await lab.run("() => lab.heights"))
    assert len(await heights_settle(lab)) == count


async def test_a_slow_opening_ends_at_its_true_height(lab: Lab) -> None:
    html = '<div id="w" style="height: 100px; transition: height 120ms"><button type="button">x</button></div>'
    await lab.open_html(html, appliesSize=True)
    before = (await heights_settle(lab))[-1]
    await lab.inside("() => { document.getElementById('w').style.height = '260px' }")

    await lab.until("(before) => lab.heights.at(-1) === before + 160", before)


async def test_a_height_is_reported_against_a_fixed_one(lab: Lab) -> None:
    await lab.open(context={"containerDimensions": {"height": 400, "width": 700}})
    await lab.order("todo", ["T-1", "T-2", "T-3"])

    assert len(await heights_settle(lab)) > 0


async def test_fullscreen_reports_nothing_and_leaving_it_reports_again(lab: Lab) -> None:
    await lab.open()
    await lab.until("() => lab.heights.length > 0")
    last = (await heights_settle(lab))[-1]
    await change_context(lab, {"displayMode": "fullscreen"})
    await lab.run("() => { lab.heights.length = 0 }")
    await lab.inside("() => { document.getElementById('w').append(document.createElement('hr'), 'x') }")
    assert await heights_settle(lab) == []
    await lab.inside("() => { document.getElementById('w').lastChild.remove() }")
    await lab.inside("() => { document.getElementById('w').lastChild.remove() }")
    await change_context(lab, {"displayMode": "inline"})

    await lab.until("() => lab.heights.length > 0")
    assert await heights_settle(lab) == [last]
