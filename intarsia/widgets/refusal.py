"""What a person cannot do with a widget, in as few sentences as tell it truly."""

from collections.abc import Iterable
from dataclasses import dataclass

from intarsia.widgets.action import BoundAction


@dataclass(frozen=True)
class ControlRefusal:
    """Why controls are disabled, and what would help."""

    reason: str
    """One plain sentence."""
    tool: str
    """One of the tools that are refused: asking for it asks for the scopes."""
    missing_scopes: frozenset[str] = frozenset()
    """What to grant; empty when granting helps nothing."""


def refusals_of(actions: Iterable[BoundAction]) -> list[ControlRefusal]:
    """Say why actions are refused: once for all that lack the same scopes, and once for each other reason."""
    groups: dict[object, list[BoundAction]] = {}
    for action in actions:
        if action.is_refused:
            groups.setdefault(action.decision.missing_scopes or action.decision.reason, []).append(action)
    return [_refusal(group) for group in groups.values()]


def _refusal(group: list[BoundAction]) -> ControlRefusal:
    first = group[0]
    missing = first.decision.missing_scopes
    titles = list(dict.fromkeys(action.title for action in group))
    if len(titles) == 1 or not missing:
        return ControlRefusal(first.decision.reason, first.tool, missing)
    reason = f"{', '.join(titles[:-1])} and {titles[-1]} need {' and '.join(sorted(missing))}."
    return ControlRefusal(reason, first.tool, missing)
