"""The base class of widgets: frozen data that forbids unknown fields, without HTML and I/O."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NoReturn, Self, dataclass_transform

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from intarsia.errors import UnsupportedValueError, WidgetError
from intarsia.permissions import Decision
from intarsia.widgets.action import BoundAction, Sends, bound
from intarsia.widgets.characters import check_id, without_surrogates
from intarsia.widgets.places import ATOMS, NOWHERE, Held, Place, Places, check_model, holds_widget, place_of
from intarsia.widgets.tree import forget_reaches
from intarsia.widgets.validation_errors import explain
from intarsia.widgets.windows import ListWindow, Windowed

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


Scopes = Annotated[AbstractSet[str], AfterValidator(frozenset[str])]
"""Scopes that the user must have granted, all of them."""

Id = Annotated[str, BeforeValidator(check_id)]
"""Text that actions send back. It has no invisible characters, with which another id could read the same."""

NOTHING_SENT: Mapping[str, Mapping[str, Any]] = {"": {}}
"""The value of `Widget.sent_with` for a control that acts on a single item and sends no arguments."""


def hidden(missing: AbstractSet[str]) -> str:
    """Return the note that replaces a hidden widget."""
    return f"Hidden: needs {' and '.join(sorted(missing))}."


def hidden_items(what: str, lacking: Sequence[AbstractSet[str]]) -> tuple[str, ...]:
    """Return the notes that replace hidden items of a list, one for each set of missing scopes.

    Args:
        what: The singular noun for an item.
        lacking: The missing scopes of each hidden item.
    """
    notes: list[str] = []
    for missing in dict.fromkeys(frozenset(each) for each in lacking):
        count = sum(each == missing for each in lacking)
        notes.append(f"{count} {what}{'' if count == 1 else 's'} hidden: needs {' and '.join(sorted(missing))}.")
    return tuple(notes)


@dataclass_transform(kw_only_default=True, field_specifiers=(Field,))
class WidgetType(ModelMetaclass):
    """The metaclass of widgets. With it, type checkers know that fields with `kw_only=False` are positional."""


class Widget(BaseModel, Held, metaclass=WidgetType):
    """A part of what a tool shows. Subclasses add fields, and each has a template folder with the same name.

    Only the annotations of the fields determine where a widget contains other widgets: `intarsia.widgets.tree` follows
    them for redaction, permissions and everything else that visits widgets. If an annotation leaves it unclear, the
    definition of the class raises `WidgetError`.
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
    """Whether the widget can show the user's unsaved changes: see `with_draft`."""
    has_tile_parts: ClassVar[bool] = False
    """Whether each tile is rendered as a separate part, so that an open View can refresh it alone."""
    scopes: Scopes = frozenset()
    """The scopes that a user must have granted to see the widget. For other users, a note replaces it."""
    list_windows: tuple[ListWindow, ...] = ()
    """Which parts of long lists it holds. Set when the widget is read; empty if all lists are whole."""

    _positional: ClassVar[tuple[str, ...]] = ()
    """The names of the positional fields."""
    _offers: ClassVar[tuple[tuple[str, Sends], ...]] = ()
    """The fields that offer an action, each with the arguments that its control sends."""
    _windowed: ClassVar[tuple[tuple[str, Windowed], ...]] = ()
    """The fields that hold lists of any length."""
    _places: ClassVar[Places | None] = None
    """The fields that may hold widgets; `None` while a forward reference of the class is not resolved."""
    _waits: ClassVar[bool] = False
    """Whether the class has a forward reference that is not resolved yet."""

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
        self._fill(given)
        # Not a validator: Pydantic would run it again for every nested widget, and boards hold many.
        for name, sends in self._offers:
            action = getattr(self, name)
            if action is not None:
                sends.check(action, f"{type(self).__name__}.{name}")

    def _fill(self, given: dict[str, Any]) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            reason = explain(type(self), given, error)
            # Half a character in data must fail no widget, unless it is in an id.
            mended = {name: without_surrogates(each) if isinstance(each, str) else each for name, each in given.items()}
            if mended == given or isinstance(reason, UnsupportedValueError):
                raise reason from None
            self._fill(mended)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.kind = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        cls._places = None  # do not inherit those of the base class
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
        """Return the fields that may hold widgets, each with its place.

        Raises:
            WidgetError: A forward reference of the class cannot be resolved.
        """
        # Not inherited: a base class with its own `__init_subclass__` can call this before the subclass is complete.
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
        cls._windowed = tuple(
            (key, mark) for key, field in fields for mark in field.metadata if isinstance(mark, Windowed)
        )
        found = [(key, _place_of(field, f"{name}.{key}")) for key, field in fields]
        _check_names(cls)
        cls._waits = False
        cls._places = tuple((key, place) for key, place in found if not place.is_empty)
        forget_reaches()
        return cls._places

    # mypy's plugin for Pydantic generates a `model_construct` for each class, hence the ignored error.
    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> NoReturn:  # type: ignore[override] # noqa: ARG003
        """Refuse to build a widget from values that are not validated.

        Raises:
            WidgetError: Always.
        """
        message = f"{cls.__name__}: call the class; what is not checked may hold widgets where nobody looks for them."
        raise WidgetError(message)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed. Values are not validated, except that plain fields accept no widgets.

        Args:
            update: The new values by field.
            deep: Whether to copy nested models too.

        Raises:
            WidgetError: A field does not exist, or a value contains a widget although the field is not for widgets.
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
        # Cached properties were computed from the old fields.
        kept = vars(copied)
        for name in kept.keys() - fields.keys():
            del kept[name]
        return copied

    def __str__(self) -> str:
        # `{{ widget }}` in a text template writes this. It must not contain fields, which may not be redacted.
        return f"<{type(self).__name__}>"

    def __html__(self) -> NoReturn:
        """Refuse to be inserted into markup as a value.

        Raises:
            WidgetError: Always.
        """
        message = f"A {type(self).__name__} is drawn by `page.child(...)`; a template cannot write it like a word."
        raise WidgetError(message)

    @classmethod
    def offers_actions(cls) -> bool:
        """Return whether the class has fields that offer actions."""
        cls.find_places()  # resolves forward references, on which `_offers` depends
        return bool(cls._offers)

    @property
    def offered(self) -> Iterator[tuple[str, BoundAction]]:
        """The names of fields that offer an action now, each with its action."""
        for name, _sends in self._offers:
            action: BoundAction | None = getattr(self, name)
            if action is not None:
                yield name, action

    @classmethod
    def windowed_fields(cls) -> tuple[tuple[str, Windowed], ...]:
        """Return the fields that hold lists of any length, each with its mark."""
        cls.find_places()  # resolves forward references, on which `_windowed` depends
        return cls._windowed

    def items_of(self, field: str) -> Sequence[Any]:
        """Return the items of a windowed field in the order in which they are shown."""
        items: Sequence[Any] = getattr(self, field)
        return items

    def window_of(self, field: str) -> ListWindow | None:
        """Return the window of a list, or `None` if the list is whole."""
        return next((window for window in self.list_windows if window.field == field), None)

    def total_of(self, field: str) -> int:
        """Return the number of items of a list, including those outside of its window."""
        window = self.window_of(field)
        return window.total if window else len(getattr(self, field))

    def start_of(self, field: str) -> int:
        """Return the index of the first item that a list holds in the whole list."""
        window = self.window_of(field)
        return window.start if window else 0

    @property
    def misplaced(self) -> str:
        """Why the widget cannot be used where any widget is accepted, as the rest of a sentence; empty if it can."""
        return ""

    def sent_with(self, field: str) -> Mapping[str, Mapping[str, Any]]:
        """Return the arguments that the action of a field is certain to get, by the id of the item that it acts on.

        Args:
            field: The name of the field, such as `on_change`.

        Returns:
            The known arguments by item id. A control that acts on a single item uses the id "".
        """
        del field
        return NOTHING_SENT

    def decided(self, decisions: Mapping[str, Decision | None]) -> Self | None:
        """Return the widget with decisions that refuse its actions.

        Args:
            decisions: The decisions by field; `None` for an action that is not visible to the user.

        Returns:
            The widget; `None` if it requires an action that is not visible.
        """
        changes: dict[str, BoundAction | None] = {}
        for name, decision in decisions.items():
            if decision is None and type(self).model_fields[name].annotation is BoundAction:
                return None
            changes[name] = None if decision is None else getattr(self, name).with_decision(decision)
        return self._copied(changes) if changes else self  # an action holds no widgets

    def decided_by_thing(self, refused: Mapping[str, Mapping[str, Decision]]) -> Self | None:
        """Return the widget with the refusals of the rules of its actions.

        Args:
            refused: The decisions by field and item id, as in `sent_with`.
        """
        return self.decided({name: by_thing[""] for name, by_thing in refused.items()})

    def stand_in(self, missing: AbstractSet[str]) -> "Widget | None":
        """Return the replacement for users that may not see the widget.

        Args:
            missing: The scopes that the user did not grant.

        Returns:
            The replacement. `None` for the standard note, or for no replacement where a note does not fit.
        """
        del missing
        return None

    def redacted(self, granted: AbstractSet[str], left_out: Sequence[AbstractSet[str]]) -> Self:
        """Redact more than the widgets in the fields, which are already redacted. The default redacts nothing.

        Args:
            granted: The scopes of the user that sees the widget.
            left_out: The missing scopes of each part that was removed without a note.

        Returns:
            The redacted widget, or the same widget if nothing is hidden.
        """
        del granted, left_out
        return self

    def with_draft(self, values: dict[str, Any]) -> Self:
        """Return the widget with the user's unsaved changes."""
        del values
        return self

    @property
    def draft_wanted(self) -> bool:
        """Whether to load the user's draft for the widget."""
        return False

    def draft_ends_with(self, tool: str) -> bool:
        """Return whether the widget shows a draft that is deleted after this action succeeded."""
        del tool
        return False

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        """Return named examples. They drive the gallery, the docs, the snapshots and the accessibility tests."""
        return {}


