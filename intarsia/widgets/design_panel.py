"""A design panel: controls for design tokens, with a live preview."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from intarsia.errors import WidgetError
from intarsia.permissions import Decision, permissions_text
from intarsia.widgets.action import (
    NO_ACTION,
    BoundAction,
    ControlRefusal,
    JsonType,
    OptionalAction,
    Parameter,
    Sends,
    refusals_of,
)
from intarsia.widgets.checkbox import Checkbox
from intarsia.widgets.color_field import ColorField
from intarsia.widgets.places import HiddenLeftOut
from intarsia.widgets.select import Option, Select
from intarsia.widgets.slider import Slider
from intarsia.widgets.widget import Widget, hidden

Token = ColorField | Slider | Select | Checkbox
TokenValue = str | float | bool

_SENT: dict[str, set[JsonType]] = {"values": {"object"}}
_VERSION: dict[str, set[JsonType]] = {"version": {"integer", "string"}}


class DesignPanel(Widget):
    """Controls for design tokens, and a live preview.

    The preview supports these token names: the colors `accent`, `surface` and `text`; the sliders `radius`, `spacing`,
    `scale` and `size`; the select `font` with the options `system`, `humanist`, `serif`, `rounded` and `mono`; the
    checkbox `shadow`. Tokens with other names can be edited and saved, but do not affect the preview.
    """

    can_keep_draft: ClassVar[bool] = True

    tokens: Annotated[Sequence[Token], HiddenLeftOut()] = Field(kw_only=False, min_length=1, max_length=60)
    """One control for each token, with its saved value; 1 to 60, each with a unique name."""
    title: str = Field(default="Design", min_length=1)
    """The heading, such as the brand's name."""
    draft: bool = False
    """Whether unsaved changes are stored for the user between visits."""
    version: int | str | None = None
    """The version of the saved values. It is sent with `on_save` and `on_propose`, to detect stale writes."""
    on_save: Annotated[OptionalAction, Sends(_SENT, _VERSION)] = NO_ACTION
    """The action that saves. It receives `values`, an object from token name to value."""
    on_propose: Annotated[OptionalAction, Sends(_SENT, _VERSION)] = NO_ACTION
    """The action that proposes values for approval by another user. It receives the same arguments."""
    unsaved: dict[str, TokenValue] = Field(default_factory=dict[str, TokenValue])
    """The user's unsaved changes by token name. Set from their draft when the widget is read."""
    hidden: tuple[str, ...] = ()
    """Notes on redacted tokens. Set when the widget is read by a user without the required scopes."""

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [token.name for token in self.tokens]
        for name in names:
            if names.count(name) > 1:
                message = f"DesignPanel {self.title!r} has two tokens named {name!r}; give each its own name."
                raise WidgetError(message)
        return self

    @property
    def shown(self) -> list[Token]:
        """The controls, with the unsaved values of the draft."""
        return [
            token.model_copy(update={"value": self.unsaved[token.name]}) if token.name in self.unsaved else token
            for token in self.tokens
        ]

    @property
    def actions(self) -> list[BoundAction]:
        """The actions of the panel."""
        return [action for action in (self.on_save, self.on_propose) if action is not None]

    @property
    def can_change(self) -> bool:
        """Whether the user may save or propose changed values."""
        return any(not action.is_refused for action in self.actions)

    @property
    def refusals(self) -> list[ControlRefusal]:
        """The refused actions of the panel, with reasons."""
        return refusals_of(self.actions)

    @property
    def saved(self) -> dict[str, TokenValue | None]:
        """The saved value of each token."""
        return {token.name: token.value for token in self.tokens}

    @property
    def misplaced(self) -> str:
        """Why it cannot be nested in another widget (its draft is stored by tool); empty if it can."""
        if not self.draft:
            return ""
        return (
            f"{self.title!r} keeps a draft, so the tool must return it alone; inside another widget leave `draft` out."
        )

    def sent_with(self, field: str) -> Mapping[str, Mapping[str, Any]]:
        """Return the arguments that every save sends: the version."""
        del field
        return {"": {} if self.version is None else {"version": self.version}}

    def redacted(self, granted: AbstractSet[str], left_out: Sequence[AbstractSet[str]]) -> Self:
        """Return the panel with notes on redacted tokens, and without their unsaved values."""
        del granted
        if not left_out:
            return self
        names = {token.name for token in self.tokens}
        unsaved = {name: value for name, value in self.unsaved.items() if name in names}
        notes = tuple(dict.fromkeys(hidden(missing) for missing in left_out))
        return self.model_copy(update={"unsaved": unsaved, "hidden": notes})

    @property
    def draft_wanted(self) -> bool:
        """Whether to load the user's draft into it."""
        return self.draft

    def draft_ends_with(self, tool: str) -> bool:
        """Return whether a call of this tool saves the unsaved values, so that the draft can be deleted."""
        return bool(self.unsaved and self.on_save and self.on_save.tool == tool)

    def with_draft(self, values: dict[str, TokenValue]) -> Self:
        """Return the panel with a draft. Values that are invalid for their token are dropped."""
        # A value that was saved since the draft was stored is no longer an unsaved change.
        fitting = {
            token.name: values[token.name]
            for token in self.tokens
            if token.name in values and values[token.name] != token.value and _fits(token, values[token.name])
        }
        return self.model_copy(update={"unsaved": fitting})

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        tokens: list[Token] = [
            ColorField(
                "accent", label="Accent", value="#2f6feb", swatches=["#2f6feb", "#0f766e", "#b45309", "#be185d"]
            ),
            Slider("radius", label="Corner radius", min=0, max=24, value=8, unit="px"),
            Select(
                "font",
                label="Typeface",
                options=[Option("system", "System"), Option("serif", "Serif"), Option("mono", "Mono")],
                value="system",
            ),
            Checkbox("shadow", label="Soft shadow", value=True),
        ]
        save = BoundAction(
            "save_tokens",
            "Save",
            {"brand": "northwind"},
            {
                "values": Parameter(required=True, json_types=frozenset({"object"})),
                "version": Parameter(required=True, json_types=frozenset({"integer"})),
            },
        )
        return {
            "default": cls(tokens, title="Northwind", draft=True, version=3, on_save=save),
            "unsaved changes": cls(
                tokens, title="Northwind", draft=True, version=3, on_save=save, unsaved={"radius": 16.0}
            ),
            "save and propose": cls(tokens, title="Northwind", version=3, on_save=save, on_propose=save),
            "refused": cls(
                tokens[1:],
                title="Northwind",
                version=3,
                on_save=replace(save, decision=_needs("Save", "brand:write")),
                hidden=(hidden({"brand:colors"}),),
            ),
            "read only": cls(tokens, title="Northwind"),
            "title is markup": cls(tokens[:1], title="<b>x</b>", on_save=save),
        }


def _needs(title: str, scope: str) -> Decision:
    missing = frozenset({scope})
    return Decision(allowed=False, reason=f"{title} needs {permissions_text(missing)}.", missing_scopes=missing)


def _fits(token: Token, value: TokenValue) -> bool:
    # Pydantic would coerce "16" to a number for validation, but `model_copy` would keep the string.
    if _kind_of(value) != (
        "flag" if isinstance(token, Checkbox) else "number" if isinstance(token, Slider) else "text"
    ):
        return False
    try:
        type(token).model_validate({**_fields(token), "value": value})
    except ValueError:
        return False
    return True


def _kind_of(value: TokenValue) -> Literal["flag", "number", "text"]:
    # First, because in Python a bool is also an int.
    if isinstance(value, bool):
        return "flag"
    return "text" if isinstance(value, str) else "number"


def _fields(token: Token) -> dict[str, object]:
    return {name: getattr(token, name) for name in type(token).model_fields}
