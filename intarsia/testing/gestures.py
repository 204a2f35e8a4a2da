"""Finds elements in a View by their accessible names, as users do, and drags them."""

import re
from typing import Any, cast

from playwright.async_api import FrameLocator, Locator
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from intarsia.testing.page import WAIT_MS, HostPage, center

ROLES = ("button", "checkbox", "switch", "radio", "tab", "link", "option", "menuitem")

PLACES = "li, tr, fieldset, section, article, form, [role=group], [role=tabpanel], [role=listitem]"

ITEMS = "li, tr, [role=listitem], [draggable=true]"

FIELDS = ("textbox", "searchbox", "combobox", "listbox", "slider", "spinbutton")

MAX_WAIT_MS = WAIT_MS / 3
"""The maximum time to wait until an element appears."""

LIST_CONTROLS = """() => {
  const labelOf = ({ labels }) => {
    const copy = labels?.[0]?.cloneNode(true);
    copy?.querySelectorAll("select").forEach((inner) => inner.remove());
    return copy?.textContent;
  };
  return [...document.querySelectorAll("button, input, select, textarea, [role=tab], [role=checkbox]")]
  .filter((control) => control.checkVisibility())
  .map((control) => control.getAttribute("aria-label") || labelOf(control) || control.textContent ||
    control.placeholder || control.name).map((name) => name.trim().replace(/\\s+/g, " ")).filter(Boolean);
}"""


async def find_control(body: FrameLocator, name: str, in_: str | None = None) -> Locator:
    """Find a clickable control by its accessible name.

    Raises:
        AssertionError: No control, or more than one, has this name.
    """
    place: Any = innermost(body, in_) if in_ is not None else body
    begins = re.compile(rf"^{re.escape(name)}(?!\w)")
    exact = _any_of([place.get_by_role(role, name=name, exact=True) for role in ROLES])
    near = _any_of([place.get_by_role(role, name=begins) for role in ROLES])
    complaint = f"nothing to press is called {name!r}" + (f" in {in_!r}" if in_ else "")
    await _wait_for(body, near, complaint)
    return await _the_one(body, exact if await exact.count() else near, complaint)


async def find_field(body: FrameLocator, name: str) -> Locator:
    """Find a field by its label.

    Raises:
        AssertionError: No field, or more than one, has this label.
    """
    place: Any = body  # its types list the roles one by one
    by_role = [place.get_by_role(role, name=name, exact=True) for role in FIELDS]
    by_label = body.get_by_label(name, exact=True).and_(body.locator("input, select, textarea"))
    return await _the_one(body, _any_of([*by_role, by_label]), f"no field is called {name!r}")


def innermost(body: FrameLocator, text: str) -> Locator:
    """Return the smallest container with a text: a card, a row, a part."""
    return body.locator(PLACES).filter(has_text=text).last


def _any_of(locators: list[Locator]) -> Locator:
    found = locators[0]
    for locator in locators[1:]:
        found = found.or_(locator)
    return found.filter(visible=True)


async def _wait_for(body: FrameLocator, found: Locator, complaint: str) -> None:
    try:
        await found.first.wait_for(timeout=MAX_WAIT_MS)
    except PlaywrightTimeoutError:
        message = f"{complaint[:1].upper()}{complaint[1:]}. There are: {await _names(body)}."
        raise AssertionError(message) from None


async def _the_one(body: FrameLocator, found: Locator, complaint: str) -> Locator:
    await _wait_for(body, found, complaint)
    count = await found.count()
    if count > 1:
        message = f"{count} things have that name, where {complaint.replace('nothing', 'one thing')}; say in_=... too."
        raise AssertionError(message)
    return found.first


async def _names(body: FrameLocator) -> str:
    names = cast("list[str]", await body.locator(":root").evaluate(LIST_CONTROLS))
    return ", ".join(dict.fromkeys(names)) or "none"


async def drag(host: HostPage, body: FrameLocator, item: str, to: str, index: int | None) -> None:
    """Drag an item to a position in a list, see `View.drag`.

    Raises:
        AssertionError: The item, the list or the position does not exist, or is not visible.
    """
    moved = await _item(body, item)
    tab = body.get_by_role("tab", name=re.compile(rf"^{re.escape(to)}(?!\w)"))
    target = await _list(body, to)
    if target is not None:
        await _drop(host, moved, await _place(target, moved, index))
        return
    if not await tab.count():
        message = f"No list is called {to!r}. There are: {', '.join(await _lists(body)) or 'none'}."
        raise AssertionError(message)
    if index is not None:
        message = f"{to!r} is behind a tab, where a place in it cannot be seen. Leave index out, or press the tab."
        raise AssertionError(message)
    await _drop(host, moved, await center(tab.first))


async def _item(body: FrameLocator, text: str) -> Locator:
    items = body.locator(ITEMS).filter(visible=True)
    exact = items.filter(has=body.get_by_text(text, exact=True))
    return await _the_one(
        body, exact if await exact.count() else items.filter(has_text=text), f"nothing to drag says {text!r}"
    )


async def _list(body: FrameLocator, name: str) -> Locator | None:
    """Find the group that contains a list; it has a size even if the list is empty."""
    named = [body.get_by_role(role, name=name, exact=True) for role in ("group", "tabpanel", "list")]
    found = named[0].or_(named[1]).or_(named[2]).filter(visible=True)
    return found.first if await found.count() else None


async def _lists(body: FrameLocator) -> list[str]:
    names = await body.locator("[role=group] h3, [role=tab], [role=tabpanel] h3").all_inner_texts()
    return list(dict.fromkeys(" ".join(name.split()) for name in names))


async def _place(target: Locator, moved: Locator, index: int | None) -> tuple[float, float]:
    others = target.locator(ITEMS).filter(visible=True)
    identity = await moved.get_attribute("id")
    if identity:
        others = others.and_(target.locator(f':not([id="{identity}"])'))
    count = await others.count()
    if index is not None and index > count:
        message = f"The list shows {count} other items: index {index} is past its end."
        raise AssertionError(message)
    if count == 0:
        return await center(target)
    if index is None or index == count:
        return await center(others.last, share=0.85)
    return await center(others.nth(index), share=0.15)


async def _drop(host: HostPage, moved: Locator, end: tuple[float, float]) -> None:
    handle = moved.get_by_role("button", name="Move").first
    if host.has_touch:
        await host.touch_drag(handle if await handle.count() else moved, end)
        return
    await moved.scroll_into_view_if_needed()
    await host.mouse_drag(moved.locator("p").first if await moved.locator("p").count() else moved, end)
