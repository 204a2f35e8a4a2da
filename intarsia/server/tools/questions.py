"""The question that a destructive action asks a person, with places for the action's arguments."""

import unicodedata
from collections.abc import Mapping
from string import Formatter
from typing import Any

from intarsia.errors import ToolError, near_miss

MAX_VALUE_LENGTH, MAX_QUESTION_LENGTH = 80, 300
"""Characters of one argument in a question, and of the whole question."""


def checked_question(question: str, tool: str, parameters: Mapping[str, object]) -> str:
    """Check a question with places for arguments, such as "Delete {card}?".

    Raises:
        ToolError: It is empty, or has a place that is no parameter's name.
    """
    try:
        places = [place for _, *place in Formatter().parse(question) if place[0] is not None]
    except ValueError as error:
        message = f"{tool}: confirm={question!r} cannot be read: {error}. Write {{{{ for a brace."
        raise ToolError(message) from None
    for name, form, conversion in places:
        if name not in parameters or form or conversion:
            hint = near_miss(str(name), set(parameters))
            message = f"{tool}: confirm has a place for {name!r}; only bare names of parameters can stand there.{hint}"
            raise ToolError(message)
    if not question.strip():
        message = f"{tool}: confirm must be a question, such as 'Delete {{card}}?'."
        raise ToolError(message)
    return question


def question_for(question: str, arguments: Mapping[str, Any]) -> str:
    """Put arguments into a question. It is text, and shown as text; no value can make it long or turn it around."""
    shown = {name: _shortened(_plain(value), MAX_VALUE_LENGTH) for name, value in arguments.items()}
    return _shortened(question.format_map(shown), MAX_QUESTION_LENGTH)


def _plain(value: object) -> str:
    """Return a value on one line, without characters that are not seen or that change the order of others."""
    seen = (" " if unicodedata.category(each) in {"Cc", "Zl", "Zp"} else each for each in str(value))
    return " ".join("".join(each for each in seen if unicodedata.category(each) != "Cf").split())


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
