"""What a tool asks of those who call it."""

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
    """What a decision knows of a tool: see `intarsia.permissions`."""

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
        """Check what the decorator of a tool was given. No scopes at all are something else than an empty set of them.

        Raises:
            ToolError: A set is one text, a scope is none by RFC 6749, or the rule cannot be called.
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
    """Return scopes that can be granted.

    Raises:
        ToolError: It is one text, or one of them is no scope by RFC 6749.
    """
    wrong = sorted(scope for scope in _checked_set(name, "scopes", scopes) if not _SCOPE.fullmatch(scope))
    if wrong:
        message = f"{name}: {wrong[0]!r} is no scope; write it without spaces and quotes, such as 'tasks:write'."
        raise ToolError(message)
    return frozenset(scopes)


def _checked_set(name: str, what: str, given: Any) -> frozenset[str]:
    if isinstance(given, str) or not all(isinstance(one, str) for one in given):
        message = f"{name}: {what} must be a set of strings, such as {what}={{'tasks:write'}}."
        raise ToolError(message)
    return frozenset(given)
