"""The connector with its widgets and actions, which use the tracker with the user's own account."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated
from urllib.parse import quote

from pydantic import Field

from examples.issue_tracker import shown
from examples.issue_tracker.connecting import Connecting
from examples.issue_tracker.grants import TABLES, Grants
from examples.issue_tracker.outcomes import Change, Outcomes
from examples.issue_tracker.refusals import NotConnectedError
from examples.issue_tracker.rights import Rights
from examples.issue_tracker.settings import Sealer, Settings
from examples.issue_tracker.upstream import Json, Upstream
from examples.issue_tracker.wire import Wire
from intarsia import Connector, Done, Grant, RefusedError
from intarsia.widgets import Button, Heading, Stack, Table, TableColumn, Text, Widget

Project = Annotated[str, Field(examples=["webshop"])]
Issue = Annotated[str, Field(examples=["WEB-8"])]
Place = Annotated[int, Field(ge=0)]
Title = Annotated[str, Field(min_length=1, max_length=200)]
Comment = Annotated[str, Field(min_length=1, max_length=500, description="What the comment says.")]

REFRESH_SECONDS = 5
"""The refresh interval of open widgets, as the tracker does not send notifications."""


@asynccontextmanager
async def lifespan(_connector: Connector) -> AsyncGenerator[None]:
    """Open connections to the tracker, and resume open checks."""
    sealer.open(settings.keys, issues.store.path.with_suffix(".key"))
    async with wire.running(), outcomes.running():
        yield


issues = Connector(
    "Issue tracker",
    instructions="Projects and issues of the team's tracker. Each person sees and does what they may there.",
    tables=TABLES,
    lifespan=lifespan,
)
settings = Settings.from_environment()
sealer = Sealer()
wire = Wire(settings.tracker)
grants = Grants(issues.store, wire, settings.client, sealer)
upstream = Upstream(wire, grants)
rights = Rights(upstream)
outcomes = Outcomes(issues.store, upstream, lambda project: issues.changed(f"project:{project}"))
connecting = Connecting(settings, issues.store, wire, grants, sealer)


@issues.widget(scopes={"issues:read"}, refresh_seconds=REFRESH_SECONDS)
async def tracker_account(grant: Grant) -> Widget:
    """Show which account of the tracker is connected, and how to connect one or disconnect it."""
    held = await grants.held(grant.person)
    if held is None:
        return await _connect(grant)
    told = f"You work in the tracker as {held.account}. What you may do there, you may do here."
    return Stack([Heading("Tracker account"), Text(told), Button("Disconnect", on_click=disconnect_tracker)])


@issues.widget(scopes={"issues:read"}, refresh_seconds=REFRESH_SECONDS)
async def project_list(grant: Grant) -> Widget:
    """List your projects in the tracker, with what you are in each."""

    async def read() -> Widget:
        rows = await upstream.read(grant.person, "/v1/projects")
        columns = [
            TableColumn("title", "Project"),
            TableColumn("id", "Id"),
            TableColumn("role", "You are"),
            TableColumn("open", "Open", type="number"),
            TableColumn("done", "Done", type="number"),
        ]
        return Table(columns=columns, rows=rows, row_key="id", caption="Your projects")

    return await _or_state(grant, "Your projects", read)


@issues.widget(scopes={"issues:read"}, topics="project:{project}", refresh_seconds=REFRESH_SECONDS)
async def issue_board(project: Project, grant: Grant, assignee: str | None = None) -> Widget:
    """Show a project's issues as a board, with everybody's or only one person's."""

    async def read() -> Widget:
        board = await _project(grant, project, f"/v1/projects/{quote(project, safe='')}")
        notices = await _notices(grant, project)
        drawn = shown.board(
            board,
            assignee,
            on_move=partial(move_issue, project=project, assignee=assignee),
            on_add=partial(add_issue, project=project, assignee=assignee),
        )
        return Stack([*notices, drawn])

    return await _or_state(grant, "Issues", read, project)


@issues.widget(scopes={"issues:read"}, topics="project:{project}", refresh_seconds=REFRESH_SECONDS)
async def issue_details(project: Project, issue: Issue, grant: Grant) -> Widget:
    """Show an issue with its comments, to give it to somebody and to comment on it."""

    async def read() -> Widget:
        found = await _project(grant, project, f"/v1/issues/{quote(issue, safe='')}")
        notices = await _notices(grant, project)
        version = found["issue"]["version"]
        return Stack(
            [
                *notices,
                *shown.issue(found, on_assign=partial(assign_issue, project=project, issue=issue, version=version)),
                shown.comments(found, on_add=partial(comment_on_issue, project=project, issue=issue)),
            ]
        )

    return await _or_state(grant, issue, read, project)


