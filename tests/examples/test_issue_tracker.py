"""The connector in front of the tracker: everybody sees and does there what they may, and reads why not."""

import re

import httpx2
import pytest

from intarsia.server.wire.messages import CallResponse
from tests.examples.tracker_system import EMIL, LUCIA, NOOR, TOMAS, World

PROBLEM, DONE = "dev.intarsia/problem", "dev.intarsia/done"


def drawn(answer: CallResponse) -> str:
    parts = answer.meta["dev.intarsia/parts"]
    items = [item["html"] for items in parts.get("lists", {}).values() for item in items["items"].values()]
    pieces = [part["html"] for part in parts.get("parts", {}).values()]
    return "".join([parts.get("frame", {"html": ""})["html"], *pieces, *items])


async def board(tracker: World, *, of: object = EMIL) -> CallResponse:
    person = next(each for each in (NOOR, EMIL, LUCIA, TOMAS) if each is of)
    return await tracker.call("issue_board", person, project="webshop")


async def test_each_person_has_the_projects_that_are_theirs_at_the_tracker(tracker: World) -> None:
    noors, emils = [(await tracker.call("project_list", person)).text for person in (NOOR, EMIL)]

    assert "`billing`" in noors
    assert "`billing`" not in emils


async def test_who_may_moves_an_issue_at_the_tracker_and_can_take_it_back(tracker: World) -> None:
    moved = await tracker.move(EMIL)
    undo = moved.meta[DONE]["undo"]
    there = await tracker.issue("WEB-8")
    await tracker.call(undo["tool"], EMIL, **undo["arguments"])
    back = await tracker.issue("WEB-8")

    assert moved.text == "Moved WEB-8 to In review."
    assert (there["column"], there["position"], there["changed_by"]) == ("review", 0, "Emil Sørensen")
    assert (back["column"], back["position"]) == ("doing", 0)


async def test_who_may_not_has_no_control_for_it_and_reads_why(tracker: World) -> None:
    html = drawn(await board(tracker, of=LUCIA))
    answer = await tracker.move(LUCIA)

    assert "a reporter cannot move issues." in html
    assert "Move" not in html.replace("Move sessions to the new cache", "")
    assert answer.meta[PROBLEM]["message"] == "You are a reporter in webshop; a reporter cannot move issues."
    assert not tracker.wire.changes()
    assert (await tracker.issue("WEB-8"))["column"] == "doing"


async def test_a_role_allows_some_things_and_not_others(tracker: World) -> None:
    details = await tracker.call("issue_details", LUCIA, project="webshop", issue="WEB-8")
    commented = await tracker.call(
        "comment_on_issue", LUCIA, project="webshop", issue="WEB-8", title="It is the bank's fault."
    )
    assigned = await tracker.call("assign_issue", LUCIA, project="webshop", issue="WEB-8", value="lucia", version=1)
    again = await tracker.call("issue_details", NOOR, project="webshop", issue="WEB-8")

    assert "a reporter cannot assign issues." in drawn(details)
    assert commented.text == "Commented on WEB-8."
    assert assigned.meta[PROBLEM]["kind"] == "refused"
    assert "**It is the bank's fault.** (**Lucía Romero**)" in again.text


async def test_an_issue_is_given_to_somebody_and_back(tracker: World) -> None:
    given = await tracker.call("assign_issue", EMIL, project="webshop", issue="WEB-8", value="lucia", version=1)
    undo = given.meta[DONE]["undo"]
    await tracker.call(undo["tool"], EMIL, **undo["arguments"])

    assert given.text == "Gave WEB-8 to Lucía Romero."
    assert (await tracker.issue("WEB-8"))["assignee"] == "emil"
    assert (await tracker.issue("WEB-8"))["version"] == 3


async def test_a_right_that_is_revoked_upstream_is_gone_from_the_open_board_at_its_next_read(tracker: World) -> None:
    before = drawn(await board(tracker))
    await tracker.seat("emil", "guest")
    after = drawn(await board(tracker))

    assert "cannot move" not in before
    assert "You are a guest in webshop; a guest cannot move issues." in after


