"""Each guard of the clock is taken away once, and somebody moves it, or misses what changed."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

TESTS = "tests/security/test_clock.py"
CLOCK = "intarsia/server/changes/change_log.py"
OPENINGS = "intarsia/server/views/latest_view.py"
KNOWN = "return revision if revision <= self.last else 0"

GUARDS: dict[str, tuple[str, *tuple[Mutation, ...]]] = {
    "t87 a reader's revision": (
        f"{TESTS} -k moves_nobodys_clock",
        Mutation(CLOCK, KNOWN, "self._last = max(self._last, revision)\n        return revision"),
    ),
    "t87 what is yet to come": (f"{TESTS} -k yet_to_come", Mutation(CLOCK, KNOWN, "return revision")),
    "t87 another sequence": (
        f"{TESTS} -k clock_was_ahead",
        Mutation(CLOCK, "if sequence != self._sequence or not (", "if not ("),
    ),
    "t87 openings of an earlier process": (
        f"{TESTS} -k older_view_is_told",
        Mutation(OPENINGS, "newest < opening.moment <= REVISIONS.last", "newest < opening.moment"),
    ),
    "t87 a clock that was set back": (
        f"{TESTS} -k after_a_restart",
        Mutation(CLOCK, "if sequence != self._sequence or not (", "if not ("),
        Mutation(CLOCK, KNOWN, "return revision"),
    ),
}


@each_guard(GUARDS)
async def test_a_guard_bites(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
