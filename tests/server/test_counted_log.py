"""Events that an attacker causes write a line a second, with their count."""

import logging

import pytest

from intarsia.server.wire.counted_log import MAX_KINDS, CountedLog


def test_repeats_are_counted_and_other_events_are_written(caplog: pytest.LogCaptureFixture) -> None:
    seconds = [50.0]
    log = CountedLog(logging.getLogger("counted"), logging.WARNING, lambda: seconds[0])
    for _ in range(1_000):
        log.note("A call was refused.")
    log.note("Something else.")
    seconds[0] += 1
    log.note("A call was refused.")

    assert caplog.messages == [
        "A call was refused.",
        "Something else.",
        "A call was refused. 999 more since the last such line.",
    ]


def test_events_of_one_kind_are_counted_together(caplog: pytest.LogCaptureFixture) -> None:
    log = CountedLog(logging.getLogger("counted"), logging.WARNING, lambda: 0.0)
    for number in range(10):
        log.note(f"Refused {number}.", "address")

    assert caplog.messages == ["Refused 0."]


def test_only_so_many_kinds_are_remembered(caplog: pytest.LogCaptureFixture) -> None:
    log = CountedLog(logging.getLogger("counted"), logging.WARNING, lambda: 0.0)
    for number in range(MAX_KINDS + 1):
        log.note(f"Kind {number}.")
    log.note(f"Kind {MAX_KINDS}.")
    log.note("Kind 0.")

    assert caplog.messages[MAX_KINDS:] == [f"Kind {MAX_KINDS}.", "Kind 0."]
