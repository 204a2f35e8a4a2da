"""What every widget is: frozen data that forbids what it does not know. No HTML and no I/O live here."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NoReturn, Self, dataclass_transform

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from intarsia.errors import WidgetError
from intarsia.permissions import Decision
from intarsia.widgets.action import BoundAction, Sends, bound
from intarsia.widgets.places import ATOMS, NOWHERE, Held, Place, Places, check_model, holds_widget, place_of
from intarsia.widgets.tree import forget_reaches
from intarsia.widgets.validation_errors import explain

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


Scopes = Annotated[AbstractSet[str], AfterValidator(frozenset[str])]
"""Scopes that a person must have granted, all of them."""

NOTHING_SENT: Mapping[str, Mapping[str, Any]] = {"": {}}
"""What a control sends that acts on one thing, and sends nothing."""


def hidden(missing: AbstractSet[str]) -> str:
    """Return what stands where something is left out."""
    return f"Hidden: needs {' and '.join(sorted(missing))}."


def hidden_items(what: str, lacking: Sequence[AbstractSet[str]]) -> tuple[str, ...]:
    """Return what stands for items of a list that are left out, by the scopes that each lacks."""
    notes: list[str] = []
    for missing in dict.fromkeys(frozenset(each) for each in lacking):
        count = sum(each == missing for each in lacking)
        notes.append(f"{count} {what}{'' if count == 1 else 's'} hidden: needs {' and '.join(sorted(missing))}.")
    return tuple(notes)


@dataclass_transform(kw_only_default=True, field_specifiers=(Field,))
class WidgetType(ModelMetaclass):
    """The type of widgets: lets type checkers see that fields marked `kw_only=False` go by position."""


class Widget(BaseModel, Held, metaclass=WidgetType):
    """A piece of what a tool shows. Subclasses add fields; each has one template folder with the same stem.

    The fields say where other widgets are, and so does nothing else: `intarsia.widgets.tree` goes through them for
    redaction, permissions and whatever else visits widgets. An annotation from which that cannot be told is an error
    when the class is defined.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    kind: ClassVar[str] = "widget"
    """The stem of the widget's module, templates and CSS class, such as `task_board`."""
    can_keep_draft: ClassVar[bool] = False
    """Whether it can show what a person changed and has not saved: see `with_draft`."""
    has_tile_parts: ClassVar[bool] = False
    """Whether each tile in it is drawn as a part of its own, so that an open View can read that tile alone."""
    scopes: Scopes = frozenset()
    """What a person must have granted to see it. From others it is kept, and a note stands in its place."""

    _positional: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that go by position."""
    _offers: ClassVar[tuple[tuple[str, Sends], ...]] = ()
    """Names of the fields that offer an action, each with what it sends."""
    _places: ClassVar[Places | None] = None
    """The fields that may hold widgets; `None` until every type that the class names is known."""
    _waits: ClassVar[bool] = False
    """Whether it was defined before every type that it names."""

    def __init__(self, *values: Any, **fields: Any) -> None:
        positional = self._positional
        if len(values) > len(positional):
            message = f"{type(self).__name__} takes {len(positional)} values by position, not {len(values)}."
            raise TypeError(message)
        placed = dict(zip(positional, values, strict=False))
        if twice := placed.keys() & fields.keys():
            message = f"{type(self).__name__} got {min(twice)!r} twice, by position and by name."
            raise TypeError(message)
        given = {**placed, **fields}
        for name, _sends in self._offers:
            if name in given:
                given[name] = bound(given[name], f"{type(self).__name__}.{name}")
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise explain(type(self), given, error) from None
        # Not a validator: Pydantic would run it again for every widget inside another, and boards hold many.
        for name, sends in self._offers:
            action = getattr(self, name)
            if action is not None:
                sends.check(action, f"{type(self).__name__}.{name}")

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.kind = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        cls._places = None  # not those of the class above
        cls._waits = not cls.__pydantic_fields_complete__
        if not cls._waits:
            cls._read_fields()

    @classmethod
    def __pydantic_on_complete__(cls) -> None:
        super().__pydantic_on_complete__()
        if cls._waits:
            cls._read_fields()

    @classmethod
    def find_places(cls) -> Places:
        """Return the fields that may hold widgets, each with what may stand there.

        Raises:
            WidgetError: The class names a type that is still not known.
        """
        # Its own, and not those of the class above: a class may hook into how the classes below it are made.
        places: Places | None = cls.__dict__.get("_places")
        if places is None:
            cls.model_rebuild(raise_errors=False)
            return cls._read_fields()
        return places

    @classmethod
    def _read_fields(cls) -> Places:
        name = cls.__name__
        check_model(cls, name)
        if not cls.model_config.get("frozen") or cls.model_config.get("extra") != "forbid":
            message = f"{name} must be frozen and forbid what it does not know, as every widget does."
            raise WidgetError(message)
        fields = cls.model_fields.items()
        cls._positional = tuple(key for key, field in fields if field.kw_only is False)
        cls._offers = tuple((key, mark) for key, field in fields for mark in field.metadata if isinstance(mark, Sends))
        found = [(key, _place_of(field, f"{name}.{key}")) for key, field in fields]
        _check_names(cls)
        cls._waits = False
        cls._places = tuple((key, place) for key, place in found if not place.is_empty)
        forget_reaches()
        return cls._places

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> NoReturn:  # type: ignore[override] # noqa: ARG003 # the mypy plugin is told that each class has one of its own
        """Refuse to build a widget of values that are not checked.

        Raises:
            WidgetError: Always.
        """
        message = f"{cls.__name__}: call the class; what is not checked may hold widgets where nobody looks for them."
        raise WidgetError(message)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed. The values are not checked, but for being widgets where none belong.

        Raises:
            WidgetError: There is no such field, or a widget is put where its class does not say that it holds some.
        """
        fields = type(self).model_fields
        places = dict(self.find_places())
        for name, value in (update or {}).items():
            if name not in fields or (name not in places and type(value) not in ATOMS and holds_widget(value)):
                message = f"{type(self).__name__} has no field {name!r} that could hold {type(value).__name__}."
                raise WidgetError(message)
        return self._copied(update, deep=deep)

    def _copied(self, update: Mapping[str, Any] | None, *, deep: bool = False) -> Self:
        copied, fields = super().model_copy(update=update, deep=deep), type(self).model_fields
        # Values of cached properties were made from the fields before the change.
        kept = vars(copied)
        for name in kept.keys() - fields.keys():
            del kept[name]
        return copied

    def __str__(self) -> str:
        # In a text form this is what `{{ widget }}` writes: never what is in it, which nobody would have visited.
        return f"<{type(self).__name__}>"

    def __html__(self) -> NoReturn:
        """Refuse to be written into markup as a value.

        Raises:
            WidgetError: Always.
        """
        message = f"A {type(self).__name__} is drawn by `page.child(...)`; a template cannot write it like a word."
        raise WidgetError(message)

    @classmethod
    def offers_actions(cls) -> bool:
        """Say whether it has fields that offer actions."""
        cls.find_places()  # until its types are known, so are its actions
        return bool(cls._offers)

    @property
    def offered(self) -> Iterator[tuple[str, BoundAction]]:
        """The fields that offer an action, each with its action."""
        for name, _sends in self._offers:
            action: BoundAction | None = getattr(self, name)
            if action is not None:
                yield name, action

    @property
    def misplaced(self) -> str:
        """Why it cannot stand where any widget can, as a sentence about it; empty when it can."""
        return ""

    def sent_with(self, field: str) -> Mapping[str, Mapping[str, Any]]:
        """Return what the action of a field is sure to be called with, by the id of the thing that it acts on.

        Args:
            field: Such as `on_change`. What acts on one thing alone calls it "".
        """
        del field
        return NOTHING_SENT

    def decided(self, decisions: Mapping[str, Decision | None]) -> Self | None:
        """Return the widget with what was decided about its actions.

        Args:
            decisions: By field, for what may not be done; `None` for an action that this person is not to know of.

        Returns:
            The widget; `None` when it is nothing without an action that it does not have now.
        """
        changes: dict[str, BoundAction | None] = {}
        for name, decision in decisions.items():
            if decision is None and type(self).model_fields[name].annotation is BoundAction:
                return None
            changes[name] = None if decision is None else getattr(self, name).with_decision(decision)
        return self._copied(changes) if changes else self  # an action holds no widgets

    def decided_by_thing(self, refused: Mapping[str, Mapping[str, Decision]]) -> Self | None:
        """Return the widget with what the rules of its actions refuse.

        Args:
            refused: By field and by the id of the thing, as in `sent_with`.
        """
        return self.decided({name: by_thing[""] for name, by_thing in refused.items()})

    def stand_in(self, missing: AbstractSet[str]) -> "Widget | None":
        """Return what stands in its place for who may not see it; `None` for a note, or nothing where none fits.

        Args:
            missing: The scopes that they did not grant.
        """
        del missing
        return None

    def redacted(self, granted: AbstractSet[str], left_out: Sequence[AbstractSet[str]]) -> Self:
        """Return the widget without what else of it must not be seen; the parts in its fields are redacted already.

        Args:
            granted: The scopes of who will see it.
            left_out: For each part that was left out, and not replaced by a note, the scopes that are missing.
        """
        del granted, left_out
        return self

    def with_draft(self, values: dict[str, Any]) -> Self:
        """Return the widget with what a person changed and has not saved."""
        del values
        return self

    @property
    def draft_wanted(self) -> bool:
        """Whether it is to be shown with the person's draft."""
        return False

    def draft_ends_with(self, tool: str) -> bool:
        """Say whether a draft is there that an action makes needless."""
        del tool
        return False

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        """Return named examples. They drive the gallery, the docs, the snapshots and the accessibility tests."""
        return {}


