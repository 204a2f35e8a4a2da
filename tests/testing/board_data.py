"""What both boards are about: cards in memory, and a book of every change that was applied."""

from dataclasses import dataclass, field

import anyio

COLUMNS = {"todo": "To do", "done": "Done"}
PROJECT = "apollo"
INBOX = "inbox"
"""Where a change goes that does not say where."""

Shown = dict[str, list[str]]
"""The titles in each column, by the column's name."""


@dataclass
class Item:
    """One card."""

    id: str
    title: str


@dataclass
class Work:
    """The cards of each project, by column."""

    projects: dict[str, dict[str, list[Item]]]
    books: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """What was done in each project, once for each time that it was done."""

    def __post_init__(self) -> None:
        self._changed = anyio.Event()

    @property
    def changes(self) -> list[str]:
        """What was done in the project."""
        return self.books.get(PROJECT, [])

    @property
    def truth(self) -> Shown:
        """What everybody should be shown of the project."""
        return {COLUMNS[name]: [item.title for item in items] for name, items in self.projects[PROJECT].items()}

    def add(self, project: str, title: str) -> None:
        """Add a card at the end of the first column."""
        columns = self.projects[project]
        count = sum(len(items) for items in columns.values())
        columns["todo"].append(Item(f"T-{count + 1}", title))
        self._note(project, f"added {title}")

    def move(self, project: str, card: str, column: str, index: int) -> str:
        """Move a card to a place in a column; return its title."""
        columns = self.projects[project]
        [(items, item)] = [(items, item) for items in columns.values() for item in items if item.id == card]
        items.remove(item)
        columns[column].insert(index, item)
        self._note(project, f"moved {item.title}")
        return item.title

    async def next_change(self) -> None:
        """Wait until something changes."""
        await self._changed.wait()

    def _note(self, project: str, change: str) -> None:
        self.books.setdefault(project, []).append(change)
        self._changed.set()
        self._changed = anyio.Event()


def some_work() -> Work:
    """Give a project with a few cards; the words of one of them look like a program."""
    todo = [Item("T-1", "Write the plan"), Item("T-2", "Order ${2 * 21} pens"), Item("T-3", "Call Grace")]
    return Work(
        {PROJECT: {"todo": todo, "done": [Item("T-4", "Paint the wall")]}, INBOX: {name: [] for name in COLUMNS}}
    )
