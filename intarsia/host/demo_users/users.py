"""Three demo users and their current grants."""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

READS, WRITES = ":read", ":write"

_VERBS = {"read": "Read", "write": "Change", "delete": "Delete", "admin": "Manage"}


@dataclass(frozen=True)
class DemoUser:
    """A demo user.

    Args:
        key: The subject for the issuer.
        name: The display name.
        role: The role of the user.
        scopes: The scopes that the user grants initially.
    """

    key: str
    name: str
    role: str
    scopes: frozenset[str] = field(default=frozenset())

    @property
    def roles(self) -> frozenset[str]:
        """The roles of the user for the connector."""
        return frozenset({self.role})


def demo_users_for(scopes: Iterable[str]) -> tuple[DemoUser, ...]:
    """Return a reader, an editor and an admin for any connector.

    Args:
        scopes: All scopes of the connector's tools. Those that end in `:read` are for all three, those that end in
            `:write` for the editor and the admin, and the rest for the admin.
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
    """Return a readable name of a scope, such as "Read tasks" for `tasks:read`."""
    subject, _, verb = scope.rpartition(":")
    about, what = _words(subject), _words(verb)
    if not about:
        return what.capitalize() or scope
    if verb in _VERBS:
        return f"{_VERBS[verb]} {about}"
    return f"{about.capitalize()}: {what}"


def in_order(scopes: Iterable[str]) -> list[str]:
    """Return scopes sorted by subject, then read before write before delete."""
    verbs = list(_VERBS)

    def place(scope: str) -> tuple[str, int, str]:
        about, _, verb = scope.rpartition(":")
        return about, verbs.index(verb) if verb in verbs else len(verbs), verb

    return sorted(scopes, key=place)


def _words(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name).strip()


class DemoGrants:
    """The current grants of users, in the memory of this process.

    Args:
        users: The users. All are connected at first.
        scopes: The scopes that exist.
    """

    def __init__(self, users: Iterable[DemoUser], scopes: AbstractSet[str]) -> None:
        self.users: Mapping[str, DemoUser] = {user.key: user for user in users}
        self.scopes = frozenset(scopes)
        self._granted: dict[str, frozenset[str]] = {user.key: user.scopes for user in self.users.values()}

    def granted(self, key: str) -> frozenset[str] | None:
        """Return the granted scopes of a user; `None` if the user is not connected."""
        return self._granted.get(key)

    def grant(self, key: str, scopes: Iterable[str] | None = None) -> frozenset[str]:
        """Set the granted scopes of a user, which connects the user.

        Args:
            key: The key of the user.
            scopes: The new scopes; by default the current or the initial ones.

        Returns:
            The granted scopes, without scopes that do not exist.
        """
        kept = self._granted.get(key, self.users[key].scopes)
        self._granted[key] = kept if scopes is None else frozenset(scopes) & self.scopes
        return self._granted[key]

    def narrow(self, key: str, scopes: Iterable[str]) -> frozenset[str]:
        """Reduce the granted scopes of a user to these. A user who is not connected stays disconnected."""
        if key in self._granted:
            self._granted[key] &= frozenset(scopes)
        return self._granted.get(key, frozenset())

    def withdraw(self, key: str) -> None:
        """Revoke all scopes of a user and disconnect the user."""
        self._granted.pop(key, None)
