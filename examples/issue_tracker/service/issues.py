"""The operations on issues. All functions take a connection, so that a request is one transaction."""

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from examples.issue_tracker.service.accounts import User
from examples.issue_tracker.service.problems import Problem
from examples.issue_tracker.service.tables import COLUMNS, COMMENTS, ISSUES, MEMBERS, PROJECTS, USERS

Json = dict[str, Any]

RIGHTS = {
    "guest": frozenset[str](),
    "reporter": frozenset({"add", "comment"}),
    "member": frozenset({"add", "comment", "move", "assign"}),
    "lead": frozenset({"add", "comment", "move", "assign", "invite"}),
}
"""The permissions of each role, in addition to reading."""

SAID = {
    "add": "add issues",
    "comment": "comment",
    "move": "move issues",
    "assign": "assign issues",
    "invite": "change who is in a project",
}


async def role_in(connection: AsyncConnection, project: str, user: User) -> str:
    """Return the role of a user in a project.

    Raises:
        Problem: 404, there is no such project, or they are not in it.
    """
    wanted = select(MEMBERS.c.role).where(MEMBERS.c.project == project, MEMBERS.c.user == user.id)
    role = (await connection.execute(wanted)).scalar_one_or_none()
    if role is None:
        raise Problem(404, "There is no such project, or you are not in it.")
    return str(role)


async def check_right(connection: AsyncConnection, project: str, user: User, right: str) -> None:
    """Refuse an operation that a role does not permit.

    Raises:
        Problem: 403, or 404 where they are not in the project at all.
    """
    role = await role_in(connection, project, user)
    if right not in RIGHTS[role]:
        raise Problem(403, refusal(project, role, right))


def refusal(project: str, role: str, right: str) -> str:
    """Return the reason why a role does not permit an operation."""
    return f"You are a {role} in {project}; a {role} cannot {SAID[right]}."


async def projects_of(connection: AsyncConnection, user: User) -> list[Json]:
    """Return the projects of a user, with the numbers of open and completed issues."""
    wanted = (
        select(PROJECTS.c.id, PROJECTS.c.title, MEMBERS.c.role)
        .join(MEMBERS, MEMBERS.c.project == PROJECTS.c.id)
        .where(MEMBERS.c.user == user.id)
        .order_by(PROJECTS.c.title)
    )
    here = (COLUMNS.c.project == ISSUES.c.project) & (COLUMNS.c.id == ISSUES.c.column)
    counts = select(func.count()).select_from(ISSUES.join(COLUMNS, here))
    found: list[Json] = []
    for row in (await connection.execute(wanted)).mappings().all():
        in_it = counts.where(ISSUES.c.project == row["id"])
        everything = (await connection.execute(in_it)).scalar_one()
        done = (await connection.execute(in_it.where(COLUMNS.c.is_done))).scalar_one()
        found.append({**row, "open": everything - done, "done": done})
    return found


async def board_of(connection: AsyncConnection, project: str, user: User) -> Json:
    """Return a whole project: its columns with their issues, its members, and the permissions of the reader.

    Raises:
        Problem: 404, it is not theirs to see.
    """
    about = await _about(connection, project, user)
    stages = select(COLUMNS).where(COLUMNS.c.project == project).order_by(COLUMNS.c.position)
    columns = [dict(row) for row in (await connection.execute(stages)).mappings()]
    wanted = _with_names().where(ISSUES.c.project == project).order_by(ISSUES.c.position)
    issues = [dict(row) for row in (await connection.execute(wanted)).mappings()]
    return {**about, "columns": columns, "issues": issues}


async def issue_of(connection: AsyncConnection, issue: str, user: User) -> Json:
    """Return an issue with its comments, the members of its project, and the permissions of the reader.

    Raises:
        Problem: 404, it is not theirs to see.
    """
    found = await find_issue(connection, issue, user)
    about = await _about(connection, found["project"], user)
    wanted = (
        select(COMMENTS.c.id, COMMENTS.c.text, COMMENTS.c.at, USERS.c.name.label("author"))
        .join(USERS, USERS.c.id == COMMENTS.c.author)
        .where(COMMENTS.c.issue == issue)
        .order_by(COMMENTS.c.id)
    )
    comments = [dict(row) for row in (await connection.execute(wanted)).mappings()]
    return {**about, "issue": found, "comments": comments}


async def find_issue(connection: AsyncConnection, issue: str, user: User, version: object = None) -> Json:
    """Return an issue, if it has the given version.

    Raises:
        Problem: 404, it is not theirs to see; 409, it was changed since.
    """
    row = (await connection.execute(_with_names().where(ISSUES.c.id == issue))).mappings().one_or_none()
    if row is not None:
        seats = select(MEMBERS.c.user).where(MEMBERS.c.project == row["project"], MEMBERS.c.user == user.id)
        row = row if (await connection.execute(seats)).first() else None
    if row is None:
        raise Problem(404, "There is no such issue, or it is in a project that you are not in.")
    if version is not None and version != row["version"]:
        raise Problem(409, f"{row['changed_by']} {row['change']}.", current=dict(row))
    return dict(row)


