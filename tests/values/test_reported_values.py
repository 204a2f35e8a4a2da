"""Values from bug reports of hosts and clients: what users and models read of each. Sections are kinds of faults."""
# ruff: noqa: RUF001, DTZ001  # letters of all scripts, and times without an offset, are what is tested
# letters of all scripts, and times without an offset, are what is tested

import enum
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any, Literal
from uuid import UUID

import pytest

from intarsia import Connector, Done
from intarsia.errors import UnsupportedValueError, WidgetError
from intarsia.server.tools.tool import WidgetTool
from intarsia.server.wire.messages import digest_of
from intarsia.testing import Tools
from intarsia.ui_templates import render_text, render_widget
from intarsia.ui_templates.value_format import json_attribute
from intarsia.widgets import (
    BoardColumn,
    Card,
    Dashboard,
    Metric,
    Money,
    Slider,
    Sparkline,
    Table,
    TableColumn,
    TaskBoard,
)
from intarsia.widgets.filters import select_for
from tests.values.view_values import Sent, format_in_view, sent_in


def table_of(value: object, **column: Any) -> Table:
    """Return a table with one value, as a database or a library returns it."""
    row: dict[str, Any] = {"id": 1, "x": value}
    return Table(columns=[TableColumn("x", "X", **column)], rows=[row], row_key="id", caption="Values")


def in_text(value: object, **column: Any) -> str:
    """Return what a model reads in a cell."""
    line = render_text(table_of(value, **column)).splitlines()[4]
    return line.split(" | ", 1)[1].removesuffix(" |").strip("*")


def in_view(value: object, zone: str = "UTC", **column: Any) -> str:  # as the script calls it
    """Return what a user in the United States reads in a cell."""
    cell = render_widget(table_of(value, **column)).lists["w-rows"].items["1"].html
    sent, text = sent_in(cell.partition("<th")[2].partition(">")[2], timeZone=zone)
    shown = format_in_view([sent])[0] if isinstance(sent, Sent) else None
    return text if shown is None else shown


# -- Integers ----------------------------------------------------------------


@pytest.mark.parametrize("value", [1009513310189256287, 2**53 + 1, 10**30, -(10**30)])
def test_an_integer_is_exact_for_users_and_models(value: int) -> None:
    assert in_text(value, type="number") == in_view(value, type="number") == f"{value:,}"
    assert f"**{value:,}**" in render_text(Metric("Order", value))


def test_an_integer_of_a_sparkline_is_exact() -> None:
    line = Sparkline([2**53 + 1, 10**30], label="Orders")

    assert "from 9,007,199,254,740,993 to 1,000,000,000,000,000,000,000,000,000,000" in render_text(line)


def test_an_integer_that_scripts_would_round_is_sent_as_text() -> None:
    assert json_attribute({"card": 2**53 + 1, "version": [2**53 - 1]}) == (
        '{"card":"9007199254740993","version":[9007199254740991]}'
    )
    board = TaskBoard(columns=[BoardColumn("todo", "To do", [Card("T-1", "x", version=2**60 + 1)])])
    assert f'"version":"{2**60 + 1}"' in render_widget(board).html


def test_a_control_refuses_an_integer_that_browsers_round() -> None:
    with pytest.raises(WidgetError, match=r"^Slider\.max is an integer that browsers round"):
        Slider("x", min=0, max=2**53 + 1, value=1)


# -- Decimals and money ------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "column", "shown"),
    [
        (12.50, {"digits": (2, 2)}, "12.50"),
        (12.50, {"digits": 2}, "12.5"),
        (0.05, {}, "0.05"),
        (19.99, {}, "19.99"),
        (Decimal("0.10"), {}, "0.10"),
        (Decimal("0.10"), {"digits": 4}, "0.1"),
        (Decimal("1E+3"), {}, "1,000"),
        (1e22, {}, "10,000,000,000,000,000,000,000"),
        (Fraction(1, 3), {}, "0.333"),
        ("12.50", {}, "12.50"),
        (5, {"digits": (2, 2)}, "5.00"),
    ],
)
def test_decimals_are_exact_and_have_the_digits_that_are_wanted(value: Any, column: Any, shown: str) -> None:
    assert in_text(value, type="number", **column) == in_view(value, type="number", **column) == shown


