"""Functions as tools: what the decorators of a connector make of a developer's function.

Nothing is called from outside here; see `intarsia.server.calls.handler`.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any, Generic, Literal, ParamSpec, TypeVar, cast, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from intarsia.errors import BindError, ToolError, near_miss
from intarsia.permissions import Grant
from intarsia.server.tools.access_rules import UNDECLARED, AccessRules, checked_scopes
from intarsia.server.tools.arguments import (
    arguments_model,
    filled,
    grant_parameter,
    input_schema,
    parameters_of,
    type_hints,
    values_of,
)
from intarsia.server.tools.questions import checked_question
from intarsia.server.tools.topics import checked_topics
from intarsia.server.tools.visibility import EVERYBODY, Audience, checked_visibility
from intarsia.widgets import WIDGETS, BoundAction, Done, Option, PendingTile, Select, Widget
from intarsia.widgets.action import Parameter
from intarsia.widgets.select import label_from

P = ParamSpec("P")
W = TypeVar("W", bound=Widget)
R = TypeVar("R")

MIN_REFRESH_SECONDS = 3
"""An open View makes at most 20 calls a minute, so nothing can be read more often."""

_TEXT_PAGE = {
    "type": "integer",
    "minimum": 1,
    "default": 1,
    "description": "Which page of the text to answer with, when it is long.",
}


class Tool:
    """A function under a name, with the schema of its arguments."""

    def __init__(self, function: Callable[..., Awaitable[Any]], title: str | None, access: AccessRules) -> None:
        _check_function(function)
        self.function = function
        self.name = function.__name__
        self.title = title or label_from(self.name)
        self.description = inspect.cleandoc(function.__doc__ or "")
        if not self.description:
            message = f"{function.__qualname__} needs a docstring: it tells people and models what the tool does."
            raise ToolError(message)
        self.model = arguments_model(function)
        self.scopes, self.roles, self.allow = access.scopes, access.roles, access.allow
        self.is_declared = access.is_declared
        self.visibility: frozenset[Audience] = EVERYBODY
        self._grant_parameter = grant_parameter(function)
        self.__doc__ = function.__doc__

    @property
    def knows_person(self) -> bool:
        """Whether the function is told who calls."""
        return self._grant_parameter is not None

    @property
    def is_app_only(self) -> bool:
        """Whether only a View may call it, for a person."""
        return "model" not in self.visibility

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the arguments."""
        return self._make_schema()

    def _make_schema(self) -> dict[str, Any]:
        return input_schema(self.model)

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """Each parameter with whether it must be given and which JSON types it takes."""
        return parameters_of(self.model)

    async def run(self, arguments: BaseModel, grant: Grant) -> Any:
        """Call the function with checked arguments, for somebody."""
        given = values_of(arguments)
        if self._grant_parameter is not None:
            given[self._grant_parameter] = grant
        return await self.function(**given)


class WidgetTool(Tool, Generic[P, W]):
    """A tool whose function returns a widget. It only reads, and may be called again at any time."""

    def __init__(
        self,
        function: Callable[P, Awaitable[W]],
        title: str | None = None,
        refresh_seconds: float | None = None,
        access: AccessRules = UNDECLARED,
        topics: str | Sequence[str] = (),
    ) -> None:
        super().__init__(function, title, access)
        self.refresh_seconds = _checked_refresh(refresh_seconds, self.name)
        self.topics = checked_topics(self.name, "topics", topics, self.model.model_fields)
        self.widget_type = _returned(function, Widget)

    async def __call__(self, *values: P.args, **arguments: P.kwargs) -> W:
        """Call the function itself, as if it were not decorated."""
        return cast("W", await self.function(*values, **arguments))

    def _make_schema(self) -> dict[str, Any]:
        schema = super()._make_schema()
        return {**schema, "properties": {**schema.get("properties", {}), "text_page": _TEXT_PAGE}}

    def select_for(self, name: str) -> Select:
        """Make a select of a parameter whose type is a closed set.

        Raises:
            ToolError: There is no such parameter, or its type is open.
        """
        field = self.model.model_fields.get(name)
        if field is None:
            message = (
                f"{self.name} has no parameter {name!r} to filter by.{near_miss(name, set(self.model.model_fields))}"
            )
            raise ToolError(message)
        choices = _literals(field.annotation)
        if not choices:
            message = (
                f"{self.name}: the filter {name!r} needs options, because its type is no Literal of texts. "
                f"Use Select({name!r}, ...)."
            )
            raise ToolError(message)
        options = [Option(choice, label_from(choice)) for choice in choices]
        return Select(name, options=options, placeholder="Any" if field.default is None else "")


