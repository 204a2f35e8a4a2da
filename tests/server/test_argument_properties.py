"""What arguments mean, compared with a JSON-Schema validator that Intarsia's authors did not write.

Two properties hold for any type and any value: what the validator accepts is accepted, and what is accepted beyond it
has exactly one meaning. A judge finds the meanings by brute force, from the rules of decision 0044.

Floats above 2**53 are left out: they may have lost digits, so they are refused as whole numbers (0044).
"""

import json
from collections.abc import Iterator, Mapping
from enum import IntEnum
from itertools import product
from types import GenericAlias
from typing import Annotated, Any, Literal, Optional, Union, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, create_model

from intarsia.errors import ArgumentError
from intarsia.server.tools.arguments import arguments_model, check_arguments, json_arguments, schema_of
from intarsia.server.tools.json_schema import listed_schema, mixes_booleans
from intarsia.widgets import Done

SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


class Level(IntEnum):
    LOW = 1
    HIGH = 3


LEAVES = (
    int, float, bool, str, Level, Literal[1, 2], Literal["a", "5"], Literal[True, "x"],
    Annotated[int, Field(ge=0, le=5)], Annotated[str, Field(max_length=2)],
)  # fmt: skip
TEXTS = (
    "",
    "a",
    "5",
    "2.5",
    "1e1",
    "null",
    "None",
    "true",
    "False",
    "[1]",
    '["2"]',
    "{}",
    '{"a": "1"}',
    "[",
    "05",
    "NaN",
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 6), st.sampled_from((0.0, 1.0, 2.5, 3.0, -0.0)), st.sampled_from(TEXTS)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("abc"), inner, max_size=3), inner.map(json.dumps)
    ),
    max_leaves=4,
)


def of_model(fields: Mapping[str, tuple[Any, bool]]) -> type[BaseModel]:
    defaults: dict[str, Any] = {name: (kind, ... if required else None) for name, (kind, required) in fields.items()}
    return create_model("Given", **defaults)


TYPES = st.recursive(
    st.sampled_from(cast("tuple[Any, ...]", LEAVES)),
    lambda inner: st.one_of(
        inner.map(lambda one: GenericAlias(list, (one,))),
        inner.map(lambda one: GenericAlias(dict, (str, one))),
        inner.map(lambda one: Optional[one]),  # noqa: UP045 - not an annotation
        st.tuples(inner, inner).map(lambda pair: Union[pair]),  # noqa: UP007 - as above
        st.tuples(inner, inner).map(lambda pair: GenericAlias(tuple, pair)),
        st.dictionaries(st.sampled_from("abc"), st.tuples(inner, st.booleans()), min_size=1, max_size=3).map(of_model),
    ),
    max_leaves=5,
)


def model_for(kind: Any, *, required: bool) -> type[BaseModel]:
    async def tool(v: Any = None) -> Done:
        return Done(repr(v))

    tool.__annotations__ = {"v": Annotated[kind, Field()]}
    tool.__defaults__ = None if required else (Field(default=None),)
    return arguments_model(tool)


@st.composite
def near(draw: st.DrawFn, schema: Mapping[str, Any]) -> Any:
    """Return a value of a schema, some parts of which may be written as text, as another number, or left out."""
    value = draw(_as_declared(schema))
    return json.dumps(value) if draw(st.integers(0, 5)) == 0 else value


@st.composite
def _as_declared(draw: st.DrawFn, schema: Mapping[str, Any]) -> Any:
    if draw(st.integers(0, 7)) == 0:
        return draw(ANYTHING)
    if branches := schema.get("anyOf"):
        return draw(near(draw(st.sampled_from(branches))))
    if choices := schema.get("enum", [schema["const"]] if "const" in schema else None):
        return draw(st.sampled_from([*choices, *(float(one) for one in choices if type(one) is int)]))
    kind = schema.get("type")
    if kind == "array":
        items: list[Any] = schema.get("prefixItems") or [schema["items"]] * draw(st.integers(0, 2))
        return [draw(near(item)) for item in items]
    if kind == "object":
        known: Any = schema.get("properties") or dict.fromkeys("ab", schema.get("additionalProperties"))
        return {name: draw(near(part)) for name, part in known.items() if draw(st.integers(0, 3))}
    return draw(SCALARS)


def is_valid(schema: Mapping[str, Any], value: Any) -> bool:
    validator: Any = Draft202012Validator(schema)
    return bool(validator.is_valid(value))


