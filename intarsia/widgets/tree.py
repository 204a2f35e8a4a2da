"""Walks the widgets that a widget holds. All code that visits widgets uses these functions.

They are not methods of `Widget`, because a widget may have a field called `children`, and a widget's class must not be
able to keep its parts from being visited (decision 0030).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from intarsia.errors import WidgetError
from intarsia.widgets.places import Held, Place, Places, is_list, is_mapping, is_model, places_of_model

H = TypeVar("H", bound=Held)

Aspect = Callable[[type], bool]
"""Selects the classes that a walk looks for. Subtrees that cannot hold such a class are skipped."""

Visit = Callable[[Held, Place], Held | None]
"""Maps a widget at a place to its replacement; `None` removes it. The place says which replacements are accepted."""

IsPlain = Callable[[type], bool]
"""Returns whether a visit never changes widgets of a class that have no scopes."""

_KEPT_KINDS: Mapping[type, Callable[[Iterable[Any]], Any]] = {tuple: tuple, set: set, frozenset: frozenset}
_WORDS = frozenset({str})
_SEQUENCES = frozenset({list, tuple})
"""The most common types of lists. Other types are checked with `is_list`, which is slower."""
_GONE: Any = object()
_SCOPES = attrgetter("scopes")
_PLACES: dict[type, Places] = {}
"""The places of each class; cleared when another widget class is defined."""


def everything(_found: type) -> bool:
    """Select every class."""
    return True


def children_of(thing: Held, aspect: Aspect = everything) -> list[Held]:
    """Return the direct children of a widget, in the order of its fields.

    Args:
        thing: A widget, or a pending tile, which has no children.
        aspect: Fields that cannot hold a class of this aspect are skipped.

    Raises:
        WidgetError: A widget stands where its class does not belong.
    """
    found: list[Held] = []
    for name, place in _places(type(thing), aspect):
        _gather(getattr(thing, name), place, found)
    return found


def walk(thing: Held, aspect: Aspect = everything, plain: IsPlain | None = None) -> list[Held]:
    """Return a widget and all widgets below it, each before its own parts.

    Args:
        thing: The widget.
        aspect: Subtrees that cannot hold a class of this aspect are skipped.
        plain: Lists that hold only widgets of such classes, none of which has scopes, are skipped.

    Raises:
        WidgetError: A widget stands where its class does not belong.
    """
    found: list[Held] = []
    _collect(thing, aspect, plain, found)
    return found


def _collect(thing: Held, aspect: Aspect, plain: IsPlain | None, found: list[Held]) -> None:
    found.append(thing)
    for name, place in _places(type(thing), aspect):
        value = getattr(thing, name)
        if plain is None or not place.items or not _are_plain(value, place.items, plain):
            for part in children_in(value, place):
                _collect(part, aspect, plain, found)


def ids_of(root: Held) -> set[int]:
    """Return the `id` of a widget and of each one below it, for as long as the widget is kept.

    Args:
        root: The widget.
    """
    found = {id(root)}
    _add_ids(root, found)
    return found


def _add_ids(thing: Held, found: set[int]) -> None:
    for name, place in _all_places(type(thing)):
        value = getattr(thing, name)
        if place.items and type(value) in _SEQUENCES and not any(map(_may_have_parts, set(map(type, value)))):
            found.update(map(id, value))  # a fast path for long lists of widgets without parts
            continue
        for part in children_in(value, place):
            found.add(id(part))
            _add_ids(part, found)


def children_in(value: object, place: Place) -> list[Held]:
    """Return the widgets at one place."""
    found: list[Held] = []
    _gather(value, place, found)
    return found


def map_children(thing: H, visit: Visit, aspect: Aspect = everything, plain: IsPlain | None = None) -> H | None:
    """Replace the direct children of a widget.

    Removed children disappear from lists and mappings; in optional fields they become `None`.

    Args:
        thing: The widget.
        visit: Returns the replacement of a child, the same child for no change, or `None` to remove it.
        aspect: Fields that cannot hold a class of this aspect are skipped.
        plain: Lists that hold only widgets of such classes, none of which has scopes, are skipped.

    Returns:
        The widget itself if nothing changed, or a copy. `None` if a child was removed that the widget's annotation
        requires.

    Raises:
        WidgetError: A child or a replacement stands where its class does not belong.
    """
    changes: dict[str, Any] = {}
    for name, place in _places(type(thing), aspect):
        old = getattr(thing, name)
        if plain is not None and place.items and _are_plain(old, place.items, plain):
            continue
        new = _mapped(old, place, visit)
        if new is _GONE:
            return None
        if new is not old:
            changes[name] = new
    return cast("H", _with(thing, changes)) if changes else thing


def may_hold(found: type[Held], aspect: Aspect) -> bool:
    """Return whether a widget of a class can be, or can contain, a class that the aspect selects."""
    return _reaches(cast("Any", found), aspect)


def forget_reaches() -> None:
    """Clear the caches of places, because a new widget class may be accepted wherever its base classes are."""
    _PLACES.clear()
    _reaching_places.cache_clear()
    _reaches.cache_clear()


def _with(thing: Any, changes: Mapping[str, Any]) -> Any:
    if isinstance(thing, Held):
        return cast("Any", thing).model_copy(update=changes)
    if not isinstance(thing, BaseModel):
        return replace(thing, **changes)
    # A new object and not a copy, which would keep cached properties that were computed from the old fields.
    kept = {name: getattr(thing, name) for name in type(thing).model_fields}
    return type(thing).model_construct(thing.model_fields_set, **{**kept, **changes})


def _places(found: type, aspect: Aspect) -> Places:
    return _all_places(found) if aspect is everything else _reaching_places(found, aspect)


def _all_places(found: type[Any]) -> Places:
    places = _PLACES.get(found)
    if places is None:
        places = _PLACES[found] = found.find_places() if issubclass(found, Held) else places_of_model(found)
    return places


def _is_incomplete(found: type) -> bool:
    return issubclass(found, BaseModel) and not found.__pydantic_fields_complete__


@cache
def _reaching_places(found: type, aspect: Aspect) -> Places:
    return tuple((name, place) for name, place in _all_places(found) if _leads_to(place, aspect, frozenset()))


@cache
def _reaches(found: type, aspect: Aspect) -> bool:
    return _may_reach(found, aspect, frozenset())


def _may_reach(found: type, aspect: Aspect, above: AbstractSet[type]) -> bool:
    if found in above:
        return False
    if _is_incomplete(found) or aspect(found):
        return True
    above = above | {found}
    if any(_leads_to(place, aspect, above) for _name, place in _all_places(found)):
        return True
    # A value may be an instance of a subclass of the annotated class.
    below = cast("list[type[Any]]", found.__subclasses__())
    return any(_may_reach(kind, aspect, above) for kind in below)


def _leads_to(place: Place, aspect: Aspect, above: AbstractSet[type]) -> bool:
    return (
        bool(place.models)
        or any(_may_reach(found, aspect, above) for found in place.held)
        or any(_leads_to(inner, aspect, above) for inner in (place.items, place.values) if inner)
    )


def _gather(value: Any, place: Place, found: list[Held]) -> None:
    if isinstance(value, Held):
        _check(value, place)
        found.append(value)
    elif place.items and (type(value) in _SEQUENCES or is_list(value)):
        for item in value:
            _gather(item, place.items, found)
    elif place.values and is_mapping(value):
        for item in value.values():
            _gather(item, place.values, found)
    elif place.models and is_model(value):
        for name, inner in _all_places(cast("Any", type(value))):
            _gather(getattr(value, name), inner, found)


def _are_plain(value: Any, place: Place, plain: IsPlain) -> bool:
    """Return whether a list holds only widgets that belong there, are plain and have no scopes."""
    if type(value) not in _SEQUENCES:
        return False
    kinds = set(map(type, value))
    if kinds <= _WORDS:
        return True
    for kind in kinds:
        if not (kind in place.held or issubclass(kind, place.held)) or not plain(kind):
            return False
    return not any(map(_SCOPES, value))


def _may_have_parts(kind: type) -> bool:
    return kind not in _WORDS and (not issubclass(kind, Held) or bool(_all_places(kind)))


def _mapped(value: Any, place: Place, visit: Visit) -> Any:
    if isinstance(value, Held):
        return _visited(value, place, visit)
    if place.items and (type(value) in _SEQUENCES or is_list(value)):
        return _mapped_items(value, place.items, visit)
    if place.values and is_mapping(value):
        return _mapped_values(value, place.values, visit)
    if place.models and is_model(value):
        return _mapped_model(value, visit)
    return value


def _visited(value: Held, place: Place, visit: Visit) -> Any:
    _check(value, place)
    new = visit(value, place)
    if new is not None:
        if new is not value:
            _check(new, place)
        return new
    return None if place.is_optional and not place.is_item else _GONE


def _mapped_items(value: Sequence[Any], place: Place, visit: Visit) -> Any:
    new = [_mapped(item, place, visit) for item in value]
    if all(one is other for one, other in zip(new, value, strict=True)):
        return value
    kept = [item for item in new if item is not _GONE]
    if len(kept) < len(new) and not place.is_item:
        return _GONE
    for kind in _KEPT_KINDS:
        if isinstance(value, kind):
            return _KEPT_KINDS[kind](kept)
    return kept


def _mapped_values(value: Mapping[Any, Any], place: Place, visit: Visit) -> Any:
    new = {key: _mapped(item, place, visit) for key, item in value.items()}
    if all(item is value[key] for key, item in new.items()):
        return value
    return {key: item for key, item in new.items() if item is not _GONE}


def _mapped_model(value: Any, visit: Visit) -> Any:
    changes: dict[str, Any] = {}
    for name, place in _all_places(cast("Any", type(value))):
        old = getattr(value, name)
        new = _mapped(old, place, visit)
        if new is _GONE:
            return _GONE
        if new is not old:
            changes[name] = new
    return _with(value, changes) if changes else value


def _check(value: Held, place: Place) -> None:
    if not isinstance(value, place.held):
        names = " or ".join(kind.__name__ for kind in place.held) or "plain values"
        message = f"A {type(value).__name__} stands where {names} belong; whoever copied the widget put it there."
        raise WidgetError(message)
