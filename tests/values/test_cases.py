"""The shared cases of values: what the server writes and sends for each, and what the View makes of what it gets."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from intarsia.ui_templates.value_format import value_data, value_text
from intarsia.widgets import Money
from tests.values.view_values import Sent, format_in_view, sent_in

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("cases.json").read_text("utf-8"))
SENT = [case for case in CASES if "sent" in case]


READERS: Mapping[str, Callable[[Any], object]] = {
    "int": int,
    "float": float,
    "decimal": Decimal,
    "money": lambda pair: Money(Decimal(pair[0]), pair[1]),
    "seconds": lambda seconds: timedelta(microseconds=int(Decimal(seconds) * 1_000_000)),
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "time": time.fromisoformat,
    "bool": bool,
    "text": str,
}


def value_of(given: Mapping[str, Any]) -> object:
    """Return the value of a case; numbers are text there, because JSON has no exact ones."""
    ((kind, written),) = given.items()
    return READERS[kind](written)


def options_of(case: Mapping[str, Any]) -> dict[str, Any]:
    options: Mapping[str, Any] = case["options"]
    return {name: (each[0], each[1]) if isinstance(each, list) else each for name, each in options.items()}


@pytest.mark.parametrize("case", CASES, ids=[f"{case['about']} {case['value']}" for case in CASES])
def test_the_server_writes_and_sends_it(case: Mapping[str, Any]) -> None:
    options = options_of(case)
    sent, inside = sent_in(value_data(value_of(case["value"]), **options))
    sign = options.pop("sign", False)
    text = value_text(value_of(case["value"]), **options)

    assert text == case["text"]
    if "sent" in case:
        assert sent is not None
        assert {name: each for name, each in asdict(sent).items() if name in case["sent"]} == case["sent"]
        assert inside.removeprefix("+" if sign else "") == text
    else:
        assert (sent, inside) == (None, case["shown"])


def test_the_view_shows_it() -> None:
    asked = [(case, locale) for case in SENT for locale in case["view"]]
    given = [Sent(**case["sent"], locale=locale, timeZone=case["timeZone"]) for case, locale in asked]
    shown = format_in_view(given)

    wrong = [
        f"{case['about']} in {locale}: {seen!r}, not {case['view'][locale]!r}"
        for (case, locale), seen in zip(asked, shown, strict=True)
        if seen != case["view"][locale]
    ]
    assert not wrong, "\n".join(wrong)
