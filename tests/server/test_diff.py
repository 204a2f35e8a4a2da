"""What is sent of a rendering, given what is shown."""

from intarsia.server.wire.diff import difference, parse_seen
from intarsia.ui_templates import ListPart, Part, Rendering
from tests.server.view_state import Shown


def rendering(head: str, **lists: dict[str, str]) -> Rendering:
    return Rendering(
        frame=Part("<section>", "frame001"),
        parts={"w-head": Part(head, f"{head:_<8}"[:8])},
        lists={
            name: ListPart("w-card-", {key: Part(f"<li>{text}</li>", f"{text:_<8}"[:8]) for key, text in items.items()})
            for name, items in lists.items()
        },
    )


def full(of: Rendering) -> dict[str, object]:
    return {"tool": "board", "arguments": {}, **difference(of, None)}


def test_nothing_seen_gets_everything() -> None:
    answer = difference(rendering("head", todo={"a": "A"}, done={}), None)

    assert answer["frame"]["html"] == "<section>"
    assert answer["parts"]["w-head"]["html"] == "head"
    assert answer["lists"]["todo"]["items"]["a"]["html"] == "<li>A</li>"
    assert answer["lists"]["done"] == {"prefix": "w-card-", "order": []}


def test_the_same_again_gets_nothing() -> None:
    same = rendering("head", todo={"a": "A"}, done={})
    seen = parse_seen(Shown(full(same)).meta()["dev.intarsia/seen"])

    assert difference(same, seen) == {}


def test_a_moved_item_is_named_and_not_sent_again() -> None:
    before = rendering("head", todo={"a": "A", "b": "B"}, done={"c": "C"})
    after = rendering("head", todo={"b": "B"}, done={"a": "A", "c": "C"})
    seen = parse_seen(Shown(full(before)).meta()["dev.intarsia/seen"])

    answer = difference(after, seen)

    assert answer == {
        "lists": {
            "todo": {"prefix": "w-card-", "order": ["b"]},
            "done": {"prefix": "w-card-", "order": ["a", "c"]},
        }
    }


def test_only_what_changed_is_sent() -> None:
    before = rendering("head", todo={"a": "A", "b": "B"})
    after = rendering("HEAD", todo={"a": "A", "b": "B2"})
    seen = parse_seen(Shown(full(before)).meta()["dev.intarsia/seen"])

    answer = difference(after, seen)

    assert "frame" not in answer
    assert answer["parts"]["w-head"]["html"] == "HEAD"
    assert list(answer["lists"]["todo"]["items"]) == ["b"]


def test_what_a_widget_no_longer_has_is_named_with_the_new_frame() -> None:
    before = rendering("head", todo={}, old={})
    seen = parse_seen({**Shown(full(before)).meta()["dev.intarsia/seen"], "frame": "another0"})

    assert difference(rendering("head", todo={}), seen)["gone"] == ["old"]


def test_a_part_that_was_not_read_is_left_alone() -> None:
    before, after = rendering("head"), rendering("never read")
    seen = parse_seen(Shown(full(before)).meta()["dev.intarsia/seen"])

    assert difference(after, seen, frozenset({"w-head"})) == {}


def test_nonsense_counts_as_nothing_seen() -> None:
    attempts: list[object] = [None, [], "x", {"tool": 3, "arguments": {}}, {"tool": "board"}]
    for nonsense in attempts:
        assert parse_seen(nonsense) is None
    odd = parse_seen({"tool": "b", "arguments": {}, "frame": 7, "parts": [1], "lists": {"x": "y", "z": [1, "ok"]}})
    assert odd is not None
    assert (odd.frame, odd.parts, odd.lists) == ("", {}, {"x": [], "z": ["ok"]})
