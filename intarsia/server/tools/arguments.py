"""Arguments of a call: the Pydantic model of a function's signature, and error messages for invalid arguments.

Error messages name the argument and the rule, never the value: values may be secret, and models read the messages.
"""

import inspect
import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, cast, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError
from pydantic.fields import FieldInfo

from intarsia.errors import ArgumentError, ToolError, near_miss
from intarsia.permissions import Grant
from intarsia.widgets.action import JsonType, Parameter

MAX_CHARACTERS = 10_000
"""The maximum length of a string argument, unless its type sets a limit of its own."""

MAX_VALUES = 5_000
"""The maximum number of values in an argument, nested ones included, unless its type sets a limit of its own."""

MAX_TOPIC_LENGTH = 200
"""The maximum length of a topic in characters. Longer ones are cut, which may cause needless reads but misses none."""


MAX_SENTENCES = 5
"""The maximum number of invalid arguments in one error message."""

MAX_NEAR_MISSES = 3
"""For how many unknown arguments the closest known name is searched: each search takes time."""

_RULES: dict[str, str] = {
    "missing": "is missing",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "finite_number": "must be a finite number",
    "date_from_datetime_parsing": "must be a date such as 2026-12-31",
    "date_parsing": "must be a date such as 2026-12-31",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
    "string_pattern_mismatch": "does not have the right form",
}


def arguments_model(function: Callable[..., Any]) -> type[BaseModel]:
    """Create the Pydantic model of a function's arguments. It forbids unknown arguments.

    Raises:
        ToolError: A parameter has no type annotation or a type that JSON cannot represent, is positional-only or
            variadic, has a reserved name, or its default does not match its type.
    """
    hints = type_hints(function)
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        where = f"{function.__qualname__}({name})"
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            message = f"{where}: a tool's arguments are passed by name; {parameter.kind.description} ones cannot be."
            raise ToolError(message)
        if name not in hints:
            message = f"{where} has no type. Add one: it becomes the tool's schema."
            raise ToolError(message)
        # Pydantic reserves the other names; every widget tool has `text_page` already.
        if name.startswith("_") or name == "text_page" or (name.startswith("model_") and hasattr(BaseModel, name)):
            message = f"{where}: the name is reserved; choose another."
            raise ToolError(message)
        if hints[name] is Grant:  # set by the server, never by a caller
            continue
        _check_parameter(hints[name], parameter, where)
        fields[name] = (hints[name], ... if parameter.default is parameter.empty else parameter.default)
    config = ConfigDict(extra="forbid", allow_inf_nan=False)
    with warnings.catch_warnings():
        # A parameter may be named `schema` or `copy`: deprecated methods of Pydantic, which this code does not call.
        warnings.filterwarnings("ignore", "Field name .* shadows an attribute", UserWarning)
        return create_model(function.__name__, __config__=config, **fields)


def grant_parameter(function: Callable[..., Any]) -> str | None:
    """Return the name of the function's parameter of type `Grant`, or `None`.

    Raises:
        ToolError: The function has more than one.
    """
    hints = type_hints(function)
    names = [name for name in inspect.signature(function).parameters if hints.get(name) is Grant]
    if len(names) > 1:
        message = f"{function.__qualname__} takes the Grant twice: {' and '.join(names)}. Remove one of them."
        raise ToolError(message)
    return names[0] if names else None


def type_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the resolved type annotations of a function's parameters and of its return value.

    Raises:
        ToolError: A name in an annotation cannot be resolved in the function's module.
    """
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as error:
        message = (
            f"{function.__qualname__}: the type {error.name!r} is not known. Import it, not only `if TYPE_CHECKING`, "
            "and do not define it inside a function."
        )
        raise ToolError(message) from None


def _check_parameter(hint: Any, parameter: inspect.Parameter, where: str) -> None:
    """Check that JSON can represent a parameter and its default. Both matter: a View sends defaults back."""
    try:
        adapter = TypeAdapter[object](hint)
    except PydanticSchemaGenerationError:
        message = (
            f"{where}: {inspect.formatannotation(hint)} cannot be sent as JSON; take its id or its fields instead."
        )
        raise ToolError(message) from None
    default: object = parameter.default
    if default is parameter.empty or isinstance(default, FieldInfo):
        return
    try:
        adapter.validate_python(default, strict=True)
    except ValidationError:
        hint_text = inspect.formatannotation(hint)
        better = f" Write `{hint_text} | None`." if default is None else ""
        message = f"{where}: the default {default!r} is not of its type, {hint_text}.{better}"
        raise ToolError(message) from None


def input_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of a model, without titles, which only repeat the names.

    `additionalProperties: false` is omitted, because a host that validates calls would reject the View's `_intarsia`
    argument. The server rejects unknown arguments regardless.
    """
    schema = model.model_json_schema()
    schema.pop("additionalProperties", None)
    schema.pop("title", None)
    for part in schema.get("properties", {}).values():
        part.pop("title", None)
    return schema


def parameters_of(model: type[BaseModel]) -> dict[str, Parameter]:
    """Return each parameter's name with whether it is required and its accepted JSON types."""
    schema = model.model_json_schema()
    return {
        name: Parameter(name in schema.get("required", ()), frozenset(_json_types(part, schema)))
        for name, part in schema.get("properties", {}).items()
    }


