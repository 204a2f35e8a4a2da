"""A connector with a tool of every kind that permissions know, whose functions write down that they ran."""

from pathlib import Path
from typing import Any

from intarsia import Connector, Done, Grant
from intarsia.widgets import DesignPanel, Slider, Text

OWNER = {"a-1": "ada", "b-1": "bob"}
"""Whose each entry is."""


def is_owner(grant: Grant, arguments: Any) -> bool | str:
    """Let people at their own entries alone."""
    return OWNER.get(arguments["entry"]) == grant.subject or "This entry is somebody else's."


def build_permissions_connector(store: Path, entered: list[str]) -> Connector:  # noqa: C901 - one tool of each kind
    """Make the connector.

    Args:
        store: Its file.
        entered: Where each function writes its name when it runs.
    """
    ledger = Connector("Ledger", store=store)

    def ran(name: str, entry: str) -> Done:
        entered.append(name)
        return Done(f"{name} {entry}")

    @ledger.widget(scopes=set())
    async def cover(entry: str = "") -> Text:
        """Show the cover, to whoever signed in."""
        entered.append("cover")
        return Text(f"A ledger. {entry}")

    @ledger.widget(scopes={"ledger:read"})
    async def page(entry: str) -> Text:
        """Show an entry."""
        entered.append("page")
        return Text(entry)

    @ledger.widget(scopes={"ledger:read"}, allow=is_owner)
    async def own_page(entry: str) -> Text:
        """Show an entry to its owner."""
        entered.append("own_page")
        return Text(entry)

    @ledger.widget(scopes={"ledger:read"}, roles={"admin"})
    async def books(entry: str) -> Text:
        """Show the books to those who keep them."""
        entered.append("books")
        return Text(entry)

    @ledger.widget(scopes={"ledger:read"})
    async def panel(entry: str) -> DesignPanel:
        """Adjust how it looks."""
        entered.append("panel")
        return DesignPanel([Slider("size", min=0, max=9, value=3)], title=entry, draft=True)

    @ledger.action(scopes={"ledger:read", "ledger:write"})
    async def write(entry: str) -> Done:
        """Write an entry."""
        return ran("write", entry)

    @ledger.action(scopes={"ledger:write"}, allow=is_owner)
    async def amend(entry: str) -> Done:
        """Amend one's own entry."""
        return ran("amend", entry)

    @ledger.action(scopes={"ledger:write"}, roles={"admin", "auditor"})
    async def close_books(entry: str) -> Done:
        """Close the books."""
        return ran("close_books", entry)

    @ledger.action(scopes={"ledger:write"}, visibility={"app"})
    async def mark(entry: str) -> Done:
        """Mark an entry by hand."""
        return ran("mark", entry)

    @ledger.action(scopes={"ledger:erase"}, destructive=True, confirm="Erase {entry}?")
    async def erase(entry: str) -> Done:
        """Erase an entry."""
        return ran("erase", entry)

    @ledger.action(scopes={"ledger:erase"}, destructive=True, confirm="Erase your {entry}?", allow=is_owner)
    async def erase_own(entry: str) -> Done:
        """Erase one's own entry."""
        return ran("erase_own", entry)

    @ledger.action
    async def forgotten(entry: str) -> Done:
        """Do what nobody was said to be allowed to."""
        return ran("forgotten", entry)

    return ledger
