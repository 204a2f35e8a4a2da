"""Who calls, what they granted, and whether a call is allowed. Nothing here reads or writes anything.

One function decides, and it is asked everywhere: when a tool is called, and when its control is drawn.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol

MAX_PERSON_LENGTH = 200
"""How many characters the store keeps of who somebody is."""


@dataclass(frozen=True)
class Grant:
    """A person with what they granted when they connected. A tool's function gets it as a parameter of this type.

    Args:
        subject: Who it is, by the issuer's name for them.
        client: Through which client they connected.
        scopes: What they granted.
        roles: What they are, in the words of the issuer.
        claims: What else the issuer says about them. The token itself is never among it.
        issuer: Who says so; empty on this machine, where nobody signs in.

    Raises:
        TypeError: `scopes` or `roles` is one text instead of a set of texts.
    """

    subject: str
    client: str = ""
    scopes: AbstractSet[str] = frozenset()
    roles: AbstractSet[str] = frozenset()
    claims: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False, compare=False)
    issuer: str = ""
    person: str = field(init=False, repr=False, compare=False)
    """Who it is among all issuers: the owner of drafts and of idempotency keys."""

    def __post_init__(self) -> None:
        for name in ("scopes", "roles"):
            given: object = getattr(self, name)
            if isinstance(given, str):
                message = f"Grant({name}={given!r}) must be a set of texts, such as {{{given!r}}}."
                raise TypeError(message)
            object.__setattr__(self, name, frozenset[str](getattr(self, name)))
        name = f"{self.issuer} {self.subject}" if self.issuer else self.subject
        person = name if len(name) <= MAX_PERSON_LENGTH else sha256(name.encode()).hexdigest()
        object.__setattr__(self, "person", person)


@dataclass(frozen=True)
class Decision:
    """Whether a call is allowed, and if not, why, in words that may be shown."""

    allowed: bool
    reason: str = ""
    missing_scopes: frozenset[str] = frozenset()
    """The scopes that would allow it, if granting more would help."""

    @property
    def how_to_fix(self) -> str:
        """What a person can do about it; empty when there is nothing."""
        return f"Grant access to {_listed(self.missing_scopes)}." if self.missing_scopes else ""


ALLOWED = Decision(allowed=True)

Answer = bool | str
Rule = Callable[[Grant, Mapping[str, Any]], Answer | Awaitable[Answer]]
"""A rule of one tool: who calls, with which arguments. `True` allows; `False`, or a reason for people, refuses."""


class Guarded(Protocol):
    """What a decision knows of a tool."""

    @property
    def title(self) -> str:
        """What people read."""
        ...

    @property
    def scopes(self) -> frozenset[str]:
        """All of these must be granted."""
        ...

    @property
    def roles(self) -> frozenset[str]:
        """One of these is needed, unless there are none."""
        ...

    @property
    def allow(self) -> Rule | None:
        """A rule of its own, for what depends on the arguments."""
        ...

    @property
    def is_declared(self) -> bool:
        """Whether anything was said about who may call it."""
        ...


def is_offered(grant: Grant, tool: Guarded) -> bool:
    """Whether somebody gets to know of a tool: one that is only for other roles is not there for them at all."""
    return not tool.roles or bool(tool.roles & grant.roles)


def decide_without_arguments(grant: Grant, tool: Guarded) -> Decision:
    """Decide as far as it can be known before there are arguments.

    Where people sign in, a tool for which nothing was declared is refused to everybody.

    Args:
        grant: Who calls.
        tool: What they call.

    Returns:
        A refusal without `missing_scopes` can not be mended by granting more.
    """
    if grant.issuer and not tool.is_declared:
        reason = f"{tool.title} is not open to anybody yet: its scopes are not declared."
        return Decision(allowed=False, reason=reason)
    if not is_offered(grant, tool):
        return Decision(allowed=False, reason=f"{tool.title} is only for {_listed(tool.roles)}.")
    missing = tool.scopes - grant.scopes
    if missing:
        return Decision(allowed=False, reason=f"{tool.title} needs {_listed(missing)}.", missing_scopes=missing)
    return ALLOWED


async def decide(grant: Grant, tool: Guarded, arguments: Mapping[str, Any]) -> Decision:
    """Decide whether a person may call a tool with these arguments.

    Args:
        grant: Who calls.
        tool: What they call.
        arguments: What the tool's rule is asked about, as the function would get it.
    """
    decision = decide_without_arguments(grant, tool)
    if not decision.allowed or tool.allow is None:
        return decision
    answer = tool.allow(grant, arguments)
    if inspect.isawaitable(answer):
        answer = await answer
    if answer is True:
        return ALLOWED
    return Decision(allowed=False, reason=answer or f"{tool.title} is not for you.")


def _listed(names: AbstractSet[str]) -> str:
    return " and ".join(sorted(names))
