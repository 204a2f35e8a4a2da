"""Every guard of what is shared between people is taken away once, and its test goes red."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

SHARING, FLIGHTS = "intarsia/server/rendering/shared_renders.py", "intarsia/server/rendering/shared_flight.py"
SHOWING = "intarsia/server/calls/reader.py"
TESTS = "tests/server/test_live_sharing.py"
CONVERGING = "tests/server/test_live_converging.py"
REFRESH, CHANGES = "intarsia/server/calls/refresh_view.py", "intarsia/server/changes/change_log.py"
CANARIES = "tests/security/test_canaries.py"
PERMISSIONS = "permissions = grant.issuer, grant.scopes, grant.roles, positions.key"
UNHEARD = Mutation("intarsia/server/rendering/load.py", "filled(tool.topics, values_of(arguments)) | {SWITCHED}",
                   "filled(tool.topics, values_of(arguments))")  # fmt: skip

PERSONAL_CONTROLS = Mutation(
    SHARING,
    "SharedControlAuthorizer(asked.permissions, asked.rights)",
    "ControlAuthorizer(asked.grant, asked.rights)",
)

GUARDS: dict[str, tuple[str, list[Mutation]]] = {
    "scopes": (
        f"{TESTS} -k others_granted",
        [Mutation(SHARING, PERMISSIONS, "permissions = grant.issuer, grant.roles, positions.key")],
    ),
    "roles": (
        f"{TESTS} -k roles_and_switches",
        [Mutation(SHARING, PERMISSIONS, "permissions = grant.issuer, grant.scopes, positions.key")],
    ),
    "switches": (
        f"{TESTS} -k roles_and_switches",
        [Mutation(SHARING, PERMISSIONS, "permissions = grant.issuer, grant.scopes, grant.roles"), UNHEARD],
    ),
    "arguments": (
        f"{TESTS} -k other_arguments",
        [Mutation(SHARING, "return self.digest, permissions", "return self.tool.name, permissions")],
    ),
    "who takes a Grant": (
        f"{TESTS} -k knows_the_person",
        [
            Mutation(SHARING, "self._is_apart or asked.tool.knows_person", "self._is_apart"),
            Mutation(
                SHARING,
                "asked.checked, asked.permissions, revision, tiles)",
                "asked.checked, asked.grant, revision, tiles)",
            ),
        ],
    ),
    "rules": (
        f"{TESTS} -k a_rule_is_asked",
        [PERSONAL_CONTROLS],
    ),
    "drafts": (
        f"{TESTS} -k a_draft_stays",
        [PERSONAL_CONTROLS],
    ),
    "what a request holds": (
        f"{TESTS} -k nothing_of_any_request",
        [Mutation(FLIGHTS, "loop.create_task(begin(revision), context=context)", "loop.create_task(begin(revision))")],
    ),
    "older than the change": (
        f"{TESTS} -k began_before",
        [Mutation(FLIGHTS, "if self.revision <= after:", "if False:")],
    ),
    "who hangs up": (
        "tests/server/test_view_polling.py -k 'hangs_up and 2026'",
        [
            Mutation(
                "intarsia/server/mcp_server/view_polling.py",
                "asyncio.wait((answering, leaving), ",
                "asyncio.wait((answering,), ",
            )
        ],
    ),
    "headers that say something else": (
        "tests/server/test_view_polling.py -k 'has_no_effect'",
        [
            Mutation(
                "intarsia/server/mcp_server/request_checks.py",
                "version not in EARLIER_VERSIONS and not _is_routed(request, message)",
                "False",
            )
        ],
    ),
    "who goes away": (
        f"{TESTS} -k goes_away",
        [Mutation(FLIGHTS, "await asyncio.shield(flight.task)", "await flight.task")],
    ),
    "whose reading after an action": (
        f"{TESTS} -k nobody_elses",
        [
            Mutation(
                SHOWING,
                "return call.handle, wanted.digest, call.grant, claims",
                "return call.handle",
            )
        ],
    ),
    "a clock that goes back": (
        f"{CONVERGING} -k by_hours",
        [
            Mutation(
                "intarsia/server/changes/change_log.py",
                "max(self._last + 1, time.time_ns() // 1_000)",
                "time.time_ns() // 1_000",
            )
        ],
    ),
    "messages that are lost": (
        f"{CONVERGING} -k taken_once",
        [Mutation(REFRESH, "newer_than = max(seen.revision, wait.changed_at)", "newer_than = wait.changed_at")],
    ),
    "another bus": (
        f"{CONVERGING} -k reads_once",
        [Mutation(CHANGES, "self._forgotten_at = self._clock.next()", "pass")],
    ),
    "openings in another order": (
        f"{CONVERGING} -k the_latest",
        [
            Mutation(
                "intarsia/server/views/latest_view.py",
                "= max(moment, self._newest.get(opened, 0))",
                "= moment",
            )
        ],
    ),
    "canaries by scope": (
        CANARIES,
        [Mutation(SHARING, PERMISSIONS, "permissions = grant.issuer, grant.roles, positions.key")],
    ),
    "canaries of who takes a Grant": (
        CANARIES,
        [
            Mutation(SHARING, "self._is_apart or asked.tool.knows_person", "self._is_apart"),
            Mutation(
                SHARING,
                "asked.checked, asked.permissions, revision, tiles)",
                "asked.checked, asked.grant, revision, tiles)",
            ),
        ],
    ),
    "canaries of rules and drafts": (
        CANARIES,
        [PERSONAL_CONTROLS],
    ),
    "canaries after actions": (
        CANARIES,
        [
            Mutation(
                SHOWING,
                "return call.handle, wanted.digest, call.grant, claims",
                "return call.handle",
            )
        ],
    ),
}


@each_guard(GUARDS)
async def test_the_guards_bite(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
