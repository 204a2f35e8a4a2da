"""Every example of every widget in a real host and browser, all of them under one another where that is quicker."""

import pytest

from intarsia.testing import Host, assert_accessible, assert_fits_inline, assert_inert
from intarsia.testing.show_widget import show, show_in
from intarsia.widgets import WIDGETS, Stack, Widget

EXAMPLES = [example for widget in WIDGETS for example in widget.examples().values()]


def everything() -> Stack:
    return Stack(EXAMPLES)


async def test_axe_finds_nothing_in_any_example_in_either_theme_wide_or_narrow(host: Host) -> None:
    await host.set(display="fullscreen")
    view = await show(host, everything())

    for theme in ("light", "dark"):
        for width in ("760", "320"):
            await host.set(theme=theme, width=width)
            await assert_accessible(view)


async def test_no_words_of_any_example_become_markup(host: Host) -> None:
    await host.set(display="fullscreen")
    view = await show(host, Stack([]))

    await assert_inert(view, everything())


@pytest.mark.parametrize("kind", ["dashboard", "task_board", "design_panel", "table"])
async def test_every_example_fits_inline(host: Host, kind: str) -> None:
    view = await show(host, Stack([]))

    widget: type[Widget] = next(widget for widget in WIDGETS if widget.kind == kind)
    for example in widget.examples().values():
        await assert_fits_inline(await show_in(view, example))
