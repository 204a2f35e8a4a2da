"""Topics: names of data whose changes make open Views read widgets again, with placeholders for arguments."""

from collections.abc import Iterable
from string import Formatter

from intarsia.errors import ToolError, near_miss

MAX_TOPICS = 20
"""The maximum number of topics of one tool."""


def checked_topics(name: str, what: str, given: str | Iterable[str], parameters: Iterable[str]) -> tuple[str, ...]:
    """Validate topics such as `"project:{project}"`, whose placeholders are names of parameters.

    Args:
        name: The tool's name, for error messages.
        what: The name of the option, for error messages.
        given: One or several topics.
        parameters: The accepted names of placeholders.

    Raises:
        ToolError: A topic is empty or not a string, a placeholder is not the name of a parameter, or there are more
            than `MAX_TOPICS`.
    """
    topics: tuple[object, ...] = (given,) if isinstance(given, str) else tuple(given)
    if len(topics) > MAX_TOPICS:
        message = f"{name}: {what} must have at most {MAX_TOPICS} topics, not {len(topics)}."
        raise ToolError(message)
    return tuple(_checked(name, what, topic, frozenset(parameters)) for topic in topics)


def _checked(name: str, what: str, topic: object, parameters: frozenset[str]) -> str:
    if not isinstance(topic, str) or not topic.strip():
        message = f"{name}: {what} must be strings such as 'project:{{project}}', not {topic!r}."
        raise ToolError(message)
    try:
        places = [place for _, *place in Formatter().parse(topic) if place[0] is not None]
    except ValueError as error:
        message = f"{name}: {what} {topic!r} cannot be parsed: {error}. Write {{{{ for a literal brace."
        raise ToolError(message) from None
    for place, form, conversion in places:
        # A conversion or format would produce a topic that publishers do not use.
        if place not in parameters or form or conversion:
            hint = near_miss(str(place), set(parameters))
            message = f"{name}: {what} {topic!r} has the placeholder {place!r}, which is not a parameter.{hint}"
            raise ToolError(message)
    return topic
