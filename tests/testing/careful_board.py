"""The same board as the naive one, made with Intarsia."""

from intarsia import Connector, Done
from intarsia.widgets import BoardColumn, Card, TaskBoard
from tests.testing.board_data import COLUMNS, Work


def careful_board(work: Work) -> Connector:
    """Build the connector.

    Args:
        work: What the board shows.
    """
    connector = Connector("Careful")

    @connector.action
    async def add_card(project: str, title: str) -> Done:
        """Add a card."""
        work.add(project, title)
        return Done(f"Added {title}.")

    @connector.action
    async def move_card(project: str, card: str, column: str, index: int) -> Done:
        """Move a card to a place in a column."""
        return Done(f"Moved {work.move(project, card, column, index)}.")

    @connector.widget
    async def task_board(project: str) -> TaskBoard:
        """Show a project's cards."""
        columns = [
            BoardColumn(name, COLUMNS[name], [Card(item.id, item.title) for item in items])
            for name, items in work.projects[project].items()
        ]
        return TaskBoard(
            title=project.capitalize(),
            columns=columns,
            on_add=add_card.bind(project=project),
            on_move=move_card.bind(project=project),
        )

    return connector
