"""Validation of the options of `@connector.widget`, `@connector.action` and `@connector.tile`.

Type checkers know the options from the decorators' signatures. These checks are for code that is not type-checked. They
run before the function is decorated, so that errors name the decorator and its argument.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, ParamSpec, Protocol, cast, overload

from intarsia.errors import ToolError, near_miss
from intarsia.server.tools.access_rules import AccessRules
from intarsia.server.tools.tool import ActionTool, AsyncDone
from intarsia.widgets import Done

P = ParamSpec("P")

DecoratorName = Literal["widget", "action", "tile"]


class ActionDecorator(Protocol):
    """The decorator that `@connector.action(...)` returns, for `async def` and for `def` functions."""

    @overload
    def __call__(self, function: Callable[P, AsyncDone], /) -> ActionTool[P, AsyncDone]: ...
    @overload
    def __call__(self, function: Callable[P, Done], /) -> ActionTool[P, Done]: ...


@dataclass(frozen=True)
class _Option:
    """A check of an option's value, and the words for it in an error message."""

    fits: Callable[[object], bool]
    words: str


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: object) -> bool:
    # In Python a bool is an int, but `True` is not a number of seconds.
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_set_of_texts(value: object) -> bool:
    # Strings and mappings are iterable too, but passing one is a mistake.
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        return False
    return all(isinstance(one, str) for one in cast("Iterable[object]", value))


def _is_text_or_texts(value: object) -> bool:
    return isinstance(value, str) or _is_set_of_texts(value)


def _optional(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or fits(value)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


_TITLE = _Option(_optional(_is_text), "a string, such as title='Team board'")
_SCOPES = _Option(_optional(_is_set_of_texts), "a set of strings, such as scopes={'tasks:write'}")
_ROLES = _Option(_is_set_of_texts, "a set of strings, such as roles={'editor'}")
_ALLOW = _Option(_optional(callable), "a function of the Grant and the arguments")
_REFRESH = _Option(_optional(_is_number), "a number of seconds, such as refresh_seconds=10")
_TOPICS = "a string or a list of strings, such as {}='project:{{project}}'"


def _flag(name: str) -> _Option:
    return _Option(_is_bool, f"True or False, such as {name}=True")


_OPTIONS: Mapping[DecoratorName, Mapping[str, _Option]] = {
    "widget": {
        "title": _TITLE,
        "scopes": _SCOPES,
        "roles": _ROLES,
        "allow": _ALLOW,
        "refresh_seconds": _REFRESH,
        "topics": _Option(_is_text_or_texts, _TOPICS.format("topics")),
    },
    "action": {
        "title": _TITLE,
        "scopes": _SCOPES,
        "roles": _ROLES,
        "allow": _ALLOW,
        "destructive": _flag("destructive"),
        "confirm": _Option(_optional(_is_text), "a string, such as confirm='Delete {card}?'"),
        "visibility": _Option(_optional(_is_set_of_texts), "a set of 'model' and 'app', such as visibility={'app'}"),
        "idempotent": _flag("idempotent"),
        "open_world": _flag("open_world"),
        "changes": _Option(_is_text_or_texts, _TOPICS.format("changes")),
    },
    "tile": {
        "title": _TITLE,
        "refresh_seconds": _REFRESH,
        "timeout_seconds": _Option(
            lambda value: _is_number(value) and cast("float", value) > 0,
            "a number of seconds above 0, such as timeout_seconds=10",
        ),
        "width": _Option(lambda value: not _is_bool(value) and value in (1, 2), "1 or 2"),
        "scopes": _Option(_is_set_of_texts, _SCOPES.words),
        "topics": _Option(_is_text_or_texts, _TOPICS.format("topics")),
    },
}


def check_options(decorator: DecoratorName, given: Mapping[str, Any]) -> None:
    """Validate the options of a decorator, as far as possible without the function.

    Args:
        decorator: The name of the decorator.
        given: The options by name.

    Raises:
        ToolError: An option is unknown, or its value has the wrong type.
    """
    options = _OPTIONS[decorator]
    for name, value in given.items():
        option = options.get(name)
        if option is None:
            near = near_miss(name, options) or f" It takes {', '.join(options)}."
            message = f"{decorator}() has no argument {name!r}.{near}"
            raise ToolError(message)
        if not option.fits(value):
            message = f"{decorator}({name}={value!r:.60}): {name} must be {option.words}."
            raise ToolError(message)


def with_access(function: Callable[..., object], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a decorator with `scopes`, `roles` and `allow` combined into one option `access`.

    Raises:
        ToolError: A scope is invalid.
    """
    access = {name: options[name] for name in ("scopes", "roles", "allow") if name in options}
    others = {name: value for name, value in options.items() if name not in access}
    return {**others, "access": AccessRules.of(getattr(function, "__qualname__", "tool"), **access)}
