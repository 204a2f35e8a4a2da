"""Topics, and waiting for a change of them."""

import asyncio
from threading import Thread

import pytest

from intarsia import Connector, Done
from intarsia.errors import ToolError
from intarsia.server.changes.change_log import MAX_TOPICS, REVISIONS, ChangeLog, LocalBus, RevisionClock
from intarsia.server.tools.arguments import MAX_TOPIC_LENGTH, filled
from intarsia.server.tools.topics import checked_topics
from intarsia.widgets import Metric

APOLLO, GEMINI = frozenset({"project:apollo"}), frozenset({"project:gemini"})
LONG = 30.0


@pytest.fixture
def bus() -> LocalBus:
    return LocalBus()


@pytest.fixture
def changes(bus: LocalBus) -> ChangeLog:
    return ChangeLog(bus)


async def waiting(
    changes: ChangeLog, *topics: frozenset[str], revision: int | None = None
) -> "list[asyncio.Task[None]]":
    """Begin to wait for each of the topics."""
    at = REVISIONS.next() if revision is None else revision
    tasks = [asyncio.create_task(changes.wait(one, at, LONG)) for one in topics]
    while changes.waiting < len(tasks):  # noqa: ASYNC110  # it is waited for that somebody waits
        await asyncio.sleep(0)
    return tasks


def test_topics_have_places_for_arguments() -> None:
    topics = checked_topics("board", "topics", ["project:{project}", "people"], {"project"})

    assert filled(topics, {"project": "apollo", "other": 1}) == {"project:apollo", "people"}
    assert [len(topic) for topic in filled(["{project}"], {"project": "x" * 5_000})] == [MAX_TOPIC_LENGTH]


@pytest.mark.parametrize(
    ("topics", "said"),
    [
        ("project:{projet}", "'projet', which is not a parameter. Did you mean 'project'?"),
        ("project:{project.name}", "'project.name', which is not a parameter"),
        ("project:{project!r}", "has the placeholder 'project'"),
        ("project:{", "cannot be parsed"),
        ("", "must be strings"),
        ([3], "must be strings"),
        (["a"] * 21, "must have at most 20 topics, not 21"),
    ],
)
def test_a_topic_that_cannot_be_filled_is_told_when_it_is_declared(topics: list[str], said: str) -> None:
    with pytest.raises(ToolError) as told:
        checked_topics("board", "topics", topics, {"project"})

    assert said in str(told.value)
    assert str(told.value).startswith("board: topics")


def test_tools_and_tiles_check_what_they_name() -> None:
    connector = Connector("Live")

    async def board(project: str) -> Metric:
        """Show it."""
        return Metric(project, 1)

    async def move(project: str) -> Done:
        """Move it."""
        return Done(project)

    with pytest.raises(ToolError, match="not a parameter"):
        connector.widget(topics="project:{team}")(board)
    with pytest.raises(ToolError, match="not a parameter"):
        connector.tile(topics="project:{team}")(board)
    with pytest.raises(ToolError, match="not a parameter"):
        connector.action(changes="project:{team}")(move)
    assert not connector.catalog.names_topics
    pending = connector.tile(topics="project:{project}")(board)("apollo")
    assert pending.topics == APOLLO
    assert connector.catalog.names_topics


async def test_who_waits_is_woken_by_its_topic_and_by_no_other(bus: LocalBus, changes: ChangeLog) -> None:
    apollo, gemini = await waiting(changes, APOLLO, GEMINI)

    bus.publish(GEMINI)

    await asyncio.wait_for(gemini, LONG)
    assert not apollo.done()
    assert changes.waiting == 1
    bus.publish(APOLLO | GEMINI)
    await asyncio.wait_for(apollo, LONG)
    assert changes.waiting == 0


async def test_a_change_before_the_wait_but_after_the_reading_is_not_missed(bus: LocalBus, changes: ChangeLog) -> None:
    read_at = REVISIONS.next()
    bus.publish(APOLLO)

    await asyncio.wait_for(changes.wait(APOLLO, read_at, LONG), LONG / 3)

    assert changes.since(APOLLO | GEMINI, read_at) == APOLLO
    assert changes.since(APOLLO | GEMINI, REVISIONS.next()) == frozenset()


async def test_what_happened_before_the_process_began_counts_as_changed(changes: ChangeLog) -> None:
    await asyncio.wait_for(changes.wait(APOLLO, 1, LONG), LONG / 3)

    assert changes.since(APOLLO, 1) == APOLLO


async def test_a_change_told_by_another_thread_wakes(bus: LocalBus, changes: ChangeLog) -> None:
    (task,) = await waiting(changes, APOLLO)
    thread = Thread(target=bus.publish, args=[APOLLO])
    thread.start()

    await asyncio.wait_for(task, LONG)
    thread.join()


async def test_a_wait_ends_by_its_time_and_by_what_else_may_end_it(changes: ChangeLog) -> None:
    await changes.wait(APOLLO, REVISIONS.next(), 0.01)
    ended = asyncio.create_task(asyncio.sleep(0.01))
    await asyncio.wait_for(changes.wait(APOLLO, REVISIONS.next(), LONG, ended), LONG / 3)

    assert ended.done()
    assert changes.waiting == 0


async def test_everybody_is_answered_when_the_server_stops(changes: ChangeLog) -> None:
    tasks = await waiting(changes, APOLLO, GEMINI, frozenset())

    changes.wake_all()

    await asyncio.wait_for(asyncio.gather(*tasks), LONG / 3)
    assert changes.waiting == 0


async def test_who_goes_away_is_forgotten(changes: ChangeLog) -> None:
    (task,) = await waiting(changes, APOLLO)
    task.cancel()
    await asyncio.wait([task])

    assert changes.waiting == 0


def test_topics_without_end_are_forgotten_one_reading_too_many_and_none_too_few(
    bus: LocalBus, changes: ChangeLog
) -> None:
    read_at = REVISIONS.next()
    bus.publish(APOLLO)
    for number in range(MAX_TOPICS):
        bus.publish(frozenset({f"project:{number}"}))

    assert changes.since(APOLLO, read_at) == APOLLO


def test_who_is_not_told_any_more_hears_nothing(bus: LocalBus, changes: ChangeLog) -> None:
    changes.close()
    read_at = REVISIONS.next()
    bus.publish(APOLLO)

    assert changes.since(APOLLO, read_at) == frozenset()


def test_a_view_is_believed_only_what_this_clock_issued() -> None:
    clock = RevisionClock()
    first, second = clock.next(), clock.next()

    assert clock.own_revision(clock.text_of(first)) == first
    assert clock.own_revision(clock.text_of(second)) == second
    forged = [
        clock.text_of(second + 1),
        clock.text_of(10**30),
        clock.text_of(-1),
        f"{first}",
        f"{first}.other",
        "",
        ".",
    ]
    assert [clock.own_revision(text) for text in forged] == [0] * len(forged)
    assert clock.own_revision(RevisionClock().text_of(first)) == 0
    assert clock.last == second
