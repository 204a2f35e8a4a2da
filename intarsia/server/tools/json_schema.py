"""JSON schemas of arguments: what clients are listed, and what `lenient_json.py` reads by.

Many clients cannot follow `$ref`, so definitions are inlined, except recursive ones.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import AliasChoices, AliasPath, BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from intarsia.errors import near_miss
from intarsia.widgets.action import JsonType, Parameter

Schema = Mapping[str, Any]

MAX_INLINED_NODES = 4_000
"""The maximum number of objects and lists in a schema whose definitions are inlined; a larger one keeps its `$ref`."""

AS_SENT = "x-intarsia-as-sent"
"""Marks a part whose author reads the value as it was sent, with a validator of Pydantic that runs before."""

OTHER_NAMES = "x-intarsia-other-names"
"""The names under which an object takes values beside the listed ones, with the listed name of each."""

PYTHON_NAMES = "x-intarsia-python-names"
"""The Python names of an object's fields that have an alias, with the alias: for error messages."""

_MARKS = frozenset({AS_SENT, OTHER_NAMES, PYTHON_NAMES})
_REF_PREFIX = "#/$defs/"
_WHOLE_NUMBER_KEY = r"^-?(0|[1-9][0-9]*)$"


class _ArgumentSchemas(GenerateJsonSchema):
    """Schemas without titles that repeat names, and with the marks that reading needs."""

    # Names and parameters of the methods are those that pydantic calls.

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        return _with_names(super().model_schema(schema), schema["cls"])

    def dataclass_schema(self, schema: Any) -> JsonSchemaValue:
        return _with_names(super().dataclass_schema(schema), schema["cls"])

    def typed_dict_schema(self, schema: Any) -> JsonSchemaValue:
        return _with_names(super().typed_dict_schema(schema), schema.get("cls"))

    def dict_schema(self, schema: Any) -> JsonSchemaValue:
        found = super().dict_schema(schema)
        if schema.get("keys_schema", {}).get("type") == "int":
            found["propertyNames"] = {"pattern": _WHOLE_NUMBER_KEY}
        return found

    def function_before_schema(self, schema: Any) -> JsonSchemaValue:
        return {**super().function_before_schema(schema), AS_SENT: True}

    def function_wrap_schema(self, schema: Any) -> JsonSchemaValue:
        return {**super().function_wrap_schema(schema), AS_SENT: True}

    def function_plain_schema(self, schema: Any) -> JsonSchemaValue:
        return {**super().function_plain_schema(schema), AS_SENT: True}


def _with_names(found: JsonSchemaValue, cls: Any) -> JsonSchemaValue:
    """Refuse unknown keys in an object whose author did not say what happens with them, and mark other names."""
    config: Mapping[str, Any] = getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", None) or {}
    if "properties" not in found:
        return found
    fields: Mapping[str, FieldInfo] = getattr(cls, "__pydantic_fields__", None) or {}
    renamed = {name: listed for name, field in fields.items() if (listed := listed_name(name, field)) != name}
    others = {other: listed_name(name, field) for name, field in fields.items() for other in _further_aliases(field)}
    if config.get("populate_by_name") or config.get("validate_by_name"):
        others |= renamed
    marks = {PYTHON_NAMES: renamed} if renamed else {}
    marks |= {OTHER_NAMES: others} if others else {}
    is_closed = "extra" not in config and not any(isinstance(f.validation_alias, AliasPath) for f in fields.values())
    return {**found, **marks, **({"additionalProperties": False} if is_closed else {})}


def listed_name(name: str, field: FieldInfo) -> str:
    """Return the name under which callers pass a field: its alias, if it has one."""
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return next((choice for choice in choices if isinstance(choice, str)), name)


def _further_aliases(field: FieldInfo) -> list[str]:
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else []
    return [choice for choice in choices if isinstance(choice, str)][1:]


def marked_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of the arguments of a function, inlined, with the marks of this module."""
    schema = model.model_json_schema(schema_generator=_ArgumentSchemas)
    schema.pop("title", None)
    definitions: dict[str, Any] = schema.pop("$defs", {})
    if not definitions:
        return schema
    inliner = _Inliner(definitions)
    inlined = inliner.inlined(schema)
    if inlined is None:
        return {**schema, "$defs": definitions}
    kept = {name: inliner.inlined(definitions[name]) for name in sorted(inliner.recursive)}
    if any(part is None for part in kept.values()):
        return {**schema, "$defs": definitions}
    return {**inlined, "$defs": kept} if kept else inlined


class _Inliner:
    """Replaces references to definitions that are not recursive with what they refer to."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self.recursive = frozenset(name for name in definitions if name in self._reachable(name))
        self._left = MAX_INLINED_NODES

    def _reachable(self, name: str) -> set[str]:
        found: set[str] = set()
        waiting = list(_references(self._definitions[name]))
        while waiting:
            other = waiting.pop()
            if other not in found:
                found.add(other)
                waiting += _references(self._definitions[other])
        return found

    def inlined(self, schema: Any) -> Any:
        """Return a schema with definitions inlined, or `None` if that has more than `MAX_INLINED_NODES`."""
        found = self._inlined(schema)
        return found if self._left >= 0 else None

    def _inlined(self, part: Any) -> Any:
        if self._left < 0 or not isinstance(part, dict | list):
            return part
        self._left -= 1
        if isinstance(part, list):
            return [self._inlined(item) for item in cast("list[object]", part)]
        fields = cast("dict[str, Any]", part)
        name = _referenced(fields)
        inlined = {key: self._inlined(item) for key, item in fields.items() if not _is_discriminator(key, item)}
        if name is None or name in self.recursive:
            return inlined
        del inlined["$ref"]
        return {**self._inlined(self._definitions[name]), **inlined}


