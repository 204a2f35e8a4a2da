"""What every widget is: frozen data that forbids what it does not know. No HTML and no I/O live here."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, dataclass_transform

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from intarsia.widgets.action import BoundAction, Sends, bound
from intarsia.widgets.validation_errors import explain

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


Scopes = Annotated[AbstractSet[str], AfterValidator(frozenset[str])]
"""Scopes that a person must have granted, all of them."""


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


class Widget(BaseModel, metaclass=WidgetType):
    """A piece of what a tool shows. Subclasses add fields; each has one template folder with the same stem."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    kind: ClassVar[str] = "widget"
    """The stem of the widget's module, templates and CSS class, such as `task_board`."""
    scopes: Scopes = frozenset()
    """What a person must have granted to see it. From others it is kept, and a note stands in its place."""

    _positional: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that go by position."""
    _offers: ClassVar[tuple[tuple[str, Sends], ...]] = ()
    """Names of the fields that offer an action, each with what it sends."""

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
        fields = cls.model_fields.items()
        cls._positional = tuple(name for name, field in fields if field.kw_only is False)
        cls._offers = tuple(
            (name, mark) for name, field in fields for mark in field.metadata if isinstance(mark, Sends)
        )

    @property
    def offered(self) -> Iterator[tuple[str, BoundAction]]:
        """The fields that offer an action, each with its action."""
        for name, _sends in self._offers:
            action: BoundAction | None = getattr(self, name)
            if action is not None:
                yield name, action

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        """Return named examples. They drive the gallery, the docs, the snapshots and the accessibility tests."""
        return {}