async def test_a_right_that_is_revoked_upstream_after_the_board_was_drawn_stops_the_move(tracker: World) -> None:
    await board(tracker)
    await tracker.seat("emil", "guest")
    answer = await tracker.move(EMIL)

    assert answer.meta[PROBLEM]["message"].endswith("a guest cannot move issues.")
    assert (await tracker.issue("WEB-8"))["version"] == 1
    assert "a guest cannot move issues." in (await tracker.move(EMIL)).text
    assert len(tracker.wire.changes()) == 1  # the second was not even asked for


async def test_who_is_put_out_of_a_project_sees_nothing_more_of_it(tracker: World) -> None:
    await board(tracker)
    await tracker.seat("emil", None)
    text = (await board(tracker)).text

    assert "There is no such project, or you are not in it." in text
    assert "WEB-8" not in text
    assert "in a project that you are not in." in (await tracker.move(EMIL)).text


async def test_an_issue_of_another_project_is_not_shown_or_changed_under_this_one(tracker: World) -> None:
    shown = await tracker.call("issue_details", TOMAS, project="billing", issue="WEB-8")
    moved = await tracker.move(TOMAS, project="billing")

    assert "it is in a project that you are not in." in shown.text
    assert moved.is_error
    assert (await tracker.issue("WEB-8"))["version"] == 1


async def test_who_was_slower_reads_what_happened_and_what_is_true_now(tracker: World) -> None:
    await tracker.touch("WEB-8", "moved it to Done")
    answer = await tracker.move(EMIL)

    assert answer.meta[PROBLEM]["kind"] == "conflict"
    assert answer.meta[PROBLEM]["message"] == "Noor Haddad moved it to Done."
    assert answer.meta[PROBLEM]["current"]["version"] == 2


async def test_under_a_filter_an_issue_goes_where_it_is_seen_to_go(tracker: World) -> None:
    await tracker.move(EMIL, card="WEB-11", column="backlog", index=1, assignee="emil")
    text = (await board(tracker)).text

    found = re.findall(r"`(WEB-\d+)`", text)
    assert found[:6] == ["WEB-1", "WEB-2", "WEB-3", "WEB-4", "WEB-11", "WEB-5"]


BUSY = httpx2.Response(429, json={"message": "Too many requests."}, headers={"Retry-After": "12"})
CLOSED = httpx2.Response(503, json={"message": "We move to a new database."}, headers={"Retry-After": "1200"})


@pytest.mark.parametrize(
    ("instead", "told"),
    [
        (BUSY, "The tracker asks for a pause. Nothing was changed; try again in 12 seconds."),
        (CLOSED, "The tracker is closed for now: We move to a new database. Nothing was changed; try again in 20 min"),
        (httpx2.ConnectError("refused"), "The tracker cannot be reached at the moment. Nothing was changed."),
        (httpx2.ReadTimeout("slow"), "The tracker does not answer at the moment."),
        (httpx2.Response(500, text="<h1>Oops</h1>"), "The tracker does not answer at the moment."),
        (httpx2.Response(403, json={"message": "Not from here."}), "The tracker refuses: Not from here."),
    ],
    ids=["busy", "closed", "unreachable", "silent", "broken", "forbidden"],
)
async def test_a_board_that_cannot_be_read_says_why_in_plain_words(
    tracker: World, instead: httpx2.Response | Exception, told: str
) -> None:
    tracker.wire.before = lambda _request: instead
    answer = await board(tracker)

    assert told in answer.text
    assert told in drawn(answer)
    assert "Oops" not in answer.text


async def test_the_board_heals_by_itself_once_the_tracker_answers(tracker: World) -> None:
    tracker.service.api.closed_for = "Holiday."
    closed = (await board(tracker)).text
    tracker.service.api.closed_for = ""

    assert "Holiday. Nothing was changed; try again in 2 minutes." in closed
    assert "WEB-8" in (await board(tracker)).text


async def test_the_trackers_own_limit_is_told_and_nothing_is_changed(tracker: World) -> None:
    await board(tracker)
    tracker.service.api.calls_per_minute = 1
    answer = await tracker.move(EMIL)

    assert answer.meta[PROBLEM]["message"].startswith("The tracker asks for a pause. Nothing was changed; try again in")
    assert (await tracker.issue("WEB-8"))["version"] == 1


async def test_what_makes_no_sense_to_the_tracker_is_told(tracker: World) -> None:
    answer = await tracker.move(EMIL, column="nowhere")

    assert answer.meta[PROBLEM]["message"] == "The tracker refuses: There is no such column."