def meanings(schema: Mapping[str, Any], value: Any) -> Iterator[Any]:
    """Yield every valid value that a sent one may mean, by the rules; only itself, if it is valid."""
    if is_valid(schema, value):
        yield value
    elif not (isinstance(value, str) and is_free_text(schema)):
        for branch in schema.get("anyOf", ()):
            yield from meanings(branch, value)
        yield from of_parts(schema, value)


def of_parts(schema: Mapping[str, Any], value: Any) -> Iterator[Any]:
    if isinstance(value, str):
        parsed = of_text(value)
        if not isinstance(parsed, str):
            yield from meanings(schema, parsed)
    elif isinstance(value, list) and schema.get("type") == "array":
        yield from of_array(schema, cast("list[object]", value))
    elif isinstance(value, dict) and schema.get("type") == "object":
        yield from of_object(schema, cast("dict[str, Any]", value))


def of_array(schema: Mapping[str, Any], value: list[object]) -> Iterator[Any]:
    parts: list[Any] = schema.get("prefixItems") or [schema["items"]] * len(value)
    if len(parts) == len(value):
        for items in product(*(list(meanings(part, item)) for part, item in zip(parts, value, strict=True))):
            if is_valid(schema, list(items)):
                yield list(items)


def of_object(schema: Mapping[str, Any], value: Mapping[str, Any]) -> Iterator[Any]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    ways: list[list[tuple[str, Any] | None]] = []
    for name, item in value.items():
        part = known.get(name, others)
        if not isinstance(part, dict):
            return
        found: list[tuple[str, Any] | None] = [(name, one) for one in meanings(cast("Any", part), item)]
        says_null = isinstance(item, str) and item != "" and of_text(item) is None
        is_null = item is None or (says_null and not is_free_text(cast("Any", part)))
        if not found and is_null and name in known and name not in schema.get("required", ()):
            found = [None]  # as if it was left out
        ways.append(found)
    for chosen in product(*ways):
        whole = dict(pair for pair in chosen if pair)
        if is_valid(schema, whole):
            yield whole


def is_free_text(schema: Mapping[str, Any]) -> bool:
    if branches := schema.get("anyOf"):
        return any(map(is_free_text, branches))
    return schema.get("type") == "string" and "enum" not in schema and "const" not in schema


def of_text(text: str) -> Any:
    words = {"true": True, "false": False, "null": None, "none": None, "": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        found = json.loads(text, parse_constant=lambda name: name)
    except ValueError:
        return text
    return found


def written(value: Any) -> str:
    """Return JSON in which 1.0 is 1, and `true` is not."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
        return f"{{{','.join(f'{name}:{written(items[name])}' for name in sorted(items))}}}"
    return f"[{','.join(map(written, cast('list[object]', value)))}]" if isinstance(value, list) else json.dumps(value)


@given(data=st.data(), kind=TYPES, required=st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=SLOW_IS_FINE)
def test_what_a_validator_accepts_is_accepted_and_all_else_has_one_meaning(
    *, data: st.DataObject, kind: Any, required: bool
) -> None:
    check(data, kind, required=required)


@pytest.mark.slow
@given(data=st.data(), kind=TYPES, required=st.booleans())
@settings(max_examples=2_000, deadline=None, suppress_health_check=SLOW_IS_FINE)
def test_a_meaning_is_found_for_thousands_of_values(*, data: st.DataObject, kind: Any, required: bool) -> None:
    check(data, kind, required=required)


def check(data: st.DataObject, kind: Any, *, required: bool) -> None:
    model = model_for(kind, required=required)
    schema: dict[str, Any] = {**listed_schema(schema_of(model)), "additionalProperties": False}
    sent: dict[str, Any] = {"v": data.draw(near(schema["properties"]["v"]))}

    found = {written(one): one for one in meanings(schema, sent)}
    got = taken(model, sent)

    # Pydantic may take 1 for `True` where a type has both as choices; that is refused, so 1 is too (0044).
    is_excused = got is None and mixes_booleans(schema_of(model))
    assert is_excused or (got is not None) == (len(found) == 1), (schema, sent, got)
    if got is None:
        return
    assert written(got) in found, (schema, sent, got)
    assert taken(model, got) == got


def taken(model: type[BaseModel], sent: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the tool makes of arguments, or `None` if it refuses them."""
    try:
        return json_arguments(check_arguments(model, sent), with_defaults=False)
    except ArgumentError:
        return None
