"""Finds the fields of a class that can hold widgets, from their annotations. An unclear annotation is an error.

Redaction, control permissions and everything else that visits widgets follow these places and no others. A widget
elsewhere would be shown to every user, so none may be missed (decision 0030).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, MutableSequence, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import reduce
from ipaddress import IPv4Address, IPv6Address
from pathlib import PurePath
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)
from uuid import UUID

from pydantic import AnyUrl, BaseModel, JsonValue, SkipValidation
from pydantic.fields import FieldInfo

from intarsia.errors import WidgetError
from intarsia.widgets.action import BoundAction
from intarsia.widgets.values import Money

PLAIN = (
    str, bytes, int, float, complex, Decimal, date, time, timedelta, UUID, PurePath, IPv4Address, IPv6Address, AnyUrl,
    Money,
)  # fmt: skip
"""Classes whose values, and those of subclasses, contain no other values."""

ATOMS = frozenset({str, bytes, int, float, bool, NoneType})
"""Types whose values contain no other values. Subclasses may, so the exact type is compared."""

_LISTS = (list, tuple, set, frozenset, Sequence, MutableSequence, Collection, AbstractSet)
_MAPPINGS = (dict, Mapping, MutableMapping)
_REMEDY = (
    "Name what it holds: widget classes, plain values such as str, int or date, or lists, tuples, mappings, optionals "
    "and frozen data classes of these."
)


class Held:
    """A node in a tree of widgets: a widget, or a placeholder for one that is not read yet."""

    __slots__ = ()

    @classmethod
    def find_places(cls) -> "Places":
        """Return the fields that may hold widgets; by default none."""
        return ()


@dataclass(frozen=True)
class HiddenLeftOut:
    """Marks a field whose hidden widgets are removed without a note, even where a note is accepted."""


@dataclass(frozen=True)
class Place:
    """What one field, or one item of a field, accepts."""

    held: tuple[type[Held], ...] = ()
    """The accepted classes of widgets."""
    is_optional: bool = False
    """Whether `None` is accepted."""
    is_item: bool = False
    """Whether it is an item of a collection of any length, so that it can be removed."""
    leaves_out: bool = False
    """Whether the field is marked with `HiddenLeftOut`."""
    items: "Place | None" = None
    """What the items of a list, tuple or set accept, if they may hold widgets."""
    values: "Place | None" = None
    """What the values of a mapping accept, if they may hold widgets."""
    models: tuple[type, ...] = ()
    """The accepted data classes and models. The places in a value are those of its actual class."""

    @property
    def is_empty(self) -> bool:
        """Whether no widget can be at this place or below it."""
        return not (self.held or self.models or self.items or self.values)

    def takes(self, thing: Held) -> bool:
        """Return whether a widget is accepted here."""
        return isinstance(thing, self.held)

    def __or__(self, other: "Place") -> "Place":
        return Place(
            self.held + other.held,
            self.is_optional or other.is_optional,
            self.is_item or other.is_item,
            self.leaves_out or other.leaves_out,
            _either(self.items, other.items),
            _either(self.values, other.values),
            self.models + other.models,
        )


def _either(one: Place | None, other: Place | None) -> Place | None:
    if one is None or other is None:
        return one or other
    # Items of a fixed-length tuple cannot be removed, so in a union with one, items cannot be removed either.
    return replace(one | other, is_item=one.is_item and other.is_item)


NOWHERE = Place()
Places = tuple[tuple[str, Place], ...]
"""The names of fields that may hold widgets, each with its place."""


def place_of(field: FieldInfo, where: str) -> Place:
    """Return what a field of a model accepts.

    Args:
        field: The field.
        where: The name of the field, for error messages.

    Raises:
        WidgetError: The annotation does not determine it.
    """
    _check_metadata(field.metadata, where)
    found = _Reader(where).read(field.annotation)
    if found.is_empty:
        _check_constant(field.get_default(), where)
    marks = any(isinstance(mark, HiddenLeftOut) for mark in field.metadata)
    return _marked(found) if marks else found


def _marked(place: Place) -> Place:
    items = _marked(place.items) if place.items else None
    values = _marked(place.values) if place.values else None
    return replace(place, leaves_out=True, items=items, values=values)


def places_of_model(model: type[Any]) -> Places:
    """Return the places of a frozen model or data class that is not a widget.

    Args:
        model: The class.

    Raises:
        WidgetError: An annotation does not determine the places, or the class has some and is not frozen.
    """
    name = model.__name__
    if issubclass(model, BaseModel):
        check_model(model, name)
        found = [(key, place_of(field, f"{name}.{key}")) for key, field in model.model_fields.items()]
        is_frozen = bool(model.model_config.get("frozen"))
    else:
        hints = _hints(model, name)
        names = [each.name for each in fields(model)]
        found = [(key, _Reader(f"{name}.{key}").read(hints[key])) for key in names]
        is_frozen = bool(model.__dataclass_params__.frozen)
    places = tuple((key, place) for key, place in found if not place.is_empty)
    if places and not is_frozen:
        message = f"{name} holds widgets in {places[0][0]!r}, so it must be frozen: what is hidden must not come back."
        raise WidgetError(message)
    return places


def check_model(model: type[BaseModel], name: str) -> None:
    """Check that a model can hold widgets only in its declared fields.

    Raises:
        WidgetError: The model accepts extra fields, has private attributes, or has a forward reference that is not
            resolved.
    """
    if model.model_config.get("extra") == "allow":
        message = f"{name} takes fields that it does not name, and those may hold widgets. Use extra='forbid'."
        raise WidgetError(message)
    if private := next(iter(model.__private_attributes__), None):
        message = f"{name}.{private} is private, and what it holds is not visited. Make it a field or a property."
        raise WidgetError(message)
    if not model.__pydantic_fields_complete__:
        message = f"{name} names a type that is not known where the class is defined. Import it, or define it before."
        raise WidgetError(message)
    for key in model.__class_vars__:
        _check_constant(vars(model).get(key), f"{name}.{key}")


def _check_metadata(metadata: Collection[object], where: str) -> None:
    kind = cast("type[Any]", SkipValidation)
    if any(mark is kind or isinstance(mark, kind) for mark in metadata):
        raise _not_understood(where, "SkipValidation, with which anything may be there")


def _check_constant(value: object, where: str) -> None:
    """Check that a class constant or the default of a plain field contains no widget, which would not be visited."""
    if holds_widget(value):
        message = f"{where} has a widget for its value, and widgets are visited in fields that say that they hold some."
        raise WidgetError(message)


def holds_widget(value: object) -> bool:
    """Return whether a value is or contains a widget, in collections, mappings, models or data classes at any depth."""
    left: list[object] = [value]
    seen: dict[int, object] = {}  # keeps the values alive, so that ids stay unique
    while left:
        item = left.pop()
        if isinstance(item, Held):
            return True
        if type(item) in ATOMS or id(item) in seen:
            continue
        seen[id(item)] = item
        left.extend(_inside(item))
    return False


def _inside(value: Any) -> Iterable[object]:
    if is_mapping(value):
        mapping: Mapping[object, object] = value
        return [*mapping, *mapping.values()]
    if is_list(value):
        return list(value)
    return cast("dict[str, object]", vars(value)).values() if is_model(value) else ()


def is_list(value: object) -> bool:
    """Return whether a value is a list, tuple, set or other sequence, but not a string or bytes."""
    return isinstance(value, list | tuple | set | frozenset | Sequence) and not isinstance(value, str | bytes)


def is_mapping(value: object) -> bool:
    """Return whether a value is a mapping."""
    return isinstance(value, Mapping)


def is_model(value: object) -> bool:
    """Return whether a value is an instance of a Pydantic model or a data class."""
    return isinstance(value, BaseModel) or (is_dataclass(value) and not isinstance(value, type))


_READING: list[type] = []
"""The models whose annotations are being read, to stop at recursive ones."""


class _Reader:
    """Reads one annotation.

    Args:
        where: The name of the field, for error messages.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._aliases: list[object] = []

    def read(self, annotation: Any) -> Place:
        """Return what an annotation accepts."""
        if annotation is None or annotation is NoneType:
            return Place(is_optional=True)
        if annotation is JsonValue:  # a recursive alias, for which Pydantic accepts only JSON values
            return NOWHERE
        origin = get_origin(annotation)
        if origin is not None:
            return self._read_generic(annotation, origin)
        if hasattr(annotation, "__value__"):
            return self._read_alias(annotation)
        if isinstance(annotation, TypeVar):
            return self._read_variable(annotation)
        if hasattr(annotation, "__supertype__"):
            return self.read(annotation.__supertype__)
        if isinstance(annotation, type):
            return self._read_class(annotation)
        raise self._error(annotation)

    def _read_generic(self, annotation: Any, origin: Any) -> Place:
        arguments = get_args(annotation)
        if origin is Annotated:
            _check_metadata(annotation.__metadata__, self._where)
            return self.read(arguments[0])
        if origin is Union or origin is UnionType:
            return self._read_union(arguments)
        if origin is Literal:
            return NOWHERE
        if not arguments:
            raise self._error(annotation)
        if origin is tuple and Ellipsis not in arguments:
            found = self._read_union(arguments)
            return NOWHERE if found.is_empty else Place(items=found)
        if origin in _LISTS:
            found = self.read(arguments[0])
            return NOWHERE if found.is_empty else Place(items=replace(found, is_item=True))
        if origin in _MAPPINGS:
            return self._read_mapping(annotation, *arguments)
        raise self._error(annotation)

    def _read_union(self, arguments: Collection[Any]) -> Place:
        return reduce(Place.__or__, (self.read(each) for each in arguments), NOWHERE)

    def _read_mapping(self, annotation: Any, key: Any, value: Any) -> Place:
        if not self.read(key).is_empty:
            raise self._error(annotation)
        found = self.read(value)
        return NOWHERE if found.is_empty else Place(values=replace(found, is_item=True))

    def _read_alias(self, alias: Any) -> Place:
        if any(alias is other for other in self._aliases):
            raise self._error(alias)
        self._aliases.append(alias)
        found = self.read(alias.__value__)
        self._aliases.pop()
        return found

    def _read_variable(self, variable: TypeVar) -> Place:
        bounds = variable.__constraints__ or ((variable.__bound__,) if variable.__bound__ is not None else ())
        if not bounds:
            raise self._error(variable)
        return self._read_union(bounds)

    def _read_class(self, found: type[Any]) -> Place:
        if issubclass(found, Held):
            return Place((found,))
        if issubclass(found, BoundAction):
            message = (
                f"{self._where} may hold an action that nobody would ask the permissions of. Give an action a field of "
                "its own in a widget, and say what is sent: Annotated[BoundAction, Sends({...})]."
            )
            raise WidgetError(message)
        if issubclass(found, Enum):
            _check_constant([member.value for member in found], self._where)
            return NOWHERE
        if issubclass(found, PLAIN):
            return NOWHERE
        if _is_record(found):
            return self._read_record(found)
        if issubclass(found, BaseModel) or is_dataclass(found):
            self._check_model(found)
            return Place(models=(found,))
        raise self._error(found)

    def _check_model(self, found: type) -> None:
        if found not in _READING:  # a model may refer to itself
            _READING.append(found)
            try:
                places_of_model(found)
            finally:
                _READING.remove(found)

    def _read_record(self, found: type) -> Place:
        if self._read_union(list(_hints(found, self._where).values())).is_empty:
            return NOWHERE
        raise self._error(found)

    def _error(self, annotation: Any) -> WidgetError:
        shown = annotation.__name__ if isinstance(annotation, type) else str(annotation)
        return _not_understood(self._where, shown)


def _is_record(found: Any) -> bool:
    return is_typeddict(found) or (issubclass(found, tuple) and hasattr(cast("Any", found), "_fields"))


def _hints(found: type, where: str) -> dict[str, Any]:
    read = cast("Callable[..., dict[str, Any]]", get_type_hints)
    try:
        return read(found, include_extras=True)
    except NameError as error:
        raise _not_understood(where, f"a name that is not known: {error}") from None


def _not_understood(where: str, what: str) -> WidgetError:
    return WidgetError(f"{where} may hold widgets in a way that is not understood: {what}. {_REMEDY}")