@pytest.mark.parametrize(
    ("money", "text", "view"),
    [
        (Money(12.50, "EUR"), "12.50 EUR", "€12.50"),
        (Money(Decimal("0.10"), "usd"), "0.10 USD", "$0.10"),
        (Money("-0.005", "USD"), "-0.005 USD", "-$0.005"),
        (Money(1200, "JPY"), "1,200 JPY", "¥1,200"),
        (Money(10**20 + 1, "EUR"), "100,000,000,000,000,000,001.00 EUR", "€100,000,000,000,000,000,001.00"),
        (Money(None, "EUR"), "not known", "–"),
    ],
)
def test_money_has_its_currency_and_its_digits(money: Money, text: str, view: str) -> None:
    assert in_text(money, type="number") == text
    assert in_view(money, type="number") == view


def test_the_arithmetic_of_the_developer_rounds_no_value() -> None:
    with localcontext() as context:
        context.prec = 3
        change = Metric("Order", Money(1, "EUR"), change=Decimal("-123456.789"))

        assert "down 123,456.789 EUR" in render_text(change)
        assert in_text(Decimal("123456.789"), type="number") == "123,456.789"


@pytest.mark.parametrize("amount", ["twelve", True, b"1", [1]])
def test_money_of_no_number_is_refused(amount: Any) -> None:
    with pytest.raises(UnsupportedValueError, match=r"^The amount of Money has the type \w+[,.]"):
        Money(amount, "EUR")


def test_a_currency_that_is_none_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UnsupportedValueError, match=r"not in ISO 4217\..* Did you mean 'EUR'"):
        Money(1, "EURO")


# -- Rounding ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (0.25, 1, "0.3"),
        (2.5, 0, "3"),
        (12.5, 0, "13"),
        (-2.5, 0, "-3"),
        (-0.04, 1, "0"),
        (1.005, 2, "1.01"),
        (-0.0, 1, "0"),
    ],
)
def test_users_and_models_read_numbers_rounded_by_one_rule(value: float, digits: int, shown: str) -> None:
    for each in (value, Decimal(repr(value))):
        assert in_text(each, type="number", digits=digits) == in_view(each, type="number", digits=digits) == shown


def test_a_change_that_is_rounded_to_nothing_has_no_direction() -> None:
    assert "no change" in render_text(Metric("Load", 1.5, change=-0.04, digits=1, good="down"))


def test_compact_numbers_are_rounded_to_the_same_digits() -> None:
    assert in_text(12840, type="number", compact=True) == in_view(12840, type="number", compact=True) == "12.8K"
    assert in_text(999_950, type="number", compact=True) == in_view(999_950, type="number", compact=True) == "1M"
    with pytest.raises(WidgetError, match="leave `digits` or `compact` out"):
        TableColumn("x", "X", compact=True, digits=2)


# -- Not known ---------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [None, float("nan"), float("inf"), -float("inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity")]
)
def test_what_is_not_known_is_a_dash(value: Any) -> None:
    for kind in ("text", "number", "date", "time"):
        assert in_text(value, type=kind) == "not known"
        assert in_view(value, type=kind) == "–"
    assert "not known" in render_text(Metric("Load", value, change=value))
    assert Sparkline([1, value, 2], label="x").segments == ["0.0,23.0", "100.0,1.0"]


# -- Classes of the standard library -----------------------------------------


class Stage(enum.Enum):
    DONE = "done"
    IN_PROGRESS = 2
    GPU = 3


class Level(enum.IntEnum):
    HIGH = 3


