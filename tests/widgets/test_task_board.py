import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest
from playwright.async_api import expect

from intarsia.errors import WidgetError
from intarsia.server.wire.diff import Seen, difference
from intarsia.ui_templates import Rendering, render_text, render_widget
from intarsia.widgets import BoardColumn, BoundAction, Card, Select, TaskBoard
from intarsia.widgets.action import JsonType, Parameter
from intarsia.widgets.windows import ListWindow
from tests.widgets.conftest import Stage
from tests.widgets.markup import find, find_all, words

SIXTY = TaskBoard.examples()["sixty cards"]


def action(tool: str, **types: JsonType) -> BoundAction:
    parameters = {name: Parameter(required=True, json_types=frozenset([kind])) for name, kind in types.items()}
    return BoundAction(tool, tool.replace("_", " ").capitalize(), {"project": "a \"b\" 'c'"}, parameters)


MOVE = action("move_card", card="string", column="string", index="integer", version="integer")
COMPLETE = action("complete_card", card="string", done="boolean")
FINISH = action("finish_card", card="string")
ADD = action("add_card", column="string", title="string")
ADD_ANYWHERE = action("add_card", title="string")

ADA = Card("T-1", "Fix login", assignee="Ada Lovelace", priority="high", due=date(2026, 12, 1), label="bug", version=7)
LATE = Card("T-2", "Write <docs>", priority="urgent", due=date(2026, 1, 5), overdue=True)
DONE = Card("T-3", "Set up CI", done=True)


def board(*cards: Card, **fields: Any) -> TaskBoard:
    return TaskBoard(columns=[BoardColumn("todo", "To do", cards), BoardColumn("done", "Done", [])], **fields)


def seen_of(rendering: Rendering) -> Seen:
    return Seen(
        "task_board",
        {},
        rendering.frame.hash,
        {name: part.hash for name, part in rendering.parts.items()},
        {name: [item.hash + key for key, item in each.items.items()] for name, each in rendering.lists.items()},
    )


def size(value: Mapping[str, Any]) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def test_each_column_is_a_list_of_cards_that_keep_their_ids() -> None:
    rendering = render_widget(board(ADA, LATE))

    assert {name: list(items.items) for name, items in rendering.lists.items()} == {
        "w-cards-todo": ["T-1", "T-2"],
        "w-cards-done": [],
    }
    assert {items.prefix for items in rendering.lists.values()} == {"w-card-"}
    assert set(rendering.parts) == {"w-head", "w-top-todo", "w-top-done"}


def test_a_card_looks_the_same_in_every_column_and_place() -> None:
    here = TaskBoard(columns=[BoardColumn("a", "A", [ADA, LATE]), BoardColumn("b", "B", [DONE])], on_move=MOVE)
    there = TaskBoard(columns=[BoardColumn("a", "A", [LATE]), BoardColumn("b", "B", [DONE, ADA])], on_move=MOVE)

    before, after = (
        {key: item.hash for items in render_widget(each).lists.values() for key, item in items.items.items()}
        for each in (here, there)
    )

    assert before == after


def test_a_card_says_what_it_is_to_eyes_and_to_readers() -> None:
    card = find(board(ADA), ".//li[@id='w-card-T-1']")

    assert words(card.find("p")) == "Fix login"
    assert words(card.find("small")).startswith("T-1")
    assert words(card.find(".//b[@data-priority='high']")) == "High"
    assert card.find(".//time").attrib["datetime"] == "2026-12-01"
    assert words(card.find(".//em")) == "bug"
    avatar = card.find(".//span[@role='img']")
    assert (avatar.attrib["title"], words(avatar)) == ("Ada Lovelace", "AL")


def test_what_is_late_says_so_in_words_and_what_is_normal_says_nothing() -> None:
    late, plain = find_all(board(LATE, DONE), ".//li")

    assert words(late.find(".//span[@data-overdue]")) == "Overdue 2026-01-05"
    assert words(late.find(".//b")) == "Urgent"
    assert plain.find(".//b") is None
    assert plain.find(".//time") is None


def test_a_card_carries_its_id_and_version_for_every_gesture() -> None:
    card = find(board(ADA, on_move=MOVE), ".//li")

    assert json.loads(card.attrib["data-item"]) == {"card": "T-1", "version": 7}


def test_ids_with_quotes_and_marks_come_back_as_they_are() -> None:
    name = """a'b"c<d>&e"""
    widget = TaskBoard(columns=[BoardColumn(name, "Odd", [Card(name, "Odd")])], on_move=MOVE, on_add=ADD)

    assert json.loads(find(widget, ".//li").attrib["data-item"])["card"] == name
    assert json.loads(find(widget, ".//div[@role='group']").attrib["data-item"]) == {"column": name}
    assert find(widget, ".//ol").attrib["id"] == f"w-cards-{name}"


def test_the_board_offers_what_it_was_given() -> None:
    everything = board(ADA, on_move=MOVE, on_complete=COMPLETE, on_add=ADD)

    outlets = [outlet.attrib["data-outlet"] for outlet in find_all(everything, ".//span[@data-outlet]")]

    assert outlets == ["move", "complete", "add"]
    assert find(everything, ".//li/button").text == "Move"
    assert find(everything, ".//li/input").attrib["aria-label"] == "Complete Fix login"
    assert [field.attrib["aria-label"] for field in find_all(everything, ".//input[@name='title']")] == [
        "Add a card to To do",
        "Add a card to Done",
    ]


def test_a_board_without_actions_has_nothing_to_press() -> None:
    widget = board(ADA, DONE)

    assert find_all(widget, ".//button") + find_all(widget, ".//input") + find_all(widget, ".//*[@data-outlet]") == []
    assert [words(mark) for mark in find_all(widget, ".//li/i")] == ["Done"]


