"""Reads arguments as clients mean them: `"5"` for a number, JSON text for a list, `null` for an omitted argument.

A value is read only where its type leaves exactly one meaning (decision 0044 has the table). The result is JSON again,
which Pydantic then validates in strict mode: reading accepts nothing, it only proposes. What Pydantic's strict mode
takes although it could mean something else, such as `true` for 1, is reported as a problem.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple, cast

from intarsia.server.tools.json_schema import AS_SENT, OTHER_NAMES, Schema, branches_of, resolved
from intarsia.server.wire.strict_json import MAX_LEVELS, BodyError, read_json

MAX_EXACT_FLOAT = 2**53 - 1
"""Up to here, floats are exact. A larger one may have lost digits on its way, so it is not read as a whole number."""

Path = tuple[str | int, ...]

_WORDS = {"true": True, "false": False, "null": None, "none": None}
"""The words of JSON in any case, and Python's `None`: clients that print values as text write them."""

_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ]00:00(:00(\.0+)?)?([Zz]|[+-]\d\d:?\d\d)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_FORMS: Mapping[str, re.Pattern[str]] = {
    "date": _DAY,
    "date-time": re.compile(r"\d{4}-\d\d-\d\d[Tt _]\d\d:.*", re.DOTALL),
    "time": re.compile(r"\d\d:.*", re.DOTALL),
    "duration": re.compile(r"[+-]?\s*(P.+|\d+ ?d.*|\d+:.*)", re.DOTALL | re.IGNORECASE),
    "uuid": re.compile(r".{32,}", re.DOTALL),
}
"""The texts that a format takes. Text of any other form is either JSON text or wrong."""


class Problem(NamedTuple):
    """A value that has no single meaning, although Pydantic takes it."""

    path: Path
    rule: str
    """Why it is refused; empty for an unknown key."""


class _Reading(NamedTuple):
    """What was read of a value."""

    value: Any
    fits: bool
    """Whether the value is of the declared JSON type."""
    problems: tuple[Problem, ...] = ()