class Kind(str, enum.Enum):  # noqa: UP042  # whose `str()` is "Kind.BUG", unlike that of a StrEnum
    BUG = "bug"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (UUID(int=10), "00000000-0000-0000-0000-00000000000a"),
        (timedelta(hours=1, minutes=30), "1 h 30 min"),
        (timedelta(days=-2, seconds=-5), "-2 d 5 s"),
        (timedelta(milliseconds=250), "0.25 s"),
        (timedelta(), "0 s"),
        (time(10, 5), "10:05"),
        (time(10, 5, tzinfo=timezone(timedelta(hours=2))), "10:05+02:00"),
        (Stage.DONE, "done"),
        (Stage.IN_PROGRESS, "In progress"),
        (Stage.GPU, "GPU"),
        (Kind.BUG, "bug"),
        (PurePosixPath("/var/log"), "/var/log"),
        (True, "yes"),
        (False, "no"),
        (12.5, "12.5"),
        (1234, "1234"),
        ("a\ud800b", "a\ufffdb"),
    ],
)
def test_a_value_is_text_that_people_would_write(value: object, shown: str) -> None:
    assert in_text(value) == shown
    assert shown in sent_in(render_widget(table_of(value)).lists["w-rows"].items["1"].html)[1]


def test_a_member_of_an_enum_is_its_number_where_numbers_are() -> None:
    assert in_text(Level.HIGH, type="number") == in_view(Level.HIGH, type="number") == "3"
    assert in_text(Level.HIGH) == "HIGH"


def test_a_lone_surrogate_in_a_title_fails_no_widget() -> None:
    board = TaskBoard(title="a\ud800", columns=[BoardColumn("todo", "b\udfff", [Card("T-1", "c\ud800")])])

    assert "c\ufffd" in render_text(board)
    assert "c\ufffd" in render_widget(board).html


# -- Times and dates ---------------------------------------------------------


def test_a_time_has_its_offset_and_one_without_is_never_shifted() -> None:
    ten = datetime(2026, 7, 1, 10)
    there = ten.replace(tzinfo=timezone(timedelta(hours=-7)))

    assert in_text(ten, type="time") == "2026-07-01 10:00"
    assert in_text(ten.replace(tzinfo=UTC), type="time") == "2026-07-01 10:00+00:00"
    assert in_text(there, type="time") == "2026-07-01 10:00-07:00"
    assert in_view(ten, "Asia/Tokyo", type="time") == "Jul 1, 2026, 10:00 AM"
    assert in_view(there, "Asia/Tokyo", type="time") == "Jul 2, 2026, 2:00 AM"


@pytest.mark.parametrize(
    ("year", "shown"), [(2024, "Dec 31, 2024"), (1999, "Dec 31, 1999"), (2027, "Dec 31, 2027"), (2026, "Dec 31")]
)
def test_a_date_has_its_year_unless_it_is_this_year(year: int, shown: str) -> None:
    assert in_view(date(year, 12, 31), type="date") == shown
    assert in_text(date(year, 12, 31), type="date") == f"{year}-12-31"


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("date", "2024-12-31", "2024-12-31"),
        ("date", "2024-12-31 00:00:00", "2024-12-31"),
        ("date", "2024-12-31 10:00:00", "2024-12-31 10:00"),
        ("time", "2024-12-31T10:00:00.5Z", "2024-12-31 10:00+00:00"),
        ("time", "2024-12-31 10:00 -07:00", "2024-12-31 10:00-07:00"),
        ("time", "2024-12-31", "2024-12-31"),
        ("time", "10:05", "10:05"),
        ("date", "", "not known"),
        ("date", "never", "never"),
    ],
)
def test_text_of_a_database_is_read_as_a_date(kind: str, text: str, shown: str) -> None:
    assert in_text(text, type=kind) == shown


@pytest.mark.parametrize(
    "text", ["31.12.2024", "12/31/2024", "2024-13-01", "2024-02-30 10:00", "20241231", "2024-12-31 25:00"]
)
def test_text_that_is_no_iso_date_is_refused_with_its_row_and_column(text: str) -> None:
    rows: list[dict[str, Any]] = [{"id": 1, "when": "2024-12-31"}, {"id": 2, "when": text}]
    with pytest.raises(
        UnsupportedValueError, match=r"^Table: row 2, column 'when' is text that is no date in ISO 8601\."
    ) as caught:
        Table(columns=[TableColumn("when", "When", type="date")], rows=rows, row_key="id", caption="Values")
    assert text not in str(caught.value)


