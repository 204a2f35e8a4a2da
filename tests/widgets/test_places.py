"""Where a widget may hold others follows from its annotations; what does not is an error when the class is defined.

A widget that no walker visits would be shown to everybody, with everything that it offers.
"""

import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, ClassVar, Generic, Protocol, TypeVar, cast, runtime_checkable

import pytest
from pydantic import BaseModel, ConfigDict, Field, JsonValue, PrivateAttr, SkipValidation
from typing_extensions import NamedTuple, TypeAliasType, TypedDict

from intarsia.errors import WidgetError
from intarsia.widgets import BoundAction, Metric, Stack, Text, Widget
from intarsia.widgets.action import Sends
from intarsia.widgets.tree import children_of, walk

SECRET = Text("canary-7f3a", scopes={"secret"})
T = TypeVar("T")
W = TypeVar("W", bound=Widget)
EITHER = TypeVar("EITHER", Text, Metric)


@runtime_checkable
class Shape(Protocol):
    """Anything that has a name."""

    name: str


class Stranger:
    """A class of somebody else's."""


class Loose(BaseModel):
    """A model that can be changed."""

    widget: Widget


class Open(BaseModel):
    """A model that takes more than it says."""

    model_config = ConfigDict(frozen=True, extra="allow")

    title: str


class Secretive(BaseModel):
    """A model with something private."""

    model_config = ConfigDict(frozen=True)

    title: str
    _widget: Widget | None = PrivateAttr(default=None)


@dataclass
class LooseData:
    """A data class that can be changed."""

    widget: Widget


@dataclass(frozen=True)
class Act:
    """A data class with an action."""

    action: BoundAction


class Pair(NamedTuple):
    """A record with a widget."""

    title: str
    widget: Widget


class Row(TypedDict):
    """A mapping with a widget."""

    widget: Widget


class Hidden(Enum):
    """Constants that hold a widget."""

    ONE = Text("one", scopes={"secret"})


Endless = TypeAliasType("Endless", "list[Endless] | Widget")
Parts = TypeAliasType("Parts", list[Widget])

NOT_UNDERSTOOD: dict[str, Any] = {
    "Any": Any,
    "object": object,
    "a bare list": list,
    "a bare List": typing.List,  # noqa: UP006 # the old spelling
    "a bare Tuple": typing.Tuple,  # noqa: UP006 # as above
    "a bare Sequence": Sequence,
    "a bare dict": dict,
    "a list of anything": list[Any],
    "a mapping to anything": Mapping[str, object],
    "a mapping from widgets": dict[Text, str],
    "anything inside an optional": list[dict[str, Any]] | None,
    "an iterable, which is used up by who looks at it": Iterable[Widget],
    "an iterator": Iterator[str],
    "a function": Callable[[], Widget],
    "a class": type[Widget],
    "a protocol": Shape,
    "a class of somebody else's": Stranger,
    "a variable that may be anything": T,
    "what is not checked": SkipValidation[str],
    "what is not checked inside": list[SkipValidation[str]],
    "a record with a widget": Pair,
    "a mapping of names with a widget": Row,
    "constants that are widgets": Hidden,
    "an alias that names itself": Endless,
}


def new_widget(name: str, body: dict[str, Any]) -> type[Widget]:
    """Define a widget as a class statement does."""
    define = cast("Callable[..., type[Widget]]", type(Widget))
    return define(name, (Widget,), body)


def _define(annotation: Any, default: Any = ...) -> type[Widget]:
    """Define a widget with one field."""
    body = {"__annotations__": {"what": annotation}, "__module__": __name__, "__doc__": "Made up."}
    if default is not ...:
        body["what"] = default
    return new_widget("MadeUp", body)


@pytest.mark.parametrize("what", NOT_UNDERSTOOD)
def test_a_field_that_may_hold_widgets_in_a_way_that_is_not_understood_is_refused(what: str) -> None:
    with pytest.raises(WidgetError, match=r"MadeUp\.what (may hold widgets in a way that|has a widget)"):
        _define(NOT_UNDERSTOOD[what])


def test_the_error_names_the_field_and_says_what_to_write() -> None:
    with pytest.raises(WidgetError) as told:
        _define(list[Any])

    assert str(told.value) == (
        "MadeUp.what may hold widgets in a way that is not understood: Any. Name what it holds: widget classes, "
        "plain values such as str, int or date, or lists, tuples, mappings, optionals and frozen data classes of these."
    )


