"""Ten mistakes that people make in widgets, each planted in a copy of ours: the kit catches it, and not its twin."""

import re
from collections.abc import Callable

import pytest
from jinja2 import ChoiceLoader, DictLoader

from intarsia import Connector
from intarsia.testing import Host, View, assert_clean
from intarsia.testing.accessibility import assert_accessible, assert_fits_inline
from intarsia.testing.inert_text import assert_inert
from intarsia.testing.markup import complaints_about_template
from intarsia.testing.show_widget import show, showing_connector
from intarsia.ui_templates import render
from intarsia.widgets import Button, Checkbox, Select, Slider, Table, TableColumn, Text, Widget

Plant = Callable[[str, str, str], str]


@pytest.fixture
def connector() -> Connector:
    return showing_connector()


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Let widgets be drawn with a copy of a template in which some text is another."""

    def planted(template: str, right: str, wrong: str) -> str:
        source = (render.FOLDER / template).read_text(encoding="utf-8")
        assert source.count(right) == 1, f"{template} holds it {source.count(right)} times: {right}"
        copied = source.replace(right, wrong)
        # The name is private: only a test draws with other templates than ours.
        own = render._environment()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        loaders = ChoiceLoader([DictLoader({template: copied}), own.loader])  # type: ignore[list-item]
        monkeypatch.setattr(render, "_environment", lambda: own.overlay(loader=loaders))
        return copied

    return planted


IN_TEMPLATES = [
    pytest.param(
        Select.examples()["default"],
        ("_macros.html", '<option value="{{ option.value }}"', "<option value={{ option.value }}"),
        r"the value of value has no quotes",
        "an unquoted value",
        id="unquoted attribute",
    ),
    pytest.param(
        Text.examples()["default"],
        ("text/view.html", "{{ paragraph }}", "{{ paragraph|safe }}"),
        r"Words become markup: there are 4 elements instead of 3\.",
        "a filter that ends escaping",
        id="safe",
    ),
    pytest.param(
        Checkbox.examples()["default"],
        (
            "checkbox/view.html",
            "<span>{{ widget.shown_label }}</span>",
            '<a href="{{ widget.name }}">{{ widget.shown_label }}</a>',
        ),
        r"href leads out of the widget",
        "a link that data fill",
        id="href from data",
    ),
    pytest.param(
        Button.examples()["default"],
        ("button/view.html", '<button class="', '<button onclick="go()" class="'),
        r"onclick is an inline handler\. Listen in a behavior",
        "an inline handler",
        id="inline handler",
    ),
    pytest.param(
        Select.examples()["default"],
        (
            "select/view.html",
            '<label class="intarsia-label" for="{{ id }}-control">{{ widget.shown_label }}</label>',
            '<span class="intarsia-label">{{ widget.shown_label }}</span>',
        ),
        r"<select> 'w-control' has no label\. Point a <label for> at its id",
        None,
        id="missing label",
    ),
    pytest.param(
        Slider.examples()["default"],
        (
            "slider/view.html",
            '<div class="intarsia-slider__control">',
            '<div class="intarsia-slider__control" id="{{ id }}">',
        ),
        r"The id 'w' stands 2 times",
        None,
        id="duplicate id",
    ),
    pytest.param(
        Button.examples()["default"],
        ("button/view.html", '<button class="', "<button hx-vals='js:{now: Date.now()}' class=\""),
        r"hx-vals holds script, which needs eval",
        "a js: value",
        id="eval-needing attribute",
    ),
    pytest.param(
        Button.examples()["default"],
        ("button/view.html", '<button class="', '<button hx-on:click="go()" class="'),
        r"hx-on:click needs eval\. Listen in a behavior",
        "hx-on",
        id="eval-needing handler",
    ),
]


@pytest.mark.parametrize(("widget", "mistake", "complaint", "in_template"), IN_TEMPLATES)
def test_a_mistake_in_a_template_is_caught(
    plant: Plant, widget: Widget, mistake: tuple[str, str, str], complaint: str, in_template: str | None
) -> None:
    assert_clean(widget)

    copied = plant(*mistake)

    with pytest.raises(AssertionError, match=complaint):
        assert_clean(widget)
    assert [what for _line, what in complaints_about_template(copied)] == ([in_template] if in_template else [])


async def with_style(view: View, style: str) -> View:
    """Lay a style over a View, as if it stood in a widget's style.css."""
    await view.frame.evaluate(
        """(style) => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(style);
          document.adoptedStyleSheets = [sheet];
        }""",
        style,
    )
    return await view.settled()


TABLE = Table(
    columns=[TableColumn("name", "Name")],
    rows=[{"name": f"Row {number}"} for number in range(6)],
    row_key="name",
    caption="Rows",
)


async def test_a_nested_scroll_is_caught(host: Host) -> None:
    view = await show(host, TABLE)
    await assert_fits_inline(view)

    await with_style(view, ".intarsia-table { max-block-size: 90px; overflow-y: auto; }")

    with pytest.raises(AssertionError, match=r'<div id="w" class="intarsia-table"> scrolls inside of the conversation'):
        await assert_fits_inline(view)


async def test_a_card_of_600_pixels_is_caught(host: Host) -> None:
    view = await show(host, Text("A card."))
    await assert_fits_inline(view)

    await with_style(view, ".intarsia-text { min-block-size: 600px; }")

    with pytest.raises(AssertionError, match=r"it is 6\d\d px high; 500 is the most"):
        await assert_fits_inline(view)


async def test_what_is_wider_than_the_narrowest_host_is_caught(host: Host) -> None:
    view = await show(host, Text("A card."))
    await assert_fits_inline(view)

    await with_style(view, ".intarsia-text { min-inline-size: 400px; }")

    with pytest.raises(AssertionError, match=r"320 px wide, <.* class=\"intarsia-text\"> is wider than the View"):
        await assert_fits_inline(view)
    assert await host.page.evaluate("intarsiaHost.settings.value.width") == "760"


CAREFUL = """() => {
  const write = () => document.querySelectorAll(".intarsia-text p:not([data-drawn])").forEach((words) => {
    words.dataset.drawn = "";
    WRITE
  });
  new MutationObserver(write).observe(document, { subtree: true, childList: true });
}"""
"""A behavior that writes words again, as one does that cuts or marks them."""


@pytest.mark.parametrize("policy", ["strict", "loose"])
async def test_words_that_a_behavior_writes_by_inner_html_are_caught(host: Host, policy: str) -> None:
    await host.set(sandbox="loose" if policy == "loose" else "spec")
    widget = Text("Three cards are waiting.")
    careful, careless = await show(host, Text("First.")), await show(host, Text("Second."))
    await careful.frame.evaluate(CAREFUL.replace("WRITE", "words.textContent = words.textContent;"))
    await careless.frame.evaluate(CAREFUL.replace("WRITE", "words.innerHTML = words.textContent;"))

    await assert_inert(careful, widget)

    host.expect_console("")  # the browser says what it stopped, or that there is no such picture
    with pytest.raises(AssertionError, match=r"Words of Text became markup .* there is <img onerror src>"):
        await assert_inert(careless, widget)


async def test_a_control_without_a_name_and_words_without_contrast_are_caught_by_axe(host: Host) -> None:
    view = await show(host, Select.examples()["calls an action"])
    await assert_accessible(view)

    await view.frame.evaluate("() => document.querySelector('label').remove()")
    await with_style(view, ".intarsia-select__input { color: #ccc; background: #fff; }")

    with pytest.raises(AssertionError, match=re.compile("select-name.*w-control", re.DOTALL)) as caught:
        await assert_accessible(view)
    assert "color-contrast" in str(caught.value)
