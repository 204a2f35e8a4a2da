"""What was drawn before: a card that is as it was is not drawn again.

Boards are drawn often and change little: for every viewer, after every action, at every refresh. What is kept follows
from the data alone, so that it is the same for everybody who may see those data.
"""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

Macro = Callable[..., str]
"""A macro of a template that sees nothing but its arguments: one that is imported without context."""

MAX_KEPT = 4_000
"""How many drawn things each of two generations keeps; a card takes about a kilobyte."""


class RenderCache(Generic[T]):
    """Remembers what was drawn lately, and forgets what was not asked for in a long time.

    Args:
        finish: What is made of the drawn text before it is kept.
        most: How many things each of two generations keeps. When the younger is full, it becomes the older one, and
            what was in the older one is forgotten.
    """

    def __init__(self, finish: Callable[[str], T], most: int = MAX_KEPT) -> None:
        self._finish = finish
        self._most = most
        self._young: dict[Hashable, T] = {}
        self._old: dict[Hashable, T] = {}

    def get(self, thing: object, macro: Macro, also: tuple[Hashable, ...] = ()) -> T:
        """Return a thing as a macro draws it.

        Args:
            thing: Data whose fields can be compared, and do not change.
            macro: It is called with the thing and `also`, unless what it made of them is remembered.
            also: What else the macro must know.
        """
        cause = (macro, also, *vars(thing).values())
        found = self._young.get(cause)
        if found is None:
            found = self._old.get(cause) or self._finish(macro(thing, *also))
            self._keep(cause, found)
        return found

    def _keep(self, cause: Hashable, found: T) -> None:
        if len(self._young) >= self._most:
            self._young, self._old = {}, self._young
        self._young[cause] = found

    def __len__(self) -> int:
        return len(self._young) + len(self._old)