@pytest.mark.parametrize("annotation", [BoundAction, list[BoundAction], dict[str, BoundAction] | None, Act])
def test_an_action_that_nobody_would_decide_about_is_refused(annotation: Any) -> None:
    with pytest.raises(WidgetError, match=r"(what|Act\.action) may hold an action .* Annotated\[BoundAction, Sends"):
        _define(annotation)


@pytest.mark.parametrize(
    ("annotation", "complaint"),
    [
        (Loose, "Loose holds widgets in 'widget', so it must be frozen"),
        (LooseData, "LooseData holds widgets in 'widget', so it must be frozen"),
        (Open, "Open takes fields that it does not name"),
        (Secretive, r"Secretive\._widget is private"),
    ],
)
def test_a_model_whose_widgets_can_be_changed_or_hidden_in_it_is_refused(annotation: Any, complaint: str) -> None:
    with pytest.raises(WidgetError, match=complaint):
        _define(annotation)


def test_a_model_of_a_class_below_the_one_that_is_named_is_looked_into() -> None:
    class Plain(BaseModel):
        """A model without widgets."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        title: str

    class Fuller(Plain):
        """A model with one."""

        widget: Widget

    class Below(Plain):
        """A model that holds anything."""

        widget: Any

    holder = _define(Sequence[Plain])

    assert children_of(holder(what=[Fuller(title="a", widget=SECRET)])) == [SECRET]
    with pytest.raises(WidgetError, match=r"Below\.widget may hold widgets in a way"):
        children_of(holder(what=[Below(title="a", widget=SECRET)]))


def test_private_values_and_constants_of_the_class_are_refused() -> None:
    with pytest.raises(WidgetError, match=r"WithPrivate\._footer is private, and what it holds is not visited"):

        class WithPrivate(Widget):  # pyright: ignore[reportUnusedClass]
            """Has a private value."""

            _footer: Widget | None = PrivateAttr(default=None)

    with pytest.raises(WidgetError, match=r"WithConstant\.FOOTERS has a widget for its value"):

        class WithConstant(Widget):  # pyright: ignore[reportUnusedClass]
            """Has a constant."""

            FOOTERS: ClassVar[dict[str, list[Widget]]] = {"all": [SECRET]}

    with pytest.raises(WidgetError, match=r"MadeUp\.what has a widget for its value"):
        _define(str, SECRET)


@pytest.mark.parametrize("options", [{"extra": "allow"}, {"extra": "ignore"}, {"frozen": False}])
def test_a_widget_stays_frozen_and_takes_nothing_that_it_does_not_name(options: Any) -> None:
    with pytest.raises(WidgetError, match=r"MadeUp (takes fields that it does not name|must be frozen and forbid)"):
        new_widget("MadeUp", {"model_config": options, "__module__": __name__})


def test_a_subclass_is_read_anew_whatever_it_overrides() -> None:
    class Opened(Metric):
        """A number whose detail is a widget."""

        detail: Widget | None = None  # type: ignore[assignment] # pyright: ignore[reportIncompatibleVariableOverride] - that is the point

    assert children_of(Opened("a", 1, detail=SECRET)) == [SECRET]
    with pytest.raises(WidgetError, match=r"Anything\.children may hold widgets"):

        class Anything(Stack):  # pyright: ignore[reportUnusedClass]
            """A stack of anything."""

            children: Sequence[Any]

    shadows = pytest.warns(UserWarning, match="shadows an attribute")
    with shadows, pytest.raises(WidgetError, match=r"Renamed\.offered is a name that every widget has already"):

        class Renamed(Widget):  # pyright: ignore[reportUnusedClass]
            """Names a field as what says which actions there are."""

            offered: list[str] = []  # type: ignore[assignment] # noqa: RUF012 # pyright: ignore[reportIncompatibleVariableOverride, reportIncompatibleMethodOverride] - as above

    with pytest.raises(WidgetError, match=r"Everybodys\.scopes must stay"):

        class Everybodys(Widget):  # pyright: ignore[reportUnusedClass]
            """Says by itself what it needs."""

            scopes: ClassVar[frozenset[str]] = frozenset()  # type: ignore[misc] # pyright: ignore[reportIncompatibleVariableOverride] - as above


def test_a_class_that_hooks_into_how_those_below_are_made_is_read_all_the_same() -> None:
    class Base(Widget):
        """Hooks, and forgets everybody above."""

        @classmethod
        def __pydantic_init_subclass__(cls, **options: Any) -> None:
            """Do nothing."""

    class Below(Base):
        """Holds a widget and offers an action."""

        what: Widget
        on_go: Annotated[BoundAction | None, Sends({})] = None

    assert children_of(Below(what=SECRET)) == [SECRET]
    assert Below.offers_actions()


def test_a_generic_class_holds_what_its_variable_is_bound_to() -> None:
    class Box(Widget, Generic[W]):
        """A box for widgets of a kind."""

        content: W

    class Choice(Widget, Generic[EITHER]):
        """One of two kinds."""

        content: EITHER

    assert children_of(Box[Text](content=SECRET)) == children_of(Box(content=SECRET)) == [SECRET]
    assert children_of(Choice[Text](content=SECRET)) == [SECRET]
    with pytest.raises(WidgetError, match=r"content may hold widgets in a way that is not understood"):
        Box[Any]


def test_a_name_that_is_defined_later_is_read_when_it_is_known_and_used_never_before() -> None:
    early = new_widget(
        "Early",
        {
            "__annotations__": {"what": "list[Later]", "on_go": "Annotated[BoundAction | None, Sends({})]"},
            "on_go": None,
            "__module__": __name__,
        },
    )

    with pytest.raises(WidgetError, match="Early names a type that is not known"):
        early.find_places()

    class Later(Widget):
        """Defined afterwards."""

        inner: Widget

    early.model_rebuild(_types_namespace={"Later": Later, **globals()})
    holder: Any = early(what=[Later(inner=SECRET)], on_go=BoundAction("go", "Go"))
    assert list(walk(holder))[2:] == [SECRET]
    assert early.offers_actions()
    assert [name for name, _action in holder.offered] == ["on_go"]


def test_a_name_that_turns_out_to_hold_anything_is_refused_when_it_is_known() -> None:
    early = new_widget("Early", {"__annotations__": {"what": "list[Whatever]"}, "__module__": __name__})

    with pytest.raises(WidgetError, match=r"Early\.what may hold widgets"):
        early.model_rebuild(_types_namespace={"Whatever": Any})


UNDERSTOOD: dict[str, tuple[Any, Any]] = {
    "a widget": (Widget, SECRET),
    "one of a class": (Annotated[Text, Field(description="x")], SECRET),
    "an optional": (Widget | None, SECRET),
    "an old optional": (typing.Optional[Text], SECRET),  # noqa: UP045 # the old spelling
    "a list": (list[Widget], [SECRET]),
    "a tuple": (tuple[Widget, ...], (SECRET,)),
    "a fixed tuple": (tuple[str, Widget], ("a", SECRET)),
    "a sequence of either": (Sequence[str | Metric | Text], ["a", SECRET]),
    "lists or texts": (list[str] | list[Text], [SECRET]),
    "a list of lists": (list[list[Widget]], [[SECRET]]),
    "a mapping": (Mapping[str, Widget], {"a": SECRET}),
    "a mapping of lists": (dict[str, list[Widget | None]], {"a": [None, SECRET]}),
    "an alias": (Parts, [SECRET]),
    "a bound variable": (W, SECRET),
}


@pytest.mark.parametrize("what", UNDERSTOOD)
def test_what_is_understood_is_visited(what: str) -> None:
    annotation, value = UNDERSTOOD[what]

    assert children_of(_define(annotation)(what=value)) == [SECRET]


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (str | int | None, "a"),
        (JsonValue, {"a": [1]}),
        (typing.Literal["a", "b"], "a"),
        (list[tuple[str, int]], [("a", 1)]),
        (typing.NewType("Name", str), "a"),
        (Annotated[str, Field(min_length=1)], "a"),
    ],
)
def test_plain_values_hold_nothing(annotation: Any, value: Any) -> None:
    assert _define(annotation).find_places() == ()
    assert children_of(_define(annotation)(what=value)) == []
