"""The connector with its widgets and actions. The database functions are in `board.py`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated

from pydantic import Field

from examples.people import name_of
from examples.team_tasks import board
from examples.team_tasks.seed import fill_if_new
from examples.team_tasks.tables import TABLES
from intarsia import Connector, Done, Grant, RefusedError
from intarsia.widgets import ActionLike, Option, Select, Table, TableColumn, TaskBoard

Project = Annotated[str, Field(examples=["apollo"])]
Place = Annotated[int, Field(ge=0)]
CHANGED = ("project:{project}", "projects")
"""The topics that every action changes: a board, and the counts in the list of projects."""

Title = Annotated[str, Field(min_length=1, max_length=200)]


@asynccontextmanager
async def lifespan(_connector: Connector) -> AsyncGenerator[None]:
    """Fill a new database before the first call."""
    async with tasks.change() as connection:
        await fill_if_new(connection)
    yield


tasks = Connector(
    "Team tasks",
    instructions="Boards of cards for several projects. Call project_list for their ids, then task_board for one.",
    tables=TABLES,
    lifespan=lifespan,
)


@tasks.widget(scopes={"tasks:read"}, topics="projects")
async def project_list() -> Table:
    """List the projects, with how much is open and done in each."""
    async with tasks.read() as connection:
        rows = await board.project_counts(connection)
    columns = [
        TableColumn("title", "Project"),
        TableColumn("id", "Id"),
        TableColumn("open", "Open", type="number"),
        TableColumn("done", "Done", type="number"),
    ]
    return Table(columns=columns, rows=rows, row_key="id", caption="Projects")


@tasks.widget(scopes={"tasks:read"}, topics="project:{project}")
async def task_board(project: Project, assignee: str | None = None) -> TaskBoard:
    """Show a project's task board, with everybody's cards or only one person's."""
    async with tasks.read() as connection:
        columns = await board.columns_for(connection, project, assignee)
        projects = await board.project_titles(connection)
        people = await board.people_of(connection, project)
        await board.check_assignee(connection, assignee)
    return TaskBoard(
        title=projects[project],
        columns=columns,
        filters=[
            Select("project", options=[Option(name, title) for name, title in projects.items()], placeholder=""),
            Select("assignee", options=people, placeholder="Everyone"),
        ],
        on_move=partial(move_card, project=project, assignee=assignee),
        on_complete=partial(complete_card, project=project),
        on_add=partial(add_card, project=project, assignee=assignee),
        on_delete=partial(delete_card, project=project),
    )


@tasks.action(scopes={"tasks:write"}, changes=CHANGED)
async def move_card(
    project: str, card: str, column: str, index: Place, version: int, grant: Grant, assignee: str | None = None
) -> Done:
    """Move a card to a place in a column, counted from 0 at the top without the card itself.

    With an assignee, the place is counted among that person's cards only, as on a board filtered by them.
    """
    async with tasks.change() as connection:
        old = await board.find_task(connection, project, card, version)
        stage = await board.stage_of(connection, project, column)
        new = await board.move_task(connection, old, stage, index, assignee, _name(grant))
        warning = await board.warn_of_limit(connection, project, stage)
        if new == old:
            return Done(f"{card} is there already.")
        where = f"place {new.position + 1} in {stage.title}" if old.column == column else stage.title
        return Done(f"Moved {card} to {where}.{warning}", undo=_back_to(old, new))


@tasks.action(scopes={"tasks:write"}, changes=CHANGED)
async def complete_card(project: str, card: str, done: bool, version: int, grant: Grant) -> Done:
    """Complete a card, or reopen it. It goes to the top of the column for what is done, or of the first one."""
    async with tasks.change() as connection:
        old = await board.find_task(connection, project, card, version)
        stages = await board.stages_of(connection, project)
        if stages[old.column].is_done == done:
            return Done(f"{card} is {'done' if done else 'open'} already.")
        stage = next(stage for stage in stages.values() if stage.is_done == done)
        change = "completed it" if done else "reopened it"
        new = await board.put_task(connection, old, stage, 0, _name(grant), change)
        return Done(f"Completed {card}." if done else f"Reopened {card}.", undo=_back_to(old, new))


@tasks.action(scopes={"tasks:write"}, changes=CHANGED)
async def add_card(project: str, column: str, title: Title, grant: Grant, assignee: str | None = None) -> Done:
    """Add a card at the end of a column."""
    words = " ".join(title.split())
    if not words:
        reason = "A card needs a title."
        raise RefusedError(reason)
    async with tasks.change() as connection:
        stage = await board.stage_of(connection, project, column)
        await board.check_assignee(connection, assignee)
        new = await board.add_task(connection, project, stage, words, assignee, _name(grant))
        warning = await board.warn_of_limit(connection, project, stage)
        return Done(
            f"Added {new.id} to {stage.title}.{warning}",
            undo=partial(archive_card, project=project, card=new.id, version=new.version),
        )


@tasks.action(scopes={"tasks:write"}, changes=CHANGED)
async def archive_card(project: str, card: str, version: int, grant: Grant) -> Done:
    """Take a card off the board. Nothing is deleted: restore_card puts it back."""
    async with tasks.change() as connection:
        old = await board.find_task(connection, project, card, version)
        new = await board.archive_task(connection, old, _name(grant))
        return Done(f"Archived {card}.", undo=partial(restore_card, project=project, card=card, version=new.version))


@tasks.action(scopes={"tasks:write"}, changes=CHANGED)
async def restore_card(project: str, card: str, version: int, grant: Grant) -> Done:
    """Put an archived card back where it was."""
    async with tasks.change() as connection:
        old = await board.find_task(connection, project, card, version, is_archived=True)
        stage = await board.stage_of(connection, project, old.column)
        new = await board.put_task(connection, old, stage, old.position, _name(grant), f"restored it to {stage.title}")
        return Done(f"Restored {card}.", undo=partial(archive_card, project=project, card=card, version=new.version))


@tasks.action(scopes={"tasks:delete"}, changes=CHANGED, destructive=True, confirm="Delete {card} for good?")
async def delete_card(project: str, card: str, version: int) -> Done:
    """Delete a card for good. To only take it off the board, archive it."""
    async with tasks.change() as connection:
        await board.delete_task(connection, await board.find_task(connection, project, card, version))
        return Done(f"Deleted {card}.")


def _name(grant: Grant) -> str:
    return name_of(grant, "TEAM_TASKS_PERSON")


def _back_to(old: board.Task, new: board.Task) -> ActionLike:
    """Bind the move that returns a card to its previous position."""
    return partial(
        move_card, project=old.project, card=old.id, column=old.column, index=old.position, version=new.version
    )
