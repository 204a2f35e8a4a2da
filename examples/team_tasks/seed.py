"""The data of a new database: three projects. The tables are in `tables.py`."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from examples.team_tasks.tables import CARDS, COLUMNS, PROJECTS

AMARA, JONAS, PRIYA, MATEO = "Amara Okafor", "Jonas Lindqvist", "Priya Raman", "Mateo Álvarez"
HANNA, KENJI, LEILA, TOM = "Hanna Kowalska", "Kenji Watanabe", "Leila Haddad", "Tom Becker"

STAGES = (("todo", "To do"), ("doing", "In progress"), ("review", "Review"), ("done", "Done"))

PROJECT_TITLES = {"apollo": "Apollo", "website": "Website relaunch", "onboarding": "Onboarding"}
MAX_IN_PROGRESS = {"apollo": 9, "website": 5, "onboarding": 4}

TEAMS = {
    "apollo": (AMARA, JONAS, PRIYA, MATEO, HANNA, KENJI),
    "website": (LEILA, TOM, PRIYA, HANNA),
    "onboarding": (AMARA, TOM, LEILA),
}

LABELS = {"!": "bug", "+": "feature", "~": "chore", "?": "research", "*": "design"}
"""The first character of each card below is its type."""

CARD_TITLES = {
    "apollo": {
        "done": """
            + Sign in with a work account
            + Show invoices as a list
            * Sketch the invoice page
            ~ Move secrets to the vault
            ! Totals are wrong for reverse-charge VAT
            + Download an invoice as PDF
            ? Interview five finance teams
            ~ Set up the staging environment
            ! Dates shift by a day west of Greenwich
            + Remember the chosen company
            * Agree on empty states
            ~ Rotate the signing keys
            + Filter invoices by month
            ! Search ignores accents
            ~ Delete the old cron jobs
            + Send a receipt by mail
            """,
        "review": """
            + Change the billing address
            ! Credit notes show a negative sign twice
            ~ Raise the database pool for month's end
            * Invoice page on a phone
            + Copy an invoice number with one press
            ! The PDF cuts off long company names
            + Show who approved a payment
            """,
        "doing": """
            + Pay an invoice by bank transfer
            ! Double charge when the bank answers late
            + Invite a colleague to a company
            ~ Replace the PDF library
            * Payment states and their words
            ? Which banks need a second step?
            + Export a year for the accountant
            ! Session ends while a payment is confirmed
            """,
        "todo": """
            + Schedule a payment for a later day
            + Split an invoice over cost centers
            ! The currency sign is missing in mails
            + Remind before an invoice is due
            ~ Load test with ten thousand invoices
            + Accept invoices by mail
            * Dark appearance
            ? What do auditors ask for?
            + Two people must approve above a limit
            ! The back button loses the filter
            + Show spending by supplier
            ~ Write the runbook for failed payouts
            + Import suppliers from a spreadsheet
            ! Keyboard focus is lost after saving
            + Weekly summary by mail
            ~ Drop support for the old API
            * Icons for payment methods
            + Comment on an invoice
            ! Amounts overflow on narrow screens
            + Duplicate an invoice
            ? Do customers want direct debit?
            + Undo an approval within a minute
            ~ Archive invoices older than ten years
            ! Time zone is missing in the audit log
            + Connect a second bank
            ~ Measure how long a payment takes
            + Let support see what a customer sees
            * A printable statement
            ! Sorting by amount treats it as text
            """,
    },
    "website": {
        "done": """
            ? Find out what visitors look for
            * Agree on the type scale
            ~ Freeze changes to the old site
            + Page for each product
            ~ Buy the image licenses
            """,
        "review": """
            + Price calculator
            * Header with two levels
            ! Menu cannot be closed with Escape
            """,
        "doing": """
            + Customer stories
            ~ Redirects from the old addresses
            * Illustrations for the start page
            ! Cookie notice covers the footer
            """,
        "todo": """
            + Search
            + Job openings from the applicant system
            ~ Check every page with a screen reader
            ~ Write alternative texts for images
            + Newsletter sign-up
            ? Compare three ways to show prices
            ! Contact form accepts empty mails
            ~ Plan the night of the switch
            + French and Polish
            """,
    },
    "onboarding": {
        "done": """
            ~ Order laptops for the May starters
            + Welcome page with names and faces
            ? Ask last year's starters what was missing
            """,
        "review": """
            + Checklist for the first week
            ~ Access for contractors ends by itself
            """,
        "doing": """
            + Find a mentor for everybody
            ~ Shorten the security course
            """,
        "todo": """
            + First-day tour of the office
            ~ Translate the handbook
            + Lunch with another team
            ! The calendar invite has the wrong room
            ? What do people need in month three?
            ~ Collect feedback after thirty days
            """,
    },
}


async def fill_if_new(connection: AsyncConnection) -> None:
    """Insert the projects, columns and cards, unless there are projects."""
    if (await connection.execute(select(func.count()).select_from(PROJECTS))).scalar_one():
        return
    await connection.execute(insert(PROJECTS), [{"id": name, "title": title} for name, title in PROJECT_TITLES.items()])
    await connection.execute(insert(COLUMNS), list(_columns()))
    await connection.execute(insert(CARDS), list(_cards(datetime.now(tz=UTC).astimezone().date())))


def _columns() -> Iterator[dict[str, Any]]:
    for project in PROJECT_TITLES:
        for position, (name, title) in enumerate(STAGES):
            yield {
                "project": project,
                "id": name,
                "title": title,
                "position": position,
                "most_cards": MAX_IN_PROGRESS[project] if name == "doing" else None,
                "is_done": name == "done",
            }


def _cards(today: date) -> Iterator[dict[str, Any]]:
    """Generate the cards. They are the same each time, except for their due dates."""
    chance = random.Random(12)
    number = 0
    for project, columns in CARD_TITLES.items():
        for column, titles in columns.items():
            for position, line in enumerate(titles.strip().splitlines()):
                number += 1
                sign, title = line.strip().split(" ", 1)
                yield {
                    "id": f"T-{number}",
                    "project": project,
                    "column": column,
                    "position": position,
                    "title": title,
                    "label": LABELS[sign],
                    **_circumstances(chance, project, column, today),
                }


def _circumstances(chance: random.Random, project: str, column: str, today: date) -> dict[str, Any]:
    """Generate the assignee, priority and due date of a card. Current work is due sooner than future work."""
    person = chance.choice(TEAMS[project])
    first, last = {"done": (-40, -2), "review": (-2, 6), "doing": (-1, 12), "todo": (3, 45)}[column]
    title = dict(STAGES)[column]
    return {
        "assignee": None if column == "todo" and chance.random() < 0.3 else person,
        "priority": chance.choices(["low", "normal", "high", "urgent"], [2, 6, 3, 1])[0],
        "due": today + timedelta(days=chance.randint(first, last)) if chance.random() < 0.7 else None,
        "changed_by": person,
        "change": f"added it to {title}" if column == "todo" else f"moved it to {title}",
    }
