"""Reads the rows of a table: each value as its column says, with the row and the column where it cannot be read."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, cast

from intarsia.errors import UnsupportedValueError
from intarsia.widgets.characters import check_id, check_twins
from intarsia.widgets.number import MAX_FLOAT
from intarsia.widgets.values import Money, Value, ValueKind, read_value


def read_rows(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a table with the values of its rows as widgets hold them.

    What Pydantic will refuse, such as rows that are no mappings, is left to it.

    Args:
        given: The fields as they are passed to the table.

    Raises:
        UnsupportedValueError: A value cannot be shown in its column, or a row key cannot be sent back.
    """
    rows, columns, key = given.get("rows"), given.get("columns"), given.get("row_key")
    if not (_is_list(rows) and _is_list(columns) and isinstance(key, str)):
        return given
    reader = _RowReader(cast("Sequence[object]", columns), key)
    read = [
        reader.read(cast("Mapping[str, object]", row), number) if isinstance(row, Mapping) else row
        for number, row in enumerate(cast("Sequence[object]", rows), start=1)
    ]
    check_twins(f"Table: column {key!r}", reader.keys)
    return {**given, "rows": read}


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


class _RowReader:
    """Reads the rows of one table.

    Args:
        columns: The columns, or the fields of each.
        key: The name of the value that identifies a row.
    """

    def __init__(self, columns: Sequence[object], key: str) -> None:
        self.keys: list[str] = []
        """The keys of the rows that are text."""
        self._key = key
        self._kinds: dict[str, ValueKind] = {
            _field(column, "key"): _field(column, "type", "text") for column in columns
        }
        self._with_unit = {_field(column, "key") for column in columns if _field(column, "unit")}
        self._special = {name for name, kind in self._kinds.items() if kind != "text"} | {key}

    def read(self, row: Mapping[str, object], number: int) -> Mapping[str, object]:  # noqa: C901  # faster than calls
        """Return a row with its values as widgets hold them.

        Args:
            row: The row.
            number: Its number from 1, for error messages.
        """
        changed: dict[str, object] = {}
        for name, value in row.items():
            found = type(value)
            # Most values are as they should be, and this loop runs for every cell of every table.
            if found is str:
                if name not in self._special and value.isascii():  # type: ignore[attr-defined]
                    continue
            elif found is float or found is int:
                if -MAX_FLOAT <= value <= MAX_FLOAT:  # type: ignore[operator]  # NaN is not
                    continue
            elif value is None or found is bool:
                continue
            try:
                read = self._read_value(name, value)
            except UnsupportedValueError as error:
                place = f"Table: row {number}, column {name!r}"
                raise error.at(place) from None
            if read is not value:
                changed[name] = read
        return {**row, **changed} if changed else row

    def _read_value(self, name: str, value: object) -> Value:
        kind = self._kinds.get(name, "text")
        if name == self._key:
            return self._read_key(value, kind)
        read = read_value(value, kind)
        if isinstance(read, Money) and name in self._with_unit:
            reason = "is Money, which has its currency for a unit. Leave out the column's unit."
            raise UnsupportedValueError(reason)
        return read

    def _read_key(self, value: object, kind: ValueKind) -> Value:
        """Read the key of a row, which is sent back: members of an Enum by their value."""
        key = value.value if isinstance(value, Enum) else value
        read = read_value(key, kind)
        check_id(key if isinstance(key, str) else str(read))
        self.keys.append(str(read))
        return read


def _field(column: object, name: str, default: Any = None) -> Any:
    if isinstance(column, Mapping):
        return cast("Mapping[str, Any]", column).get(name, default)
    return getattr(column, name, default)
