"""Database functions of the tools: find cards, move them, and read boards.

Every function takes a connection, so that a tool decides what is one transaction.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import bindparam, case, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from examples.team_tasks.tables import CARDS, COLUMNS, DELETED, PROJECTS
from intarsia import ConflictError, RefusedError
from intarsia.errors import near_miss
from intarsia.widgets import BoardColumn, Card


@dataclass(frozen=True)
class Stage:
    """A column of a project's board."""

    id: str
    title: str
    most_cards: int | None
    is_done: bool


@dataclass(frozen=True)
class Task:
    """A stored card with its position."""

    id: str
    project: str
    column: str
    position: int
    title: str
    assignee: str | None
    is_archived: bool
    version: int
    changed_by: str
    change: str


async def project_titles(connection: AsyncConnection) -> dict[str, str]:
    """Return the title of each project by its id."""
    rows = await connection.execute(select(PROJECTS.c.id, PROJECTS.c.title).order_by(PROJECTS.c.title))
    return {row.id: row.title for row in rows}


async def stages_of(connection: AsyncConnection, project: str) -> dict[str, Stage]:
    """Return a project's columns by id, from left to right.

    Raises:
        RefusedError: There is no such project.
    """
    wanted = select(COLUMNS).where(COLUMNS.c.project == project).order_by(COLUMNS.c.position)
    rows = (await connection.execute(wanted)).all()
    if not rows:
        known = list(await project_titles(connection))
        reason = f"There is no such project.{near_miss(project, known)} The projects are {', '.join(known)}."
        raise RefusedError(reason)
    return {row.id: Stage(row.id, row.title, row.most_cards, row.is_done) for row in rows}


async def stage_of(connection: AsyncConnection, project: str, column: str) -> Stage:
    """Return one column of a project.

    Raises:
        RefusedError: There is no such project or column.
    """
    stages = await stages_of(connection, project)
    if column not in stages:
        reason = f"There is no such column.{near_miss(column, list(stages))} The columns are {', '.join(stages)}."
        raise RefusedError(reason)
    return stages[column]


async def people_of(connection: AsyncConnection, project: str | None = None) -> list[str]:
    """Return all users who have had a card in a project, or in any project."""
    wanted = select(CARDS.c.assignee).distinct().where(CARDS.c.assignee.is_not(None)).order_by(CARDS.c.assignee)
    if project is not None:
        wanted = wanted.where(CARDS.c.project == project)
    return list((await connection.execute(wanted)).scalars())


async def check_assignee(connection: AsyncConnection, name: str | None) -> None:
    """Refuse an unknown name.

    Raises:
        RefusedError: Nobody has it.
    """
    people = await people_of(connection)
    if name is not None and name not in people:
        reason = f"Nobody here has that name.{near_miss(name, people)} The people are {', '.join(people)}."
        raise RefusedError(reason)


async def find_task(
    connection: AsyncConnection, project: str, card: str, version: int, *, is_archived: bool = False
) -> Task:
    """Return a card, if it has the version that the caller saw.

    Raises:
        RefusedError: There is no such project or card, or it is archived and should not be, or the other way round.
        ConflictError: Somebody changed it since.
    """
    await stages_of(connection, project)
    wanted = select(*(CARDS.c[name] for name in Task.__dataclass_fields__)).where(CARDS.c.project == project)
    row = (await connection.execute(wanted.where(CARDS.c.id == card))).mappings().one_or_none()
    if row is None:
        known = list((await connection.execute(select(CARDS.c.id).where(CARDS.c.project == project))).scalars())
        reason = f"There is no such card in this project.{near_miss(card, known)}"
        raise RefusedError(reason)
    task = Task(**row)
    if task.version != version:
        reason = f"{task.changed_by} {task.change}."
        current = {"column": task.column, "index": task.position, "version": task.version}
        raise ConflictError(reason, current=current)
    if task.is_archived != is_archived:
        reason = f"{task.id} is archived; restore it first." if task.is_archived else f"{task.id} is not archived."
        raise RefusedError(reason)
    return task


async def order_of(connection: AsyncConnection, project: str, column: str, assignee: str | None = None) -> list[str]:
    """Return the ids of a column's cards from top to bottom, optionally of one assignee."""
    wanted = select(CARDS.c.id).where(CARDS.c.project == project, CARDS.c.column == column, ~CARDS.c.is_archived)
    if assignee is not None:
        wanted = wanted.where(CARDS.c.assignee == assignee)
    return list((await connection.execute(wanted.order_by(CARDS.c.position))).scalars())


def spot_for(index: int, order: Sequence[str], visible: Collection[str]) -> int:
    """Convert a position among the cards that a filter shows to a position in the whole column.

    It goes right below the visible card above it; at the top right above the first visible one; and to the end of a
    column where none is visible. Without a filter that is the index itself.
    """
    shown = [card for card in order if card in visible]
    if not shown:
        return len(order)
    if index == 0:
        return order.index(shown[0])
    return order.index(shown[min(index, len(shown)) - 1]) + 1


