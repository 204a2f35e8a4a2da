"""Validation errors of widgets for developers: the field, the rule it breaks, and its value."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from intarsia.errors import IntarsiaError, UnsupportedValueError, WidgetError, near_miss

MAX_FIELDS = 3
"""The maximum number of invalid fields in one error message."""

_NOTHING = object()
_MAX_VALUE_LENGTH = 60


def explain(widget: type[BaseModel], given: Mapping[str, object], error: ValidationError) -> IntarsiaError:
    """Convert a Pydantic validation error into the error to raise.

    Args:
        widget: The class of the invalid widget.
        given: The values by field name.
        error: The validation error of Pydantic.

    Returns:
        The error that a validator of ours raised, or else a `WidgetError` that names fields, rules and values.
    """
    rules: dict[str, dict[str, None]] = {}
    values: dict[str, object] = {}
    for item in error.errors(include_url=False):
        cause = item.get("ctx", {}).get("error")
        if isinstance(cause, IntarsiaError) and not isinstance(cause, UnsupportedValueError):
            return cause  # our validators raise complete messages
        place, value = _find(item, given)
        if isinstance(cause, UnsupportedValueError):
            return cause.at(f"{widget.__name__}.{place}")
        rules.setdefault(place, {})[_rule(item, place, widget)] = None
        values[place] = value
    sentences = [_sentence(place, list(found), values[place]) for place, found in islice(rules.items(), MAX_FIELDS)]
    return WidgetError(f"{widget.__name__} cannot be built: {' '.join(sentences)}")


def _find(item: ErrorDetails, given: Mapping[str, object]) -> tuple[str, object]:
    """Return the path of an invalid value, and the value. Pydantic's path also has type names, which are skipped."""
    here: object = given
    way: list[str] = []
    for step in item["loc"]:
        inside = _inside(here, step)
        if inside is not _NOTHING:
            way.append(str(step))
            here = inside
    if item["type"] == "missing":
        return ".".join([*way, str(item["loc"][-1])]), _NOTHING
    return ".".join(way), _NOTHING if item["type"] == "extra_forbidden" else here


def _inside(here: object, step: str | int) -> object:
    if isinstance(here, Mapping):
        return cast("Mapping[object, object]", here).get(step, _NOTHING)
    if isinstance(here, Sequence) and not isinstance(here, str) and isinstance(step, int):
        return cast("Sequence[object]", here)[step]
    return _NOTHING


def _rule(item: ErrorDetails, place: str, widget: type[BaseModel]) -> str:
    context: Mapping[str, Any] = item.get("ctx", {})
    match item["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return f"is not one of its fields.{near_miss(place, list(widget.model_fields))}".removesuffix(".")
        case "model_type" | "dataclass_type":
            name: str = context["class_name"]
            return f"must be {'an' if name[0] in 'AEIOU' else 'a'} {name}"
        case "is_instance_of" if context["class"] == "Sequence":
            return "must be a list"
        case _:
            words = item["msg"].replace("Input should be", "must be").replace("String should", "must")
            return words.replace("a valid ", "a ").replace("a integer", "an integer")


def _sentence(place: str, rules: list[str], value: object) -> str:
    # NaN and infinity break a rule of every branch of a union; only this one is the actual problem.
    chosen = [rule for rule in rules if rule == "must be a finite number"] or rules
    words = " or ".join([chosen[0], *(rule.removeprefix("must be ") for rule in chosen[1:])])
    if value is _NOTHING:
        return f"{place} {words}" + ("" if words.endswith("?") else ".")
    return f"{place} {words}, not {_shown(value)}.{_hint(chosen, value)}"


def _shown(value: object) -> str:
    if isinstance(value, str | int | float | tuple | None):
        text = repr(cast("object", value))
        return text if len(text) <= _MAX_VALUE_LENGTH else f"{text[:_MAX_VALUE_LENGTH]}…"
    return type(value).__name__


def _hint(rules: list[str], value: object) -> str:
    if "must be a BoundAction" in rules and callable(value):
        return " Offer a function that `@connector.action` decorates, or `partial(...)` of one."
    if "must be a PendingTile" in rules and callable(value):
        return " Call the function that reads the tile."
    return ""