def _json_types(part: Mapping[str, Any], schema: Mapping[str, Any]) -> set[JsonType]:
    if "$ref" in part:
        return _json_types(schema["$defs"][part["$ref"].rsplit("/", 1)[1]], schema)
    branches = [*part.get("anyOf", ()), *part.get("oneOf", ())]
    if branches:
        found = [_json_types(branch, schema) for branch in branches]
        # One branch that accepts any type makes the union accept any type.
        return set() if not all(found) else set[JsonType]().union(*found)
    types: JsonType | list[JsonType] = part.get("type", [])
    return set(types) if isinstance(types, list) else {types}


def check_arguments(model: type[BaseModel], arguments: Mapping[str, Any]) -> BaseModel:
    """Validate the arguments of a call, in Pydantic's strict mode for JSON.

    Args:
        model: The model of the tool's arguments.
        arguments: The arguments as JSON values.

    Returns:
        An instance of the model.

    Raises:
        ArgumentError: An argument is invalid, unknown or missing. The message names up to five of them with the
            rule, and for an unknown one the closest known name.
    """
    _check_names(model, arguments)
    for name, value in arguments.items():
        if not _has_own_limit(model.model_fields.get(name)):
            _check_size(name, value)
    try:
        # Through JSON, because only then strict mode accepts strings for dates and enums.
        return model.model_validate_json(json.dumps(dict(arguments)), strict=True)
    except ValidationError as error:
        raise ArgumentError(" ".join(_sentences(error, model))) from None


def json_arguments(checked: BaseModel, *, with_defaults: bool) -> dict[str, Any]:
    """Return validated arguments as JSON values.

    Args:
        checked: The validated arguments.
        with_defaults: Whether to include arguments that the caller omitted.
    """
    return checked.model_dump(mode="json", exclude_unset=not with_defaults)


def _check_names(model: type[BaseModel], arguments: Mapping[str, Any]) -> None:
    """Refuse a call with many unknown arguments before each of them becomes an error of Pydantic's."""
    unknown = [name for name in arguments if name not in model.model_fields]
    if len(unknown) > MAX_NEAR_MISSES:
        sentences = [_unknown(name, model) for name in unknown[:MAX_NEAR_MISSES]]
        more = len(unknown) - MAX_NEAR_MISSES
        message = f"{' '.join(sentences)} {more:,} more {'is' if more == 1 else 'are'} unknown too."
        raise ArgumentError(message)


def _check_size(name: str, value: object) -> None:
    longest, count = _size(value)
    if longest > MAX_CHARACTERS:
        message = f"{name} must have at most {MAX_CHARACTERS:,} characters."
        raise ArgumentError(message)
    if count > MAX_VALUES:
        message = f"{name} must have at most {MAX_VALUES:,} values."
        raise ArgumentError(message)


def _unknown(name: str, model: type[BaseModel]) -> str:
    return f"There is no argument {_shown(name)}.{near_miss(name, set(model.model_fields))}"


def _sentences(error: ValidationError, model: type[BaseModel]) -> list[str]:
    rules: dict[str, list[str]] = {}
    for item in error.errors(include_url=False, include_input=False):
        place = str(item["loc"][0]) if item["loc"] else "The call"
        rules.setdefault(place, []).append("" if item["type"] == "extra_forbidden" else _rule(dict(item)))
    return [_sentence(place, found, model) for place, found in islice(rules.items(), MAX_SENTENCES)]


def _sentence(place: str, rules: list[str], model: type[BaseModel]) -> str:
    if "" in rules:
        return _unknown(place, model)
    # A value that matches no branch of a union breaks a rule of each branch; meeting any one of them suffices.
    first, *others = dict.fromkeys(rules)
    return f"{place} {' or '.join([first, *(rule.removeprefix('must be ') for rule in others)])}."


def _rule(item: dict[str, Any]) -> str:
    context = {name: _choices(value) for name, value in item.get("ctx", {}).items()}
    return _RULES.get(item["type"], "has a wrong value").format_map(context)


def _choices(value: object) -> object:
    return value if not isinstance(value, str) else value.replace(" or ", ", ")


def _shown(name: str) -> str:
    """Quote an unknown name only if it is a short identifier: it comes from the caller, and models read it."""
    return repr(name) if name.isidentifier() and len(name) <= 40 else "of that name"


def _size(value: object) -> tuple[int, int]:
    """Return the length of the longest text in a JSON value, and how many other values it holds."""
    longest, count = 0, -1
    level = [value]
    while level:
        count += len(level)
        below: list[object] = []
        for item in level:
            if isinstance(item, str):
                longest = max(longest, len(item))
            elif isinstance(item, Mapping):
                inner = cast("Mapping[object, object]", item)
                below += [*inner, *inner.values()]
            elif isinstance(item, list):
                below += cast("list[object]", item)
        level = below
    return longest, count


def _has_own_limit(field: FieldInfo | None) -> bool:
    return field is not None and any(getattr(mark, "max_length", None) for mark in field.metadata)


def values_of(arguments: BaseModel) -> dict[str, Any]:
    """Return validated arguments by name, as Python values for the function."""
    return {name: getattr(arguments, name) for name in type(arguments).model_fields}


def filled(topics: Iterable[str], arguments: Mapping[str, Any]) -> frozenset[str]:
    """Fill the placeholders of topics with arguments."""
    return frozenset(topic.format_map(arguments)[:MAX_TOPIC_LENGTH] for topic in topics)
