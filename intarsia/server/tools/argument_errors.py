"""Error messages for invalid arguments: where, and which rule.

They name places and rules, never values: values may be secret, and models read the messages.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from intarsia.server.tools.json_schema import Schema, closest_name
from intarsia.server.tools.lenient_json import Path, Problem

MAX_SENTENCES = 5
"""The maximum number of invalid arguments in one error message."""

MAX_NEAR_MISSES = 3
"""For how many unknown arguments the closest known name is searched: each search takes time."""

_UNKNOWN = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_MISSING = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})

_RULES: dict[str, str] = {
    "missing": "is missing",
    "missing_argument": "is missing",
    "missing_keyword_only_argument": "is missing",
    "none_required": "must be null",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "frozen_set_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dataclass_type": "must be an object",
    "finite_number": "must be a finite number",
    "date_from_datetime_parsing": "must be a date such as 2026-12-31",
    "date_parsing": "must be a date such as 2026-12-31",
    "date_type": "must be a date such as 2026-12-31",
    "datetime_parsing": "must be a date and time such as 2026-12-31T10:00:00Z",
    "datetime_from_date_parsing": "must be a date and time such as 2026-12-31T10:00:00Z",
    "datetime_type": "must be a date and time such as 2026-12-31T10:00:00Z",
    "time_parsing": "must be a time such as 10:00:00",
    "time_type": "must be a time such as 10:00:00",
    "time_delta_parsing": "must be a duration such as PT90S, or a number of seconds",
    "time_delta_type": "must be a duration such as PT90S, or a number of seconds",
    "uuid_parsing": "must be a UUID",
    "uuid_type": "must be a UUID",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "union_tag_invalid": "must have one of {expected_tags} as {discriminator}",
    "union_tag_not_found": "must have the key {discriminator}",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
    "string_pattern_mismatch": "does not have the right form",
}


class _Fault(NamedTuple):
    """One broken rule."""

    path: Path
    rule: str
    """Empty for an unknown key."""
    union: Path | None = None
    """The path of the union that the rule belongs to, if any."""
    branch: str = ""
    """The branch of that union, as Pydantic names it."""


def message_of(error: ValidationError | None, problems: Iterable[Problem], schema: Schema, arguments: Any) -> str:
    """Return the sentences for the first invalid arguments of a call.

    Args:
        error: What Pydantic refused.
        problems: What reading the arguments refused.
        schema: The schema of the arguments.
        arguments: The arguments that Pydantic got.
    """
    faults = [_Fault(problem.path, problem.rule) for problem in problems]
    if error:
        faults += _of_closest_branches([_fault(item, arguments) for item in _details(error)])
    rules: dict[Path, list[str]] = {}
    for fault in faults:
        rules.setdefault(fault.path, []).append(fault.rule)
    return " ".join(_sentences(rules, schema))


def _details(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_input=False)


def _fault(item: ErrorDetails, arguments: Any) -> _Fault:
    """Return the fault of an error. Pydantic's locations name branches of unions too, which no caller knows."""
    path: list[str | int] = []
    union: Path | None = None
    branch = ""
    here: Any = arguments
    for place, step in enumerate(item["loc"]):
        is_last = place == len(item["loc"]) - 1
        if _is_key(step, here, may_be_absent=is_last and item["type"] in _UNKNOWN | _MISSING):
            here = _below(here, step)
            path.append(step)
        elif union is None and step != "[key]":
            union, branch = tuple(path), str(step)
    return _Fault(tuple(path), "" if item["type"] in _UNKNOWN else _rule(item), union, branch)


def _is_key(step: str | int, here: Any, *, may_be_absent: bool) -> bool:
    if isinstance(step, int):
        return isinstance(here, list)
    return isinstance(here, dict) and (step in here or may_be_absent)


def _below(here: Any, step: str | int) -> Any:
    if isinstance(here, list) and isinstance(step, int):
        items = cast("list[object]", here)
        return items[step] if step < len(items) else None
    return cast("dict[str | int, Any]", here).get(step)


def _of_closest_branches(faults: list[_Fault]) -> list[_Fault]:
    """Keep, of each union, the faults of the branch that the value comes closest to.

    A value that is of no branch's type breaks a rule of each; all are kept, because meeting any one of them suffices.
    """
    by_union: dict[Path, dict[str, list[_Fault]]] = {}
    for fault in faults:
        if fault.union is not None:
            by_union.setdefault(fault.union, {}).setdefault(fault.branch, []).append(fault)
    closest: dict[Path, str] = {}
    for union, branches in by_union.items():
        inside = {name: found for name, found in branches.items() if all(fault.path != union for fault in found)}
        if inside:
            closest[union] = min(inside, key=lambda name: len(inside[name]))
    return [fault for fault in faults if fault.union is None or closest.get(fault.union, fault.branch) == fault.branch]


def _sentences(rules: Mapping[Path, list[str]], schema: Schema) -> Iterator[str]:
    searches = 0
    # A hostile call can be invalid in thousands of places.
    for path, found in islice(rules.items(), MAX_SENTENCES):
        if "" in found:
            searches += 1
            yield _unknown(path, schema if searches <= MAX_NEAR_MISSES else None)
            continue
        first, *others = dict.fromkeys(found)
        yield f"{shown_path(path)} {' or '.join([first, *(rule.removeprefix('must be ') for rule in others)])}."


def unknown_names_message(names: Sequence[str], schema: Schema) -> str:
    """Return the sentences for a call with many unknown arguments: the first few, and how many more there are.

    Args:
        names: The unknown names, more than `MAX_NEAR_MISSES`.
        schema: The schema of the arguments.
    """
    first, more = names[:MAX_NEAR_MISSES], len(names) - MAX_NEAR_MISSES
    sentences = " ".join(_unknown((name,), schema) for name in first)
    return f"{sentences} {more:,} more {'is' if more == 1 else 'are'} unknown too."


def _unknown(path: Path, schema: Schema | None) -> str:
    *above, name = path
    hint = closest_name(schema, tuple(above), str(name)) if schema else ""
    if _is_plain(name):
        return f"There is no argument {shown_path(path)!r}.{hint}"
    return f"There is no argument of that name{f' in {shown_path(tuple(above))}' if above else ''}.{hint}"


def shown_path(path: Path) -> str:
    """Return a path such as `order.items[1].qty`.

    Keys that the caller chose are shown only if they are short identifiers, because models read the messages.
    """
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        elif _is_plain(step):
            shown += f".{step}" if shown else step
        else:
            shown += "[…]"
    return shown or "The call"


def _is_plain(name: str | int) -> bool:
    return isinstance(name, str) and name.isidentifier() and len(name) <= 40


def _rule(item: ErrorDetails) -> str:
    context = {name: _choices(value) for name, value in item.get("ctx", {}).items()}
    return _RULES.get(item["type"], "has a wrong value").format_map(context)


def _choices(value: object) -> object:
    return value if not isinstance(value, str) else value.replace(" or ", ", ")
