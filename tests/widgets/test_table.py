from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from playwright.async_api import expect

from intarsia.ui_templates import render_text, render_widget
from intarsia.widgets import Money, Table, TableColumn
from tests.widgets.conftest import Stage
from tests.widgets.markup import find, find_all, words

NINE = datetime(2026, 12, 1, 9, tzinfo=UTC)
RELEASES = Table(
    columns=[TableColumn("name", "Release"), TableColumn("size", "Size", type="number", unit="megabyte"),
             TableColumn("when", "When", type="date"), TableColumn("seen", "Seen", type="time")],
    rows=[
        {"id": "r1", "name": "2.4", "size": 12.25, "when": date(2026, 12, 1), "seen": NINE},
        {"id": "r2", "name": "a | b", "size": None, "when": None, "seen": "yesterday"},
    ],
    row_key="id",
    caption="Releases",
)  # fmt: skip


def test_a_row_is_an_item_named_by_its_key() -> None:
    items = render_widget(RELEASES).lists["w-rows"]

    assert items.prefix == "w-row-"
    assert list(items.items) == ["r1", "r2"]


def test_columns_and_rows_have_headers_and_the_table_a_caption() -> None:
    assert words(find(RELEASES, ".//caption")) == "Releases"
    assert [words(head) for head in find_all(RELEASES, ".//thead//th[@scope='col']")] == [
        "Release",
        "Size",
        "When",
        "Seen",
    ]
    assert [words(head) for head in find_all(RELEASES, ".//tbody//th[@scope='row']")] == ["2.4", "a | b"]


def test_numbers_and_days_can_be_written_for_the_reader_and_gaps_are_dashes() -> None:
    first, second = find_all(RELEASES, ".//tbody/tr")

    assert first.find(".//data").attrib["value"] == "12.25"
    assert [moment.attrib["datetime"] for moment in first.iterfind(".//time")] == [
        "2026-12-01",
        "2026-12-01T09:00:00+00:00",
    ]
    assert words(second) == "a | b\u2013\u2013yesterday"


def test_the_text_form_is_a_markdown_table_with_the_keys() -> None:
    assert render_text(RELEASES).splitlines() == [
        "Releases",
        "",
        "| id | Release | Size | When | Seen |",
        "| --- | --- | --- | --- | --- |",
        "| `r1` | 2.4 | 12.3 MB | 2026-12-01 | 2026-12-01 09:00+00:00 |",
        "| `r2` | a \\| b | *not known* | *not known* | yesterday |",
    ]


async def test_without_rows_it_says_why_and_with_rows_it_does_not(stage: Stage) -> None:
    await stage.show(Table.examples()["no rows"])
    nothing = stage.view.get_by_text("Nothing to show.")
    await expect(nothing).to_be_visible()

    await stage.push(Table.examples()["default"])

    await expect(stage.view.get_by_text("postgres")).to_be_visible()
    await expect(nothing).to_be_hidden()


async def test_values_are_written_for_the_reader(stage: Stage) -> None:
    values = Table(
        columns=[TableColumn("what", "What"), TableColumn("value", "Value", type="number")],
        rows=[
            {"what": "integer", "value": 1009513310189256287},
            {"what": "decimal", "value": Decimal("0.10")},
            {"what": "money", "value": Money(-12.50, "EUR")},
            {"what": "duration", "value": timedelta(minutes=90)},
            {"what": "date", "value": date(1999, 12, 31)},
            {"what": "with offset", "value": NINE},
            {"what": "without", "value": NINE.replace(tzinfo=None)},
            {"what": "time", "value": time(9, 5)},
            {"what": "missing", "value": float("nan")},
        ],
        row_key="what",
        caption="Values",
    )

    await stage.show(values, locale="de-DE", timeZone="Asia/Tokyo")

    await expect(stage.view.locator("tbody td")).to_have_text(
        [
            "1.009.513.310.189.256.287",
            "0,10",
            "-12,50 €",
            "1 Std., 30 Min.",
            "31. Dez. 1999",
            "01.12.2026, 18:00",
            "01.12.2026, 09:00",
            "09:05",
            "–",  # noqa: RUF001  # the dash of what is not known
        ]
    )


async def test_many_columns_become_lists_where_it_is_narrow_and_nothing_is_cut(stage: Stage) -> None:
    await stage.show(RELEASES, width=320)

    size = stage.view.locator("#w-row-r1 [data-label=Size]")
    assert await size.evaluate("(cell) => getComputedStyle(cell, '::before').content") == '"Size"'
    assert await stage.page.frames[1].evaluate("document.documentElement.scrollWidth <= innerWidth")
