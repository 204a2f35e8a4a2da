"""Actions as data: the actions that widgets offer, the arguments that widgets send, and the result of an action.

The functions behind actions, and the code that calls them, are in `intarsia.server`.
"""

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, cast

from intarsia.errors import BindError, near_miss
from intarsia.permissions import ALLOWED, Decision, permissions_text

JsonType = Literal["string", "integer", "number", "boolean", "object", "array", "null"]
"""The primitive types of JSON Schema."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of an action."""

    required: bool
    """Whether every call must pass it."""
    json_types: frozenset[JsonType] = frozenset()
    """The accepted JSON types; empty accepts any."""


@dataclass(frozen=True)
class BoundAction:
    """An action with some arguments bound. A widget makes one of `partial(action, ...)`."""

    tool: str
    """The name of the tool to call."""
    title: str
    """The action's display name, such as "Move card"."""
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The bound arguments, as JSON values."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict[str, Parameter])
    """The unbound parameters, which the widget sends."""
    destructive: bool = False
    """Whether the change cannot be undone."""
    app_only: bool = False
    """Whether only Views may call it; the text form then does not offer it to the model."""
    decision: Decision = ALLOWED
    """Whether the user may call it. Set when the widget is read, and used for display only: each call is checked."""

    @property
    def is_refused(self) -> bool:
        """Whether a call would be refused. Its control is then disabled, with the reason."""
        return not self.decision.allowed

    def with_decision(self, decision: Decision) -> Self:
        """Return a copy with an access decision."""
        return replace(self, decision=decision)


class Action(ABC):
    """A function decorated with `@connector.action`. Widgets take it as it is, or bound with `functools.partial`."""

    @abstractmethod
    def bind(self, **arguments: Any) -> BoundAction:
        """Bind arguments by name. Prefer `functools.partial`, which type checkers understand.

        Args:
            arguments: The values, of the types that the function takes.

        Returns:
            The bound action, for a widget to offer.

        Raises:
            BindError: An argument is unknown, or its value is not of the parameter's type.
        """

    @abstractmethod
    def bind_partial(self, given: "partial[Any]") -> BoundAction:
        """Bind the arguments that a `functools.partial` of this action holds.

        Args:
            given: A partial whose function is this action.

        Returns:
            The bound action, for a widget to offer.

        Raises:
            BindError: As for `bind`; or there are more positional arguments than parameters.
        """


if TYPE_CHECKING:
    ActionLike = BoundAction | Action | partial[Coroutine[Any, Any, "Done"]] | partial["Done"]

    class RequiredAction:
        """The type of a required action field.

        Type checkers give a field whose type is a descriptor two types (PEP 681): the value type of `__set__` for
        the constructor, and the return type of `__get__` for the attribute. mypy and pyright both check the arguments
        of `partial(...)` against the signature of the action.
        """

        def __get__(self, instance: object, owner: object) -> BoundAction:
            """Return the bound action."""
            ...

        def __set__(self, instance: object, value: ActionLike) -> None:
            """Accept an action, bound or not."""
            ...

    class OptionalAction:
        """The type of an optional action field."""

        def __get__(self, instance: object, owner: object) -> BoundAction | None:
            """Return the bound action, or `None`."""
            ...

        def __set__(self, instance: object, value: ActionLike | None) -> None:
            """Accept an action, bound or not, or `None`."""
            ...
else:
    ActionLike = BoundAction | Action | partial
    RequiredAction = BoundAction
    OptionalAction = BoundAction | None

NO_ACTION: Any = None
"""The default of an `OptionalAction`. Type checkers would reject a plain `None` as the default of a descriptor type."""


