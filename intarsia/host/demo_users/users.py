"""Three made-up people for demonstrations: who they are, and what each of them has granted at the moment."""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

READS, WRITES = ":read", ":write"

_VERBS = {"read": "Read", "write": "Change", "delete": "Delete", "admin": "Manage"}


@dataclass(frozen=True)
class DemoUser:
    """Somebody who is made up.

    Args:
        key: Who it is for the issuer.
        name: Who it is for people.
        role: What they are, in one word.
        scopes: What they grant when they connect.
    """

    key: str
    name: str
    role: str
    scopes: frozenset[str] = field(default=frozenset())

    @property
    def roles(self) -> frozenset[str]:
        """What they are for the connector."""
        return frozenset({self.role})


def demo_users_for(scopes: Iterable[str]) -> tuple[DemoUser, ...]:
    """Return a reader, an editor and an admin for any connector.

    Args:
        scopes: Everything that the connector's tools ask for. What ends in `:read` is for all three, what ends in
            `:write` for two of them, and the rest for the admin.
    """
    every = frozenset(scopes)
    reading = frozenset(scope for scope in every if scope.endswith(READS))
    writing = frozenset(scope for scope in every if scope.endswith(WRITES))
    return (
        DemoUser("reader", "Rea Okafor", "reader", reading),
        DemoUser("editor", "Edda Lindqvist", "editor", reading | writing),
        DemoUser("admin", "Amir Haddad", "admin", every),
    )


def label_of(scope: str) -> str:
    """Return a scope in plain words, such as "Read tasks" for `tasks:read`."""
    subject, _, verb = scope.rpartition(":")
    about, what = _words(subject), _words(verb)
    if not about:
        return what.capitalize() or scope
    if verb in _VERBS:
        return f"{_VERBS[verb]} {about}"
    return f"{about.capitalize()}: {what}"


def in_order(scopes: Iterable[str]) -> list[str]:
    """Return scopes as people read them: by what they are about, reading before changing before deleting."""
    verbs = list(_VERBS)

    def place(scope: str) -> tuple[str, int, str]:
        about, _, verb = scope.rpartition(":")
        return about, verbs.index(verb) if verb in verbs else len(verbs), verb

    return sorted(scopes, key=place)


def _words(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name).strip()


class DemoGrants:
    """What people have granted at the moment. It is known in this process alone, and only while it runs.

    Args:
        users: Who may connect; all of them have connected already.
        scopes: What can be granted.
    """

    def __init__(self, users: Iterable[DemoUser], scopes: AbstractSet[str]) -> None:
        self.users: Mapping[str, DemoUser] = {user.key: user for user in users}
        self.scopes = frozenset(scopes)
        self._granted: dict[str, frozenset[str]] = {user.key: user.scopes for user in self.users.values()}

    def granted(self, key: str) -> frozenset[str] | None:
        """Return what somebody has granted; None when they are not connected."""
        return self._granted.get(key)

    def grant(self, key: str, scopes: Iterable[str] | None = None) -> frozenset[str]:
        """Let somebody grant exactly these scopes from now on, which connects them.

        Args:
            key: Who it is.
            scopes: What they grant; left out, what they have granted, or what they grant at first.

        Returns:
            What they have granted now; a scope that does not exist is not among it.
        """
        kept = self._granted.get(key, self.users[key].scopes)
        self._granted[key] = kept if scopes is None else frozenset(scopes) & self.scopes
        return self._granted[key]

    def narrow(self, key: str, scopes: Iterable[str]) -> frozenset[str]:
        """Leave somebody only these of the scopes that they have granted. Who is not connected stays so."""
        if key in self._granted:
            self._granted[key] &= frozenset(scopes)
        return self._granted.get(key, frozenset())

    def withdraw(self, key: str) -> None:
        """Let somebody withdraw all that they have granted."""
        self._granted.pop(key, None)
