"""Arguments are checked strictly, and refused in words that hold no value."""

import json
import sys
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal, Optional, TypedDict

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from intarsia.errors import ArgumentError, ToolError
from intarsia.server.tools.arguments import arguments_model, check_arguments, schema_of
from intarsia.server.tools.json_schema import listed_schema
from intarsia.server.tools.lenient_json import Reader


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
        ({"seats": "three"}, "seats must be a whole number."),
        ({"seats": 3.5}, "seats must be a whole number."),
        ({"seats": True}, "seats must be a whole number."),
        ({"room": 5}, "room must be text."),
        ({"kind": "hal"}, "kind must be one of 'desk', 'hall'."),
        ({"note": "x" * 21}, "note must have at most 20 characters."),
        ({"room": "x" * 10_001}, "room must have at most 10,000 characters."),
        ({"tags": ["x" * 10_001]}, "tags must have at most 10,000 characters."),
        ({"tags": ["a", 5]}, "tags[1] must be text."),
        ({"day": "tomorrow"}, "day must be a date such as 2026-12-31."),
        ({"factor": 10**400}, "factor must be a finite number."),
        ({"extras": {"a": [1]}}, "extras.a must be text or a number or true or false."),
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
    schema = listed_schema(schema_of(MODEL))

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


async def size(v: Any) -> None:
    """Take a size."""


def test_a_typed_dict_of_the_standard_library_is_told_the_other_import() -> None:
    class Size(TypedDict):
        width: int

    size.__annotations__["v"] = Size
    if sys.version_info >= (3, 12):
        assert arguments_model(size)
        return
    with pytest.raises(ToolError, match=r"size\(v\): .*Import TypedDict from `typing_extensions`"):
        arguments_model(size)


def test_what_an_author_reads_as_it_was_sent_is_not_read_before() -> None:
    size.__annotations__["v"] = Annotated[int, BeforeValidator(lambda v: int(v, 16) if isinstance(v, str) else v)]
    model = arguments_model(size)

    assert [check_arguments(model, {"v": sent}).model_dump()["v"] for sent in ("10", 16, 16.0)] == [16, 16, 16]


@pytest.mark.parametrize(("said", "kept"), [("allow", {"a": 1, "b": 2}), ("ignore", {"a": 1})])
def test_an_author_may_say_what_happens_with_unknown_keys(said: Any, kept: dict[str, int]) -> None:
    size.__annotations__["v"] = create_model("Free", __config__=ConfigDict(extra=said), a=(int, ...))
    model = arguments_model(size)

    assert check_arguments(model, {"v": {"a": "1", "b": 2}}).model_dump()["v"] == kept


def test_a_type_with_true_and_numbers_as_choices_never_takes_one_for_the_other() -> None:
    size.__annotations__["v"] = Literal[True, "x"] | float
    model = arguments_model(size)

    assert check_arguments(model, {"v": True}).model_dump()["v"] is True
    assert check_arguments(model, {"v": 2}).model_dump()["v"] == 2.0
    with pytest.raises(ArgumentError, match="v is read as true or false and as a number"):
        check_arguments(model, {"v": 1})


def test_json_text_in_json_text_is_no_deeper_than_json() -> None:
    class Tree(BaseModel):
        below: "list[Tree]" = []

    size.__annotations__["v"] = Tree
    model = arguments_model(size)
    sent: Any = {}
    for _ in range(12):
        sent = {"below": json.dumps([sent])}
    assert check_arguments(model, {"v": sent}).model_dump()["v"]["below"]

    deep: Any = {}
    for _ in range(40):
        deep = {"below": [deep]}
    with pytest.raises(ArgumentError):
        check_arguments(model, {"v": json.dumps(deep)})


def test_unions_of_recursive_models_are_read_once_for_each_place() -> None:
    class Left(BaseModel):
        n: int
        x: "Left | Right | None" = None

    class Right(BaseModel):
        n: int
        x: "Left | Right | None" = None
        y: int = 0

    Left.model_rebuild(_types_namespace={"Left": Left, "Right": Right})
    size.__annotations__["v"] = Left | Right
    schema = schema_of(arguments_model(size))
    sent: Any = {"n": "1"}
    for _ in range(50):
        sent = {"n": "1", "x": sent}

    # Reading each branch of each union anew would take 2**50 steps.
    read, problems = Reader(schema).read({"v": sent})

    assert (read["v"]["n"], read["v"]["x"]["n"], problems) == (1, 1, ())


def test_a_schema_that_would_be_large_inline_keeps_its_references() -> None:
    part: Any = int
    for number in range(14):
        fields: dict[str, Any] = dict.fromkeys("ab", (Optional[part], None))  # noqa: UP045 - not an annotation
        part = create_model(f"Part{number}", **fields)
    size.__annotations__["v"] = part
    model = arguments_model(size)

    assert len(json.dumps(listed_schema(schema_of(model)))) < 5_000
    assert check_arguments(model, {"v": '{"a": "{}"}'}).model_dump(exclude_unset=True) == {"v": {"a": {}}}
    with pytest.raises(ArgumentError, match=r"There is no argument 'v\.a\.bb'\. Did you mean 'b'\?"):
        check_arguments(model, {"v": {"a": {"bb": 1}}})


def test_names_like_keywords_of_json_schema_are_names() -> None:
    async def odd(discriminator: int, properties: int = 1, enum: int = 2) -> None:
        """Take odd names."""

    checked = check_arguments(arguments_model(odd), {"discriminator": "1", "properties": None, "enum": "5"})

    assert checked.model_dump() == {"discriminator": 1, "properties": 1, "enum": 5}


def test_the_limit_of_texts_holds_for_what_was_read_and_not_for_json_text() -> None:
    numbers = list(range(3_000))

    assert check_arguments(TAKES_NUMBERS, {"v": json.dumps(numbers)}).model_dump() == {"v": numbers}
    with pytest.raises(ArgumentError, match="v must have at most 10,000 characters"):
        check_arguments(TAKES_NUMBERS, {"v": "x" * 10_001})


async def take_numbers(v: list[int]) -> None:
    """Take numbers."""


TAKES_NUMBERS = arguments_model(take_numbers)
