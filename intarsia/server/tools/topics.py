"""Topics: names of things whose change makes widgets be read again, with places for a tool's arguments."""

from collections.abc import Iterable
from string import Formatter

from intarsia.errors import ToolError, near_miss

MAX_TOPICS = 20
"""How many topics one tool may name."""


def checked_topics(name: str, what: str, given: str | Iterable[str], parameters: Iterable[str]) -> tuple[str, ...]:
    """Check topics such as `"project:{project}"`, whose places are names of parameters.

    Args:
        name: The tool's, for the message.
        what: The option that holds them, for the message.
        given: One topic or several.
        parameters: Names that may stand in places.

    Raises:
        ToolError: A topic is empty, is no text, or has a place that is no parameter's name; or there are too many.
    """
    topics: tuple[object, ...] = (given,) if isinstance(given, str) else tuple(given)
    if len(topics) > MAX_TOPICS:
        message = f"{name}: {what} may name {MAX_TOPICS} topics, and names {len(topics)}."
        raise ToolError(message)
    return tuple(_checked(name, what, topic, frozenset(parameters)) for topic in topics)


def _checked(name: str, what: str, topic: object, parameters: frozenset[str]) -> str:
    if not isinstance(topic, str) or not topic.strip():
        message = f"{name}: {what} must be texts such as 'project:{{project}}'; {topic!r} is none."
        raise ToolError(message)
    try:
        places = [place for _, *place in Formatter().parse(topic) if place[0] is not None]
    except ValueError as error:
        message = f"{name}: {what} {topic!r} cannot be read: {error}. Write {{{{ for a brace."
        raise ToolError(message) from None
    for place, form, conversion in places:
        if place not in parameters or form or conversion:
            hint = near_miss(str(place), set(parameters))
            message = f"{name}: {what} {topic!r} has a place for {place!r}, which is no parameter of it.{hint}"
            raise ToolError(message)
    return topic
