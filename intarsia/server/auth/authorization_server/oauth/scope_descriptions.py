"""What scopes mean to people: in the developer's words, or as plainly as their names can be read."""

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
_BETWEEN = re.compile(r"[:./_-]+")


@dataclass(frozen=True)
class ScopeDescription:
    """A scope as people read it."""

    scope: str
    text: str
    used_by: str
    """The tools that ask for it."""


def meanings_of(catalog: Catalog, scopes: Iterable[str], roles: frozenset[str]) -> list[ScopeDescription]:
    """Return scopes as people read them: in the developer's order, then what only reads before what changes.

    Args:
        catalog: Whose scopes they are.
        scopes: Which of them.
        roles: Those of the person; tools for others are not named.
    """
    explained = list(catalog.scope_meanings)

    def place(scope: str) -> tuple[int, int, str]:
        return (explained.index(scope) if scope in explained else len(explained), _weight(scope), scope)

    return [
        ScopeDescription(scope, catalog.scope_meanings.get(scope) or read_aloud(scope), _used_by(catalog, scope, roles))
        for scope in sorted(scopes, key=place)
    ]


def check_meanings(meanings: Mapping[str, str], scopes: frozenset[str]) -> None:
    """Check that every scope that is explained is one that can be granted.

    Raises:
        SettingError: One of them is not, most likely because it is misspelled.
    """
    for scope in sorted(meanings.keys() - scopes):
        message = f"scope_meanings explains {scope!r}, which no tool asks for.{near_miss(scope, scopes)}"
        raise SettingError(message)


def read_aloud(scope: str) -> str:
    """Return a scope as plain words: `tasks:write` is "Change tasks"."""
    words = [word for word in _BETWEEN.split(scope) if word]
    for at, rest in ((-1, words[:-1]), (0, words[1:])):
        if rest and words[at].lower() in _VERBS:
            return _VERBS[words[at].lower()].format(" ".join(rest))
    return " ".join(words).capitalize() or scope


def _weight(scope: str) -> int:
    """Return how much a scope allows, as far as its name tells."""
    known = list(_VERBS)
    return max([-1, *(known.index(word) for word in _BETWEEN.split(scope.lower()) if word in _VERBS)])


def _used_by(catalog: Catalog, scope: str, roles: frozenset[str]) -> str:
    tools = catalog.tools.values()
    titles = [tool.title for tool in tools if scope in tool.scopes and (not tool.roles or tool.roles & roles)]
    more = f" and {len(titles) - 3} more" if len(titles) > 4 else ""
    return ", ".join(titles[:3] if more else titles) + more