@issues.action(scopes={"issues:write"}, allow=rights.rule("move"), changes="project:{project}", open_world=True)
async def move_issue(
    project: str, card: Issue, column: str, index: Place, version: int, grant: Grant, assignee: str | None = None
) -> Done:
    """Move an issue to a place in a column, counted from 0 at the top without the issue itself.

    With an assignee, the place is counted among that person's issues only, as on a board filtered by them.
    """
    place = await _whole_place(grant, project, card, column, index, assignee)
    body = {"column": column, "index": place, "version": version}
    made = await _make(grant, project, f"Move {card} to {column}", "PATCH", _issue_path(card), body)
    if made is None:
        return _being_checked(f"Moving {card}")
    before = made["before"]
    undo = partial(
        move_issue,
        project=project,
        card=card,
        column=before["column"],
        index=before["position"],
        version=made["version"],
    )
    return Done(f"Moved {card} to {made['column_title']}.", undo=undo)


@issues.action(scopes={"issues:write"}, allow=rights.rule("add"), changes="project:{project}", open_world=True)
async def add_issue(project: str, column: str, title: Title, grant: Grant, assignee: str | None = None) -> Done:
    """Add an issue at the end of a column."""
    body = {"column": column, "title": title, "assignee": assignee}
    path = f"/v1/projects/{quote(project, safe='')}/issues"
    made = await _make(grant, project, f"Add “{title}”", "POST", path, body)
    return Done(f"Added {made['id']} to {made['column_title']}.") if made else _being_checked("Adding the issue")


@issues.action(scopes={"issues:write"}, allow=rights.rule("assign"), changes="project:{project}", open_world=True)
async def assign_issue(project: str, issue: Issue, value: str, version: int, grant: Grant) -> Done:
    """Give an issue to somebody, by the id that they have in the tracker; an empty one gives it to nobody."""
    body = {"assignee": value or None, "version": version}
    made = await _make(grant, project, f"Give {issue} to {value or 'nobody'}", "PATCH", _issue_path(issue), body)
    if made is None:
        return _being_checked(f"Giving {issue} to somebody")
    before = made["before"]["assignee"] or ""
    undo = partial(assign_issue, project=project, issue=issue, value=before, version=made["version"])
    return Done(f"Gave {issue} to {made['assignee_name'] or 'nobody'}.", undo=undo)


@issues.action(scopes={"issues:write"}, allow=rights.rule("comment"), changes="project:{project}", open_world=True)
async def comment_on_issue(project: str, issue: Issue, title: Comment, grant: Grant) -> Done:
    """Comment on an issue."""
    made = await _make(grant, project, f"Comment on {issue}", "POST", f"{_issue_path(issue)}/comments", {"text": title})
    return Done(f"Commented on {issue}.") if made else _being_checked("The comment")


@issues.action(scopes={"issues:read"}, title="Disconnect")
async def disconnect_tracker(grant: Grant) -> Done:
    """Disconnect the tracker account, and give what was granted back to the tracker."""
    await grants.withdraw(grant.person)
    return Done("Disconnected the tracker account.")


async def _make(grant: Grant, project: str, what: str, method: str, path: str, body: Json) -> Json | None:
    """Make a change at the tracker. After a refusal, permissions are read again before rendering."""
    try:
        return await outcomes.make(Change(grant.person, project, what, method, path, body))
    except RefusedError:
        rights.forget(grant.person, project)
        raise


def _being_checked(what: str) -> Done:
    return Done(f"{what}: the tracker has not answered yet. It is being checked, and the widget tells what came of it.")


async def _project(grant: Grant, project: str, path: str) -> Json:
    found: Json = await upstream.read(grant.person, path)
    if found["id"] != project:
        reason = f"That is in the project {found['id']!r}."
        raise RefusedError(reason)
    rights.learn(grant.person, found)
    return found


async def _notices(grant: Grant, project: str) -> list[Text]:
    """Return notices about changes whose response was lost."""
    if any(state == "open" for state, _ in await outcomes.told(grant.person, project)):
        await outcomes.settle_open(grant.person)
    return shown.notices(await outcomes.told(grant.person, project))


async def _whole_place(grant: Grant, project: str, card: str, column: str, index: int, assignee: str | None) -> int:
    """Convert a position among the issues of one assignee to a position in the whole column."""
    if assignee is None:
        return index
    board = await _project(grant, project, f"/v1/projects/{quote(project, safe='')}")
    order = [one for one in board["issues"] if one["column"] == column and one["id"] != card]
    visible = [place for place, one in enumerate(order) if one["assignee"] == assignee]
    if index >= len(visible):
        return visible[-1] + 1 if visible else len(order)
    return visible[index]


async def _or_state(
    grant: Grant, title: str, read: Callable[[], Awaitable[Widget]], project: str | None = None
) -> Widget:
    """Read a widget, or show the problem until the tracker responds again."""
    try:
        return await read()
    except NotConnectedError:
        return await _connect(grant)
    except RefusedError as error:
        notices = shown.notices(await outcomes.told(grant.person, project)) if project else []
        return Stack([Heading(title), Text(error.reason, tone="warning"), *notices])


async def _connect(grant: Grant) -> Widget:
    return shown.connect(await connecting.link_for(grant))


def _issue_path(issue: str) -> str:
    return f"/v1/issues/{quote(issue, safe='')}"