def _place_of(field: FieldInfo, where: str) -> Place:
    # An action must have its own field, marked with `Sends`: permissions are checked for such fields only.
    is_offer = any(isinstance(mark, Sends) for mark in field.metadata)
    annotation: Any = field.annotation
    is_action = annotation is BoundAction or annotation == BoundAction | None
    return NOWHERE if is_offer and is_action else place_of(field, where)


def _check_names(found: type[Widget]) -> None:
    fields = found.model_fields
    if owned := next((key for key in fields if key in vars(Widget)), None):
        message = f"{found.__name__}.{owned} is a name that every widget has already. Call the field by another."
        raise WidgetError(message)
    for name in ("scopes", "list_windows"):
        if name not in fields or fields[name].annotation != Widget.model_fields[name].annotation:
            message = f"{found.__name__}.{name} must stay what it is in every widget; only its default can be another."
            raise WidgetError(message)


def are_plain(parts: Collection[Any]) -> bool:
    """Return whether there is nothing to redact or decide: no scopes, no nested widgets and no actions.

    Args:
        parts: The widgets. Returns `False` if any other value is among them.
    """
    return all(map(is_plain, set(map(type, parts)))) and not any(map(_SCOPES, parts))


_SCOPES = attrgetter("scopes")


@cache
def is_plain(found: type) -> bool:
    """Return whether widgets of a class hold no others, offer no actions and redact nothing of their own."""
    if not issubclass(found, Widget):
        return False
    return not found.find_places() and not found.offers_actions() and found.redacted is Widget.redacted
