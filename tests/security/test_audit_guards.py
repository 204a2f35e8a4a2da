"""Every guard of the audit log is taken away once, and its test goes red."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

LOG, TABLES = "intarsia/server/audit/log.py", "intarsia/server/storage/tables.py"
VERIFYING, TELLING = "intarsia/server/audit/verify.py", "intarsia/server/audit/export.py"
ONCE, CALLS, GUARD = (
    "intarsia/server/views/idempotency.py",
    "intarsia/server/calls/run_action.py",
    "intarsia/server/auth/resource_server/middleware.py",
)
TESTS, HEADS = "tests/server/test_audit.py", "tests/server/test_audit_heads.py"

HASH = Mutation(VERIFYING, 'row["hash"] != row_hash(self.last_hash, {**row})', "False")
NUMBER = Mutation(VERIFYING, 'row["n"] != self.n + 1', "False")
FIELDS = Mutation(LOG, "*(each.name for each in fields(AuditEntry)))\n_MAX_LENGTHS", ")\n_MAX_LENGTHS")

GUARDS: dict[str, tuple[str, list[Mutation]]] = {
    "t35 the hash": (f"{TESTS} -k 't35 and changed'", [HASH]),
    "t35 the hash that was kept": (
        f"{TESTS} -k 't35 and rewritten'",
        [Mutation(VERIFYING, "if self._is_found else", "if True else")],
    ),
    "t35 a head that was shipped": (
        f"{HEADS} -k 't35 and anew'",
        [Mutation(VERIFYING, "if saved - {hash_here}:", "if False:")],
    ),
    "t35 the end by a head": (
        f"{HEADS} -k 't35 and cut_off'",
        [Mutation(VERIFYING, "max([greatest or 0, *self._heads])", "greatest or 0")],
    ),
    "t35 the numbers": (f"{TESTS} -k 't35 and several'", [NUMBER, HASH]),
    "t35 the end": (
        f"{TESTS} -k 't35 and cut'",
        [Mutation(VERIFYING, "expected > self.n", "False")],
    ),
    "t35 all that is said": (f"{TESTS} -k 't35 and details'", [FIELDS]),
    "t35 only appended to": (
        f"{TESTS} -k 't35 and only_appends'",
        [Mutation(TABLES, "for trigger in (_NO_UPDATE, _NO_DELETE):", "for trigger in ():")],
    ),
    "t35 who": (
        f"{TESTS} -k 't35 and argument'",
        [Mutation(CALLS, 'Entry("action", call.grant.person,', 'Entry("action", str(call.arguments.get("who")),')],
    ),
    "t35 one line": (
        f"{TESTS} -k 't35 and one_line'",
        [Mutation(TELLING, "mark if mark.isprintable() else", "mark if True else")],
    ),
    "t62 formulas": (
        f"{TESTS} -k t62",
        [Mutation(TELLING, 'if text.lstrip(" ").startswith(_FORMULA)', "if False")],
    ),
    "an action": (
        f"{TESTS} -k written_down",
        [Mutation(ONCE, "        if self.entry is not None:\n", "        if 0:\n")],
    ),
    "by which hand": (
        f"{TESTS} -k told_from",
        [Mutation(CALLS, 'by = "view" if call.view', 'by = "view" if call.grant')],
    ),
    "a flood": (
        f"{TESTS} -k over_and_over",
        [Mutation("intarsia/server/audit/throttle.py", "now - window.since < WINDOW_SECONDS", "False")],
    ),
    "t09 denied": (
        "tests/security/test_audit_of_people.py -k t09",
        [Mutation(GUARD, "await self._record_denial(grant, *call, decision)", "pass")],
    ),
}


@each_guard(GUARDS)
async def test_the_guards_bite(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
