"""What keeps ids apart is taken away once, and a call can reach another card."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

CHARACTERS, VALUES = "tests/values/test_characters.py", "tests/values/test_reported_values.py"

GUARDS: dict[str, tuple[str, str, str, str]] = {
    "ids that read like others": (
        f"{CHARACTERS} -k 'refused_when and card'", "intarsia/widgets/widget.py",
        "Id = Annotated[str, BeforeValidator(check_id)]", "Id = str",
    ),
    "keys of rows that read like others": (
        f"{CHARACTERS} -k 'refused_when and row'", "intarsia/widgets/table_rows.py",
        "        check_id(key if isinstance(key, str) else str(read))\n", "",
    ),
    "ids that read the same": (
        f"{CHARACTERS} -k read_the_same", "intarsia/widgets/characters.py",
        "        if other != text:\n", "        if False:\n",
    ),
    "arguments that read like others": (
        f"{CHARACTERS} -k bound_argument", "intarsia/ui_templates/value_format.py",
        "    return text if text.isascii() else _with_visible(text)\n", "    return text\n",
    ),
    "integers that scripts round": (
        f"{VALUES} -k scripts", "intarsia/ui_templates/value_format.py",
        "is_rounded = isinstance(value, int) and", "is_rounded = False and",
    ),
    "values in refusals": (
        f"{VALUES} -k 'invalid_and_the_refusal'", "intarsia/widgets/values.py",
        'f"is text that is no', 'f"is text {text} that is no',
    ),
}  # fmt: skip


@each_guard({name: (tests, Mutation(path, old, new)) for name, (tests, path, old, new) in GUARDS.items()})
async def test_nothing_else_keeps_ids_and_values_apart(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
