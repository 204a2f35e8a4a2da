"""Tools: the objects that a connector's decorators make of functions.

`intarsia.server.calls.handler` calls them for clients, and checks access and arguments first.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Generic, Literal, ParamSpec, TypeVar, cast, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from intarsia.errors import ArgumentError, BindError, ToolError, near_miss
from intarsia.permissions import Grant
from intarsia.server.tools.access_rules import UNDECLARED, AccessRules, checked_scopes
from intarsia.server.tools.arguments import (
    adapter_of,
    arguments_model,
    filled,
    grant_parameter,
    schema_of,
    type_hints,
    values_of,
)
from intarsia.server.tools.json_schema import listed_name, listed_schema, parameters_of
from intarsia.server.tools.lenient_json import Reader
from intarsia.server.tools.questions import checked_question
from intarsia.server.tools.threads import POOL
from intarsia.server.tools.topics import checked_topics
from intarsia.server.tools.visibility import ALL_AUDIENCES, Audience, checked_visibility
from intarsia.widgets import WIDGETS, BoundAction, Done, PendingTile, Widget
from intarsia.widgets.action import Action, Parameter
from intarsia.widgets.select import label_from

P = ParamSpec("P")
R = TypeVar("R")
Shown = TypeVar("Shown", bound=Widget | Coroutine[Any, Any, Widget])
"""The return type of a widget function: the widget, or a coroutine that returns it."""
AsyncDone = Coroutine[Any, Any, Done]
Acted = TypeVar("Acted", bound=Done | AsyncDone)
"""The return type of an action function: `Done`, or a coroutine that returns it."""

MIN_REFRESH_SECONDS = 3
"""The minimum refresh interval in seconds: an open View makes at most 20 calls a minute."""

_TEXT_PAGE = {
    "type": "integer",
    "minimum": 1,
    "default": 1,
    "description": "The page of the text to return, if the text is long.",
}

STRUCTURED_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "tool": {"type": "string", "description": "The widget tool."},
        "arguments": {"type": "object", "description": "Its arguments, with defaults."},
        "revision": {"type": "string", "description": "When it was read."},
    },
}
"""The schema of the structured content of widget tools. Nothing is required: a tool that is text only has none."""


class Tool:
    """A named function with the schema of its arguments and its access rules."""

    def __init__(self, function: Callable[..., Any], title: str | None, access: AccessRules) -> None:
        _check_function(function)
        self.function = function
        self.is_async = inspect.iscoroutinefunction(function)
        self.name = function.__name__
        self.title = title or label_from(self.name)
        self.description = inspect.cleandoc(function.__doc__ or "")
        if not self.description:
            message = f"{function.__qualname__} needs a docstring: it tells users and models what the tool does."
            raise ToolError(message)
        self.model = arguments_model(function)
        self.scopes, self.roles, self.allow = access.scopes, access.roles, access.allow
        self.is_declared = access.is_declared
        self.visibility: frozenset[Audience] = ALL_AUDIENCES
        self._grant_parameter = grant_parameter(function)
        self.__doc__ = function.__doc__

    @property
    def knows_person(self) -> bool:
        """Whether the function has a parameter of type `Grant`."""
        return self._grant_parameter is not None

    @property
    def is_app_only(self) -> bool:
        """Whether only a View may call it, and not the model."""
        return "model" not in self.visibility

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the arguments."""
        return self._make_schema()

    def _make_schema(self) -> dict[str, Any]:
        return listed_schema(schema_of(self.model))

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """Each parameter's name with whether it is required and its accepted JSON types."""
        return parameters_of(schema_of(self.model))

    async def run(self, arguments: BaseModel, grant: Grant) -> Any:
        """Call the function; in a thread, if it is synchronous.

        Args:
            arguments: The validated arguments.
            grant: The caller, for the function's parameter of type `Grant`.

        Returns:
            The function's return value.
        """
        given = values_of(arguments)
        if self._grant_parameter is not None:
            given[self._grant_parameter] = grant
        return await (self.function(**given) if self.is_async else self._run_in_thread(partial(self.function, **given)))

    def _run_in_thread(self, work: "partial[Any]") -> Awaitable[Any]:
        return POOL.read(work)


