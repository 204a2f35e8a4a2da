"""The tokens of a brand, with a control and a validation rule for each."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from intarsia import RefusedError
from intarsia.errors import near_miss
from intarsia.widgets import Checkbox, ColorField, Option, Select, Slider

Value = str | float | bool

SWATCHES = ["#1f5fbf", "#0f766e", "#2e7d4f", "#b45309", "#be185d", "#6d28d9"]
TYPEFACES = {"system": "System", "humanist": "Humanist", "serif": "Serif", "rounded": "Rounded", "mono": "Mono"}
LARGEST_RADIUS_PX = 24


@dataclass(frozen=True)
class Rule:
    """The validation rule of a token."""

    is_kept_by: Callable[[Value], bool]
    words: str
    """The message of the rule, which follows the token's name."""


RULES = {
    "accent": Rule(
        lambda value: isinstance(value, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", value) is not None,
        "must be six hexadecimal digits after #, such as #1f5fbf",
    ),
    "radius": Rule(
        lambda value: _is_number(value) and 0 <= float(value) <= LARGEST_RADIUS_PX and float(value).is_integer(),
        f"must be a whole number from 0 to {LARGEST_RADIUS_PX}",
    ),
    "font": Rule(lambda value: value in TYPEFACES, f"must be one of {', '.join(TYPEFACES)}"),
    "shadow": Rule(lambda value: isinstance(value, bool), "must be true or false"),
}
"""The tokens of every brand."""


def controls_for(tokens: Mapping[str, Value]) -> list[ColorField | Slider | Select | Checkbox]:
    """Return a control for each token with its current value."""
    return [
        ColorField("accent", label="Accent", value=str(tokens["accent"]), swatches=SWATCHES),
        Slider("radius", label="Corner radius", min=0, max=LARGEST_RADIUS_PX, value=float(tokens["radius"]), unit="px"),
        Select(
            "font",
            label="Typeface",
            options=[Option(name, label) for name, label in TYPEFACES.items()],
            value=str(tokens["font"]),
        ),
        Checkbox("shadow", label="Soft shadow", value=bool(tokens["shadow"])),
    ]


def check_values(values: Mapping[str, Value]) -> None:
    """Validate values before they are saved.

    Raises:
        RefusedError: A token is unknown, or its value breaks its rule.
    """
    for name, value in values.items():
        if name not in RULES:
            reason = f"There is no such token.{near_miss(name, list(RULES))} The tokens are {', '.join(RULES)}."
            raise RefusedError(reason)
        if not RULES[name].is_kept_by(value):
            reason = f"{name} {RULES[name].words}."
            raise RefusedError(reason)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
