"""What keeps arguments strict is taken away once, guard by guard, and the tests of it go red."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

READER, SCHEMA = "intarsia/server/tools/lenient_json.py", "intarsia/server/tools/json_schema.py"
STDIO = "intarsia/server/mcp_server/stdio.py"
REFUSED = "tests/interop/test_lenient_arguments.py -k 'every_other and legacy'"
OVER_STDIO = "tests/interop/test_stdio.py -k strict"

GUARDS: dict[str, tuple[str, list[Mutation]]] = {
    "JSON text is strict": (
        REFUSED,
        [Mutation(READER, "return read_json(text.encode(), levels)", "return __import__('json').loads(text)")],
    ),
    "JSON text in JSON text is no deeper": (
        "tests/server/test_arguments.py -k deeper",
        [
            Mutation(READER, "_parsed(text, MAX_LEVELS - len(path))", "_parsed(text, 10_000)"),
            Mutation(READER, "if len(path) > MAX_LEVELS:", "if False:"),
        ],
    ),
    "floats that lost digits": (REFUSED, [Mutation(READER, "and abs(value) <= MAX_EXACT_FLOAT", "")]),
    "true is not 1": (
        REFUSED,
        [Mutation(READER, "if isinstance(value, bool | int | float) and value in", "if False and value in")],
    ),
    "true is not 1 in a union": (
        "tests/server/test_arguments.py -k true_and_numbers",
        [Mutation("intarsia/server/tools/arguments.py", "if _facts(model).mixes_booleans:", "if False:")],
    ),
    "digits are no time": (REFUSED, [Mutation(READER, 'rule = _NOT_DIGITS.get(cast("str", form))', "rule = None")]),
    "unknown keys": (REFUSED, [Mutation(SCHEMA, '{"additionalProperties": False} if is_closed', "{} if is_closed")]),
    "names of callers are not repeated": (
        REFUSED,
        [Mutation("intarsia/server/tools/argument_errors.py", 'shown += "[…]"', "shown += f'.{step}'")],
    ),
    "stdio is strict JSON": (OVER_STDIO, [Mutation(STDIO, "return read_json(line)", "return json.loads(line)")]),
    "stdio has messages only": (OVER_STDIO, [Mutation(STDIO, "check_message(_read(line))", "_read(line)")]),
    "stdio has a limit": (
        OVER_STDIO,
        [Mutation(STDIO, "MAX_LINE_BYTES = 256 * 1024", "MAX_LINE_BYTES = 2**30")],
    ),
}


@each_guard(GUARDS)
async def test_the_guards_bite(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