class ActionTool(Tool, Generic[P]):
    """A tool whose function changes something and says what was done."""

    def __init__(  # noqa: PLR0913  # each is an option of the decorator
        self,
        function: Callable[P, Awaitable[Done]],
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
        """What a person is asked before it is done, if they are."""
        if confirm is None:
            plain_title = self.title.replace("{", "{{").replace("}", "}}")
            return f"{plain_title}?" if self.destructive and self.is_app_only else None
        if not self.destructive:
            message = f"{self.name}: confirm is for actions that destroy; add destructive=True."
            raise ToolError(message)
        return checked_question(confirm, self.name, self.model.model_fields)

    async def __call__(self, *values: P.args, **arguments: P.kwargs) -> Done:
        """Call the function itself, as if it were not decorated."""
        return cast("Done", await self.function(*values, **arguments))

    def bind(self, **arguments: Any) -> BoundAction:
        """Fix some arguments, so that a widget can offer the action.

        Raises:
            BindError: An argument is unknown, or its value is not of the parameter's type.
        """
        for name, value in arguments.items():
            self._check_bound(name, value)
        left = {name: parameter for name, parameter in self.parameters.items() if name not in arguments}
        return BoundAction(
            self.name, self.title, to_jsonable_python(arguments), left, self.destructive, self.is_app_only
        )

    @cached_property
    def _adapters(self) -> Mapping[str, TypeAdapter[object]]:
        hints = type_hints(self.function)
        return {name: TypeAdapter[object](hints[name]) for name in self.model.model_fields}

    def as_given(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return arguments as the function would get them, as far as a widget knows them before it is used.

        Parameters that the call need not name have their defaults; those that only the person's hand will say are
        left out.
        """
        fields = self.model.model_fields
        optional = {name: field for name, field in fields.items() if not field.is_required()}
        known = {name: field.get_default(call_default_factory=True) for name, field in optional.items()}
        sent = {name: value for name, value in arguments.items() if name in fields}
        return known | {name: self._adapters[name].validate_python(value) for name, value in sent.items()}

    def _check_bound(self, name: str, value: object) -> None:
        field = self.model.model_fields.get(name)
        if field is None:
            message = f"{self.name}.bind() has no argument {name!r}.{near_miss(name, set(self.model.model_fields))}"
            raise BindError(message)
        try:
            self._adapters[name].validate_python(value, strict=True)
        except ValidationError as error:
            message = f"{self.name}.bind({name}={value!r}): {error.errors()[0]['msg']}."
            raise BindError(message) from None


class TileFunction(Generic[P]):
    """A function that reads one tile. Calling it says which tile to read; the connector reads it, beside the others."""

    def __init__(
        self,
        function: Callable[P, Awaitable[Widget]],
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
        """Say which tile to read."""
        return PendingTile(
            self.name,
            self.title,
            lambda: self.function(*values, **arguments),
            self.refresh_seconds,
            self.timeout_seconds,
            self.width,
            self.scopes,
            self._topics_of(values, arguments) if self.topics else frozenset(),
        )

    def _topics_of(self, values: tuple[Any, ...], arguments: Mapping[str, Any]) -> frozenset[str]:
        given = self._signature.bind(*values, **arguments)
        given.apply_defaults()
        return filled(self.topics, given.arguments)


def _check_function(function: Callable[..., Any]) -> None:
    if not inspect.isroutine(function):
        message = (
            f"A tool is made of an `async def` function, not of {type(function).__name__} {function!r:.60}. "
            "Options go by name, such as title='Team board'."
        )
        raise ToolError(message)
    if not inspect.iscoroutinefunction(function):
        message = f"{function.__qualname__} must be `async def`: a slow function would hold up every other call."
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
        message = f"{name} must say that it returns {what}."
        raise ToolError(message)
    if wanted is Widget and returned not in (Widget, *WIDGETS):
        shown = ", ".join(widget.__name__ for widget in WIDGETS)
        message = f"{name} returns {returned.__name__}, which cannot be shown by itself. Return one of {shown}."
        raise ToolError(message)
    return returned


def _literals(annotation: Any) -> list[str]:
    if hasattr(annotation, "__value__"):
        annotation = annotation.__value__
    arguments = get_args(annotation)
    if getattr(annotation, "__origin__", None) is Literal:
        return [choice for choice in arguments if isinstance(choice, str)]
    return [choice for part in arguments for choice in _literals(part)]