@dataclass
class Reader:
    """Reads the arguments of one call.

    Args:
        root: The marked schema of the arguments (`json_schema.py`).
        reads_all: Whether to read parts too whose author reads the value as it was sent.
    """

    root: Schema
    reads_all: bool = False
    _known: dict[tuple[int, int, Path], _Reading] = field(default_factory=dict[Any, _Reading])
    _kept: list[Any] = field(default_factory=list[Any])

    def read(self, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Problem, ...]]:
        """Return the arguments as they are meant, and what is refused of them."""
        top = {key: part for key, part in self.root.items() if key != "additionalProperties"}
        value, _, problems = self._object(top, dict(arguments), ())
        return value, problems

    def _read(self, given: Schema, value: Any, path: Path) -> _Reading:
        if len(path) > MAX_LEVELS:
            return _Reading(value, fits=False)
        part = resolved(given, self.root)
        if part.get(AS_SENT) and not self.reads_all:
            return _Reading(value, fits=True)
        found = self._as_sent(part, value, path)
        is_good = found.fits and not found.problems
        return found if is_good or not isinstance(value, str) else self._text(part, value, path) or found

    def _as_sent(self, part: Schema, value: Any, path: Path) -> _Reading:
        if branches := branches_of(part):
            return self._union(branches, value, path)
        if "enum" in part or "const" in part:
            return _choice([part["const"]] if "const" in part else part["enum"], value, path)
        types = part.get("type")
        if isinstance(types, list):
            return self._union([{**part, "type": one} for one in cast("list[str]", types)], value, path)
        if types == "object" and isinstance(value, dict):
            return self._object(part, cast("dict[str, Any]", value), path)
        if types == "array" and isinstance(value, list):
            return self._array(part, cast("list[object]", value), path)
        read = _SIMPLE.get(cast("str", types))
        if read is not None:
            return read(part, value, path)
        return _Reading(value, fits=types is None)

    def _union(self, branches: list[Schema], value: Any, path: Path) -> _Reading:
        key = (id(branches[0]), id(value), path)
        if isinstance(value, dict | list) and key in self._known:
            return self._known[key]
        found = self._one_of([self._read(branch, value, path) for branch in branches], value)
        if isinstance(value, dict | list):
            self._known[key] = found
            self._kept.append((branches, value))  # so that nothing else gets their ids
        return found

    def _one_of(self, readings: list[_Reading], value: Any) -> _Reading:
        fitting = [reading for reading in readings if reading.fits]
        good = [reading for reading in fitting if not reading.problems]
        if not good:
            # Pydantic explains what fits no branch. Problems are told of a branch that fits apart from them.
            return fitting[0]._replace(value=value) if fitting else _Reading(value, fits=False)
        unchanged = next((reading for reading in good if reading.value is value), None)
        if unchanged:
            return unchanged
        first, *others = good
        is_one = all(_is_same(first.value, other.value) for other in others)
        return first if is_one else _Reading(value, fits=False)

    def _object(self, part: Schema, value: dict[str, Any], path: Path) -> _Reading:
        properties: Mapping[str, Schema] = part.get("properties", {})
        other_names: Mapping[str, str] = part.get(OTHER_NAMES, {})
        required = part.get("required", ())
        more = None if "patternProperties" in part else part.get("additionalProperties")
        others = cast("Schema", more) if isinstance(more, dict) else None
        read: dict[str, Any] = {}
        problems: list[Problem] = []
        given = {other_names.get(name, name) for name in value} if other_names else value.keys()
        fits = all(name in given for name in required)
        for name, item in value.items():
            known = properties.get(other_names.get(name, name), others)
            if known is None:
                if more is False:
                    problems.append(Problem((*path, name), ""))
                read[name] = item
                continue
            found = self._read(known, item, (*path, name))
            is_optional = name in properties and name not in required
            if is_optional and not found.fits and _is_null(item):
                continue  # null where the type has none: the argument was not given
            read[name] = found.value
            problems += found.problems
            fits = fits and found.fits
        is_changed = len(read) != len(value) or any(read[name] is not value[name] for name in read)
        return _Reading(read if is_changed else value, fits, tuple(problems))

    def _array(self, part: Schema, value: list[Any], path: Path) -> _Reading:
        prefix: list[Schema] = part.get("prefixItems", [])
        items: Schema = cast("Schema", part["items"]) if isinstance(part.get("items"), dict) else {}
        is_long_enough = part.get("minItems", 0) <= len(value) <= part.get("maxItems", len(value))
        if not prefix and _are_exact(items, value):  # ten times as fast, for lists of thousands
            return _Reading(value, is_long_enough)
        found = [
            self._read(prefix[place] if place < len(prefix) else items, item, (*path, place))
            for place, item in enumerate(value)
        ]
        read = [reading.value for reading in found]
        is_changed = any(new is not old for new, old in zip(read, value, strict=True))
        problems = tuple(problem for reading in found for problem in reading.problems)
        fits = is_long_enough and all(reading.fits for reading in found)
        return _Reading(read if is_changed else value, fits, problems)

    def _text(self, part: Schema, text: str, path: Path) -> _Reading | None:
        """Read text for a type that does not take it: as JSON text, or as a date for a time and the reverse."""
        if takes_text(part, self.root):
            return None
        if (same := self._time(part, text, path)) is not None:
            return same
        parsed = None if text == "" else _parsed(text, MAX_LEVELS - len(path))
        if isinstance(parsed, str):
            return None
        found = self._as_sent(part, parsed, path)
        return found if found.fits else None

    def _time(self, part: Schema, text: str, path: Path) -> _Reading | None:
        read = [text + "T00:00:00"] if _DAY.fullmatch(text) else []
        read += [found[1]] if (found := _MIDNIGHT.fullmatch(text)) else []
        return next((reading for one in read if (reading := self._as_sent(part, one, path)).fits), None)


def _are_exact(items: Schema, values: list[object]) -> bool:
    """Return whether all items of a list are of the plain type that is declared for them."""
    is_plain = items.keys().isdisjoint(("enum", "const", "format", "$ref", "anyOf", "oneOf", AS_SENT))
    declared = items.get("type")
    return is_plain and isinstance(declared, str) and set(map(type, values)) <= _EXACT.get(declared, frozenset())


_EXACT: Mapping[str, frozenset[type]] = {
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "boolean": frozenset({bool}),
    "string": frozenset({str}),
}