class WidgetTool(Tool, Generic[P, Shown]):
    """A tool whose function returns a widget. It only reads, and may be called again at any time."""

    def __init__(
        self,
        function: Callable[P, Shown],
        title: str | None = None,
        refresh_seconds: float | None = None,
        access: AccessRules = UNDECLARED,
        topics: str | Sequence[str] = (),
    ) -> None:
        super().__init__(function, title, access)
        self.refresh_seconds = _checked_refresh(refresh_seconds, self.name)
        self.topics = checked_topics(self.name, "topics", topics, self.model.model_fields)
        self.widget_type = _returned(function, Widget)

    def __call__(self, *values: P.args, **arguments: P.kwargs) -> Shown:
        """Call the undecorated function."""
        return cast("Shown", self.function(*values, **arguments))

    def _make_schema(self) -> dict[str, Any]:
        schema = super()._make_schema()
        return {**schema, "properties": {**schema.get("properties", {}), "text_page": _TEXT_PAGE}}

    def with_page(self, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
        """Return the function's arguments, and the page of the text that is wanted.

        Raises:
            ArgumentError: The page is not a whole number from 1.
        """
        given = dict(arguments)
        sent = {"text_page": given.pop("text_page")} if "text_page" in given else {}
        page = Reader({"properties": {"text_page": _TEXT_PAGE}}).read(sent)[0].get("text_page", 1)
        if not isinstance(page, int) or isinstance(page, bool) or page < 1:
            message = "text_page must be a whole number from 1."
            raise ArgumentError(message)
        return given, page

    def filter_parameters(self) -> Mapping[str, Parameter]:
        """Return the parameters that the widget's filters can set."""
        return self.parameters

    def choices_of(self, name: str) -> list[str]:
        """Return the values of a parameter whose type is a `Literal` of strings or numbers; empty for other types."""
        return _literals(self._field(name).annotation)

    def can_be_none(self, name: str) -> bool:
        """Return whether the default of a parameter is `None`."""
        return self._field(name).default is None

    def _field(self, listed: str) -> FieldInfo:
        return next(field for name, field in self.model.model_fields.items() if listed_name(name, field) == listed)


@dataclass(frozen=True)
class _Form:
    """The notation of a binding, for error messages: `move.bind(...)` or `partial(move, ...)`."""

    begin: str
    inside: str

    def __str__(self) -> str:
        return f"{self.begin}{self.inside})"


class ActionTool(Tool, Action, Generic[P, Acted]):
    """A tool whose function changes data and returns `Done`."""

    def __init__(  # noqa: PLR0913  # each is an option of the decorator
        self,
        function: Callable[P, Acted],
        title: str | None = None,
        access: AccessRules = UNDECLARED,
        *,
        destructive: bool = False,
        confirm: str | None = None,
        visibility: AbstractSet[Audience] | None = None,
        idempotent: bool = False,
        open_world: bool = False,
        changes: str | Sequence[str] = (),
    ) -> None:
        super().__init__(function, title, access)
        self.changes = checked_topics(self.name, "changes", changes, self.model.model_fields)
        self.destructive, self.idempotent, self.open_world = destructive, idempotent, open_world
        self.visibility = checked_visibility(self.name, visibility, destructive=destructive)
        self.question = self._checked_question(confirm)
        _returned(function, Done)

    def _checked_question(self, confirm: str | None) -> str | None:
        """Return the confirmation question, or `None` if the user need not confirm."""
        if confirm is None:
            # The question is a format string, so braces of the title are escaped.
            plain_title = self.title.replace("{", "{{").replace("}", "}}")
            return f"{plain_title}?" if self.destructive and self.is_app_only else None
        if not self.destructive:
            message = f"{self.name}: confirm is for destructive actions; add destructive=True."
            raise ToolError(message)
        return checked_question(confirm, self.name, self.model.model_fields)

    def __call__(self, *values: P.args, **arguments: P.kwargs) -> Acted:
        """Call the undecorated function."""
        return cast("Acted", self.function(*values, **arguments))

    def _run_in_thread(self, work: "partial[Any]") -> Awaitable[Any]:
        return POOL.change(work)

    def bind(self, **arguments: Any) -> BoundAction:
        """Bind arguments by name. Prefer `functools.partial`, which type checkers understand.

        Args:
            arguments: The values, of the types that the function takes.

        Returns:
            The bound action, for a widget to offer.

        Raises:
            BindError: An argument is unknown, or its value is not of the parameter's type.
        """
        return self._bound(arguments, _Form(f"{self.name}.bind(", ""))

    def bind_partial(self, given: "partial[Any]") -> BoundAction:
        """Bind the arguments that a `functools.partial` of this action holds.

        Args:
            given: A partial whose function is this action.

        Returns:
            The bound action, for a widget to offer.

        Raises:
            BindError: As for `bind`; or there are more positional arguments than parameters.
        """
        form = _Form(f"partial({self.name}, ", "...")
        names = list(inspect.signature(self.function).parameters)
        if len(given.args) > len(names):
            takes = f"takes {len(names)}: {', '.join(names)}" if names else "takes no arguments"
            message = f"{form} binds {len(given.args)} values by position, and {self.name} {takes}."
            raise BindError(message)
        by_position = dict(zip(names, given.args, strict=False))
        if twice := by_position.keys() & given.keywords.keys():
            message = f"{form} binds {min(twice)!r} twice, by position and by name."
            raise BindError(message)
        return self._bound({**by_position, **given.keywords}, form)

    def _bound(self, arguments: dict[str, Any], form: "_Form") -> BoundAction:
        for name, value in arguments.items():
            self._check_bound(name, value, form)
        fields = self.model.model_fields
        sent = {listed_name(name, fields[name]): value for name, value in to_jsonable_python(arguments).items()}
        left = {name: parameter for name, parameter in self.parameters.items() if name not in sent}
        return BoundAction(self.name, self.title, sent, left, self.destructive, self.is_app_only)

    @cached_property
    def _adapters(self) -> Mapping[str, TypeAdapter[object]]:
        hints = type_hints(self.function)
        return {name: adapter_of(hints[name]) for name in self.model.model_fields}

    def as_given(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments that a widget already knows, as Python values for the function.

        Optional parameters have their defaults. Required ones that depend on the user's input are missing.
        """
        fields = self.model.model_fields
        optional = {name: field for name, field in fields.items() if not field.is_required()}
        known = {name: field.get_default(call_default_factory=True) for name, field in optional.items()}
        listed = {name: listed_name(name, field) for name, field in fields.items()}
        sent = {name: arguments[called] for name, called in listed.items() if called in arguments}
        return known | {name: self._adapters[name].validate_python(value) for name, value in sent.items()}

    def _check_bound(self, name: str, value: object, form: "_Form") -> None:
        if name == self._grant_parameter:
            message = f"{form} cannot bind {name!r}, which the server sets; leave it out."
            raise BindError(message)
        if name not in self.model.model_fields:
            message = f"{form} has no argument {name!r}.{near_miss(name, set(self.model.model_fields))}"
            raise BindError(message)
        try:
            # Strict, because coercing a value that the developer bound would hide a mistake.
            self._adapters[name].validate_python(value, strict=True)
        except ValidationError as error:
            message = f"{form.begin}{name}={value!r}): {error.errors()[0]['msg']}."
            raise BindError(message) from None


class TileFunction(Generic[P]):
    """A function that loads one tile. Calling it returns a `PendingTile`, which the connector loads with the others."""

    def __init__(
        self,
        function: Callable[P, Widget | Awaitable[Widget]],
        title: str | None = None,
        refresh_seconds: float | None = None,
        timeout_seconds: float = 10,
        width: Literal[1, 2] = 1,
        scopes: AbstractSet[str] = frozenset(),
        topics: str | Sequence[str] = (),
    ) -> None:
        _check_function(function)
        _returned(function, Widget)
        self.function = function
        self.is_async = inspect.iscoroutinefunction(function)
        self.name = function.__name__
        self.title = title or label_from(self.name)
        self.refresh_seconds = _checked_refresh(refresh_seconds, self.name)
        self.timeout_seconds = timeout_seconds
        self.width: Literal[1, 2] = width
        self.scopes = checked_scopes(self.name, scopes)
        self._signature = inspect.signature(function)
        self.topics = checked_topics(self.name, "topics", topics, self._signature.parameters)
        self.__doc__ = function.__doc__

    def __call__(self, *values: P.args, **arguments: P.kwargs) -> PendingTile:
        """Return a tile to load with these arguments."""
        return PendingTile(
            self.name,
            self.title,
            lambda: self._load(partial(self.function, *values, **arguments)),
            self.refresh_seconds,
            self.timeout_seconds,
            self.width,
            self.scopes,
            self._topics_of(values, arguments) if self.topics else frozenset(),
        )

    def _load(self, work: "partial[Widget | Awaitable[Widget]]") -> Awaitable[Widget]:
        if self.is_async:
            return cast("Awaitable[Widget]", work())
        return POOL.read(cast("partial[Widget]", work), self.timeout_seconds)

    def _topics_of(self, values: tuple[Any, ...], arguments: Mapping[str, Any]) -> frozenset[str]:
        given = self._signature.bind(*values, **arguments)
        given.apply_defaults()
        return filled(self.topics, given.arguments)


def _check_function(function: Callable[..., Any]) -> None:
    if not inspect.isroutine(function):
        message = (
            f"A tool is made from a function, not from {type(function).__name__} {function!r:.60}. "
            "Pass options by name, such as title='Team board'."
        )
        raise ToolError(message)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        message = f"{function.__qualname__} must return once; a function with `yield` cannot be a tool."
        raise ToolError(message)


def _checked_refresh(seconds: float | None, name: str) -> float | None:
    if seconds is not None and not seconds >= MIN_REFRESH_SECONDS:
        message = f"{name}: refresh_seconds must be at least {MIN_REFRESH_SECONDS}, not {seconds!r}."
        raise ToolError(message)
    return seconds


def _returned(function: Callable[..., Any], wanted: type[R]) -> type[R]:
    returned = type_hints(function).get("return")
    name = function.__qualname__
    if not (isinstance(returned, type) and issubclass(returned, wanted)):
        what = "a widget: add `-> TaskBoard` or another" if wanted is Widget else f"Done: add `-> {wanted.__name__}`"
        # The return type decides the template and the listed metadata before the function is ever called.
        message = f"{name} must declare that it returns {what}."
        raise ToolError(message)
    if wanted is Widget and returned not in (Widget, *WIDGETS):
        shown = ", ".join(widget.__name__ for widget in WIDGETS)
        message = f"{name} returns {returned.__name__}, which has no template of its own. Return one of {shown}."
        raise ToolError(message)
    return returned


def _literals(annotation: Any) -> list[str]:
    # An alias made by a `type` statement (PEP 695).
    if hasattr(annotation, "__value__"):
        annotation = annotation.__value__
    arguments = get_args(annotation)
    if getattr(annotation, "__origin__", None) is Literal:
        return [str(choice) for choice in arguments if isinstance(choice, str | int) and not isinstance(choice, bool)]
    return [choice for part in arguments for choice in _literals(part)]
