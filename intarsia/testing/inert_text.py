"""Whether words stay words: in the browser, where behaviors run, and in the text form that a model reads."""

from collections.abc import Awaitable, Callable
from typing import Any

from intarsia.testing.markdown_text import complaint_about_words
from intarsia.testing.replace_text import HARMLESS, HOSTILE, reword
from intarsia.testing.show_widget import show_in
from intarsia.testing.view import View
from intarsia.widgets import Widget

# What only says how something is laid out follows from how long words are, and is no sign.
_LIVE = """() => {
  const names = (element) => element.getAttributeNames().filter((name) => !["style", "hidden"].includes(name)).sort();
  const told = [...document.body.querySelectorAll("*")].filter((element) => !element.closest("svg svg"));
  const shape = told.map((element) => `<${[element.localName, ...names(element)].join(" ")}>`);
  const places = told.map((element) => element.closest("[id]")?.id ?? "");
  return { shape, places };
}"""

Steps = Callable[[View], Awaitable[Any]]


async def assert_inert(view: View, widget: Widget, steps: Steps | None = None) -> None:
    """Assert that text in a widget stays text: hostile text produces the same DOM as harmless text.

    The check compares the DOM, so that it also finds markup that the browser's policy prevents from running. It also
    compares the structure of the Markdown that a model reads.

    Args:
        view: A View that `show` opened.
        widget: The widget, which is shown with hostile and with harmless text.
        steps: Further steps before each comparison, for content that appears only then.

    Raises:
        AssertionError: Text became elements or attributes, or ran, or became Markdown in the text form. The message
            says where, and what to do.
    """
    complaint = complaint_about_words(widget)
    assert not complaint, f"{type(widget).__name__}: {complaint}"
    harmless = await _live(view, reword(widget, lambda text: f"{HARMLESS} {text}"), steps)
    hostile = await _live(view, reword(widget, lambda text: f"{HOSTILE} {text}"), steps)
    difference = _first_difference(hostile, harmless)
    assert not difference, f"Words of {type(widget).__name__} became markup in the browser: {difference}. {_REMEDY}"


_REMEDY = "Write words by textContent, or by setting an attribute; never by innerHTML."


async def _live(view: View, widget: Widget, steps: Steps | None) -> Any:
    await show_in(view, widget)
    if steps is not None:
        await steps(view)
    await view.settled()
    return await view.frame.evaluate(_LIVE)


def _first_difference(hostile: Any, harmless: Any) -> str:
    for evil, good, place in zip(hostile["shape"], harmless["shape"], hostile["places"], strict=False):
        if evil != good:
            return f"in {place[:60]!r}, where {good} was, there is {evil}"
    if len(hostile["shape"]) == len(harmless["shape"]):
        return ""
    return f"there are {len(hostile['shape'])} elements instead of {len(harmless['shape'])}"