async def add_issue(connection: AsyncConnection, project: str, user: User, fields: Mapping[str, Any]) -> Json:
    """Add an issue at the end of a column."""
    await check_right(connection, project, user, "add")
    title = _text(fields, "title", 200)
    column = await _column(connection, project, fields.get("column"))
    await _check_assignee(connection, project, fields.get("assignee"))
    prefix = (await connection.execute(select(PROJECTS.c.prefix).where(PROJECTS.c.id == project))).scalar_one()
    in_project = select(func.count()).where(ISSUES.c.project == project)
    number = (await connection.execute(in_project)).scalar_one() + 1
    name = f"{prefix}-{number}"
    row: Json = {
        "id": name,
        "project": project,
        "column": column["id"],
        "position": (await connection.execute(in_project.where(ISSUES.c.column == column["id"]))).scalar_one(),
        "title": title,
        "assignee": fields.get("assignee"),
        "changed_by": user.name,
        "change": f"added it to {column['title']}",
    }
    await connection.execute(insert(ISSUES).values(row))
    return await find_issue(connection, name, user)


async def change_issue(connection: AsyncConnection, issue: str, user: User, fields: Mapping[str, Any]) -> Json:
    """Move an issue to a place in a column, or assign it. The response includes its previous state."""
    right = "move" if "column" in fields else "assign"
    found = await find_issue(connection, issue, user)
    await check_right(connection, found["project"], user, right)
    await find_issue(connection, issue, user, fields.get("version"))
    if right == "move":
        await _move(connection, found, user, fields)
    else:
        await _assign(connection, found, user, fields.get("assignee"))
    before = {name: found[name] for name in ("column", "position", "assignee")}
    return {**await find_issue(connection, issue, user), "before": before}


async def comment(connection: AsyncConnection, issue: str, user: User, fields: Mapping[str, Any]) -> Json:
    """Add a comment to an issue."""
    found = await find_issue(connection, issue, user)
    await check_right(connection, found["project"], user, "comment")
    row = {"issue": issue, "author": user.id, "text": _text(fields, "text", 2000), "at": time.time()}
    await connection.execute(insert(COMMENTS).values(row))
    return {"text": row["text"]}


async def _move(connection: AsyncConnection, issue: Json, user: User, fields: Mapping[str, Any]) -> None:
    column = await _column(connection, issue["project"], fields["column"])
    order = [name for name in await _order(connection, issue["project"], column["id"]) if name != issue["id"]]
    index = fields.get("index", len(order))
    if not isinstance(index, int) or index < 0:
        raise Problem(422, "index must be a whole number from 0.")
    order.insert(index, issue["id"])
    change = {"column": column["id"], "change": f"moved it to {column['title']}"}
    await _write(connection, issue, user, change)
    await _renumber(connection, order)
    if issue["column"] != column["id"]:
        await _renumber(connection, await _order(connection, issue["project"], issue["column"]))


async def _assign(connection: AsyncConnection, issue: Json, user: User, assignee: object) -> None:
    name = await _check_assignee(connection, issue["project"], assignee)
    change = f"gave it to {name}" if name else "gave it to nobody"
    await _write(connection, issue, user, {"assignee": assignee, "change": change})


async def _write(connection: AsyncConnection, issue: Json, user: User, change: Mapping[str, object]) -> None:
    values = {**change, "changed_by": user.name, "version": issue["version"] + 1}
    await connection.execute(update(ISSUES).where(ISSUES.c.id == issue["id"]).values(values))


async def _order(connection: AsyncConnection, project: str, column: str) -> list[str]:
    wanted = select(ISSUES.c.id).where(ISSUES.c.project == project, ISSUES.c.column == column)
    return list((await connection.execute(wanted.order_by(ISSUES.c.position))).scalars())


async def _renumber(connection: AsyncConnection, order: list[str]) -> None:
    for position, name in enumerate(order):
        await connection.execute(update(ISSUES).where(ISSUES.c.id == name).values(position=position))


async def _about(connection: AsyncConnection, project: str, user: User) -> Json:
    role = await role_in(connection, project, user)
    title = (await connection.execute(select(PROJECTS.c.title).where(PROJECTS.c.id == project))).scalar_one()
    people = [{"id": name, "name": full} for name, full in (await _people(connection, project)).items()]
    refusals = {right: refusal(project, role, right) for right in SAID if right not in RIGHTS[role]}
    return {"id": project, "title": title, "role": role, "refusals": refusals, "people": people}


async def _people(connection: AsyncConnection, project: str) -> dict[str, str]:
    wanted = select(USERS.c.id, USERS.c.name).join(MEMBERS, MEMBERS.c.user == USERS.c.id)
    rows = await connection.execute(wanted.where(MEMBERS.c.project == project).order_by(USERS.c.name))
    return {row.id: row.name for row in rows}


async def _column(connection: AsyncConnection, project: str, name: object) -> Json:
    wanted = select(COLUMNS).where(COLUMNS.c.project == project, COLUMNS.c.id == name)
    row = (await connection.execute(wanted)).mappings().one_or_none()
    if row is None:
        raise Problem(422, "There is no such column.")
    return dict(row)


async def _check_assignee(connection: AsyncConnection, project: str, assignee: object) -> str | None:
    people = await _people(connection, project)
    if assignee is None:
        return None
    if not isinstance(assignee, str) or assignee not in people:
        raise Problem(422, "Nobody in this project has that name.")
    return people[assignee]


def _text(fields: Mapping[str, Any], name: str, most: int) -> str:
    value = fields.get(name)
    text = value.strip() if isinstance(value, str) else ""
    if not 1 <= len(text) <= most:
        raise Problem(422, f"{name} must have 1 to {most} characters.")
    return text


def _with_names() -> Any:
    names = (USERS.c.name.label("assignee_name"), COLUMNS.c.title.label("column_title"))
    here = (COLUMNS.c.project == ISSUES.c.project) & (COLUMNS.c.id == ISSUES.c.column)
    return select(ISSUES, *names).join(COLUMNS, here).join(USERS, USERS.c.id == ISSUES.c.assignee, isouter=True)
