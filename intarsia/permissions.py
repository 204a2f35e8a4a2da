"""The caller's grant, and the access decision for a call. This module performs no I/O.

One function makes the decision, both when a tool is called and when its control is rendered, so that a control is
disabled exactly when its call would be refused.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol

MAX_PERSON_LENGTH = 200
"""Maximum length in characters of `Grant.person`, the user key in the store; longer keys are hashed."""


@dataclass(frozen=True)
class Grant:
    """The authenticated user of a call and the access they granted.

    A tool's function receives it in a parameter of this type.

    Args:
        subject: The user's identifier at the issuer (the `sub` claim).
        client: The OAuth client ID of the MCP client that calls.
        scopes: The granted scopes.
        roles: The user's roles, as the issuer names them.
        claims: Further claims of the access token, by name. The token itself is never included.
        issuer: The issuer's URL; empty for local use without sign-in.

    Raises:
        TypeError: `scopes` or `roles` is a string instead of a set of strings.
    """

    subject: str
    client: str = ""
    scopes: AbstractSet[str] = frozenset()
    roles: AbstractSet[str] = frozenset()
    claims: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False, compare=False)
    issuer: str = ""
    person: str = field(init=False, repr=False, compare=False)
    """The user's identifier across all issuers: the key of their drafts and idempotency keys."""

    def __post_init__(self) -> None:
        for name in ("scopes", "roles"):
            given: object = getattr(self, name)
            if isinstance(given, str):
                # A string is iterable too, and would silently become a set of its letters.
                message = f"Grant({name}={given!r}) must be a set of strings, such as {{{given!r}}}."
                raise TypeError(message)
            object.__setattr__(self, name, frozenset[str](getattr(self, name)))
        # Two issuers may give the same subject to different users.
        name = f"{self.issuer} {self.subject}" if self.issuer else self.subject
        person = name if len(name) <= MAX_PERSON_LENGTH else sha256(name.encode()).hexdigest()
        object.__setattr__(self, "person", person)


@dataclass(frozen=True)
class Decision:
    """Whether a call is allowed, and if not, the reason. The reason is safe to show to the user."""

    allowed: bool
    reason: str = ""
    missing_scopes: frozenset[str] = frozenset()
    """The scopes that would allow the call; empty if no further scope would."""

    @property
    def how_to_fix(self) -> str:
        """One plain sentence that tells the user how to allow the call; empty if they cannot."""
        return f"Grant access to {_listed(self.missing_scopes)}." if self.missing_scopes else ""


ALLOWED = Decision(allowed=True)

Answer = bool | str
Rule = Callable[[Grant, Mapping[str, Any]], Answer | Awaitable[Answer]]
"""A tool's own access rule, called with the grant and the arguments.

`True` allows the call. `False`, or a sentence to show to the user, refuses it.
"""


class Guarded(Protocol):
    """The attributes of a tool that an access decision uses."""

    @property
    def title(self) -> str:
        """The tool's display name."""
        ...

    @property
    def scopes(self) -> frozenset[str]:
        """The required scopes: all of them."""
        ...

    @property
    def roles(self) -> frozenset[str]:
        """The accepted roles: the caller needs one of them. Empty accepts every role."""
        ...

    @property
    def allow(self) -> Rule | None:
        """The tool's own rule, for decisions that depend on the arguments."""
        ...

    @property
    def is_declared(self) -> bool:
        """Whether the tool declares any access rule (`scopes`, `roles` or `allow`)."""
        ...


def is_offered(grant: Grant, tool: Guarded) -> bool:
    """Whether the tool is listed for a caller: a tool that requires a role is hidden from callers without it."""
    return not tool.roles or bool(tool.roles & grant.roles)


def decide_without_arguments(grant: Grant, tool: Guarded) -> Decision:
    """Decide by roles and scopes alone, before the arguments are known.

    A server with sign-in refuses every tool that declares no access rule, so that forgetting one fails closed.

    Args:
        grant: The caller.
        tool: The tool to call.

    Returns:
        The decision. If a refusal has no `missing_scopes`, granting further scopes does not help.
    """
    if grant.issuer and not tool.is_declared:
        reason = f"{tool.title} is not available: it declares no scopes, roles or rule that say who may use it."
        return Decision(allowed=False, reason=reason)
    if not is_offered(grant, tool):
        roles = " or ".join(sorted(tool.roles))
        return Decision(allowed=False, reason=f"{tool.title} is only for users with the role {roles}.")
    missing = tool.scopes - grant.scopes
    if missing:
        reason = f"{tool.title} needs {permissions_text(missing)}."
        return Decision(allowed=False, reason=reason, missing_scopes=missing)
    return ALLOWED


async def decide(grant: Grant, tool: Guarded, arguments: Mapping[str, Any]) -> Decision:
    """Decide whether a caller may call a tool with these arguments.

    Args:
        grant: The caller.
        tool: The tool to call.
        arguments: The validated arguments, passed to the tool's own rule.

    Returns:
        The decision.
    """
    decision = decide_without_arguments(grant, tool)
    if not decision.allowed or tool.allow is None:
        return decision
    answer = tool.allow(grant, arguments)
    if inspect.isawaitable(answer):
        answer = await answer
    # Only `True` itself allows: a reason is a non-empty, hence truthy, string.
    if answer is True:
        return ALLOWED
    return Decision(allowed=False, reason=answer or f"You don't have permission to use {tool.title}.")


def permissions_text(scopes: AbstractSet[str]) -> str:
    """Return scopes with their plain meaning, for a sentence that users read: "a and b, permissions you don't have"."""
    return f"{_listed(scopes)}, {'a permission' if len(scopes) == 1 else 'permissions'} you don't have"


def _listed(names: AbstractSet[str]) -> str:
    # Sorted, so that the same refusal always has the same text.
    return " and ".join(sorted(names))
