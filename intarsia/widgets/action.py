"""Actions as data: what a widget offers to do, what it sends, and what came of it.

The functions behind them, and the calling of them, live in `intarsia.server`.
"""

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from intarsia.errors import BindError, near_miss
from intarsia.permissions import ALLOWED, Decision

JsonType = Literal["string", "integer", "number", "boolean", "object", "array", "null"]
"""The types that JSON Schema knows."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of an action."""

    required: bool
    """Whether a call must give it."""
    json_types: frozenset[JsonType] = frozenset()
    """The JSON types that it takes; empty means any."""


@dataclass(frozen=True)
class BoundAction:
    """An action with some arguments fixed by the developer: what a widget makes of `partial(action, ...)`."""

    tool: str
    """The name of the tool that is called."""
    title: str
    """What people read, such as "Move card"."""
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the developer bound."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict[str, Parameter])
    """What is left for the widget to send."""
    destructive: bool = False
    """Whether what it changes cannot be brought back."""
    app_only: bool = False
    """Whether it is for people alone, so that no text offers it to a model."""
    decision: Decision = ALLOWED
    """Whether the person it is drawn for may do it. Filled in when the widget is read; nothing follows from it."""

    @property
    def is_refused(self) -> bool:
        """Whether it would be refused, so that its control is disabled and says why."""
        return not self.decision.allowed

    def with_decision(self, decision: Decision) -> Self:
        """Return it with what was decided about it."""
        return replace(self, decision=decision)


class Action(ABC):
    """A function that a connector made into an action. Widgets offer it as it is, or bound with `functools.partial`."""

    @abstractmethod
    def bind(self, **arguments: Any) -> BoundAction:
        """Fix some arguments by name.

        Args:
            arguments: The values, as the function takes them.

        Returns:
            What a widget offers.

        Raises:
            BindError: An argument is unknown, or its value is not of the parameter's type.
        """

    @abstractmethod
    def bind_partial(self, given: "partial[Any]") -> BoundAction:
        """Fix the arguments that a `functools.partial` of this action holds, by name or by position.

        Args:
            given: A partial whose function is this action.

        Returns:
            What a widget offers.

        Raises:
            BindError: As for `bind`; or there are more values by position than parameters.
        """


if TYPE_CHECKING:
    ActionLike = BoundAction | Action | partial[Coroutine[Any, Any, "Done"]] | partial["Done"]

    class RequiredAction:
        """The type of a field that must offer an action.

        Type checkers read a field whose type is a descriptor as two types: `__set__` says what the widget takes,
        `__get__` what its attribute is. Both mypy and pyright look into `partial(...)` and check what it binds.
        """

        def __get__(self, instance: object, owner: object) -> BoundAction:
            """Return what was given, bound."""
            ...

        def __set__(self, instance: object, value: ActionLike) -> None:
            """Take an action, bound or not."""
            ...

    class OptionalAction:
        """The type of a field that may offer an action."""

        def __get__(self, instance: object, owner: object) -> BoundAction | None:
            """Return what was given, bound."""
            ...

        def __set__(self, instance: object, value: ActionLike | None) -> None:
            """Take an action, bound or not."""
            ...
else:
    ActionLike = BoundAction | Action | partial
    RequiredAction = BoundAction
    OptionalAction = BoundAction | None

NO_ACTION: Any = None
"""The default of an `OptionalAction`; checkers would not take `None` itself for one."""


def bound(value: object, where: str) -> object:
    """Return what a field for an action holds: actions and partials of actions are bound, all else stays as it is.

    Args:
        value: What the developer gave.
        where: The field, such as `TaskBoard.on_move`, for errors.

    Raises:
        BindError: What a partial binds does not fit its action, or it is a partial of something else.
    """
    try:
        if isinstance(value, Action):
            return value.bind()
        if isinstance(value, partial):
            return _bound_partial(cast("partial[object]", value))
    except BindError as error:
        message = f"{where}: {error}"
        raise BindError(message) from None
    return value