def _is_discriminator(key: str, item: Any) -> bool:
    """Return whether a key is OpenAPI's `discriminator`, which names definitions. JSON Schema does without it."""
    return key == "discriminator" and isinstance(item, dict) and "propertyName" in item


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for item in cast("list[object]", part):
            yield from _references(item)
    elif isinstance(part, dict):
        fields = cast("dict[str, Any]", part)
        if (name := _referenced(fields)) is not None:
            yield name
        for item in fields.values():
            yield from _references(item)


def _referenced(fields: Mapping[str, Any]) -> str | None:
    reference: Any = fields.get("$ref")
    if isinstance(reference, str) and reference.startswith(_REF_PREFIX):
        return reference.removeprefix(_REF_PREFIX)
    return None


def resolved(part: Schema, root: Schema) -> Schema:
    """Return the schema that a part refers to, or the part itself."""
    if "$ref" not in part:
        return part
    name = _referenced(part)
    return part if name is None else {**root["$defs"][name], **{key: part[key] for key in part if key != "$ref"}}


def is_read_by_author(part: Schema) -> bool:
    """Return whether a schema has a part whose author reads the value as it was sent."""
    return any(AS_SENT in one for one in _parts(part))


def is_strict_enough(schema: Schema) -> bool:
    """Return whether all that Pydantic's strict mode takes for a schema has one meaning.

    Otherwise the schema has an object, whose unknown keys Pydantic drops, a choice of numbers, for which it takes
    `true`, or a date or time, for which it takes digits.
    """
    parts = [part for below in schema.get("properties", {}).values() for part in _parts(below)]
    parts += _parts(schema.get("$defs", {}))
    return not any(
        part.get("additionalProperties") is False
        or part.get("format") in ("date", "date-time")
        or not all(isinstance(choice, str) for choice in _choices(part))
        for part in parts
    )


def _choices(part: Schema) -> list[Any]:
    return [*part.get("enum", ()), *([part["const"]] if "const" in part else ())]


def mixes_booleans(schema: Schema) -> bool:
    """Return whether a schema has `True` or `False` as choices, or 0 or 1 as choices and booleans beside them."""
    parts = list(_parts(schema))
    choices = [choice for part in parts for choice in _choices(part)]
    has_booleans = any(part.get("type") == "boolean" for part in parts)
    return any(isinstance(choice, bool) or (has_booleans and choice in (0, 1)) for choice in choices)


def _parts(part: Any) -> Iterator[Schema]:
    if isinstance(part, dict):
        yield cast("Schema", part)
    for below in cast("dict[str, Any]", part).values() if isinstance(part, dict) else cast("list[object]", part):
        if isinstance(below, dict | list):
            yield from _parts(below)


def listed_schema(marked: Schema) -> dict[str, Any]:
    """Return the schema that clients are listed: without marks, and open for the View's `_intarsia` argument.

    `additionalProperties: false` is omitted at the top, because a host that validates calls would reject `_intarsia`.
    The server rejects unknown arguments regardless.
    """
    schema: dict[str, Any] = _unmarked(marked)
    schema.pop("additionalProperties", None)
    return schema


def _unmarked(part: Any) -> Any:
    if isinstance(part, list):
        return [_unmarked(item) for item in cast("list[object]", part)]
    if not isinstance(part, dict):
        return part
    fields = cast("dict[str, Any]", part)
    return {key: _unmarked(item) for key, item in fields.items() if key not in _MARKS}


def parameters_of(schema: Schema) -> dict[str, Parameter]:
    """Return each parameter's name with whether it is required and its accepted JSON types."""
    return {
        name: Parameter(name in schema.get("required", ()), frozenset(_json_types(part, schema)))
        for name, part in schema.get("properties", {}).items()
    }


def _json_types(given: Schema, root: Schema) -> set[JsonType]:
    part = resolved(given, root)
    branches = branches_of(part)
    if branches:
        found = [_json_types(branch, root) for branch in branches]
        # One branch that accepts any type makes the union accept any type.
        return set() if not all(found) else set[JsonType]().union(*found)
    types: JsonType | list[JsonType] = part.get("type", [])
    return set(types) if isinstance(types, list) else {types}


def branches_of(part: Schema) -> list[Schema]:
    """Return the alternatives of a union; none for other schemas."""
    return [*part.get("anyOf", ()), *part.get("oneOf", ())] if "anyOf" in part or "oneOf" in part else []


def closest_name(root: Schema, path: tuple[str | int, ...], name: str) -> str:
    """Return " Did you mean 'x'?" for an unknown key of the object at a path, or an empty string if none is close."""
    here: list[Schema] = [root]
    for step in path:
        here = [below for part in here for below in _below(part, step, root)]
    objects = [one for part in here for one in _alternatives(part, root)]
    for one in objects:
        if name in one.get(PYTHON_NAMES, {}):
            return f" Did you mean {one[PYTHON_NAMES][name]!r}?"
    return near_miss(name, {known for one in objects for known in one.get("properties", {})})


def _alternatives(given: Schema, root: Schema) -> list[Schema]:
    part = resolved(given, root)
    branches = branches_of(part)
    return [found for branch in branches for found in _alternatives(branch, root)] if branches else [part]


def _below(given: Schema, step: str | int, root: Schema) -> list[Schema]:
    found: list[Schema] = []
    for part in _alternatives(given, root):
        if isinstance(step, int):
            prefix = part.get("prefixItems", ())
            below = prefix[step] if step < len(prefix) else part.get("items")
        else:
            below = part.get("properties", {}).get(step, part.get("additionalProperties"))
        if isinstance(below, dict):
            found.append(cast("Schema", below))
    return found
