"""Filters of a widget: selects whose names are parameters of the widget's own tool."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Protocol, TypeVar, cast

from intarsia.errors import ToolError, near_miss
from intarsia.widgets.action import JsonType, Parameter
from intarsia.widgets.select import Option, Select, label_from
from intarsia.widgets.widget import Widget

W = TypeVar("W", bound=Widget)


@dataclass(frozen=True)
class FiltersOf:
    """Marks a field of filters. A string in it is replaced by a select for the tool's parameter with that name."""


Filters = Annotated[Sequence[Select | str], FiltersOf()]
"""The type of a field whose controls set arguments of the widget's own tool."""


class Filtered(Protocol):
    """A tool that is called again when the user changes a filter of its widget."""

    @property
    def name(self) -> str:
        """The name of the tool, for error messages."""
        ...

    def filter_parameters(self) -> Mapping[str, Parameter]:
        """Return the parameters by name, each with whether it is required and the JSON types that it accepts."""
        ...

    def choices_of(self, name: str) -> Sequence[str]:
        """Return the values of a parameter whose type is a `Literal` of strings or numbers; empty for other types."""
        ...

    def can_be_none(self, name: str) -> bool:
        """Return whether a parameter is `None` when it is omitted."""
        ...


_WRITTEN_AS_TEXT: frozenset[JsonType] = frozenset({"string", "integer", "number", "boolean"})
"""The JSON types whose values a select can send: text for a number or a boolean has one meaning (decision 0044)."""


@cache
def filter_fields(found: type[Any]) -> tuple[str, ...]:
    """Return the names of the fields of a class of widgets that hold filters."""
    fields = cast("type[Widget]", found).model_fields.items()
    return tuple(name for name, field in fields if any(isinstance(mark, FiltersOf) for mark in field.metadata))


def with_filters(widget: W, tool: Filtered, arguments: Mapping[str, Any]) -> W:
    """Return a widget whose filters show the arguments of its tool. Filters of nested widgets are not changed.

    Args:
        widget: The widget.
        tool: The tool of the widget.
        arguments: The arguments of the call.

    Raises:
        ToolError: A filter is not a parameter of the tool, or the parameter does not accept strings.
    """
    changes: dict[str, Any] = {}
    parameters = tool.filter_parameters()
    for name in filter_fields(cast("Any", type(widget))):
        if items := getattr(widget, name):
            changes[name] = [_standing(item, tool, parameters, arguments) for item in items]
    return widget.model_copy(update=changes) if changes else widget


def select_for(tool: Filtered, name: str) -> Select:
    """Build the select for a parameter whose type is a `Literal` of strings or numbers.

    Raises:
        ToolError: There is no such parameter, or its type has no fixed set of values.
    """
    known = set(tool.filter_parameters())
    if name not in known:
        message = f"{tool.name} has no parameter {name!r} to filter by.{near_miss(name, known)}"
        raise ToolError(message)
    choices = tool.choices_of(name)
    if not choices:
        message = (
            f"{tool.name}: the filter {name!r} needs options, because its type is no Literal of texts. "
            f"Use Select({name!r}, ...)."
        )
        raise ToolError(message)
    options = [Option(choice, label_from(choice)) for choice in choices]
    return Select(name, options=options, placeholder="Any" if tool.can_be_none(name) else "")


def _standing(
    given: Select | str, tool: Filtered, parameters: Mapping[str, Parameter], arguments: Mapping[str, Any]
) -> Select:
    select = select_for(tool, given) if isinstance(given, str) else given
    parameter = parameters.get(select.name)
    if parameter is None:
        message = f"{tool.name}: the filter {select.name!r} is no parameter of the tool; name one of its parameters."
        raise ToolError(message)
    if parameter.json_types and not parameter.json_types & _WRITTEN_AS_TEXT:
        message = (
            f"{tool.name}: the filter {select.name!r} sends text, but the parameter takes "
            f"{' or '.join(sorted(parameter.json_types))}. Make it a `str`, a number or a Literal."
        )
        raise ToolError(message)
    # A required argument cannot be left out, so the select offers no empty choice.
    changes: dict[str, Any] = {"placeholder": ""} if parameter.required else {}
    value = arguments.get(select.name)
    if value is not None:
        chosen, options = _text_of(value), select.choices
        # The current value is shown even if it is none of the options, so that the filter does not show another one.
        if all(option.value != chosen for option in options):
            options = [*options, Option(chosen, chosen)]
        changes |= {"options": options, "value": chosen}
    return select.model_copy(update=changes) if changes else select


def _text_of(value: object) -> str:
    """Return a JSON value as the text of an option: 2.0 is the option "2", and `True` is "true"."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