def test_a_due_date_is_read_as_in_a_table() -> None:
    assert Card("T-1", "x", due=any_value("2024-12-31")).due == date(2024, 12, 31)
    assert Card("T-1", "x", due=any_value("")).due is None


# -- Labels ------------------------------------------------------------------


def test_labels_of_choices_are_as_written_and_snake_case_is_made_readable() -> None:
    choices = ("Series A", "iPhone", "GPU", "EMEA", "e-mail", "1h", "in_progress", "todo")

    async def shown(kind: Literal["Series A", "iPhone", "GPU", "EMEA", "e-mail", "1h", "in_progress", "todo"]) -> Table:
        """Show."""
        return table_of(kind)

    options = select_for(WidgetTool(shown), "kind").choices
    assert [option.value for option in options] == list(choices)
    assert [option.label for option in options] == [*choices[:6], "In progress", "Todo"]


# -- Refusals ----------------------------------------------------------------


def any_value(value: object) -> Any:
    """Keep type checkers from seeing the mistake first."""
    return value


@pytest.mark.parametrize(
    "value",
    [
        b"x",
        {1},
        [1],
        {"a": 1},
        1j,
        object(),
        pytest.param(10**5000, id="10**5000"),
        Decimal("1E+1000"),
        Decimal("1E-1000"),
        pytest.param(Fraction(10**400), id="Fraction"),
    ],
)
def test_what_nobody_can_write_is_refused_with_its_row_and_column(value: object) -> None:
    for kind in ("text", "number", "date"):
        with pytest.raises(
            UnsupportedValueError, match=r"^Table: row 1, column 'x' (has the type|is a number of more)"
        ):
            table_of(value, type=kind)
    with pytest.raises(UnsupportedValueError, match=r"^Metric\.value "):
        Metric("x", any_value(value))


@pytest.fixture
def connector() -> Connector:
    built = Connector("Values")

    @built.widget
    async def orders() -> Table:
        """Show orders."""
        return Table(
            columns=[TableColumn("when", "When", type="date")],
            rows=[{"id": "r1", "when": "2026-07-01"}, {"id": "r2", "when": "7/1/2026"}],
            row_key="id",
            caption="Orders of Ada",
        )

    @built.tile(title="Load")
    async def load() -> Metric:
        """Read the load."""
        return Metric("Load", any_value({"secret"}))

    @built.widget
    async def monitor() -> Dashboard:
        """Show the machine."""
        return Dashboard(title="Machine", tiles=[load()])

    @built.widget
    async def order(number: int) -> Metric:
        """Show an order."""
        return Metric("Order", number)

    @built.action
    async def ship(order: str) -> Done:
        """Ship an order."""
        return Done(f"Shipped {order}.")

    return built


async def test_an_integer_in_arguments_is_sent_to_scripts_as_text(tools: Tools) -> None:
    reply = await tools.call("order", number=2**60 + 1)

    assert "1,152,921,504,606,846,977" in reply.text
    assert reply.structured is not None
    assert reply.structured["arguments"] == {"number": "1152921504606846977"}
    exact, sent = (digest_of("order", {"number": number}) for number in (2**60 + 1, "1152921504606846977"))
    assert exact == sent, "The handle of the View is not valid for the arguments that it sends back."
    assert digest_of("order", {"number": 2**60}) != exact


async def test_a_value_that_cannot_be_shown_is_invalid_and_the_refusal_says_where(tools: Tools) -> None:
    reply = await tools.call("orders")

    assert reply.is_error
    assert reply.problem is not None
    assert reply.problem["kind"] == "invalid"
    assert reply.problem["message"].startswith("Table: row 2, column 'when' is text that is no date in ISO 8601.")
    assert "try again" not in reply.text
    assert "7/1/2026" not in reply.text


async def test_a_tile_with_such_a_value_says_so_alone(tools: Tools) -> None:
    reply = await tools.call("monitor")

    assert not reply.is_error
    assert "Metric.value has the type set" in reply.text
    assert "secret" not in reply.text
