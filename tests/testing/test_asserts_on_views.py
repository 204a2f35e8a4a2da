"""The asserts about a View see what a person sees: why something was refused, on which ground, after which press."""

import pytest

from intarsia import Connector, Done, RefusedError
from intarsia.testing import Host, View, assert_accessible, assert_inert, assert_refused
from intarsia.testing.show_widget import show, showing_connector
from intarsia.widgets import Button, Text


@pytest.fixture
def connector() -> Connector:
    shown = showing_connector()

    @shown.action
    async def start_party() -> Done:
        """Start a party."""
        reason = "There is nobody at home."
        raise RefusedError(reason)

    @shown.action
    async def go_to_bed() -> Done:
        """Go to bed."""
        return Done("Good night.")

    @shown.widget
    async def party() -> Button:
        """Offer a party."""
        return Button("Start", on_click=start_party.bind())

    @shown.widget
    async def bed() -> Button:
        """Offer the bed."""
        return Button("Good night", on_click=go_to_bed.bind())

    return shown


async def test_a_view_says_why_something_was_refused(host: Host) -> None:
    party, bed = await host.call("party"), await host.call("bed")
    await party.press("Start")
    await bed.press("Good night")

    assert_refused(party, "There is nobody at home.")
    with pytest.raises(AssertionError, match="for another reason than 'It is late': There is nobody at home"):
        assert_refused(party, "It is late")
    with pytest.raises(AssertionError, match=r"Nothing is refused in the View. It shows: .*Good night"):
        assert_refused(bed)
    with pytest.raises(AssertionError, match="A View says no kind of problem"):
        assert_refused(party, kind="conflict")


async def test_contrast_is_measured_on_the_ground_that_the_host_has(host: Host) -> None:
    view = await show(host, Text("Gray words."))
    await view.frame.evaluate("() => document.querySelector('p').style.setProperty('color', '#767676')")

    await assert_accessible(view)
    await host.set(theme="dark")

    with pytest.raises(AssertionError, match="color-contrast"):
        await assert_accessible(view)


PRESSED = """(how) => document.addEventListener("click", () => {
  const words = document.querySelector(".intarsia-button-place__reason");
  if (how === "careless") words.innerHTML = words.textContent;
  else words.textContent = words.textContent.trim();
})"""


@pytest.mark.parametrize("how", ["careful", "careless"])
async def test_words_are_looked_at_after_what_a_person_does(host: Host, how: str) -> None:
    widget = Button.examples()["disabled"]
    view = await show(host, widget)
    await view.frame.evaluate(PRESSED, how)
    host.expect_console("Content Security Policy|Failed to load")

    async def press(shown: View) -> None:
        await shown.locator(".intarsia-button-place__reason").click()

    await assert_inert(view, widget)
    if how == "careful":
        await assert_inert(view, widget, press)
        return
    with pytest.raises(AssertionError, match=r"Words of Button became markup .* there (is <img|are \d+ elements)"):
        await assert_inert(view, widget, press)
