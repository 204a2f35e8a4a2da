"""Who a tool is for: the model, people through a View, or both (`_meta.ui.visibility` of MCP Apps)."""

from collections.abc import Set as AbstractSet
from typing import Literal, get_args

from intarsia.errors import ToolError

Audience = Literal["model", "app"]
EVERYBODY: frozenset[Audience] = frozenset(get_args(Audience))


def checked_visibility(name: str, given: AbstractSet[Audience] | None, *, destructive: bool) -> frozenset[Audience]:
    """Return who may call an action: unless it is said, everybody; what destroys is for people alone.

    Raises:
        ToolError: It is one text, empty, or holds another word.
    """
    if given is None:
        return frozenset[Audience]({"app"}) if destructive else EVERYBODY
    visible = frozenset[Audience](given)
    if not visible or not visible <= EVERYBODY:  # one text is none of them: its letters are no such words
        message = f"{name}: visibility must be a set of 'model' and 'app', such as visibility={{'app'}}."
        raise ToolError(message)
    return visible
