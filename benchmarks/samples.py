"""What is shown in every comparison: a board of 60 cards in four columns, and a dashboard's numbers."""

import random
from dataclasses import dataclass, field

STAGES = (("backlog", "Backlog"), ("doing", "In progress"), ("review", "In review"), ("done", "Done"))
PEOPLE = ("Ada Lovelace", "Grace Hopper", "Edsger Dijkstra", "Barbara Liskov", "Tony Hoare", "Radia Perlman")
CARDS_PER_STAGE = 15

_VERBS = ("Fix", "Write", "Review", "Ship", "Measure", "Rename", "Test", "Document", "Remove", "Design")
_THINGS = (
    "the login form on small screens",
    "the invoice export",
    "the retry of failed webhooks",
    "the search index",
    "the onboarding mail",
    "the audit log's filters",
    "the import of old projects",
)
_PRIORITIES = ("normal", "normal", "normal", "low", "high", "urgent")


@dataclass(frozen=True)
class Task:
    """A card as a database would hold it."""

    id: str
    stage: str
    position: int
    title: str
    assignee: str | None
    priority: str
    label: str | None
    due: str | None
    """The day it is due, as in "2026-12-01"."""


def make_tasks() -> list[Task]:
    """Make the 60 cards, the same ones in every run."""
    luck = random.Random(60)  # noqa: S311  # data wants a repeatable random, not a secret one
    return [
        Task(
            id=f"T-{number * CARDS_PER_STAGE + position + 1}",
            stage=stage,
            position=position,
            title=f"{luck.choice(_VERBS)} {luck.choice(_THINGS)}",
            assignee=luck.choice((*PEOPLE, None)),
            priority=luck.choice(_PRIORITIES),
            label=luck.choice(("bug", "billing", None, None)),
            due=f"2026-12-{luck.randint(1, 28):02}" if luck.random() < 0.4 else None,
        )
        for number, (stage, _title) in enumerate(STAGES)
        for position in range(CARDS_PER_STAGE)
    ]


LAST_CARD = f"T-{len(STAGES) * CARDS_PER_STAGE}"
"""The card that is drawn last."""


@dataclass
class Numbers:
    """What a dashboard reads: other numbers at each reading, as a living machine has them."""

    points: list[float] = field(default_factory=list[float])
    """The last 90 values, oldest first."""
    processes: list[dict[str, str | int | float]] = field(default_factory=list[dict[str, str | int | float]])
    """50 rows."""
    _luck: random.Random = field(default_factory=lambda: random.Random(90), repr=False)  # noqa: S311  # as above

    def __post_init__(self) -> None:
        self.points = [self._luck.uniform(0, 100) for _ in range(90)]
        self.processes = [{"pid": 1_000 + number, "name": f"worker-{number}"} for number in range(50)]
        self.advance()

    def advance(self) -> None:
        """Let a moment pass: a new point, and other numbers in every row."""
        self.points = [*self.points[1:], self._luck.uniform(0, 100)]
        self.processes = [
            {**row, "cpu": self._luck.uniform(0, 100), "memory": self._luck.uniform(1, 4_000)} for row in self.processes
        ]

    @property
    def metrics(self) -> dict[str, float]:
        """The four numbers that matter, by name."""
        recent = self.points[-10:]
        return {"Now": recent[-1], "Mean": sum(recent) / 10, "Most": max(recent), "Least": min(recent)}
