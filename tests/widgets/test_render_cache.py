"""What was drawn is kept only as long as it is true, and only so much of it."""

from collections.abc import Callable

from intarsia.ui_templates import render_text, render_widget
from intarsia.ui_templates.render import RenderCache
from intarsia.widgets import BoardColumn, BoundAction, Card, Table, TableColumn, TaskBoard
from intarsia.widgets.action import Parameter


def _counting() -> tuple[list[str], Callable[..., str]]:
    drawn: list[str] = []

    def macro(card: Card, *also: object) -> str:
        drawn.append(card.id)
        return f"{card.id} {card.title} {also}"

    return drawn, macro


def test_what_is_as_it_was_is_not_drawn_again() -> None:
    drawn, macro = _counting()
    memory = RenderCache(str)

    first = memory.get(Card("T-1", "Write"), macro, ("w",))
    again = memory.get(Card("T-1", "Write"), macro, ("w",))

    assert first == again == "T-1 Write ('w',)"
    assert drawn == ["T-1"]


def test_any_change_is_drawn() -> None:
    drawn, macro = _counting()
    memory = RenderCache(str)
    cards = [Card("T-1", "Write"), Card("T-1", "Read"), Card("T-1", "Read", version=2), Card("T-1", "Read", done=True)]

    shown = [memory.get(card, macro, ("w",)) for card in cards]
    shown.append(memory.get(cards[0], macro, ("other",)))

    assert len(drawn) == 5
    assert shown[1].startswith("T-1 Read")
    assert shown[4].endswith("('other',)")


def test_it_forgets_what_was_not_asked_for_in_a_long_time() -> None:
    drawn, macro = _counting()
    memory = RenderCache(str, most=10)
    favorite = Card("T-0", "Asked for all the time")

    for number in range(1, 100):
        memory.get(favorite, macro)
        memory.get(Card(f"T-{number}", "Once"), macro)

    assert len(memory) <= 20
    assert drawn.count("T-0") == 1


def _board(*cards: Card, on_complete: BoundAction | None = None) -> TaskBoard:
    return TaskBoard(columns=[BoardColumn("todo", "To do", cards)], on_complete=on_complete)


def test_a_board_follows_its_cards_and_its_actions() -> None:
    complete = BoundAction("complete_card", "Complete", {}, {"card": Parameter(required=True)})
    before = render_widget(_board(Card("T-1", "Write"), Card("T-2", "Read"))).lists["w-cards-todo"].items
    after = render_widget(_board(Card("T-1", "Write", label="bug"), Card("T-2", "Read"))).lists["w-cards-todo"].items
    offered = render_widget(_board(Card("T-2", "Read"), on_complete=complete)).lists["w-cards-todo"].items

    assert "bug" in after["T-1"].html
    assert after["T-1"].hash != before["T-1"].hash
    assert after["T-2"] is before["T-2"]
    assert "checkbox" in offered["T-2"].html
    assert "- `T-1` **Write** (label **bug**)" in render_text(_board(Card("T-1", "Write", label="bug")))


def test_rows_made_by_hand_are_escaped() -> None:
    hostile = "\"><img src=x onerror='alert(1)'>"
    table = Table(
        columns=[TableColumn("name", hostile), TableColumn("size", hostile, type="number")],
        rows=[{"id": hostile, "name": hostile, "size": 1.5}, {"id": "2", "name": 3, "size": hostile}],
        row_key="id",
        caption="Files",
    )

    html = render_widget(table).html

    assert "<img" not in html
    assert "onerror='" not in html
    assert 'value="1.5"' in html
