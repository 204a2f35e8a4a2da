"""A connector as a developer writes it, for the scenarios that need no fixtures."""

from pathlib import Path

from intarsia import Connector, Done
from intarsia.widgets import BoardColumn, Card, TaskBoard


def build_connector(folder: Path) -> Connector:
    """Make a connector whose store is in a folder."""
    connector = Connector("Conformance", store=folder / "store.db")

    @connector.action
    async def move_card(card: str, column: str, index: int, version: int) -> Done:
        """Move a card to a place in a column."""
        return Done(f"Moved {card} to place {index + 1} of {column}, from version {version}.")

    @connector.widget
    async def task_board() -> TaskBoard:
        """Show the board."""
        cards = [Card(f"T-{number}", f"Task {number}", version=1) for number in range(1, 4)]
        return TaskBoard(columns=[BoardColumn("todo", "To do", cards)], on_move=move_card.bind())

    return connector