def _bound_partial(given: "partial[object]") -> BoundAction:
    function: object = given.func
    if isinstance(function, Action):
        return function.bind_partial(given)
    name = getattr(function, "__name__", None) or getattr(function, "name", None) or type(function).__name__
    message = f"partial({name}, ...) is not of an action. Decorate {name!r} with `@connector.action`."
    raise BindError(message)


@dataclass(frozen=True)
class Done:
    """What an action returns: what was done, and how to undo it.

    Raises:
        BindError: The undo is no action, or still needs arguments.
    """

    message: str
    """One plain sentence in the past tense, such as "Moved T-12 to Done."."""
    undo: OptionalAction = NO_ACTION
    """What brings back what was before, with all its arguments, such as `partial(move_card, card=..., column=...)`."""

    def __post_init__(self) -> None:
        undo = bound(self.undo, "Done.undo")
        if undo is None:
            return
        if not isinstance(undo, BoundAction):
            message = (
                f"An undo must be an action with its arguments, as partial(action, ...), not {type(undo).__name__}."
            )
            raise BindError(message)
        object.__setattr__(self, "undo", undo)
        missing = [name for name, parameter in undo.parameters.items() if parameter.required]
        if missing:
            message = f"The undo {undo.tool!r} still needs {', '.join(missing)}; bind every argument."
            raise BindError(message)


class Sends:
    """Marks a field that offers an action: what the widget sends to it.

    Args:
        required: Name to JSON types of what is always sent and must be taken.
        optional: What is sent only if the action takes it.
    """

    def __init__(
        self, required: Mapping[str, set[JsonType]], optional: Mapping[str, set[JsonType]] | None = None
    ) -> None:
        self.required = required
        self.optional = dict(optional or {})

    def check(self, action: BoundAction, where: str) -> None:
        """Check that what the action leaves unbound is what the widget sends.

        Raises:
            BindError: Names the place, the action, what is sent and what is left.
        """
        sent = {**self.required, **self.optional}
        left = action.parameters
        problem = self._problem(left, sent)
        if problem:
            leaves = f"the action {action.tool!r} leaves {_listed(left)} unbound"
            message = f"{where} sends {_listed(sent)}, but {leaves}: {problem}"
            raise BindError(message)

    def _problem(self, left: Mapping[str, Parameter], sent: Mapping[str, set[JsonType]]) -> str:
        for name, parameter in left.items():
            if name not in sent and parameter.required:
                return f"bind {name!r}, which is never sent.{near_miss(name, set(sent))}"
        for name in self.required:
            if name not in left:
                return f"the action must take {name!r} and leave it unbound."
        for name, json_types in sent.items():
            takes: frozenset[JsonType] = left[name].json_types if name in left else frozenset()
            is_widened = "number" in takes and "integer" in json_types
            if takes and not takes & json_types and not is_widened:
                return f"{name!r} is sent as {_or(json_types)} and taken as {_or(takes)}."
        return ""


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(names) or "nothing"


def _or(names: "set[JsonType] | frozenset[str]") -> str:
    return " or ".join(sorted(names))


@dataclass(frozen=True)
class ControlRefusal:
    """Why controls are disabled, and what would help."""

    reason: str
    """One plain sentence."""
    tool: str
    """One of the tools that are refused: asking for it asks for the scopes."""
    missing_scopes: frozenset[str] = frozenset()
    """What to grant; empty when granting helps nothing."""


def refusals_of(actions: Iterable[BoundAction]) -> list[ControlRefusal]:
    """Say why actions are refused: once for all that lack the same scopes, and once for each other reason."""
    groups: dict[object, list[BoundAction]] = {}
    for action in actions:
        if not action.decision.allowed:
            groups.setdefault(action.decision.missing_scopes or action.decision.reason, []).append(action)
    return [_refusal(group) for group in groups.values()]


def _refusal(group: list[BoundAction]) -> ControlRefusal:
    first = group[0]
    missing = first.decision.missing_scopes
    titles = list(dict.fromkeys(action.title for action in group))
    if len(titles) == 1 or not missing:
        return ControlRefusal(first.decision.reason, first.tool, missing)
    reason = f"{', '.join(titles[:-1])} and {titles[-1]} need {' and '.join(sorted(missing))}."
    return ControlRefusal(reason, first.tool, missing)