def test_what_cannot_be_reopened_is_off_and_says_why() -> None:
    final = find(board(DONE, on_complete=FINISH), ".//li/input")
    reopened = find(board(DONE, on_complete=COMPLETE), ".//li/input")

    assert {"checked", "disabled"} <= set(final.attrib)
    assert final.attrib["title"] == "Completed cards can't be reopened."
    assert "checked" in reopened.attrib
    assert "disabled" not in reopened.attrib


def test_one_row_adds_cards_when_the_action_takes_no_column() -> None:
    fields = find_all(board(on_add=ADD_ANYWHERE), ".//input[@name='title']")

    assert [field.attrib["aria-label"] for field in fields] == ["Add a card"]


def test_a_column_over_its_limit_says_so_in_words() -> None:
    over = TaskBoard(columns=[BoardColumn("doing", "Doing", [ADA, LATE], limit=1)])
    under = TaskBoard(columns=[BoardColumn("doing", "Doing", [ADA], limit=1)])

    assert words(find(over, ".//header[@data-limit='1']")) == "Doing2max 1Over its limit"
    assert "hidden" not in find(over, ".//header[@data-limit]/p").attrib
    assert "hidden" in find(under, ".//header[@data-limit]/p").attrib


def test_sixty_cards_are_few_bytes_and_a_moved_one_far_fewer() -> None:
    before = render_widget(SIXTY)
    columns: list[Sequence[Card]] = [list(column.cards) for column in SIXTY.columns]
    moved = columns[0][4].model_copy(update={"version": 2})
    columns[0] = [card for card in columns[0] if card.id != moved.id]
    columns[3] = [*columns[3][:6], moved, *columns[3][6:]]
    changed = [column.model_copy(update={"cards": cards}) for column, cards in zip(SIXTY.columns, columns, strict=True)]
    after = SIXTY.model_copy(update={"columns": changed})

    answer = difference(render_widget(after), seen_of(before))

    assert len(before.html.encode()) <= 14_500
    assert [list(items.get("items", {})) for items in answer["lists"].values()] == [[], [moved.id]]
    assert size(answer) <= size(difference(before, None)) / 10


def test_the_text_form_names_cards_columns_and_what_can_be_done() -> None:
    widget = TaskBoard(
        title="Apollo",
        columns=[BoardColumn("todo", "To do", [ADA, LATE], limit=1), BoardColumn("done", "Done", [])],
        filters=[Select("assignee", options=["Ada Lovelace"], value="Ada Lovelace")],
        on_move=MOVE,
        on_add=ADD,
    )

    assert render_text(widget).splitlines() == [
        "**Apollo**: 2 cards, **Assignee**: **Ada Lovelace**",
        "",
        "**To do** (`todo`): 2 of at most 1, over its limit",
        "",
        "- `T-1` **Fix login** (**Ada Lovelace**, high, due 2026-12-01, label **bug**, v7)",
        "- `T-2` **Write \\<docs>** (urgent, overdue since 2026-01-05, v0)",
        "",
        "**Done** (`done`): 0",
        "",
        "*No cards.*",
        "",
        '**Move card** with `move_card`: card, column, index, version, and `{"project":"a \\"b\\" \'c\'"}`.',
        '**Add card** with `add_card`: column, title, and `{"project":"a \\"b\\" \'c\'"}`.',
    ]


def test_versions_are_told_only_where_they_are_asked_for() -> None:
    assert "v7" not in render_text(board(ADA, on_complete=COMPLETE))
    assert "v7" in render_text(board(ADA, on_move=MOVE))


@pytest.mark.parametrize(("width", "least"), [(720, 20), (480, 10), (320, 6)])
async def test_many_cards_are_in_sight_within_500_pixels(stage: Stage, width: int, least: int) -> None:
    await stage.show(SIXTY, width=width)
    await expect(stage.view.locator(".intarsia-pager").first).to_be_visible()

    assert await stage.height() <= 500
    assert await stage.view.locator(".intarsia-task-board__cards > li:visible").count() >= least


async def test_who_goes_to_a_card_reads_all_of_its_title(stage: Stage) -> None:
    title = "Agree with the bank on what happens when it answers late and twice, and write it down for support"
    await stage.show(TaskBoard(columns=[BoardColumn(name, name, [Card(name, title)]) for name in "ABCD"], on_move=MOVE))
    words_of = stage.view.locator(".intarsia-task-board__cards p").first
    is_cut = "(element) => element.scrollHeight > element.clientHeight + 1"
    assert await words_of.evaluate(is_cut)

    await stage.view.get_by_role("button", name="Move").first.focus()

    assert not await words_of.evaluate(is_cut)


def test_a_board_with_too_many_cards_is_refused() -> None:
    with pytest.raises(WidgetError, match="has 10001 cards; show at most 10000"):
        TaskBoard(columns=[BoardColumn("todo", "To do", [Card(str(number), "x") for number in range(10_001)])])


def test_counts_and_limits_are_those_of_the_whole_column() -> None:
    window = ListWindow("cards", "todo/cards", 1, 1, 1_250, "cards", 50)
    column = BoardColumn("todo", "To do", [Card("T-2", "Two")], limit=1_000, list_windows=(window,))
    widget = TaskBoard(columns=[column])

    html, text = render_widget(widget).html, render_text(widget)

    assert (widget.card_count, column.is_over_limit) == (1_250, True)
    assert '<span data-count data-from="1" data-beyond="1249">1250</span>' in html
    assert "**To do** (`todo`): 1250 of at most 1000, over its limit, cards 2 to 2 of 1250 here" in text
