"""What keeps windows of long lists within rights and bounds is taken away once, and the attacks get through."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

ATTACKS, SIZES = "tests/server/test_windows.py", "tests/server/test_result_size.py"
LOAD, READER = "intarsia/server/rendering/load.py", "intarsia/server/calls/reader.py"
WINDOWS, PARSER = "intarsia/server/rendering/windows.py", "intarsia/server/wire/windows.py"
MESSAGES = "intarsia/server/wire/messages.py"

GUARDS: dict[str, tuple[str, str, str, str]] = {
    "long lists are redacted": (
        f"{ATTACKS} -k hidden_cards", LOAD,
        "return await to_thread.run_sync(redact, widget, grant.scopes)", "return widget",
    ),
    "each window is authorized": (
        f"{ATTACKS} -k without_the_scope", READER, "    if not decision.allowed:\n", "    if False:\n",
    ),
    "nothing outside of the window is decided": (
        f"{ATTACKS} -k no_others", WINDOWS, "kept, start = cut(items, window)", "kept, start = items, 0",
    ),
    "numbers have bounds": (
        f"{ATTACKS} -k hostile", PARSER,
        "if 0 <= window.start <= MAX_LIST_ITEMS and 1 <= window.length <= MAX_WINDOW_ITEMS:", "if True:",
    ),
    "numbers are numbers": (
        f"{ATTACKS} -k hostile", PARSER,
        "isinstance(each, int) and not isinstance(each, bool) for each", "each is not None for each",
    ),
    "lists have names": (
        f"{ATTACKS} -k hostile", PARSER,
        "if not isinstance(value, str) or not 0 < len(value) <= MAX_PLACE_CHARACTERS:", "if False:",
    ),
    "lists are of this widget": (
        f"{ATTACKS} -k hostile", READER,
        "if asked_for and all(each.place != asked_for.place for each in drawn.reading.lists):", "if False:",
    ),
    "lists are counted": (
        f"{ATTACKS} -k 'hostile and shown'", PARSER,
        'len(cast("Mapping[object, object]", value)) > MAX_WINDOWS', "False",
    ),
    "answers fit the budget": (
        f"{SIZES} -k megabytes", READER, "        size = _size_of(sent, drawn, most)\n", "        size = 1\n",
    ),
    "what cannot be smaller is refused": (
        f"{SIZES} -k 'can_be_read'", READER, "if size <= most and fewer is None:", "if fewer is None:",
    ),
    "messages fit the budget": (
        f"{SIZES} -k stays_done", MESSAGES, "    if size <= most:\n", "    if True:\n",
    ),
}  # fmt: skip


@each_guard({name: (attack, Mutation(*mutation)) for name, (attack, *mutation) in GUARDS.items()})
async def test_the_guards_bite(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
