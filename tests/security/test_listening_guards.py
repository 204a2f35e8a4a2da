"""Every guard of the streams is taken away once, and its test goes red."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

LISTENING = "intarsia/server/mcp_server/subscriptions.py"
TESTS = "tests/security/test_listening.py"
LIMITS = "tests/security/test_listening_limits.py"

GUARDS: dict[str, tuple[str, list[Mutation]]] = {
    "t26 what may be read": (
        f"{TESTS} -k nothing_else",
        [Mutation(LISTENING, "for uri in addresses if self._offer.may_read(uri, grant))", "for uri in addresses)")],
    ),
    "t26 how many": (f"{TESTS} -k so_many_resources", [Mutation(LISTENING, "> MAX_ADDRESSES:", "> 10**6:")]),
    "t27 withdrawn": (
        f"{TESTS} -k withdrawn_token",
        [Mutation(LISTENING, "access = ACCESS_WATCH.get()", "access = None if ACCESS_WATCH.get() else None")],
    ),
    "t27 t45 turned off": (
        f"{TESTS} -k turned_off",
        [Mutation(LISTENING, "if not ended and not all(", "if not ended and False and not all(")],
    ),
    "t45 set by another process": (
        f"{TESTS} -k another_process",
        [Mutation("intarsia/server/switches/service.py", "if await self._read():", "if await self._read() and False:")],
    ),
    "t45 a poll of another process": (
        f"{LIMITS} -k another_process",
        [Mutation("intarsia/server/switches/service.py", "if await self._read():", "if await self._read() and False:")],
    ),
    "t76 for one person, many times": (
        f"{LIMITS} -k t76",
        [Mutation(LISTENING, "if self._open[grant.person] >= most or", "if")],
    ),
    "t76 for one person": (f"{TESTS} -k t76", [Mutation(LISTENING, "if self._open[grant.person] >= most or", "if")]),
}


@each_guard(GUARDS)
async def test_the_guards_bite(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
