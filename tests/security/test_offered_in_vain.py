"""Nothing is offered that would be refused: no Undo to who may not do it, and to no model a call that is for people.

An Undo is decided when it is offered, also for an answer that is given a second time. A text form names a tool only
where a model's call of it would be let through.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from intarsia import BoundAction, Connector, Done, Grant
from intarsia.testing import Tools
from intarsia.ui_templates import render_text
from intarsia.widgets import WIDGETS, Button, Checkbox, DesignPanel, Slider, Stack, Widget
from tests.security.mutation import Guard, Mutants, Mutation, each_guard

READ, WRITE, ERASE = "notes:read", "notes:write", "notes:erase"
ISSUER = "https://id.example"
EVERYTHING = Grant("ada", "chat", {READ, WRITE, ERASE}, {"keeper"}, issuer=ISSUER)

LESS = {
    "a scope": replace(EVERYTHING, scopes=frozenset({READ, WRITE})),
    "a role": replace(EVERYTHING, roles=frozenset[str]()),
    "a rule": replace(EVERYTHING, subject="bob"),
}
"""Who may do the action, and not what would undo it, by what is missing for that."""


@pytest.fixture
def connector(tmp_path: Path) -> Connector:  # noqa: C901 - one tool of each kind
    notes = Connector("Notes", store=tmp_path / "notes.db")

    @notes.widget(scopes={READ})
    async def page() -> Stack:
        """Show what can be done."""
        return Stack(
            [
                Button("Tear it out", on_click=tear.bind(number=3)),
                Checkbox("kept", value=False, on_change=keep.bind()),
                DesignPanel([Slider("size", min=0, max=9, value=3)], on_save=set_size.bind()),
                Button("Write", on_click=write.bind(text="hello")),
            ]
        )

    @notes.action(scopes={WRITE})
    async def write(text: str) -> Done:
        """Write a note."""
        return Done(f"Wrote {text}.", undo=take_back.bind(text=text))

    @notes.action(
        scopes={ERASE}, roles={"keeper"}, allow=lambda grant, _given: grant.subject == "ada" or "This note is Ada's."
    )
    async def take_back(text: str) -> Done:
        """Take a note back."""
        return Done(f"Took {text} back.", undo=write.bind(text=text))

    @notes.action(scopes={WRITE})
    async def write_badly() -> Done:
        """Write a note whose Undo cannot be decided."""
        return Done("Wrote.", undo=broken.bind())

    @notes.action(scopes={WRITE}, allow=lambda _grant, given: given["what is not there"])
    async def broken() -> Done:
        """Do what nobody can be allowed to."""
        return Done("Done.")

    @notes.action(scopes={WRITE}, destructive=True, confirm="Tear {number} out?")
    async def tear(number: int) -> Done:
        """Tear a page out."""
        return Done(f"Tore {number} out.")

    @notes.action(scopes={WRITE}, visibility={"app"})
    async def keep(value: bool) -> Done:  # noqa: FBT001 - a tool's arguments go by name
        """Keep a page."""
        return Done(f"Kept: {value}.")

    @notes.action(scopes={WRITE}, visibility={"app"})
    async def set_size(values: dict[str, float]) -> Done:
        """Set the size."""
        return Done(f"Set {values}.")

    return notes


async def test_an_undo_is_offered_to_whom_it_would_not_be_refused(tools: Tools) -> None:
    shown = await tools.call("page", as_=EVERYTHING)
    done = await tools.act(shown, "write", as_=EVERYTHING, text="hello")
    assert done.undo == {"tool": "take_back", "arguments": {"text": "hello"}}

    undone = await tools.act(shown, "take_back", as_=EVERYTHING, text="hello")
    assert undone.message == "Took hello back."


@pytest.mark.parametrize("lacking", LESS)
async def test_an_undo_that_would_be_refused_is_not_offered(tools: Tools, lacking: str) -> None:
    shown = await tools.call("page", as_=LESS[lacking])
    done = await tools.act(shown, "write", as_=LESS[lacking], text="hello")
    tried = await tools.act(shown, "take_back", as_=LESS[lacking], text="hello")

    assert (done.message, done.undo) == ("Wrote hello.", None)
    assert tried.problem is not None


@pytest.mark.parametrize("lacking", ["a scope", "a role"])
async def test_an_answer_that_is_given_again_offers_what_may_be_undone_now(tools: Tools, lacking: str) -> None:
    shown = await tools.call("page", as_=EVERYTHING)
    first = await tools.act(shown, "write", as_=EVERYTHING, key="once-and-again-1", text="hello")
    narrowed = await tools.call("page", as_=LESS[lacking])
    again = await tools.act(narrowed, "write", as_=LESS[lacking], key="once-and-again-1", text="hello")
    widened = await tools.act(shown, "write", as_=EVERYTHING, key="once-and-again-1", text="hello")

    assert [reply.message for reply in (first, again, widened)] == ["Wrote hello."] * 3
    assert [reply.undo is not None for reply in (first, again, widened)] == [True, False, True]


async def test_an_undo_whose_rule_fails_is_not_offered(tools: Tools) -> None:
    shown = await tools.call("page", as_=EVERYTHING)
    done = await tools.act(shown, "write_badly", as_=EVERYTHING)

    assert (done.message, done.undo, done.is_error) == ("Wrote.", None, False)
    assert any("'broken'" in line for line in tools.log)


async def test_what_is_for_people_is_told_to_no_model_and_refused_to_it(tools: Tools) -> None:
    text = (await tools.call("page", as_=EVERYTHING)).text
    told = {name for name in tools.connector.tools if f"`{name}" in text}
    calls: dict[str, dict[str, Any]] = {"tear": {"number": 3}, "keep": {"value": True}, "set_size": {"values": {}}}
    tried = {name: (await tools.call(name, as_=EVERYTHING, **given)).problem for name, given in calls.items()}

    assert told == {"write", "page"}
    assert {name: problem and problem["kind"] for name, problem in tried.items()} == dict.fromkeys(
        calls, "unknown_tool"
    )
    assert "only the user can" in text


def acting_examples() -> Iterator[tuple[str, Widget]]:
    """Yield the examples of widgets that offer something to be done."""
    for widget_type in WIDGETS:
        for name, example in widget_type.examples().items():
            if any(not action.is_refused for _field, action in example.offered):
                yield f"{widget_type.__name__} {name}", example


ACTING = dict(acting_examples())


def text_with(example: Widget, *, app_only: bool) -> str:
    """Draw the text form of an example whose actions are all for people, or for everybody."""
    offered: dict[str, BoundAction] = dict(example.offered)
    changes = {name: replace(action, tool=f"tool_of_{name}", app_only=app_only) for name, action in offered.items()}
    return render_text(example.model_copy(update=changes))


def is_named(text: str) -> bool:
    return "tool_of_" in text


@pytest.mark.parametrize("name", ACTING)
def test_no_text_form_names_a_tool_that_is_for_people(name: str) -> None:
    example: Any = ACTING[name]
    is_off = bool(getattr(example, "disabled_reason", ""))

    assert is_named(text_with(example, app_only=False)) is not is_off
    assert is_named(text_with(example, app_only=True)) is False


def test_every_widget_that_acts_is_asked() -> None:
    assert {name.partition(" ")[0] for name in ACTING} == {
        "Button", "Checkbox", "ColorField", "DesignPanel", "Select", "Slider", "TaskBoard",
    }  # fmt: skip


HERE = "tests/security/test_offered_in_vain.py"
TEXTS = "intarsia/ui_templates"
GUARDS = {
    "an undo is decided": (
        f"{HERE} -k 'undo'",
        Mutation("intarsia/server/calls/run_action.py", "if undo and not await", "if False and not await"),
    ),
    "an undo's rule is asked": (
        f"{HERE} -k 'undo_that_would and rule'",
        Mutation(
            "intarsia/server/rendering/control_permissions.py", "    return decision.allowed\n", "    return True\n"
        ),
    ),
    **{
        f"{kind} keeps it from models": (
            f"{HERE} -k 'no_text_form and {name}'",
            Mutation(f"{TEXTS}/{kind}/text.md", guard, "false"),
        )
        for kind, name, guard in (
            ("button", "Button", "widget.on_click.app_only"),
            ("checkbox", "Checkbox", "widget.on_change and widget.on_change.app_only"),
            ("color_field", "ColorField", "widget.on_change and widget.on_change.app_only"),
            ("select", "Select", "widget.on_change and widget.on_change.app_only"),
            ("slider", "Slider", "widget.on_change and widget.on_change.app_only"),
            ("design_panel", "DesignPanel", "action.app_only"),
            ("task_board", "TaskBoard", "action.app_only"),
        )
    },
}


@each_guard(GUARDS)
async def test_the_guards_bite(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
