"""Every guard against T31, T32, T33 and T36 is taken away once, and the attack that it stops gets through."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

TESTS = "tests/security/test_confirmation.py"
CALLS, ONCE = "intarsia/server/calls/handler.py", "intarsia/server/views/idempotency.py"
RESULTS = "intarsia/server/views/results.py"
HANDLES, CONFIRMING = "intarsia/server/views/view_handles.py", "intarsia/server/views/confirmations.py"

ANY_SIGNATURE = Mutation(HANDLES, "if hmac.compare_digest(mac, self._mac(self._secret, bound, body)) else None", "")
NO_LOOK = Mutation(RESULTS, "                raise ConfirmationUsedError\n", "                return\n")
NO_ROW = Mutation(ONCE, "                raise ConfirmationUsedError from None", "                pass")

GUARDS: dict[str, tuple[str, *tuple[Mutation, ...]]] = {
    "t31 the use of a confirmation": (f"{TESTS} -k 't31 and applied_once'", NO_LOOK, NO_ROW),
    "t31 the age of a handle": (
        f"{TESTS} -k 't31 and next_day'",
        Mutation(HANDLES, "and int.from_bytes(body[:8]) > time.time()", ""),
    ),
    "t32 the digest of a key": (f"{TESTS} -k t32", Mutation(RESULTS, "if digest != once.digest:", "if False:")),
    "t33 the signature": (f"{TESTS} -k 't33 and was_changed'", ANY_SIGNATURE),
    "t33 the arguments and the action": (
        f"{TESTS} -k 't33 and (these_arguments or this_action)'",
        Mutation(CONFIRMING, "grant.client, digest_of(tool, arguments)", 'grant.client, ""'),
    ),
    "t33 the person": (
        f"{TESTS} -k 't33 and this_person'",
        Mutation(CONFIRMING, '"confirmation", grant.person, grant.client,', '"confirmation", "", "",'),
    ),
    "t33 the connector": (
        f"{TESTS} -k 't33 and this_connector'",
        Mutation(HANDLES, "json.dumps([self._connector, *bound])", "json.dumps([*bound])"),
    ),
    "t33 two minutes": (
        f"{TESTS} -k 't33 and two_minutes'",
        Mutation(CONFIRMING, "body is None or int.from_bytes(body[:8]) <= time.time()", "body is None"),
    ),
    "t33 once": (f"{TESTS} -k 't33 and used_once'", NO_LOOK, NO_ROW),
    "t33 in the transaction": (f"{TESTS} -k 't33 and in_the_transaction'", NO_ROW),
    "t36 a View alone": (
        f"{TESTS} -k 't36 and not_there'",
        Mutation(CALLS, "(is_from_view or not tool.is_app_only)", "True"),
    ),
    "t36 whose handle": (
        f"{TESTS} -k 't36 and not_theirs'",
        Mutation(HANDLES, '"view", grant.person, grant.client', '"view", "", ""'),
    ),
    "t36 a handle instead of scopes": (
        f"{TESTS} -k 't36 and grants_nothing'",
        Mutation("intarsia/permissions.py", "missing = tool.scopes - grant.scopes", "missing = frozenset[str]()"),
    ),
    "t36 a model that calls everything": (
        "tests/security/test_model_that_calls_everything.py -k 'legacy and text and shelf'",
        Mutation(CALLS, "(is_from_view or not tool.is_app_only)", "True"),
        Mutation(
            "intarsia/server/tools/tool.py", "self.question = self._checked_question(confirm)", "self.question = None"
        ),
    ),
    "t36 a confirmation for a View": (
        f"{TESTS} -k 't36 and gets_no_confirmation'",
        Mutation("intarsia/server/calls/run_action.py", "        if call.view:\n", "        if True:\n"),
    ),
}


@each_guard(GUARDS)
async def test_an_attack_gets_through_without_its_guard(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
