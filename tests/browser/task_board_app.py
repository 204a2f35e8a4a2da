"""A task board over plain lists, behind a real connector: what the board's behavior is tested with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from starlette.applications import Starlette

from intarsia import ConflictError, Connector, Done, RefusedError
from intarsia.widgets import BoardColumn, Card, Select, TaskBoard

Priority = Literal["low", "normal", "high", "urgent"]
PEOPLE = ("Ada Lovelace", "Grace Hopper", "Linus Berg")


@dataclass
class Task:
    """One card, as a connector would store it."""

    id: str
    title: str
    assignee: str | None = None
    priority: Priority = "normal"
    due: date | None = None
    overdue: bool = False
    label: str | None = None
    done: bool = False
    version: int = 1

    def card(self) -> Card:
        """Return it as the widget shows it."""
        return Card(**vars(self))


@dataclass
class Tasks:
    """Columns of tasks that the tools below change, and how the next change goes wrong."""

    columns: dict[str, list[Task]]
    titles: dict[str, str] = field(default_factory=dict[str, str])
    limits: dict[str, int] = field(default_factory=dict[str, int])
    refusal: str | None = None
    """Refuses every change with this reason."""
    sorts: bool = False
    """Whether the server puts a moved card where it likes: at the top."""

    def order(self, column: str) -> list[str]:
        """Return the ids of a column's cards."""
        return [task.id for task in self.columns[column]]

    def find(self, card: str) -> tuple[str, int, Task]:
        """Return a task with its column and its index."""
        for column, tasks in self.columns.items():
            for index, task in enumerate(tasks):
                if task.id == card:
                    return column, index, task
        message = f"There is no card {card}."
        raise RefusedError(message)

    def check(self, task: Task, version: int) -> None:
        """Refuse what is stale, and whatever a test wants refused."""
        if self.refusal:
            raise RefusedError(self.refusal)
        if task.version != version:
            message = f"Grace changed {task.id} meanwhile."
            raise ConflictError(message)

    def title(self, column: str) -> str:
        """Return a column's name."""
        return self.titles.get(column, column.capitalize())

    def read(self, assignee: str | None) -> list[BoardColumn]:
        """Return the columns, of one person's cards or of all."""
        return [
            BoardColumn(
                name,
                self.title(name),
                [task.card() for task in tasks if assignee in {None, task.assignee}],
                limit=self.limits.get(name),
            )
            for name, tasks in self.columns.items()
        ]


def small() -> Tasks:
    """Give three columns with five cards; "done" has none."""
    todo = [Task("T-1", "Write the plan"), Task("T-2", "Order paper", "Ada Lovelace"), Task("T-3", "Call Grace")]
    doing = [Task("T-4", "Paint the wall", "Grace Hopper"), Task("T-5", "Fix the door", "Ada Lovelace")]
    return Tasks({"todo": todo, "doing": doing, "done": []}, titles={"todo": "To do"})


def large(cards: int = 60) -> Tasks:
    """Give four columns that share so many believable cards."""
    names = ("backlog", "doing", "review", "done")
    columns = {name: [_believable(number) for number in range(at, cards, 4)] for at, name in enumerate(names)}
    for task in columns["done"]:
        task.done, task.overdue = True, False
    titles = {"backlog": "Backlog", "doing": "In progress", "review": "In review"}
    return Tasks(columns, titles=titles, limits={"doing": 12, "review": 20})


_TITLES = (
    "Fix login redirect after the session has expired",
    "Write release notes",
    "Rotate the signing keys",
    "Move invoices to the new tax service before the quarter ends",
    "Ship beta",
    "Answer the security review",
    "Retry failed webhooks",
)


def _believable(number: int) -> Task:
    priorities: Sequence[Priority] = ("normal", "high", "normal", "low", "urgent", "normal")
    return Task(
        f"T-{number + 101}",
        _TITLES[number % len(_TITLES)],
        assignee=[*PEOPLE, None][number % 4],
        priority=priorities[number % 6],
        due=date(2026, 12, 1 + number % 28) if number % 3 == 0 else None,
        overdue=number % 9 == 0,
        label="bug" if number % 5 == 0 else None,
    )


def board_app(tasks: Tasks, *, adds_to_columns: bool = True, reopens: bool = True) -> Starlette:
    """Build the connector that shows the tasks and lets people change them."""
    connector = Connector("Tasks")

    @connector.action
    async def move_card(card: str, column: str, index: int, version: int) -> Done:
        """Move a card to a place in a column."""
        old_column, old_index, task = tasks.find(card)
        tasks.check(task, version)
        del tasks.columns[old_column][old_index]
        tasks.columns[column].insert(0 if tasks.sorts else index, task)
        task.version += 1
        back = move_card.bind(card=card, column=old_column, index=old_index, version=task.version)
        return Done(f"Moved {card} to {tasks.title(column)}.", undo=back)

    @connector.action
    async def complete_card(card: str, version: int, done: bool) -> Done:  # noqa: FBT001 - an argument of a tool
        """Complete a card, or open it again."""
        _, _, task = tasks.find(card)
        tasks.check(task, version)
        task.done, task.version = done, task.version + 1
        return Done(f"{'Completed' if done else 'Reopened'} {card}.")

    @connector.action
    async def finish_card(card: str, version: int) -> Done:
        """Complete a card for good."""
        return await complete_card(card, version, done=True)

    @connector.action
    async def add_card(title: str, column: str = "todo") -> Done:
        """Add a card at the end of a column."""
        if tasks.refusal:
            raise RefusedError(tasks.refusal)
        count = sum(len(each) for each in tasks.columns.values())
        tasks.columns[column].append(Task(f"N-{count + 1}", title))
        return Done(f"Added {title}.")

    @connector.widget
    async def task_board(assignee: str | None = None) -> TaskBoard:
        """Show the tasks."""
        return TaskBoard(
            title="Apollo",
            columns=tasks.read(assignee),
            filters=[Select("assignee", options=PEOPLE, value=assignee)],
            on_move=move_card.bind(),
            on_complete=complete_card.bind() if reopens else finish_card.bind(),
            on_add=add_card.bind() if adds_to_columns else add_card.bind(column="todo"),
        )

    return connector.app()
