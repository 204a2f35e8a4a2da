"""Converts the tracker's data to widgets, without requests."""

from collections.abc import Sequence
from typing import Literal

from examples.issue_tracker.upstream import Json
from intarsia.widgets import ActionLike, BoardColumn, Card, Heading, Option, Select, Stack, TaskBoard, Text, Widget

Tone = Literal["info", "success", "warning"]
TONES: dict[str, Tone] = {"checking": "info", "done": "success", "refused": "warning", "open": "warning"}

NOBODY = Option("", "Nobody")


def board(project: Json, assignee: str | None, *, on_move: ActionLike, on_add: ActionLike) -> TaskBoard:
    """Return a project as a board, with all issues or those of one assignee."""
    people = [Option(person["id"], person["name"]) for person in project["people"]]
    found = [issue for issue in project["issues"] if assignee in (None, issue["assignee"])]
    columns = [
        BoardColumn(
            column["id"],
            column["title"],
            [_card(issue, is_done=column["is_done"]) for issue in found if issue["column"] == column["id"]],
        )
        for column in project["columns"]
    ]
    return TaskBoard(
        title=project["title"],
        columns=columns,
        filters=[Select("assignee", options=people, placeholder="Everyone")],
        on_move=on_move,
        on_add=on_add,
    )


def _card(issue: Json, *, is_done: bool) -> Card:
    return Card(
        issue["id"],
        issue["title"],
        assignee=issue["assignee_name"],
        label=issue["label"],
        version=issue["version"],
        done=is_done,
    )


def issue(found: Json, *, on_assign: ActionLike) -> list[Widget]:
    """Return the fields of an issue, with its assignee."""
    about = found["issue"]
    people = [NOBODY, *(Option(person["id"], person["name"]) for person in found["people"])]
    last = f"{about['column_title']}. Last change: {about['changed_by']} {about['change']}."
    return [
        Heading(f"{about['id']} {about['title']}"),
        Text(about["body"] or "Nothing more is said about it."),
        Text(last, tone="muted"),
        Select("assignee", options=people, value=about["assignee"] or "", on_change=on_assign),
    ]


def comments(found: Json, *, on_add: ActionLike) -> TaskBoard:
    """Return an issue's comments, oldest first, with a field for another one."""
    cards = [Card(f"comment-{one['id']}", one["text"], assignee=one["author"]) for one in found["comments"]]
    return TaskBoard(title="Comments", columns=[BoardColumn("comments", "Oldest first", cards)], on_add=on_add)


def notices(told: Sequence[tuple[str, str]]) -> list[Text]:
    """Return notices about changes whose response was lost."""
    return [Text(sentence, tone=TONES[state]) for state, sentence in told]


def connect(link: str) -> Stack:
    """Return the placeholder for a widget while no account is connected."""
    told = "The tracker is a service of its own, and you work in it as yourself. To connect your account, open:"
    return Stack([Heading("Connect your tracker account"), Text(told), Text(link)])