def _place_of(field: FieldInfo, where: str) -> Place:
    # An action stands in a field of its own, marked with what is sent; anywhere else nobody would decide about it.
    is_offer = any(isinstance(mark, Sends) for mark in field.metadata)
    annotation: Any = field.annotation
    is_action = annotation is BoundAction or annotation == BoundAction | None
    return NOWHERE if is_offer and is_action else place_of(field, where)


def _check_names(found: type[Widget]) -> None:
    fields = found.model_fields
    if owned := next((key for key in fields if key in vars(Widget)), None):
        message = f"{found.__name__}.{owned} is a name that every widget has already. Call the field by another."
        raise WidgetError(message)
    if "scopes" not in fields or fields["scopes"].annotation != Widget.model_fields["scopes"].annotation:
        message = f"{found.__name__}.scopes must stay what it is in every widget; only its default can be another."
        raise WidgetError(message)


def are_plain(parts: Collection[Any]) -> bool:
    """Say whether some widgets are for all, hold no others and offer nothing: there is nothing to redact or decide.

    Args:
        parts: Widgets; of anything else it is not so.
    """
    return all(map(is_plain, set(map(type, parts)))) and not any(map(_SCOPES, parts))


_SCOPES = attrgetter("scopes")


@cache
def is_plain(found: type) -> bool:
    """Return whether widgets of a class hold no others, offer no actions and redact nothing of their own."""
    if not issubclass(found, Widget):
        return False
    return not found.find_places() and not found.offers_actions() and found.redacted is Widget.redacted
