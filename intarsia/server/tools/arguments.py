"""Arguments of a call: the Pydantic model of a function's signature, and the validation of what callers send."""

import inspect
import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from pydantic.fields import FieldInfo
from pydantic.warnings import UnsupportedFieldAttributeWarning

from intarsia.errors import ArgumentError, ToolError
from intarsia.permissions import Grant
from intarsia.server.tools.argument_errors import MAX_NEAR_MISSES, message_of, unknown_names_message
from intarsia.server.tools.json_schema import (
    Schema,
    is_read_by_author,
    is_strict_enough,
    listed_name,
    marked_schema,
    mixes_booleans,
)
from intarsia.server.tools.lenient_json import Reader, confused

MAX_CHARACTERS = 10_000
"""The maximum length of a string argument, unless its type sets a limit of its own."""

MAX_VALUES = 5_000
"""The maximum number of values in an argument, nested ones included, unless its type sets a limit of its own."""

MAX_TOPIC_LENGTH = 200
"""The maximum length of a topic in characters. Longer ones are cut, which may cause needless reads but misses none."""

_TYPED_DICT = "Import TypedDict from `typing_extensions`, not from `typing`: before Python 3.12 it knows too little."


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


def adapter_of(hint: Any) -> TypeAdapter[object]:
    """Return the validator of one parameter. Its alias belongs to the whole signature, and is no concern of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsupportedFieldAttributeWarning)
        return TypeAdapter[object](hint)


def _check_parameter(hint: Any, parameter: inspect.Parameter, where: str) -> None:
    """Check that JSON can represent a parameter and its default. Both matter: a View sends defaults back."""
    try:
        adapter = adapter_of(hint)
    except PydanticSchemaGenerationError:
        message = (
            f"{where}: {inspect.formatannotation(hint)} cannot be sent as JSON; take its id or its fields instead."
        )
        raise ToolError(message) from None
    except PydanticUserError as error:
        what = _TYPED_DICT if error.code == "typed-dict-version" else str(error.message)
        message = f"{where}: {inspect.formatannotation(hint)} cannot be a tool's argument. {what}"
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


@lru_cache(1024)
def schema_of(model: type[BaseModel]) -> Schema:
    """Return the JSON schema of a model, with the marks by which arguments are read."""
    return marked_schema(model)


def check_arguments(model: type[BaseModel], arguments: Mapping[str, Any]) -> BaseModel:
    """Validate the arguments of a call.

    Values are first read as clients mean them, where their type leaves one meaning (`lenient_json.py`). Then Pydantic
    validates them in its strict mode for JSON.

    Args:
        model: The model of the tool's arguments.
        arguments: The arguments as JSON values.

    Returns:
        An instance of the model.

    Raises:
        ArgumentError: An argument is invalid, unknown or missing. The message names up to five of them with their path
            and the rule, and for an unknown one the closest known name.
    """
    _check_names(model, arguments)
    if _facts(model).strict_is_enough and (sent := _strictly(model, arguments)):
        return sent
    checked, message = _checked(model, arguments, reads_all=False)
    if checked is None and _facts(model).read_by_author:
        checked, _ = _checked(model, arguments, reads_all=True)
    if checked is None:
        raise ArgumentError(message)
    return checked


def _strictly(model: type[BaseModel], arguments: Mapping[str, Any]) -> BaseModel | None:
    """Return the arguments if they are valid as they were sent: most calls are, and reading takes as long again."""
    try:
        _check_lengths(model, arguments)
        return model.model_validate_json(json.dumps(dict(arguments)), strict=True)
    except (ArgumentError, ValidationError):  # a long text may be the JSON text of a list
        return None


def _checked(model: type[BaseModel], arguments: Mapping[str, Any], *, reads_all: bool) -> tuple[BaseModel | None, str]:
    """Return the validated arguments, or `None` and what is wrong with them."""
    schema = schema_of(model)
    read, problems = Reader(schema, reads_all).read(arguments)
    _check_lengths(model, read)
    try:
        # Through JSON, because only then strict mode accepts strings for dates and enums.
        checked = model.model_validate_json(json.dumps(read), strict=True)
    except ValidationError as error:
        return None, message_of(error, problems, schema, read)
    if _facts(model).mixes_booleans:
        problems = (*problems, *confused(read, json_arguments(checked, with_defaults=False)))
    return (None, message_of(None, problems, schema, read)) if problems else (checked, "")


class _Facts(NamedTuple):
    """What is known of a schema before any call."""

    strict_is_enough: bool
    read_by_author: bool
    mixes_booleans: bool


@lru_cache(1024)
def _facts(model: type[BaseModel]) -> _Facts:
    schema = schema_of(model)
    return _Facts(is_strict_enough(schema), is_read_by_author(schema), mixes_booleans(schema))


def _check_lengths(model: type[BaseModel], arguments: Mapping[str, Any]) -> None:
    fields = {listed_name(name, field): field for name, field in model.model_fields.items()}
    for name, value in arguments.items():
        field = fields.get(name)
        if field is not None and not _has_own_limit(field):
            _check_size(name, value)


def _check_size(name: str, value: object) -> None:
    longest, count = _size(value)
    if longest > MAX_CHARACTERS:
        message = f"{name} must have at most {MAX_CHARACTERS:,} characters."
        raise ArgumentError(message)
    if count > MAX_VALUES:
        message = f"{name} must have at most {MAX_VALUES:,} values."
        raise ArgumentError(message)


def _check_names(model: type[BaseModel], arguments: Mapping[str, Any]) -> None:
    """Refuse a call with many unknown arguments before each of them is read, and becomes an error of Pydantic's."""
    if len(arguments) <= len(model.model_fields) + MAX_NEAR_MISSES:
        return
    known = {listed_name(name, field) for name, field in model.model_fields.items()}
    raise ArgumentError(unknown_names_message([name for name in arguments if name not in known], schema_of(model)))


def json_arguments(checked: BaseModel, *, with_defaults: bool) -> dict[str, Any]:
    """Return validated arguments as JSON values, under the names by which callers pass them.

    Equal calls have equal values, however a client wrote them: 5, 5.0 and `"5"` for a number are 5.

    Args:
        checked: The validated arguments.
        with_defaults: Whether to include arguments that the caller omitted.
    """
    dumped = checked.model_dump(mode="json", by_alias=True, exclude_unset=not with_defaults)
    fields = type(checked).model_fields
    return {
        listed_name(name, field): dumped[written]
        for name, field in fields.items()
        if (written := field.serialization_alias or name) in dumped
    }


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


def _has_own_limit(field: FieldInfo) -> bool:
    return any(getattr(mark, "max_length", None) for mark in field.metadata)


def values_of(arguments: BaseModel) -> dict[str, Any]:
    """Return validated arguments by name, as Python values for the function."""
    return {name: getattr(arguments, name) for name in type(arguments).model_fields}


def filled(topics: Iterable[str], arguments: Mapping[str, Any]) -> frozenset[str]:
    """Fill the placeholders of topics with arguments."""
    return frozenset(topic.format_map(arguments)[:MAX_TOPIC_LENGTH] for topic in topics)
