"""The confirmation question of a destructive action, with placeholders for the action's arguments."""

import unicodedata
from collections.abc import Mapping
from string import Formatter
from typing import Any

from intarsia.errors import ToolError, near_miss

MAX_VALUE_LENGTH, MAX_QUESTION_LENGTH = 80, 300
"""Maximum length in characters of one argument in a question, and of the whole question."""


def checked_question(question: str, tool: str, parameters: Mapping[str, object]) -> str:
    """Validate a question with placeholders, such as "Delete {card}?".

    Args:
        question: The question.
        tool: The action's name, for error messages.
        parameters: The action's parameters by name.

    Raises:
        ToolError: The question is empty, or a placeholder is not the name of a parameter.
    """
    try:
        places = [place for _, *place in Formatter().parse(question) if place[0] is not None]
    except ValueError as error:
        message = f"{tool}: confirm={question!r} cannot be parsed: {error}. Write {{{{ for a literal brace."
        raise ToolError(message) from None
    for name, form, conversion in places:
        if name not in parameters or form or conversion:
            hint = near_miss(str(name), set(parameters))
            message = f"{tool}: confirm has the placeholder {name!r}; use only plain names of parameters.{hint}"
            raise ToolError(message)
    if not question.strip():
        message = f"{tool}: confirm must be a question, such as 'Delete {{card}}?'."
        raise ToolError(message)
    return question


def question_for(question: str, arguments: Mapping[str, Any]) -> str:
    """Fill the placeholders of a question. The result is plain text; values are cut, and cannot reverse it."""
    shown = {name: _shortened(_plain(value), MAX_VALUE_LENGTH) for name, value in arguments.items()}
    return _shortened(question.format_map(shown), MAX_QUESTION_LENGTH)


def _plain(value: object) -> str:
    """Return a value on one line, without invisible and bidirectional control characters (Unicode category Cf)."""
    # Characters such as U+202E could make the question read as another one.
    seen = (" " if unicodedata.category(each) in {"Cc", "Zl", "Zp"} else each for each in str(value))
    return " ".join("".join(each for each in seen if unicodedata.category(each) != "Cf").split())


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
