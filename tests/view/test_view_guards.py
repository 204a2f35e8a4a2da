"""What keeps Views quiet, and true, is taken away from a copy of the View once, and its test goes red."""

import shutil
from collections.abc import Awaitable, Callable
from inspect import signature
from pathlib import Path

import pytest
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from tests.security.mutation import Guard, Mutation, each_guard
from tests.view import test_actions, test_freshness, test_live, test_parts, test_pull
from tests.view.conftest import ROOT, Lab, bundled_view

VIEW = "intarsia/ui_templates/view"
POLLER, STATE, RESULT = (f"{VIEW}/live/{name}.ts" for name in ("poller", "poll_state", "initial_result"))
QUEUE, RATE_LIMIT = (f"{VIEW}/requests/{name}.ts" for name in ("queue", "rate_limit"))
SEQUENCES = Mutation(f"{VIEW}/messages.ts", "first.sequence === second.sequence && first.at", "first.at")

GUARDS: dict[str, tuple[Callable[[Lab], Awaitable[None]], Mutation]] = {
    "t53 what was lost is sent again under its key": (
        test_actions.test_what_was_lost_and_is_pressed_again_is_the_same_action,
        Mutation(f"{VIEW}/actions/run_action.ts", "unanswered.get(name) ?? newIdempotencyKey()", "newIdempotencyKey()"),
    ),
    "t53 an older answer is dropped": (
        test_parts.test_an_answer_older_than_what_is_shown_is_dropped,
        Mutation(f"{VIEW}/dom/apply_update.ts", "isOlder(update.revision, shown.revision)", "false"),
    ),
    "a server whose clock went back, and who acts": (
        test_parts.test_who_acts_sees_the_answer_of_a_server_that_came_back_with_an_earlier_clock,
        SEQUENCES,
    ),
    "a server whose clock went back, and who waits": (
        test_live.test_who_waits_sees_the_answer_of_a_server_that_came_back_with_an_earlier_clock,
        SEQUENCES,
    ),
    "t53 what a host kept is read again": (
        test_pull.test_a_result_that_the_host_kept_is_shown_and_read_again,
        Mutation(RESULT, 'await readWidget({ tool, arguments: args }, "poll")', "null"),
    ),
    "a clock that is behind": (
        test_pull.test_a_result_of_a_server_whose_clock_is_ahead_is_read_again_at_once,
        Mutation(RESULT, "Math.abs(Date.now() - readAt)", "Date.now() - readAt"),
    ),
    "one at a time, and a person first": (
        test_live.test_one_request_is_in_flight_and_a_person_calls_a_waiting_refresh_off,
        Mutation(QUEUE, 'if (priority !== "poll") cancelFor(priority);', ""),
    ),
    "what was called off changes nothing": (
        test_live.test_an_answer_that_was_called_off_changes_nothing,
        Mutation(f"{VIEW}/dom/render_lock.ts", "signal.throwIfAborted();", ""),
    ),
    "hidden": (
        test_live.test_a_hidden_page_is_not_refreshed_and_is_read_once_when_it_is_back,
        Mutation(STATE, "!isHidden && isOnScreen", "isOnScreen"),
    ),
    "off screen": (
        test_live.test_a_widget_off_screen_is_not_refreshed_until_it_is_seen_again,
        Mutation(STATE, "!isHidden && isOnScreen", "!isHidden"),
    ),
    "idle": (
        test_live.test_after_fifteen_idle_minutes_it_rests_until_somebody_moves,
        Mutation(STATE, " && at - activeAt <= MAX_IDLE_MS", ""),
    ),
    "held": (
        test_live.test_a_held_widget_is_not_refreshed_and_a_released_one_is,
        Mutation(POLLER, " || isHeld()", ""),
    ),
    "paused": (
        test_freshness.test_a_paused_widget_sends_nothing_says_so_and_is_resumed_by_one_call,
        Mutation(STATE, 'mode === "off";', 'mode === "off" || mode === "paused";'),
    ),
    "superseded": (
        test_freshness.test_a_widget_that_was_opened_again_asks_no_more_until_it_is_wanted,
        Mutation(STATE, 'mode === "off";', 'mode === "off" || mode === "superseded";'),
    ),
    "twenty a minute": (
        test_freshness.test_never_are_there_more_than_twenty_calls_in_a_minute,
        Mutation(RATE_LIMIT, "Math.max(last + delayMs, spreadAt)", "last + delayMs"),
    ),
    "asked less when it fails": (
        test_live.test_a_refresh_that_keeps_failing_asks_less_and_less_often,
        Mutation(STATE, "ms * 2 ** failures", "ms"),
    ),
    "asked seldom while it is off": (
        test_live.test_a_widget_turned_off_by_the_admin_stops_and_says_so,
        Mutation(STATE, "failures: 0, checkedAt: at, off", "failures: 0, off"),
    ),
    "a clock that is set": (
        test_freshness.test_a_clock_that_is_set_back_stops_nothing_and_one_set_ahead_pauses_nothing,
        Mutation(RATE_LIMIT, "performance.now()", "Date.now()"),
    ),
    "as often as the connector allows": (
        test_freshness.test_a_person_chooses_how_often_and_never_more_often_than_the_connector_allows,
        Mutation(f"{VIEW}/live/freshness.ts", "ms > minMs && minMs < Infinity", "minMs < Infinity"),
    ),
}


def attack_of(test: Callable[[Lab], Awaitable[None]]) -> str:
    """Say how pytest would be told to run a test."""
    path = Path(test.__code__.co_filename).relative_to(ROOT)
    return f"{path.as_posix()}::{test.__name__}"


@pytest.fixture
def mutated_view(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A View without one of its guards."""
    guard: Guard = request.getfixturevalue("guard")
    shutil.copytree(ROOT / "intarsia" / "ui_templates", tmp_path / "intarsia" / "ui_templates")
    shutil.copytree(ROOT / "tests" / "view", tmp_path / "tests" / "view")
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    for mutation in guard.mutations:
        mutation.apply(tmp_path)
    return bundled_view(tmp_path)


@each_guard({name: (attack_of(test), mutation) for name, (test, mutation) in GUARDS.items()})
async def test_the_guards_of_the_view_bite(guard: Guard, mutated_view: str, lab: Lab, timed_lab: Lab) -> None:
    test, _mutation = GUARDS[guard.name]
    chosen = {"lab": lab, "timed_lab": timed_lab}[next(iter(signature(test).parameters))]
    chosen.document = mutated_view
    with pytest.raises((AssertionError, PlaywrightTimeoutError)):
        await test(chosen)
    chosen.console.clear()
    await chosen.run("() => { lab.errors.length = 0 }")
