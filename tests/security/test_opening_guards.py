"""What tells an older View from the latest, and keeps two Views of one board in agreement, is taken away once each."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

OPENINGS = "intarsia/server/views/latest_view.py"
REFRESH, RUN = "intarsia/server/calls/refresh_view.py", "intarsia/server/calls/run_action.py"
TESTS, STORY = "tests/server/test_latest_view.py", "tests/browser/test_converging_story.py"

GUARDS: dict[str, tuple[str, Mutation]] = {
    "before it waits": (
        f"{TESTS} -k at_once",
        Mutation(
            REFRESH, "        if superseded := LATEST_VIEWS.superseded(opening):\n            return superseded\n", ""
        ),
    ),
    "while it waits": (
        f"{TESTS} -k told_when",
        Mutation(
            REFRESH, " or LATEST_VIEWS.superseded(opening):\n            return rests", ":\n            return rests"
        ),
    ),
    "of somebody else": (f"{TESTS} -k others", Mutation(OPENINGS, "{call.grant.person}", "somebody")),
    "through another client": (f"{TESTS} -k others", Mutation(OPENINGS, "{call.grant.client}", "some client")),
    "with other arguments": (f"{TESTS} -k others", Mutation(OPENINGS, "digest_of(tool, arguments)", "tool")),
    "calls of a View": (
        f"{TESTS} -k no_openings",
        Mutation(OPENINGS, "        if call.view:\n            return _opening(call.view.opening)\n", ""),
    ),
    "of nobody": (
        f"{TESTS} -k nobody_signs_in",
        Mutation(OPENINGS, "        if ACCESS_WATCH.get() is None:\n            return UNKNOWN\n", ""),
    ),
    "heard late": (f"{TESTS} -k other_processes", Mutation(OPENINGS, "int(moment))", "REVISIONS.next())")),
    "memory": (f"{TESTS} -k memory", Mutation(OPENINGS, "if len(self._newest) > MAX_OPENINGS:", "if False:")),
    "a topic of the connector": (
        f"{TESTS} -k looks_like",
        Mutation(OPENINGS, "and moment.isascii() and moment.isdecimal()", "and moment"),
    ),
    "t53 the other View hears of it": (
        f"{STORY} -k 't53 and answer'",
        Mutation(RUN, "CHANGE_LOG.publish(filled(tool.changes, values_of(checked)))", ""),
    ),
}


@each_guard(GUARDS)
async def test_the_guards_bite(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