def confused(read: Any, validated: Any, path: Path = ()) -> list[Problem]:
    """Return where `true` became 1 or the reverse: Python's equality, by which Pydantic finds choices in unions.

    Args:
        read: The JSON value that was read.
        validated: The JSON value of what Pydantic made of it.
        path: Where both stand.
    """
    if isinstance(read, dict) and isinstance(validated, dict):
        mine, theirs = cast("dict[str, Any]", read), cast("dict[str, Any]", validated)
        return [
            problem
            for name in mine.keys() & theirs.keys()
            for problem in confused(mine[name], theirs[name], (*path, name))
        ]
    if isinstance(read, list) and isinstance(validated, list):
        pairs = zip(cast("list[object]", read), cast("list[object]", validated), strict=False)
        return [problem for place, (one, other) in enumerate(pairs) for problem in confused(one, other, (*path, place))]
    is_confused = isinstance(read, bool) != isinstance(validated, bool) and read == validated
    return (
        [Problem(path, "is read as true or false and as a number: the type of the tool allows both")]
        if is_confused
        else []
    )


def takes_text(given: Schema, root: Schema) -> bool:
    """Return whether a type takes text of any form, and not only one of some texts, or a date."""
    part = resolved(given, root)
    if branches := branches_of(part):
        return any(takes_text(branch, root) for branch in branches)
    types = part.get("type")
    if "enum" in part or "const" in part:
        return False
    is_text = types is None or types == "string" or (isinstance(types, list) and "string" in types)
    return is_text and part.get("format") not in _FORMS


def _is_null(value: object) -> bool:
    return value is None or (isinstance(value, str) and value != "" and _parsed(value, 1) is None)


def _parsed(text: str, levels: int) -> Any:
    """Return what JSON text says, or the text itself. It must be as strict as the body of a request."""
    word = text.strip().lower()
    if word in _WORDS:
        return _WORDS[word]
    try:
        return read_json(text.encode(), levels)
    except (BodyError, UnicodeEncodeError):
        return text


def _is_same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal, where `true` is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        mine, yours = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
        return mine.keys() == yours.keys() and all(_is_same(mine[name], yours[name]) for name in mine)
    if isinstance(one, list) and isinstance(other, list):
        items, more = cast("list[object]", one), cast("list[object]", other)
        return len(items) == len(more) and all(map(_is_same, items, more))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _choice(choices: list[Any], value: Any, path: Path) -> _Reading:
    for choice in choices:
        if _is_same(choice, value):
            # 3.0 is the choice 3; the choice itself is passed on.
            return _Reading(value if type(choice) is type(value) else choice, fits=True)
    if isinstance(value, bool | int | float) and value in [choice for choice in choices if not isinstance(choice, str)]:
        shown = ", ".join(str(choice).lower() if isinstance(choice, bool) else repr(choice) for choice in choices)
        return _Reading(value, fits=True, problems=(Problem(path, f"must be one of {shown}"),))
    return _Reading(value, fits=False)


def _whole_number(_part: Schema, value: Any, _path: Path) -> _Reading:
    if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_EXACT_FLOAT:
        return _Reading(int(value), fits=True)
    return _Reading(value, isinstance(value, int) and not isinstance(value, bool))


def _number(_part: Schema, value: Any, _path: Path) -> _Reading:
    return _Reading(value, isinstance(value, int | float) and not isinstance(value, bool))


def _string(part: Schema, value: Any, path: Path) -> _Reading:
    form = part.get("format")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if form == "duration" and is_number:
        return _Reading(_duration(value), fits=True)
    if not isinstance(value, str):
        return _Reading(value, fits=False)
    pattern = _FORMS.get(cast("str", form))
    if pattern is None or pattern.fullmatch(value):
        return _Reading(value, fits=True)
    # Pydantic reads digits as seconds or milliseconds since 1970, depending on how many there are.
    rule = _NOT_DIGITS.get(cast("str", form))
    return _Reading(value, fits=True, problems=(Problem(path, rule),)) if rule else _Reading(value, fits=False)


_NOT_DIGITS = {
    "date": "must be a date such as 2026-12-31",
    "date-time": "must be a date and time such as 2026-12-31T10:00:00Z",
}


def _duration(seconds: float) -> str:
    digits = f"{abs(Decimal(repr(seconds))):f}"
    return f"{'-' if seconds < 0 else ''}PT{digits}S"


def _boolean(_part: Schema, value: Any, _path: Path) -> _Reading:
    return _Reading(value, isinstance(value, bool))


def _null(_part: Schema, value: Any, _path: Path) -> _Reading:
    return _Reading(value, value is None)


_SIMPLE: Mapping[str, Callable[[Schema, Any, Path], _Reading]] = {
    "integer": _whole_number,
    "number": _number,
    "string": _string,
    "boolean": _boolean,
    "null": _null,
}
