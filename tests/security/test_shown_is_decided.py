"""What is shown equals what the server decides: for every control of every widget, for everybody.

Every example of every widget is offered with actions of each kind of access, and drawn for each grant. What the markup
offers, read from the markup alone, must be what a call is let through for; the calls are really made.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from intarsia import Grant
from intarsia.permissions import Decision
from intarsia.testing import Reply, Tools
from intarsia.widgets import TaskBoard
from tests.security.access_matrix import EXAMPLES, GRANTS, KINDS, PLACES, SENT, Room, build_access_matrix, view_name
from tests.security.mutation import Guard, Mutants, Mutation, each_guard
from tests.security.rendered_controls import Control, Drawn, controls_of

CASES = [(who, kind) for who in GRANTS for kind in KINDS if "scope" in kind or not who.startswith("not ")]
"""Leaving out each scope in turn says nothing new where scopes are not what differs."""


@pytest.fixture(scope="module")
async def room(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Room]:  # noqa: ARG001 - an async fixture of a module must name it
    built = build_access_matrix(tmp_path_factory.mktemp("room") / "room.db")
    async with built.connector.running():
        yield built


async def _decision(tools: Tools, grant: Grant, control: Control) -> Decision:
    return await tools.decide(control.tool, as_=grant, **_arguments(tools, control))


async def _check(room: Room, grant: Grant, name: str) -> int:
    """Draw one widget for somebody, and compare everything that it offers with what the server decides."""
    tools, widget = room.tools(grant), room.widgets[name]
    reply = await tools.call(name)
    assert reply.problem is None, reply.text
    drawn, every = Drawn(reply.html), controls_of(widget)
    decided = {control: await _decision(tools, grant, control) for control in every}

    assert set(drawn.offered) == {control for control in every if _is_to_be_offered(control, decided)}
    assert drawn.dangling == []
    # The button of a board's entry is no control by itself: it is shown when something was typed.
    if every and not drawn.offered and not isinstance(widget, TaskBoard):
        assert drawn.usable == 0
    known = {name for name, tool in room.connector.tools.items() if not tool.roles or tool.roles & grant.roles}
    for control, decision in decided.items():
        if decision.allowed:
            continue
        assert control.tool in known or tools.connector.tools[control.tool].title not in drawn.text
        assert control.tool not in known or _is_explained(tools, control, decision, drawn), (control, drawn.text)
    needed = {each.missing_scopes for control, each in decided.items() if control.tool in known} - {frozenset[str]()}
    assert set(drawn.grants) == needed
    await _check_grants(tools, reply, drawn)
    await _check_calls(room, tools, reply, decided)
    return len(every)


def _is_to_be_offered(control: Control, decided: Mapping[Control, Decision]) -> bool:
    if control.is_off or not decided[control].allowed:
        return False
    if control.field != "on_delete":
        return True
    # Deleting is among the steps of a move: who may not move the card has no place to delete it from.
    card = control.arguments["card"]
    return any(
        decision.allowed for each, decision in decided.items()
        if each.field == "on_move" and each.arguments["card"] == card
    )  # fmt: skip


def _is_explained(tools: Tools, control: Control, decision: Decision, drawn: Drawn) -> bool:
    title = tools.connector.tools[control.tool].title
    named = [" ".join(each.split()) for each in (decision.reason, title)]
    if named[0] in drawn.text or "You can't change some of these cards" in drawn.text:
        return True
    return bool(decision.missing_scopes) and all(part in drawn.text for part in (title, *decision.missing_scopes))


async def _check_grants(tools: Tools, reply: Reply, drawn: Drawn) -> None:
    """Check that "Grant access" asks for what it says: the call is refused for exactly these scopes."""
    for scopes, tool in drawn.grants.items():
        asked = await tools.act(reply, "intarsia_access", tool=tool)
        assert asked.problem is not None
        assert frozenset(asked.problem["missing_scopes"]) == scopes


async def _check_calls(room: Room, tools: Tools, reply: Reply, decided: Mapping[Control, Decision]) -> None:
    """Call for the first and the last thing of each tool, and see that what was shown is what happens."""
    first = {control.tool: control for control in reversed(list(decided))}
    last = {control.tool: control for control in decided}
    for control in dict.fromkeys((*first.values(), *last.values())):
        room.done.clear()
        answer = await tools.act(reply, control.tool, **_arguments(tools, control))
        assert (answer.problem is None, len(room.done)) == ((True, 1) if decided[control].allowed else (False, 0))


def _arguments(tools: Tools, control: Control) -> dict[str, Any]:
    """Return what a call is made with: what is bound, what the control sends, and what the hand would say."""
    tool = tools.connector.tools[control.tool]
    rest = {name: SENT.get(name, "") for name, parameter in tool.parameters.items() if parameter.required}
    return {**rest, **control.arguments}


@pytest.mark.sampled(15)
@pytest.mark.parametrize(("who", "kind"), CASES)
async def test_every_control_of_every_widget_is_offered_exactly_when_its_call_is_let_through(
    room: Room, who: str, kind: str
) -> None:
    checked = [
        await _check(room, GRANTS[who], view_name(example, kind, place)) for example in EXAMPLES for place in PLACES
    ]

    assert sum(checked) > 400


HERE = "tests/security/test_shown_is_decided.py"
DECIDING = "intarsia/server/rendering/control_permissions.py"
EVERY = f"{HERE} -k 'every_control and nothing or every_control and everything'"
RULES = f"{HERE} -k 'every_control and everything and rule'"
GUARDS = {
    "scopes": (
        f"{HERE} -k 'nothing-scope'",
        Mutation(DECIDING, "decision = decide_without_arguments(self._grant, tool)", "decision = ALLOWED"),
    ),
    "roles": (
        f"{HERE} -k 'no and role-role'",
        Mutation(DECIDING, "if not self._rights.offered(action.tool, self._grant):", "if False:"),
    ),
    "rules": (RULES, Mutation(DECIDING, "return tool is not None and tool.allow is not None", "return False")),
    "what is bound": (
        f"{HERE} -k 'everything and bound'",
        Mutation(DECIDING, "known = {**action.arguments, **", "known = {**"),
    ),
    "each card": (
        f"{HERE} -k 'everything and sent'",
        Mutation(
            "intarsia/widgets/task_board.py",
            'return {card.id: {"card": card.id,',
            'return {card.id: {"card": "",',
        ),
    ),
    "each question by itself": (
        f"{HERE} -k 'everything and sent'",
        Mutation(DECIDING, "question = (action.tool, repr(sorted(known.items())))", 'question = (action.tool, "")'),
    ),
    "a card that stays": (
        f"{HERE} -k 'everything and bound or everything and sent'",
        Mutation(
            "intarsia/ui_templates/task_board/card.html", "moves and not card.refusal_of", "moves or card.refusal_of"
        ),
    ),
    "grant access": (
        f"{HERE} -k 'nothing-scope'",
        Mutation("intarsia/ui_templates/render.py", "if not scopes or scopes in self.offered:", "if True:"),
    ),
    "grant access where it helps": (
        f"{HERE} -k 'everything and who or somebody'",
        Mutation(
            "intarsia/permissions.py",
            "return Decision(allowed=False, reason=answer or",
            'return Decision(allowed=False, missing_scopes=frozenset({"see"}), reason=answer or',
        ),
    ),
}


@each_guard(GUARDS)
async def test_what_is_shown_follows_from_the_decision(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
