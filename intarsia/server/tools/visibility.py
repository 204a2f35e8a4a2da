"""The visibility of a tool: to the model, to Views, or to both (`_meta.ui.visibility` of MCP Apps)."""

from collections.abc import Set as AbstractSet
from typing import Literal, get_args

from intarsia.errors import ToolError

Audience = Literal["model", "app"]
ALL_AUDIENCES: frozenset[Audience] = frozenset(get_args(Audience))


def checked_visibility(name: str, given: AbstractSet[Audience] | None, *, destructive: bool) -> frozenset[Audience]:
    """Return the visibility of an action: by default both, but for a destructive action Views only.

    Raises:
        ToolError: The value is a string, is empty, or contains anything but `"model"` and `"app"`.
    """
    if given is None:
        return frozenset[Audience]({"app"}) if destructive else ALL_AUDIENCES
    visible = frozenset[Audience](given)
    if not visible or not visible <= ALL_AUDIENCES:  # refuses a string too, which becomes a set of its letters
        message = f"{name}: visibility must be a set of 'model' and 'app', such as visibility={{'app'}}."
        raise ToolError(message)
    return visible
