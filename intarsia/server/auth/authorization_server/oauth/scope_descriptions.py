"""Descriptions of scopes for users: written by the developer, or derived from the name of the scope."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from intarsia.errors import SettingError, near_miss
from intarsia.server.catalog import Catalog

_VERBS = {
    "read": "See {}", "view": "See {}", "list": "See {}", "write": "Change {}", "edit": "Change {}",
    "update": "Change {}", "create": "Add {}", "add": "Add {}", "delete": "Delete {}", "remove": "Delete {}",
    "manage": "Manage {}", "admin": "Manage {}",
}  # fmt: skip
_SEPARATORS = re.compile(r"[:./_-]+")


@dataclass(frozen=True)
class ScopeDescription:
    """A scope as users see it."""

    scope: str
    text: str
    used_by: str
    """The titles of the tools that require it."""


def describe_scopes(catalog: Catalog, scopes: Iterable[str], roles: frozenset[str]) -> list[ScopeDescription]:
    """Return scopes with their descriptions: first in the developer's order, then from reading to managing.

    Args:
        catalog: The catalog whose tools require the scopes.
        scopes: The scopes to describe.
        roles: The user's roles; tools that require other roles are not named.
    """
    described = list(catalog.scope_descriptions)

    def sort_key(scope: str) -> tuple[int, int, str]:
        return (described.index(scope) if scope in described else len(described), _power(scope), scope)

    return [
        ScopeDescription(
            scope,
            catalog.scope_descriptions.get(scope) or default_description(scope),
            _used_by(catalog, scope, roles),
        )
        for scope in sorted(scopes, key=sort_key)
    ]


def check_scope_descriptions(descriptions: Mapping[str, str], scopes: frozenset[str]) -> None:
    """Check that each described scope is required by a tool.

    Raises:
        SettingError: A scope is not; most likely it is misspelled.
    """
    for scope in sorted(descriptions.keys() - scopes):
        message = f"scope_descriptions has {scope!r}, which no tool requires.{near_miss(scope, scopes)}"
        raise SettingError(message)


def default_description(scope: str) -> str:
    """Return a description derived from the name of a scope: `tasks:write` becomes "Change tasks"."""
    words = [word for word in _SEPARATORS.split(scope) if word]
    for index, others in ((-1, words[:-1]), (0, words[1:])):
        if others and words[index].lower() in _VERBS:
            return _VERBS[words[index].lower()].format(" ".join(others))
    return " ".join(words).capitalize() or scope


def _power(scope: str) -> int:
    """Return how much a scope allows, judged by its name, so that reading is listed before deleting."""
    verbs = list(_VERBS)
    return max([-1, *(verbs.index(word) for word in _SEPARATORS.split(scope.lower()) if word in _VERBS)])


def _used_by(catalog: Catalog, scope: str, roles: frozenset[str]) -> str:
    tools = catalog.tools.values()
    titles = [tool.title for tool in tools if scope in tool.scopes and (not tool.roles or tool.roles & roles)]
    more = f" and {len(titles) - 3} more" if len(titles) > 4 else ""
    return ", ".join(titles[:3] if more else titles) + more
