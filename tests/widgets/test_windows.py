"""Every list of any length, of every example of every widget, is cut to windows that lead to all of its items."""

from collections.abc import Iterator

import pytest

from intarsia.server.rendering.windows import WHOLE_LISTS, cut_to_windows, smaller
from intarsia.ui_templates import render_text, render_widget
from intarsia.widgets import WIDGETS, Dashboard, Grid, Heading, Stack, Table, TableColumn, Widget
from intarsia.widgets.tree import walk
from intarsia.widgets.windows import MAX_WINDOW_ITEMS, ListWindow, Window


def _lists() -> Iterator[tuple[str, Widget, str, int]]:
    for kind in WIDGETS:
        for name, example in kind.examples().items():
            if any(part.list_windows for part in walk(example) if isinstance(part, Widget)):
                continue  # already a window
            for each in cut_to_windows(example, WHOLE_LISTS)[1]:
                if each.total > 1:
                    yield f"{kind.kind} {name} {each.place}", example, each.place, each.total


LISTS = {name: rest for name, *rest in _lists()}


@pytest.mark.parametrize("name", LISTS)
def test_every_list_is_shown_item_by_item(name: str) -> None:
    example, place, total = LISTS[name]
    assert isinstance(example, Widget)
    assert isinstance(place, str)
    assert isinstance(total, int)
    texts = set[str]()
    for start in range(total):
        widget, lists = cut_to_windows(example, {place: Window(start, 1)})
        [shown] = [each for each in lists if each.place == place]
        assert (shown.start, shown.count, shown.total) == (start, 1, total)
        rendering = render_widget(widget)
        rendering.check_places([place])
        assert f'data-end="{start + 1}" data-total="{total}"' in rendering.html
        assert ("before" in rendering.html) == (start > 0)
        assert (f' more of <data value="{total}"' in rendering.html) == (start + 1 < total)
        texts.add(render_text(widget))
    assert len(texts) == total


def test_all_widgets_with_lists_are_covered() -> None:
    assert {name.split()[0] for name in LISTS} == {"stack", "grid", "table", "dashboard", "task_board"}
    assert {kind.kind for kind in WIDGETS if kind.windowed_fields()} == {"stack", "grid", "table", "dashboard"}


def test_what_is_whole_stays_the_same_object() -> None:
    for kind in WIDGETS:
        for example in kind.examples().values():
            assert cut_to_windows(example, WHOLE_LISTS)[0] is example


def test_lists_in_lists_have_places_that_stay_when_the_outer_window_moves() -> None:
    table = Table(
        columns=[TableColumn("a", "A")], rows=[{"a": "1"}, {"a": "2"}, {"a": "3"}], row_key="a", caption="Letters"
    )
    widget = Stack([Heading("One"), Grid([table, table]), table])

    places = [each.place for each in cut_to_windows(widget, WHOLE_LISTS)[1]]
    moved = cut_to_windows(widget, {"children": Window(2, 1), ":2/rows": Window(1, 1)})

    assert places == ["children", ":1/children", ":1/:0/rows", ":1/:1/rows", ":2/rows"]
    assert [each.place for each in moved[1]] == ["children", ":2/rows"]
    html = render_widget(moved[0]).html
    assert 'id="w-2-row-2"' in html
    assert 'data-place=":2/rows"' in html


def test_tiles_are_cut_in_the_order_in_which_they_are_shown() -> None:
    dashboard = Dashboard.examples()["default"].model_copy(update={"summary": ["processes"]})

    [first] = cut_to_windows(dashboard, {"tiles": Window(0, 1)})[0].model_copy().items_of("tiles")

    assert first.name == "processes"


@pytest.mark.parametrize(
    ("start", "length", "total", "after", "before"),
    [
        (0, 50, 1_250, (Window(0, 100), 50), (Window(0, 50), 0)),
        (0, 180, 1_250, (Window(30, 200), 50), (Window(0, 180), 0)),
        (30, 200, 240, (Window(40, 200), 10), (Window(0, 200), 30)),
        (100, 50, 150, (Window(100, 50), 0), (Window(50, 100), 50)),
    ],
)
def test_the_buttons_ask_for_the_next_items(
    start: int, length: int, total: int, after: tuple[Window, int], before: tuple[Window, int]
) -> None:
    window = ListWindow("rows", "rows", start, length, total, "rows", 50)

    assert window.after == after
    assert window.before == before
    assert max(window.after[0].length, window.before[0].length) <= MAX_WINDOW_ITEMS


def test_the_longest_lists_become_shorter_first_and_outer_lists_last() -> None:
    def table(count: int) -> Table:
        rows = [{"a": str(number)} for number in range(count)]
        return Table(columns=[TableColumn("a", "A")], rows=rows, row_key="a", caption="Letters")

    widget = Stack([table(3), table(40)])
    windows = smaller(cut_to_windows(widget, {})[1], None, 0.5)
    assert windows is not None
    assert (windows[":0/rows"].length, windows[":1/rows"].length, windows["children"].length) == (3, 18, 100)

    tiny = {":0/rows": Window(0, 1), ":1/rows": Window(0, 1)}
    windows = smaller(cut_to_windows(widget, tiny)[1], None, 0.5)
    assert windows is not None
    assert (windows[":0/rows"].length, windows["children"].length) == (1, 1)

    assert smaller(cut_to_windows(widget, {**tiny, "children": Window(0, 1)})[1], None, 0.5) is None
