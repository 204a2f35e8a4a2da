"""Values of pandas and NumPy, which Intarsia does not import."""
# ruff: noqa: DTZ001  # times without an offset are tested

from datetime import datetime, timedelta

import pytest

from intarsia.errors import UnsupportedValueError
from intarsia.ui_templates import render_text
from intarsia.widgets import Table, TableColumn
from tests.values.test_reported_values import any_value, in_text, table_of


class Scalar:
    """What NumPy's scalars look like."""

    ndim = 0

    def __init__(self, value: object, kind: str, itemsize: int = 8) -> None:
        self._value = value
        self.dtype = any_value(type("dtype", (), {"kind": kind, "itemsize": itemsize}))

    def item(self) -> object:
        return self._value

    def astype(self, wanted: str) -> "Scalar":
        assert wanted in ("datetime64[us]", "timedelta64[us]")
        return self

    def __str__(self) -> str:
        return str(self._value)


NAType = type("NAType", (), {"__module__": "pandas._libs.missing", "__bool__": None})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Scalar(2**53 + 1, "i"), "9,007,199,254,740,993"),
        (Scalar(0.1, "f", 4), "0.1"),
        (Scalar(float("nan"), "f"), "not known"),
        (Scalar(bool(1), "b"), "yes"),
        (Scalar(datetime(2026, 7, 1, 10), "M"), "2026-07-01 10:00"),
        (Scalar(timedelta(minutes=90), "m"), "1 h 30 min"),
        (Scalar(None, "M"), "not known"),
        (NAType(), "not known"),
    ],
)
def test_what_looks_like_a_scalar_is_read_as_its_value(value: object, shown: str) -> None:
    assert in_text(value, type="number") == shown


def test_values_of_numpy() -> None:
    numpy = pytest.importorskip("numpy")
    for value, shown in [
        (numpy.int64(2**53 + 1), "9,007,199,254,740,993"),
        (numpy.uint64(2**64 - 1), "18,446,744,073,709,551,615"),
        (numpy.float32(0.1), "0.1"),
        (numpy.float64(12.5), "12.5"),
        (numpy.float64("nan"), "not known"),
        (numpy.longdouble("0.25"), "0.25"),
        (numpy.bool_(1), "yes"),
        (numpy.str_("a"), "a"),
        (numpy.array(5), "5"),
        (numpy.datetime64("2026-07-01T10:00:00.000000000"), "2026-07-01 10:00"),
        (numpy.datetime64("2026-07-01"), "2026-07-01"),
        (numpy.datetime64("NaT"), "not known"),
        (numpy.timedelta64(90, "m"), "1 h 30 min"),
        (numpy.timedelta64(5_400_000_000_000, "ns"), "1 h 30 min"),
        (numpy.timedelta64("NaT"), "not known"),
    ]:
        assert in_text(value, type="number") == shown, value
    for value in (numpy.array([1, 2]), numpy.complex128(1), numpy.bytes_(b"x"), numpy.datetime64("20000-01-01")):
        with pytest.raises(UnsupportedValueError, match="row 1, column 'x' has the type"):
            table_of(value)


def test_values_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    for value, shown in [
        (pandas.NA, "not known"),
        (pandas.NaT, "not known"),
        (pandas.Timestamp("2026-07-01 10:00:00.123456789"), "2026-07-01 10:00"),
        (pandas.Timestamp("2026-07-01 10:00", tz="America/Los_Angeles"), "2026-07-01 10:00-07:00"),
        (pandas.Timedelta(minutes=90), "1 h 30 min"),
    ]:
        assert in_text(value, type="time") == shown, value
    exact = pandas.array([2**53 + 1, None], dtype="Int64")
    frame = pandas.DataFrame({"id": [1, 2], "n": exact, "when": pandas.to_datetime(["2026-07-01", None])})
    columns = [TableColumn("n", "N", type="number"), TableColumn("when", "When", type="date")]
    text = render_text(Table(columns=columns, rows=frame.to_dict("records"), row_key="id", caption="Frame"))
    assert text.splitlines()[4:] == [
        "| `1` | 9,007,199,254,740,993 | 2026-07-01 |",
        "| `2` | *not known* | *not known* |",
    ]
