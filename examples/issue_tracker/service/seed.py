"""The data of a new tracker: four users, two projects, and their roles. All passwords are `tracker`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from examples.issue_tracker.service.accounts import hash_password
from examples.issue_tracker.service.tables import COLUMNS, COMMENTS, ISSUES, MEMBERS, PROJECTS, USERS

PASSWORD = "tracker"  # noqa: S105 - of people who are made up
PEOPLE = {"noor": "Noor Haddad", "emil": "Emil Sørensen", "lucia": "Lucía Romero", "tomas": "Tomáš Novák"}
PROJECT_TITLES = {"webshop": "Webshop", "billing": "Billing"}
PREFIXES = {"webshop": "WEB", "billing": "BIL"}
ROLES = {
    "webshop": {"noor": "lead", "emil": "member", "lucia": "reporter"},
    "billing": {"tomas": "lead", "noor": "guest"},
}
STAGES = (("backlog", "Backlog"), ("doing", "In progress"), ("review", "In review"), ("done", "Done"))

ISSUE_LINES = {
    "webshop": {
        "backlog": """
            emil bug Voucher is taken off twice when the page is reloaded
            - bug Search finds nothing for words with an apostrophe
            noor feature Remember the last delivery address
            - feature Let people reorder what they bought before
            emil chore Load product pictures only when they come into view
            - bug Order mail shows prices without VAT to Swiss customers
            lucia research Why do a third of carts end at the shipping step?
            """,
        "doing": """
            emil bug Checkout spins forever when a card is declined
            noor feature Pick-up in the store
            lucia design Clearer words for delivery times
            """,
        "review": """
            emil bug Quantity field takes negative numbers
            noor chore Move sessions to the new cache
            """,
        "done": """
            emil bug Prices jump while the page loads
            noor feature Pay with a company account
            lucia research Interviews with five returning customers
            """,
    },
    "billing": {
        "backlog": """
            tomas bug Invoices of the last day of a month land in the next one
            - feature Send reminders in the customer's language
            """,
        "doing": """
            tomas chore Bring bank statements over to camt.053
            """,
        "review": "",
        "done": """
            tomas bug Rounding differs between invoice and ledger
            """,
    },
}
"""One line per issue: assignee, type and title."""

BODIES = {
    "WEB-8": "Decline a card (4000 0000 0000 0002 in the sandbox). The button keeps spinning, and the order stays "
    "“in payment” for ever. Expected: the reason, and another try.",
    "WEB-11": "Type -1 into the quantity. The cart shows a negative sum, and checkout fails with a 500.",
}
COMMENT_LINES = {
    "WEB-8": (
        ("lucia", "Three customers wrote to us about this since Monday."),
        ("emil", "The payment provider answers with 402, and we only look for 400. I have a fix."),
    ),
    "WEB-11": (("noor", "Please check the cart page too, it has its own field."),),
}


async def fill_if_new(connection: AsyncConnection) -> None:
    """Insert users, projects and issues, unless there are users."""
    if (await connection.execute(select(func.count()).select_from(USERS))).scalar_one():
        return
    hashed = hash_password(PASSWORD)
    people = [
        {"id": name, "name": full, "email": f"{name}@example.com", "password": hashed} for name, full in PEOPLE.items()
    ]
    projects = [{"id": name, "title": title, "prefix": PREFIXES[name]} for name, title in PROJECT_TITLES.items()]
    await connection.execute(insert(USERS), people)
    await connection.execute(insert(PROJECTS), projects)
    await connection.execute(insert(MEMBERS), list(_members()))
    await connection.execute(insert(COLUMNS), list(_columns()))
    await connection.execute(insert(ISSUES), list(_issues()))
    await connection.execute(insert(COMMENTS), list(_comments(datetime.now(tz=UTC))))


def _members() -> Iterator[dict[str, Any]]:
    for project, roles in ROLES.items():
        for user, role in roles.items():
            yield {"project": project, "user": user, "role": role}


def _columns() -> Iterator[dict[str, Any]]:
    for project in PROJECT_TITLES:
        for position, (name, title) in enumerate(STAGES):
            yield {"project": project, "id": name, "title": title, "position": position, "is_done": name == "done"}


def _issues() -> Iterator[dict[str, Any]]:
    for project, columns in ISSUE_LINES.items():
        number = 0
        for column, lines in columns.items():
            for position, line in enumerate(lines.strip().splitlines()):
                number += 1
                who, label, title = line.strip().split(" ", 2)
                name = f"{PREFIXES[project]}-{number}"
                yield {
                    "id": name,
                    "project": project,
                    "column": column,
                    "position": position,
                    "title": title,
                    "label": label,
                    "body": BODIES.get(name, ""),
                    "assignee": None if who == "-" else who,
                    "changed_by": PEOPLE.get(who, "Noor Haddad"),
                    "change": f"put it into {dict(STAGES)[column]}",
                }


def _comments(now: datetime) -> Iterator[dict[str, Any]]:
    for issue, lines in COMMENT_LINES.items():
        for number, (author, text) in enumerate(lines):
            at = now - timedelta(hours=5 * (len(lines) - number))
            yield {"issue": issue, "author": author, "text": text, "at": at.timestamp()}
