"""Decisions: who may call what, and what they are told."""

from dataclasses import dataclass
from typing import Any

import pytest

from intarsia.permissions import Decision, Grant, Rule, decide, decide_without_arguments


@dataclass(frozen=True)
class Move:
    """Moving a card, as a decision sees it."""

    title: str = "Move card"
    scopes: frozenset[str] = frozenset({"tasks:read", "tasks:write"})
    roles: frozenset[str] = frozenset()
    allow: Rule | None = None
    is_declared: bool = True


EDITOR = Grant("ada", scopes={"tasks:read", "tasks:write"}, roles={"editor"})
READER = Grant("rita", scopes={"tasks:read"})


async def test_whoever_granted_every_scope_may_call() -> None:
    assert await decide(EDITOR, Move(), {}) == Decision(allowed=True)


async def test_a_missing_scope_is_named_with_what_to_do() -> None:
    decision = await decide(READER, Move(), {})

    assert not decision.allowed
    assert decision.missing_scopes == {"tasks:write"}
    assert decision.reason == "Move card needs tasks:write, a permission you don't have."
    assert decision.how_to_fix == "Grant access to tasks:write."


@pytest.mark.parametrize("scope", ["TASKS:WRITE", "tasks:write ", "tasks", "tasks:*", "tasks:write tasks:read"])
async def test_a_scope_counts_only_as_it_is_written(scope: str) -> None:
    assert not (await decide(Grant("eve", scopes={"tasks:read", scope}), Move(), {})).allowed


async def test_a_tool_of_which_nothing_was_said_is_refused_where_people_sign_in() -> None:
    forgotten = Move(scopes=frozenset(), is_declared=False)
    signed_in = Grant("ada", scopes={"tasks:read"}, issuer="https://id.example")

    assert (await decide(READER, forgotten, {})).allowed
    assert not (await decide(signed_in, forgotten, {})).allowed
    assert (await decide(signed_in, Move(scopes=frozenset()), {})).allowed


async def test_one_of_the_roles_is_enough() -> None:
    assert (await decide(EDITOR, Move(roles=frozenset({"editor", "admin"})), {})).allowed


async def test_no_scope_makes_up_for_a_missing_role() -> None:
    decision = await decide(EDITOR, Move(roles=frozenset({"admin"})), {})

    assert decision == Decision(allowed=False, reason="Move card is only for users with the role admin.")
    assert decision.how_to_fix == ""


async def test_a_rule_sees_who_calls_and_with_what() -> None:
    async def own_cards(grant: Grant, arguments: object) -> bool | str:
        return arguments == {"owner": grant.subject} or "This is somebody else's card."

    assert (await decide(EDITOR, Move(allow=own_cards), {"owner": "ada"})).allowed
    assert await decide(EDITOR, Move(allow=own_cards), {"owner": "bob"}) == Decision(
        allowed=False, reason="This is somebody else's card."
    )


@pytest.mark.parametrize("answer", [False, ""])
async def test_a_rule_that_gives_no_reason_still_refuses(answer: bool | str) -> None:  # noqa: FBT001 - a parameter of the test
    decision = await decide(EDITOR, Move(allow=lambda _grant, _arguments: answer), {})

    assert decision == Decision(allowed=False, reason="You don't have permission to use Move card.")


async def test_a_rule_is_not_asked_about_those_who_lack_a_scope() -> None:
    def never(_grant: Grant, _arguments: object) -> bool:
        raise AssertionError

    assert not (await decide(READER, Move(allow=never), {})).allowed
    assert decide_without_arguments(EDITOR, Move(allow=never)).allowed


def test_people_of_two_issuers_are_two_people() -> None:
    names = [Grant("ada"), Grant("ada", issuer="https://one.example"), Grant("ada", issuer="https://two.example")]

    assert len({grant.person for grant in names}) == 3
    assert all(len(Grant("a" * length, issuer="https://one.example").person) <= 200 for length in (1, 190, 10_000))
    assert Grant("a" * 300).person != Grant("a" * 301).person


def test_a_grant_does_not_show_its_claims() -> None:
    assert "secret" not in repr(Grant("ada", claims={"email": "secret"}))


@pytest.mark.parametrize("name", ["scopes", "roles"])
def test_one_text_is_no_set(name: str) -> None:
    given: dict[str, Any] = {name: "admin"}
    with pytest.raises(TypeError, match=f"Grant\\({name}='admin'\\) must be a set"):
        Grant("ada", **given)
