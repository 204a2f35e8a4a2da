"""A read-only table."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Annotated, Any, Self, cast

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from intarsia.errors import WidgetError, near_miss
from intarsia.widgets.number import Digits, Unit, check_format
from intarsia.widgets.table_rows import read_rows
from intarsia.widgets.values import Given, ValueKind
from intarsia.widgets.widget import Scopes, Widget, hidden, hidden_items
from intarsia.widgets.windows import ListWindow, Windowed

ColumnKind = ValueKind
Cell = Given

MAX_ROWS = 100_000
"""The maximum number of rows of a table. Only those of its window are rendered, but all are built for each read."""

_BATCH_ROWS = 500


def _validate_in_batches(rows: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Validate many rows in batches, because Pydantic lets no other thread run while it validates."""
    given = cast("list[object]", rows) if isinstance(rows, list) else []
    if len(given) <= _BATCH_ROWS:
        return validate(rows)
    try:
        return [row for at in range(0, len(given), _BATCH_ROWS) for row in validate(given[at : at + _BATCH_ROWS])]
    except ValidationError:
        return validate(rows)  # again as a whole, so that the error names the right row


_IN_BATCHES = WrapValidator(_validate_in_batches)


class TableColumn(Widget):
    """One column of a table."""

    key: str = Field(kw_only=False, min_length=1)
    """The key of its values in the rows."""
    label: str = Field(kw_only=False)
    """The column header."""
    type: ColumnKind = "text"
    """The type of its values. It sets the format and the alignment; numbers are right-aligned. In columns of numbers,
    dates and times, text that denotes one is read as one, as databases such as SQLite return it."""
    unit: Unit | None = None
    """The unit of its numbers."""
    digits: Digits | None = None
    """The decimal places of its numbers: the maximum, or the minimum and the maximum, such as `(2, 2)`. By default a
    `Decimal` and an `int` are exact, and a `float` has at most 3, with a unit at most 1, and always 2 significant
    digits."""
    compact: bool = False
    """Whether to shorten its numbers to 3 significant digits, as in "12.8K"."""
    hidden: str = ""
    """The note that replaces redacted values. Set when the widget is read by a user without the required scopes."""

    @model_validator(mode="after")
    def _is_formatted_once(self) -> Self:
        check_format(f"TableColumn {self.key!r}", self.digits, is_compact=self.compact)
        return self

    def stand_in(self, missing: AbstractSet[str]) -> Self:
        """Return the column with a note instead of its values; the table removes them from its rows."""
        return self.model_copy(update={"hidden": hidden(missing)})


class Table(Widget):
    """A read-only table. Each row has a unique key, so that an update re-renders only rows that changed."""

    columns: Sequence[TableColumn] = Field(min_length=1, max_length=50)
    """The columns from left to right; 1 to 50."""
    rows: Annotated[Sequence[Mapping[str, Cell]], _IN_BATCHES, Windowed("row")] = Field(max_length=MAX_ROWS)
    """The rows from top to bottom; at most 100,000. Each maps column keys to values; missing ones show a dash."""
    row_key: str
    """The key of the value that identifies a row, such as "pid". It need not be a column."""
    caption: str = Field(min_length=1)
    """What the table shows. Screen readers announce it first."""
    empty: str = "Nothing to show."
    """The text of a table without rows."""
    row_scopes: Mapping[str, Scopes] = Field(default_factory=dict[str, Scopes])
    """Row key to the scopes that a user must have granted to see that row."""
    hidden: tuple[str, ...] = ()
    """Notes on the number of redacted rows. Set when the widget is read by a user without the required scopes."""

    @model_validator(mode="before")
    @classmethod
    def _read_values(cls, given: Any) -> Any:
        return read_rows(cast("dict[str, Any]", given)) if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _rows_fit(self) -> Self:
        if any(column.scopes for column in self.columns if column.key == self.row_key):
            message = (
                f"Table {self.caption!r}: the column {self.row_key!r} identifies the rows in every rendering, so it "
                "cannot have scopes. Set row_key to another key."
            )
            raise WidgetError(message)
        known = {column.key for column in self.columns} | {self.row_key}
        seen: set[str] = set()
        for number, row in enumerate(self.rows, start=1):
            if not known.issuperset(row):
                name = next(name for name in row if name not in known)
                message = (
                    f"Table {self.caption!r}: row {number} has the unknown column {name!r}.{near_miss(name, known)}"
                )
                raise WidgetError(message)
            key = self.key_of(row)
            # "None" is the key of a row that lacks the value.
            if key in seen or key == "None":
                message = f"Table {self.caption!r}: row {number} needs a unique {self.row_key!r}, not {key!r}."
                raise WidgetError(message)
            seen.add(key)
        return self

    def redacted(self, granted: AbstractSet[str], left_out: Sequence[AbstractSet[str]]) -> Self:
        """Return the table without the values of redacted columns and without rows whose scopes are not granted."""
        del left_out  # redacted columns remain, each with a note
        secret = {column.key for column in self.columns if column.hidden}
        lacking = {key: missing for key, scopes in self.row_scopes.items() if (missing := scopes - granted)}
        if not secret and not lacking:
            return self
        kept = [row for row in self.rows if self.key_of(row) not in lacking]
        rows = [{name: value for name, value in row.items() if name not in secret} for row in kept]
        # `row_scopes` may name rows that this table does not have; those do not count as redacted.
        here = {self.key_of(row) for row in self.rows}
        notes = hidden_items("row", [missing for key, missing in lacking.items() if key in here])
        return self.model_copy(update={"rows": rows, "row_scopes": {}, "hidden": notes})

    def key_of(self, row: Mapping[str, Cell]) -> str:
        """Return the key of a row, as a string."""
        return str(row.get(self.row_key))

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        columns = [
            TableColumn("name", "Process"),
            TableColumn("cpu", "CPU", type="number", unit="percent"),
            TableColumn("memory", "Memory", type="number", unit="megabyte", digits=0),
        ]
        rows: list[dict[str, Any]] = [
            {"pid": 1, "name": "postgres", "cpu": 12.5, "memory": 840.2},
            {"pid": 2, "name": "uvicorn", "cpu": 3.0, "memory": 121},
            {"pid": 3, "name": "<b>x</b>", "cpu": None, "memory": 4},
        ]
        return {
            "default": cls(columns=columns, rows=rows, row_key="pid", caption="Busiest processes"),
            "no rows": cls(columns=columns, rows=[], row_key="pid", caption="Busiest processes"),
            "left out": cls(
                columns=[*columns[:2], columns[2].model_copy(update={"hidden": hidden({"metrics:memory"})})],
                rows=[{"pid": 1, "name": "postgres", "cpu": 12.5}],
                row_key="pid",
                caption="Busiest processes",
                hidden=hidden_items("row", [{"metrics:all"}] * 2),
            ),
            "a part of its rows": cls(
                columns=columns,
                rows=rows,
                row_key="pid",
                caption="All processes",
                list_windows=(ListWindow("rows", "rows", 50, 3, 50_000, "rows", 50),),
            ),
            "dates": cls(
                columns=[TableColumn("what", "What"), TableColumn("when", "When", type="date")],
                rows=[{"what": "Release 2.4", "when": date(2026, 12, 1)}],
                row_key="what",
                caption="Releases",
            ),
        }
