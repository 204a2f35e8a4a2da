"""Every guard of the transport is taken away once, and its test goes red."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

GATE, STRICT = "intarsia/server/http/request_limits.py", "intarsia/server/wire/strict_json.py"
TESTS = "tests/security/test_transport.py"

GUARDS: dict[str, tuple[str, list[Mutation]]] = {
    "t37 names": (
        f"{TESTS} -k 't37 and another_name and GET'",
        [Mutation(GATE, "or _host_of(named[0]) not in self.hosts", "")],
    ),
    "t37 one name": (f"{TESTS} -k 't37 and two_names'", [Mutation(GATE, "len(named) != 1 or", "")]),
    "t38 origins": (
        f"{TESTS} -k 't38 and GET'",
        [Mutation(GATE, 'raise RequestRejectedError(403, "This origin may not call.")', "pass")],
    ),
    "t39 more than a name": (
        f"{TESTS} -k 't39 and more_than'",
        [Mutation(GATE, 'name.rpartition(":")', 'name.partition("/")[0].rpartition(":")')],
    ),
    "t41 kinds": (
        f"{TESTS} -k 't41 and one_kind'",
        [Mutation(GATE, "if kind.strip() != wanted.encode() or", "if")],
    ),
    "t41 encodings": (
        f"{TESTS} -k 't41 and one_kind'",
        [Mutation(GATE, 'or charset not in (b"", b"charset=utf-8")', "")],
    ),
}


@each_guard(GUARDS)
async def test_the_guards_bite(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
