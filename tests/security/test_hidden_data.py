"""Who may not see something gets nothing of it: not as markup, text, data or `_meta`, and not from what is kept.

Everything that can be marked with a scope holds a canary of that scope. Each widget is drawn for somebody of every set
of scopes, and the canaries in the whole answer must be those of the set.
"""

import asyncio
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from intarsia import Connector, Grant
from intarsia.testing import Reply, Tools
from tests.security.hidden_data_connector import MARKS, build_hidden_data_connector, canary, canary_number, grants_with
from tests.security.mutation import Guard, Mutants, Mutation, each_guard
from tests.security.rendered_controls import Drawn

PEOPLE = grants_with()
WIDGETS = ("fields", "rows", "cards", "same_cards", "overview", "panel")
EVERYTHING = PEOPLE[-1]
NOTES = {"fields", "rows", "cards", "overview", "panel"}
"""The widgets in which something stands in the place of what is left out."""


@pytest.fixture
def connector(tmp_path: Path) -> Connector:
    return build_hidden_data_connector(tmp_path / "shop.db")


def found_in(reply: Reply) -> set[str]:
    """Say of which scopes there are data anywhere in an answer, as it goes over the wire."""
    whole = json.dumps([reply.text, reply.structured, dict(reply.meta)], default=str)
    return {scope for scope in MARKS if any(sign in whole for sign in _signs(scope))}


def _signs(scope: str) -> tuple[str, ...]:
    number = canary_number(scope)
    return canary(scope), f"{number}", f"{number:,}"


def may_see(grant: Grant) -> set[str]:
    return {scope for scope in MARKS if scope in grant.scopes}


@pytest.mark.parametrize("widget", WIDGETS)
async def test_each_gets_the_data_of_what_they_granted_and_of_nothing_else(tools: Tools, widget: str) -> None:
    replies = [await tools.call(widget, as_=grant) for grant in PEOPLE]

    assert [found_in(reply) for reply in replies] == [may_see(grant) for grant in PEOPLE]


@pytest.mark.parametrize("widget", sorted(NOTES))
async def test_a_note_says_what_is_left_out(tools: Tools, widget: str) -> None:
    for grant in PEOPLE:
        reply = await tools.call(widget, as_=grant)
        shown = Drawn(reply.html).text
        lacking = set(MARKS) - grant.scopes
        assert {scope for scope in MARKS if f"needs {scope}" in shown} == lacking
        assert {scope for scope in MARKS if f"needs {scope}" in reply.text} == lacking


@pytest.mark.parametrize("widget", WIDGETS)
async def test_what_came_after_a_scope_was_withdrawn_holds_nothing_of_it(tools: Tools, widget: str) -> None:
    shown = await tools.call(widget, as_=EVERYTHING)
    for grant in PEOPLE:
        narrowed = replace(EVERYTHING, scopes=grant.scopes)
        acted = await tools.act(shown, "touch", as_=narrowed, thing="all")
        assert found_in(acted) <= may_see(grant)
        assert acted.message == "Touched all."


async def test_a_draft_of_what_is_hidden_stays_hidden(tools: Tools) -> None:
    shown = await tools.call("panel", as_=EVERYTHING)
    hidden = MARKS[1]
    draft = {"size": 4, "t1": canary_number(hidden) + 500}
    kept = await tools.act(shown, "intarsia_draft", as_=EVERYTHING, tool="panel", arguments={}, values=draft)
    narrowed = replace(EVERYTHING, scopes=EVERYTHING.scopes - {hidden})
    reply = await tools.call("panel", as_=narrowed)

    assert kept.problem is None
    assert f"{canary_number(hidden) + 500}" in (await tools.call("panel", as_=EVERYTHING)).text
    whole = json.dumps([reply.text, reply.structured, dict(reply.meta)], default=str)
    assert (f"{canary_number(hidden) + 500}" in whole, found_in(reply)) == (False, may_see(narrowed))
    assert "not saved yet: 4" in reply.text


@pytest.mark.parametrize("widget", ["cards", "same_cards"])
async def test_two_thousand_interleaved_drawings_never_mix(tools: Tools, widget: str) -> None:
    one, other = (Grant(name, "chat", {"shop:read", MARKS[at]}, issuer="x") for at, name in enumerate(("ada", "bob")))
    dice = random.Random(2)  # noqa: S311 - an order that can be repeated
    order = [dice.choice([one, other]) for _ in range(2_000)]
    replies = await asyncio.gather(*(tools.call(widget, as_=grant) for grant in order))

    wrong = [
        (grant.subject, found)
        for grant, reply in zip(order, replies, strict=True)
        if (found := found_in(reply)) != may_see(grant)
    ]
    assert wrong == []
    assert len({grant.subject for grant in order}) == 2


HERE = "tests/security/test_hidden_data.py"
WITHHOLDING, TABLE, BOARD = (
    "intarsia/server/rendering/redact.py",
    "intarsia/widgets/table.py",
    "intarsia/widgets/task_board.py",
)
NOTHING = "frozenset[str]()"
LEFT_OUT = Mutation(WITHHOLDING, "        left_out.append(shown)\n        return None", "        return part")
"""What has no note in its place stays."""
GUARDS = {
    "widgets": (
        "each_gets and fields",
        Mutation(WITHHOLDING, "missing := widget.scopes - granted", f"missing := {NOTHING}"),
    ),
    "histories": ("each_gets and fields", LEFT_OUT),
    "rows": (
        "each_gets and rows",
        Mutation(TABLE, "(missing := scopes - granted)", f"(missing := {NOTHING})"),
    ),
    "columns": (
        "each_gets and rows",
        Mutation(TABLE, 'return self.model_copy(update={"hidden": hidden(missing)})', "return self"),
    ),
    "cards and options": ("each_gets and cards", LEFT_OUT),
    "lists of cards": ("each_gets and cards", Mutation(BOARD, '{"cards": [], "limit": None,', '{"limit": None,')),
    "tiles": (
        "each_gets and overview",
        Mutation(WITHHOLDING, "    missing = tile.scopes - granted", f"    missing = {NOTHING}"),
    ),
    "tokens": ("each_gets and panel", LEFT_OUT),
}


BY_ID = Mutation(
    "intarsia/ui_templates/render.py",
    "(macro, also, *vars(thing).values())",
    '(macro, also, getattr(thing, "id", 0))',
)


@each_guard(
    {
        **{name: (f"{HERE} -k '{tests}'", mutation) for name, (tests, mutation) in GUARDS.items()},
        "what is kept of a drawing": (f"{HERE} -k 'interleaved and same_cards'", BY_ID),
    }
)
async def test_nothing_else_keeps_it_back(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
