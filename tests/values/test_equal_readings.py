"""Users and models read the same: 10,000 values from the text form and from the View's module."""
# ruff: noqa: DTZ001, RUF001, S311  # times without an offset are tested; nobody has to be unable to guess the values
# times without an offset are tested; nobody has to be unable to guess the values

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from intarsia.ui_templates.value_format import value_data, value_text
from intarsia.widgets import Money
from intarsia.widgets.number import CURRENCIES, SHORT_UNITS
from tests.values.view_values import NOW, Sent, format_in_view, sent_in

ZONES = ("UTC", "America/Los_Angeles", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Auckland")
NUMBER = re.compile(r"(\d[\d,]*(?:\.\d+)?)([KMBT](?![A-Za-z]))?")
MOMENT = re.compile(r"(\w{3}) (\d+)(?:, (\d+))?(?:, (\d+):(\d\d)\s([AP]M))?")
CLOCK = re.compile(r"(\d+):(\d\d)(?::(\d\d))?\s([AP]M)")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
UNITS = {"d": "d", "h": "h", "min": "m", "s": "s", "day": "d", "days": "d", "hr": "h", "sec": "s"}
ARABIC = str.maketrans("٠١٢٣٤٥٦٧٨٩٫", "0123456789.", "٬\u061c")
GERMAN = str.maketrans(",", ".", ".")
FRENCH = str.maketrans(",", ".", "\u202f\u00a0 ")
OTHER_LOCALES = {"de-DE": GERMAN, "fr-FR": FRENCH, "ar-EG": ARABIC}


@dataclass(frozen=True)
class Written:
    """A value with the options that a developer can give it."""

    value: Any
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    zone: str = "UTC"

    @property
    def text(self) -> str:
        """What a model reads."""
        return value_text(self.value, **{name: each for name, each in self.options.items() if name != "sign"})

    def sent(self, locale: str = "en-US") -> tuple[Sent | None, str]:
        """Return what the View gets, and the text that it replaces."""
        return sent_in(value_data(self.value, **self.options), locale=locale, timeZone=self.zone, now=NOW)


def some_digits(chance: random.Random) -> dict[str, Any]:
    low = chance.randint(0, 4)
    return {"digits": chance.choice([None, None, chance.randint(0, 6), (low, low + chance.randint(0, 4))])}


def some_number(chance: random.Random) -> int | float | Decimal:
    sign = chance.choice([1, 1, -1])
    kinds: Sequence[Callable[[], int | float | Decimal]] = (
        lambda: sign * chance.randint(0, 10_000),
        lambda: sign * (2**53 + chance.randint(-3, 3)),
        lambda: sign * chance.randint(0, 10 ** chance.randint(1, 300)),
        lambda: sign * round(chance.uniform(0, 1000), chance.randint(0, 4)),
        # Ties of every digit, which binary numbers round in one direction or the other.
        lambda: sign * float(f"{chance.randint(0, 10 ** chance.randint(1, 12))}.{chance.randint(0, 9999)}5"),
        lambda: sign * chance.uniform(0, 1) * 10.0 ** chance.randint(-30, 30),
        lambda: chance.choice([0.0, -0.0, -0.04, 0.25, 2.5, 12.5, 1.005, 0.05, 1e15 + 0.5, 4503599627370497.5]),
        lambda: sign * Decimal(chance.randint(0, 10 ** chance.randint(1, 40))).scaleb(-chance.randint(0, 30)),
        lambda: Decimal(chance.choice(["0.10", "-0.00", "1E+3", "12.50", "999.995", "-0.5"])),
    )
    return chance.choice(kinds)()


def some_numbers(chance: random.Random) -> Iterator[Written]:
    units = (None, None, *SHORT_UNITS)
    while True:
        number, sign = some_number(chance), chance.choice([{}, {}, {"sign": True}])
        yield Written(number, {**some_digits(chance), **sign, "unit": chance.choice(units)})
        yield Written(number, {"compact": True, **sign})
        yield Written(Money(number, chance.choice(sorted(CURRENCIES))), {**some_digits(chance), **sign})


def some_moments(chance: random.Random) -> Iterator[Written]:
    start = datetime(1975, 1, 1)
    while True:
        zone = chance.choice(ZONES)
        naive = start + timedelta(minutes=chance.randrange(60 * 366 * 24 * 60), seconds=chance.randrange(60))
        yield Written(naive, zone=zone)
        yield Written(naive.replace(tzinfo=timezone(timedelta(minutes=chance.randrange(-14 * 60, 14 * 60)))), zone=zone)
        yield Written(naive.replace(tzinfo=ZoneInfo(chance.choice(ZONES))), zone=zone)
        yield Written(naive.date(), zone=zone)
        yield Written(date(2026, chance.randint(1, 12), chance.randint(1, 28)), zone=zone)
        yield Written(time(chance.randrange(24), chance.randrange(60), chance.choice([0, chance.randrange(60)])))


def some_durations(chance: random.Random) -> Iterator[Written]:
    while True:
        micros = chance.choice([1, -1]) * chance.randrange(10 ** chance.randint(1, 15))
        yield Written(timedelta(microseconds=micros), some_digits(chance) | chance.choice([{}, {"sign": True}]))


def some_values(count: int) -> list[Written]:
    chance = random.Random(15)
    numbers, moments, durations = some_numbers(chance), some_moments(chance), some_durations(chance)
    sources = (numbers, numbers, moments, durations)
    return [next(sources[place % 4]) for place in range(count)]


def read_number(text: str) -> tuple[str, str, str]:
    """Return sign, digits and letter of the compact form."""
    found = NUMBER.search(text)
    assert found, text
    sign = next((mark for mark in "+-" if mark in text), "")
    return sign, found[1], found[2] or ""


def read_duration(text: str) -> tuple[str, list[tuple[str, str]]]:
    parts = re.findall(r"([\d.,]+)\s([a-z]+)", text)
    return next((mark for mark in "+-" if mark in text), ""), [(count, UNITS[unit]) for count, unit in parts]


def read_moment(text: str) -> tuple[int, ...]:
    """Return the parts of a date, or of a date and a time, in English."""
    found = MOMENT.fullmatch(text)
    assert found, text
    month, day, year, hour, minute, half = found.groups()
    clock = (int(hour) % 12 + 12 * (half == "PM"), int(minute)) if hour else ()
    return int(year or NOW[:4]), MONTHS.index(month) + 1, int(day), *clock


def expected_moment(text: str, zone: str) -> tuple[int, ...]:
    """Return what the View has to show for a date or time in the text form: in the user's zone if it has an offset."""
    if len(text) == len("2026-07-01"):
        day = date.fromisoformat(text)
        return day.year, day.month, day.day
    moment = datetime.fromisoformat(text)
    there = moment.astimezone(ZoneInfo(zone)) if moment.tzinfo else moment
    return there.year, there.month, there.day, there.hour, there.minute


def check_equal(written: Written, shown: str) -> None:
    text = written.text
    if isinstance(written.value, timedelta):
        assert read_duration(shown.replace("+", "")) == read_duration(text), (written, shown)
    elif isinstance(written.value, time):
        hour, minute, second, half = CLOCK.fullmatch(shown).groups()  # type: ignore[union-attr]
        there = time(int(hour) % 12 + 12 * (half == "PM"), int(minute), int(second or 0))
        assert there == time.fromisoformat(text), (written, shown)
    elif isinstance(written.value, date):
        assert read_moment(shown) == expected_moment(text, written.zone), (written, shown)
    else:
        sign, digits, letter = read_number(shown)
        assert (sign.replace("+", ""), digits, letter) == read_number(text), (written, shown)
        assert sign != "-" or set(digits) & set("123456789"), f"A negative zero: {written} is {shown}"


def compare(count: int) -> None:
    values = some_values(count)
    sent = [written.sent() for written in values]
    asked = [each for each, _text in sent if each is not None]
    assert len(asked) == count, "A value is sent as text, which the View cannot format."
    shown = format_in_view(asked)
    for written, (_sent, text), seen in zip(values, sent, shown, strict=True):
        assert seen is not None, written
        check_equal(written, seen)
        assert text.removeprefix("+") == written.text, "The text that the View replaces is that of the model."
        if written.options.get("sign"):
            assert (text[0] == "+") == ("+" in seen), (written, seen)


def compare_by_value(count: int) -> None:
    """In other locales, digits, separators and groups differ; the number does not."""
    numbers = [each for each in some_values(count) if isinstance(each.value, int | float | Decimal)]
    numbers = [each for each in numbers if not each.options.get("compact")]
    for locale, marks in OTHER_LOCALES.items():
        if locale == "ar-EG":  # where one day is a word
            numbers = [each for each in numbers if not each.options.get("unit")]
        asked = [sent for each in numbers if (sent := each.sent(locale)[0])]
        for written, seen in zip(numbers, format_in_view(asked), strict=True):
            assert seen is not None, written
            read = seen.translate(marks).replace("\u2212", "-")
            sign, digits, _letter = read_number(read.replace("\u200f", "").replace("\u200e", ""))
            assert f"{sign}{digits}".replace("+", "") == "".join(read_number(written.text)[:2]).replace(",", ""), (
                locale,
                written,
                seen,
            )


def compare_compact(count: int) -> None:
    """Locales shorten numbers by other steps (Japanese by ten thousands); the value is rounded in the same place."""
    numbers = [each for each in some_values(count) if each.options.get("compact")]
    steps = {"万": 10**4, "億": 10**8, "兆": 10**12, "京": 10**16, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
    for written, seen in zip(numbers, format_in_view([each.sent("ja-JP")[0] for each in numbers]), strict=True):  # type: ignore[misc]
        assert seen is not None
        japanese, english = (_scaled(text, steps) for text in (seen, written.text))
        assert japanese == english, (written, seen)


def _scaled(text: str, steps: dict[str, int]) -> Decimal:
    found = re.search(r"([\d,.]+)(\w)?", text)
    assert found
    number = Decimal(found[1].replace(",", "")) * steps.get(found[2] or "", 1)
    return -number if "-" in text else number


def test_500_values_read_the_same() -> None:
    compare(500)


def test_numbers_have_the_same_value_in_other_locales() -> None:
    compare_by_value(200)
    compare_compact(200)


@pytest.mark.slow
def test_10_000_values_read_the_same() -> None:
    compare(10_000)


@pytest.mark.slow
def test_10_000_values_are_the_same_in_other_locales() -> None:
    compare_by_value(10_000)
    compare_compact(10_000)


def test_what_has_no_offset_is_never_shifted() -> None:
    moment = datetime(2026, 7, 1, 10)
    shown = format_in_view([sent for zone in ZONES if (sent := Written(moment, zone=zone).sent()[0])])

    assert {read_moment(text or "") for text in shown} == {(2026, 7, 1, 10, 0)}


def test_what_has_an_offset_is_the_same_moment_for_users_and_models() -> None:
    moment = datetime(2026, 7, 1, 10, tzinfo=timezone(timedelta(hours=-7)))
    sent, _text = Written(moment, zone="UTC").sent()

    assert value_text(moment) == "2026-07-01 10:00-07:00"
    assert value_text(moment.astimezone(UTC)) == "2026-07-01 17:00+00:00"
    assert sent is not None
    assert format_in_view([sent]) == ["Jul 1, 2026, 5:00 PM"]