async def move_task(
    connection: AsyncConnection, task: Task, stage: Stage, index: int, assignee: str | None, who: str
) -> Task:
    """Move a card to a position among the cards that a filter by assignee shows, and return the card.

    A card that is there already is left alone: among the cards that the filter hides, it would change its place.
    """
    order = [card for card in await order_of(connection, task.project, stage.id) if card != task.id]
    visible = await order_of(connection, task.project, stage.id, assignee)
    if stage.id == task.column and index == sum(card in visible for card in order[: task.position]):
        return task
    return await put_task(connection, task, stage, spot_for(index, order, visible), who, f"moved it to {stage.title}")


async def put_task(connection: AsyncConnection, task: Task, stage: Stage, index: int, who: str, change: str) -> Task:
    """Move a card to a position in a column, close the gap that it leaves, and return the card."""
    moved = replace(task, column=stage.id, is_archived=False, version=task.version + 1, changed_by=who, change=change)
    order = [card for card in await order_of(connection, task.project, stage.id) if card != task.id]
    order.insert(index, task.id)
    await _write(connection, moved)
    await _renumber(connection, order)
    if task.column != stage.id:
        await _renumber(connection, await order_of(connection, task.project, task.column))
    return replace(moved, position=order.index(task.id))


async def archive_task(connection: AsyncConnection, task: Task, who: str) -> Task:
    """Archive a card. It keeps its position, so that it can be restored there."""
    archived = replace(task, is_archived=True, version=task.version + 1, changed_by=who, change="archived it")
    await _write(connection, archived)
    await _renumber(connection, await order_of(connection, task.project, task.column))
    return archived


async def delete_task(connection: AsyncConnection, task: Task) -> None:
    """Delete a card permanently. Its id is kept, so that it is never reused."""
    await connection.execute(delete(CARDS).where(CARDS.c.id == task.id))
    await connection.execute(insert(DELETED).values(id=task.id))
    await _renumber(connection, await order_of(connection, task.project, task.column))


async def add_task(
    connection: AsyncConnection, project: str, stage: Stage, title: str, assignee: str | None, who: str
) -> Task:
    """Add a card at the end of a column."""
    position = len(await order_of(connection, project, stage.id))
    # All ids, including deleted ones, are in these tables, and there is one writer: ids are never reused.
    counts = [select(func.count()).select_from(table) for table in (CARDS, DELETED)]
    number = sum([(await connection.execute(count)).scalar_one() for count in counts]) + 1
    task = Task(
        id=f"T-{number}",
        project=project,
        column=stage.id,
        position=position,
        title=title,
        assignee=assignee,
        is_archived=False,
        version=1,
        changed_by=who,
        change=f"added it to {stage.title}",
    )
    await connection.execute(insert(CARDS).values(vars(task)))
    return task


async def warn_of_limit(connection: AsyncConnection, project: str, stage: Stage) -> str:
    """Return a sentence if a column exceeds its limit, or an empty string."""
    if stage.most_cards is None or len(await order_of(connection, project, stage.id)) <= stage.most_cards:
        return ""
    return f" {stage.title} is over its limit of {stage.most_cards}."


async def project_counts(connection: AsyncConnection) -> list[dict[str, str | int]]:
    """Return each project with its number of open and completed cards."""
    done = func.sum(case((COLUMNS.c.is_done, 1), else_=0))
    here = (COLUMNS.c.project == CARDS.c.project) & (COLUMNS.c.id == CARDS.c.column)
    wanted = (
        select(CARDS.c.project, func.count().label("all"), done.label("done"))
        .join(COLUMNS, here)
        .where(~CARDS.c.is_archived)
        .group_by(CARDS.c.project)
    )
    counts = {row.project: (row.all - row.done, row.done) for row in await connection.execute(wanted)}
    titles = await project_titles(connection)
    return [
        {"id": name, "title": title, "open": counts.get(name, (0, 0))[0], "done": counts.get(name, (0, 0))[1]}
        for name, title in titles.items()
    ]


async def columns_for(connection: AsyncConnection, project: str, assignee: str | None) -> list[BoardColumn]:
    """Return a project's columns as widgets, with all cards or those of one assignee.

    Raises:
        RefusedError: There is no such project.
    """
    stages = await stages_of(connection, project)
    wanted = select(CARDS).where(CARDS.c.project == project, ~CARDS.c.is_archived).order_by(CARDS.c.position)
    if assignee is not None:
        wanted = wanted.where(CARDS.c.assignee == assignee)
    cards: dict[str, list[Card]] = {column: [] for column in stages}
    today = datetime.now(tz=UTC).astimezone().date()
    for row in await connection.execute(wanted):
        is_done = stages[row.column].is_done
        cards[row.column].append(
            Card(
                row.id,
                row.title,
                assignee=row.assignee,
                priority=row.priority,
                due=row.due,
                overdue=row.due is not None and row.due < today and not is_done,
                label=row.label,
                done=is_done,
                version=row.version,
            )
        )
    return [BoardColumn(stage.id, stage.title, cards[stage.id], limit=stage.most_cards) for stage in stages.values()]


async def _write(connection: AsyncConnection, task: Task) -> None:
    await connection.execute(update(CARDS).where(CARDS.c.id == task.id).values(vars(task)))


async def _renumber(connection: AsyncConnection, order: Sequence[str]) -> None:
    if order:
        places = [{"card": card, "place": place} for place, card in enumerate(order)]
        statement = update(CARDS).where(CARDS.c.id == bindparam("card")).values(position=bindparam("place"))
        await connection.execute(statement, places)
