"""Arguments are checked strictly, and refused in words that hold no value."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from intarsia.errors import ArgumentError, ToolError
from intarsia.server.tools.arguments import arguments_model, check_arguments, input_schema


async def book(
    room: str,
    seats: int,
    day: date,
    kind: Literal["desk", "hall"] = "desk",
    note: Annotated[str, Field(max_length=20)] = "",
    factor: float = 1.0,
    tags: list[str] | None = None,
    extras: dict[str, str | float | bool] | None = None,
) -> None:
    """Book."""


MODEL = arguments_model(book)
GOOD = {"room": "A", "seats": 3, "day": "2026-12-31"}


def test_good_arguments_become_python_values() -> None:
    checked = check_arguments(MODEL, {**GOOD, "factor": 2})

    assert checked.model_dump()["day"] == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"seats": "3"}, "seats must be a whole number."),
        ({"seats": 3.5}, "seats must be a whole number."),
        ({"seats": True}, "seats must be a whole number."),
        ({"room": 5}, "room must be text."),
        ({"kind": "hal"}, "kind must be one of 'desk', 'hall'."),
        ({"note": "x" * 21}, "note must have at most 20 characters."),
        ({"room": "x" * 10_001}, "room must have at most 10,000 characters."),
        ({"tags": ["x" * 10_001]}, "tags must have at most 10,000 characters."),
        ({"day": "tomorrow"}, "day must be a date such as 2026-12-31."),
        ({"factor": 10**400}, "factor must be a finite number."),
        ({"extras": {"a": [1]}}, "extras must be text or a number or true or false."),
        ({"romm": "B"}, "There is no argument 'romm'. Did you mean 'room'?"),
        ({"<script>": 1}, "There is no argument of that name."),
    ],
)
def test_a_wrong_argument_is_named_with_its_rule(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        check_arguments(MODEL, {**GOOD, **change})

    assert str(caught.value) == sentence


def test_every_missing_argument_is_named() -> None:
    with pytest.raises(ArgumentError, match=r"^room is missing\. seats is missing\. day is missing\.$"):
        check_arguments(MODEL, {})


def test_no_refusal_repeats_a_value() -> None:
    canary = "s3cr3t-c4n4ry"
    for name in ("seats", "day", "kind", "factor", "tags"):
        with pytest.raises(ArgumentError) as caught:
            check_arguments(MODEL, {**GOOD, name: canary})
        assert canary not in str(caught.value)


def test_the_schema_lets_a_view_send_what_models_need_not_see() -> None:
    schema = input_schema(MODEL)

    assert "additionalProperties" not in schema
    assert schema["required"] == ["room", "seats", "day"]


def test_a_parameter_needs_a_type_and_a_name_of_its_own() -> None:
    async def untyped(room: str) -> None:
        """Lose its type."""

    del untyped.__annotations__["room"]

    async def starred(*rooms: str) -> None:
        """No names."""

    async def reserved(text_page: int) -> None:
        """Reserved."""

    functions: list[tuple[Callable[..., Any], str]] = [
        (untyped, "has no type"),
        (starred, "are passed by name"),
        (reserved, "is reserved"),
    ]
    for function, part in functions:
        with pytest.raises(ToolError, match=part):
            arguments_model(function)


def test_a_call_that_is_wrong_in_thousands_of_places_is_told_three() -> None:
    with pytest.raises(ArgumentError) as caught:
        check_arguments(MODEL, GOOD | {f"roo{number}": 1 for number in range(15_000)})

    assert str(caught.value).count("There is no argument") == 3
    assert str(caught.value).endswith(" 14,997 more are unknown too.")
