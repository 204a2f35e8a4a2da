"""Invisible characters: which of them mean something in a text, and which ids cannot be told apart.

Scripts and emoji need some invisible characters: joiners in Persian and Hindi, tags in flags, selectors in names of
people. Everywhere else they only hide text from users that models read. `visible` keeps what means something where it
stands. An id must be equal to its visible form, because models send back what they read.
"""

import re
import unicodedata
from collections.abc import Collection

from intarsia.errors import UnsupportedValueError

_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""The Unicode categories of characters that are removed unless they mean something."""

_JOINED = (
    "\u0600-\u06ff\u0700-\u08ff\u0900-\u0dff\u0f00-\u109f\u1700-\u18af\u1900-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00010eff\U00011000-\U00011fff\U0001e900-\U0001e95f"
)
"""Letters of scripts that are written with joiners: Arabic, Syriac, N'Ko, the scripts of India and their relatives."""
_HAN = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff"
)
_SYMBOLS = f"{_EMOJI}\u2200-\u22ff{_HAN}\u1000-\u109f\ua840-\ua87f\uaa60-\uaa7f"
"""What a variation selector can change the look of: emoji, operators, ideographs, letters of Myanmar and Phags-pa."""

_KEPT = re.compile(
    f"""
    # Joiners between letters of scripts that are written with them, and after a sign that removes a vowel.
      (?<=[{_JOINED}]) [\u200c\u200d] (?=[\u200c\u200d]*[{_JOINED}])
    | (?<=[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca]) [\u200c\u200d]
    # Joiners between emoji: families, professions, flags.
    | (?<=[{_EMOJI}\ufe0f]) \u200d (?=[{_EMOJI}])
    # The flags of England, Scotland and Wales are the only tags that are in use.
    | (?<=\U0001f3f4) \U000e0067\U000e0062 (?:\U000e0065\U000e006e\U000e0067 | \U000e0073\U000e0063\U000e0074
        | \U000e0077\U000e006c\U000e0073) \U000e007f
    # One selector after what it changes the look of: emoji, digits of keycaps, ideographs in names, Mongolian letters.
    | (?<=[{_SYMBOLS}]) [\ufe00-\ufe0f] (?![\ufe00-\ufe0f\U000e0100-\U000e01ef])
    | (?<=[0-9#*]) \ufe0f (?=\u20e3)
    | (?<=[{_HAN}]) [\U000e0100-\U000e01ef] (?![\ufe00-\ufe0f\U000e0100-\U000e01ef])
    | (?<=[\u1820-\u18aa]) [\u180b-\u180f] (?![\u180b-\u180f])
    # Format characters that are visible: number signs and the end of a verse in Arabic and its relatives.
    | [\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]
    # Joiners of hieroglyphs, and the blank cell inside of Braille.
    | (?<=[\U00013000-\U0001345f]) [\U00013430-\U0001343f]
    | (?<=[\u2800-\u28ff]) \u2800 (?=[\u2801-\u28ff])
    """,
    re.VERBOSE,
)
_HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
"""Characters of other categories that are invisible too."""
_SURROGATES = re.compile("[\ud800-\udfff]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""What stands for a lone surrogate, which is half a character."""
_UNREAD = re.compile("[\u200c\u200d\ufe00-\ufe0f]")
"""Characters that change the look of some texts, and are not seen in others."""


def visible(text: str) -> str:
    """Return a text without the invisible characters that mean nothing where they stand.

    Args:
        text: The text. A lone surrogate in it becomes U+FFFD.
    """
    if text.isascii() and text.isprintable():  # the fast path: printable ASCII has no invisible characters
        return text
    kept = {place for found in _KEPT.finditer(text) for place in range(*found.span())}
    return "".join(
        REPLACEMENT if unicodedata.category(mark) == "Cs" else mark
        for place, mark in enumerate(text)
        if place in kept or _is_visible(mark)
    )


def _is_visible(mark: str) -> bool:
    category = unicodedata.category(mark)
    return category == "Cs" or not (category in _INVISIBLE or _HIDDEN.match(mark))


def without_surrogates(text: str) -> str:
    """Return a text that can be encoded: lone surrogates become U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub(REPLACEMENT, text)
    return text


def check_id(text: object) -> object:
    """Return an id unchanged, if everyone who reads it can send it back.

    Args:
        text: The id. What is no text is left to Pydantic.

    Raises:
        UnsupportedValueError: It has an invisible character, so that another id could read the same.
    """
    if not isinstance(text, str) or (text.isascii() and text.isprintable()):
        return text
    shown = visible(text)
    if shown == text:
        return text
    place = next((place for place, (was, now) in enumerate(zip(text, shown, strict=False)) if was != now), len(shown))
    mark = text[place]
    name = unicodedata.name(mark, "") or unicodedata.category(mark)
    reason = (
        f"has the invisible character U+{ord(mark):04X} ({name}) at position {place + 1}. Ids are sent back as they "
        "are read, so that an id with characters that nobody sees could be taken for another. Remove it."
    )
    error = UnsupportedValueError(reason)
    error.add_note(f"The id is {text!r}.")
    raise error


def check_twins(place: str, ids: Collection[str]) -> None:
    """Check that no two different ids read the same: with composed and decomposed letters, other spaces, other joiners.

    Args:
        place: What has the ids, for the error message.
        ids: The ids, each of which `check_id` accepts.

    Raises:
        UnsupportedValueError: Two of them read the same.
    """
    if all(text.isascii() and " " not in text for text in ids):
        return
    seen: dict[str, str] = {}
    for text in ids:
        other = seen.setdefault(_read_as(text), text)
        if other != text:
            reason = "has two ids that differ, and read the same. Models and users would take one for the other."
            error = UnsupportedValueError(reason, place)
            error.add_note(f"The ids are {other!r} and {text!r}.")
            raise error


def _read_as(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", _UNREAD.sub("", text)).split())
