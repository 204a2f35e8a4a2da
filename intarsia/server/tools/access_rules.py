"""Access rules of tools: required scopes and roles, and the tool's own rule."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Self

from intarsia.errors import ToolError
from intarsia.permissions import Rule

# RFC 6749, section 3.3: printable ASCII without space, quote and backslash.
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


@dataclass(frozen=True)
class AccessRules:
    """The declared access rules of a tool. `intarsia.permissions` makes decisions from them."""

    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    allow: Rule | None = None
    is_declared: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        *,
        scopes: AbstractSet[str] | None = None,
        roles: AbstractSet[str] = frozenset(),
        allow: Rule | None = None,
    ) -> Self:
        """Validate the access options of a decorator.

        Args:
            name: The function's name, for error messages.
            scopes: The required scopes. `None` declares nothing, while an empty set allows every user.
            roles: The accepted roles.
            allow: The tool's own rule.

        Raises:
            ToolError: A set is a string, a scope is invalid (RFC 6749, section 3.3), or `allow` is not callable.
        """
        wanted = checked_scopes(name, frozenset() if scopes is None else scopes)
        given: object = allow
        if given is not None and not callable(given):
            message = f"{name}: allow must be a function of the Grant and the arguments, not {type(given).__name__}."
            raise ToolError(message)
        checked = _checked_set(name, "roles", roles)
        return cls(wanted, checked, allow, scopes is not None or bool(checked) or allow is not None)


UNDECLARED = AccessRules()


def checked_scopes(name: str, scopes: AbstractSet[str]) -> frozenset[str]:
    """Validate scopes.

    Raises:
        ToolError: The value is a string instead of a set, or a scope is invalid (RFC 6749, section 3.3).
    """
    wrong = sorted(scope for scope in _checked_set(name, "scopes", scopes) if not _SCOPE.fullmatch(scope))
    if wrong:
        message = f"{name}: {wrong[0]!r} is not a scope; write it without spaces and quotes, such as 'tasks:write'."
        raise ToolError(message)
    return frozenset(scopes)


def _checked_set(name: str, what: str, given: Any) -> frozenset[str]:
    # A string is an iterable of strings too, and would become a set of its letters.
    if isinstance(given, str) or not all(isinstance(one, str) for one in given):
        message = f"{name}: {what} must be a set of strings, such as {what}={{'tasks:write'}}."
        raise ToolError(message)
    return frozenset(given)