def bound(value: object, where: str) -> object:
    """Bind an action or a partial of one; return any other value unchanged.

    Args:
        value: The value of the field.
        where: The field, such as `TaskBoard.on_move`, for error messages.

    Returns:
        A `BoundAction`, or `value` itself, which the field's own validation then accepts or rejects.

    Raises:
        BindError: The arguments of a partial do not match its action, or it is a partial of another function.
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
    message = f"partial({name}, ...) does not bind an action. Decorate {name!r} with `@connector.action`."
    raise BindError(message)


class DoneRecorder(Protocol):
    """Learns of each `Done` that is made."""

    def record(self, done: "Done") -> None:
        """Note a `Done`.

        Args:
            done: The result, which is complete and valid.
        """
        ...


DONE_RECORDER: ContextVar[DoneRecorder | None] = ContextVar("intarsia_done_recorder", default=None)
"""What learns of each `Done` that is made in this context. The server sets it for the time of a change."""


@dataclass(frozen=True)
class Done:
    """The result of an action: a message, and an action that undoes it.

    Return it from inside `connector.change()`: it is then stored in the same transaction as the change.

    Raises:
        BindError: `undo` is not an action, or has unbound required arguments.
    """

    message: str
    """One plain sentence in the past tense, such as "Moved T-12 to Done."."""
    undo: OptionalAction = NO_ACTION
    """The action that reverts the change, with all arguments, such as `partial(move_card, card=..., column=...)`."""

    def __post_init__(self) -> None:
        self._bind_undo()
        recorder = DONE_RECORDER.get()
        if recorder is not None:
            recorder.record(self)

    def _bind_undo(self) -> None:
        undo = bound(self.undo, "Done.undo")
        if undo is None:
            return
        if not isinstance(undo, BoundAction):
            message = (
                f"Done.undo must be an action with its arguments, as partial(action, ...), not {type(undo).__name__}."
            )
            raise BindError(message)
        # The dataclass is frozen, so assignment would raise.
        object.__setattr__(self, "undo", undo)
        # The undo button sends no arguments, so every required one must be bound now.
        missing = [name for name, parameter in undo.parameters.items() if parameter.required]
        if missing:
            message = f"Done.undo: the action {undo.tool!r} still needs {', '.join(missing)}; bind every argument."
            raise BindError(message)


class Sends:
    """Annotates an action field with the arguments that the widget sends.

    Args:
        required: Name to JSON types of the arguments that are always sent. The action must accept them.
        optional: The same, of arguments that are sent only if the action has such a parameter.
    """

    def __init__(
        self, required: Mapping[str, set[JsonType]], optional: Mapping[str, set[JsonType]] | None = None
    ) -> None:
        self.required = required
        self.optional = dict(optional or {})

    def check(self, action: BoundAction, where: str) -> None:
        """Check that the unbound parameters of an action match the arguments that the widget sends.

        Args:
            action: The action of the field.
            where: The field, such as `TaskBoard.on_move`, for the error message.

        Raises:
            BindError: They do not match. The message names the field, the action, and both lists of names.
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
            # JSON Schema: every integer is a number, so an integer fits a parameter of type `float`.
            is_widened = "number" in takes and "integer" in json_types
            if takes and not takes & json_types and not is_widened:
                return f"{name!r} is sent as {_joined_with_or(json_types)} and taken as {_joined_with_or(takes)}."
        return ""


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(names) or "nothing"


def _joined_with_or(names: "set[JsonType] | frozenset[str]") -> str:
    return " or ".join(sorted(names))


@dataclass(frozen=True)
class ControlRefusal:
    """The reason why controls are disabled, and the scopes that would enable them."""

    reason: str
    """One plain sentence."""
    tool: str
    """The name of one refused tool. Requesting access to it requests the missing scopes."""
    missing_scopes: frozenset[str] = frozenset()
    """The scopes to grant; empty if no further scope would help."""


def refusals_of(actions: Iterable[BoundAction]) -> list[ControlRefusal]:
    """Return the refusals of actions: one for all that lack the same scopes, and one for each other reason."""
    groups: dict[object, list[BoundAction]] = {}
    for action in actions:
        if not action.decision.allowed:
            # Actions that lack the same scopes share one sentence and one button.
            groups.setdefault(action.decision.missing_scopes or action.decision.reason, []).append(action)
    return [_refusal(group) for group in groups.values()]


def _refusal(group: list[BoundAction]) -> ControlRefusal:
    first = group[0]
    missing = first.decision.missing_scopes
    # Several actions may share a title, which is named once.
    titles = list(dict.fromkeys(action.title for action in group))
    if len(titles) == 1 or not missing:
        return ControlRefusal(first.decision.reason, first.tool, missing)
    reason = f"{', '.join(titles[:-1])} and {titles[-1]} need {permissions_text(missing)}."
    return ControlRefusal(reason, first.tool, missing)
