"""What keeps every widget visited is taken away once, and what is hidden gets through."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

DEFINED, WAYS = "tests/widgets/test_places.py", "tests/security/test_widget_tree.py"
CANARIES = "tests/security/test_widget_canaries.py"
PLACES, TREE, WIDGET = "intarsia/widgets/places.py", "intarsia/widgets/tree.py", "intarsia/widgets/widget.py"
BOARD, RENDER = "intarsia/widgets/task_board.py", "intarsia/ui_templates/render.py"
DECIDING, WITHHOLDING = "intarsia/server/rendering/control_permissions.py", "intarsia/server/rendering/redact.py"

EACH_PART, ROOT_ALONE = "            for part in walk(widget, offers)\n", "            for part in [widget]\n"
GUARDS: dict[str, tuple[str, str, str, str]] = {
    "what is not understood": (
        f"{DEFINED} -k not_understood", PLACES,
        "        raise self._error(found)\n\n    def _check_model",
        "        return NOWHERE\n\n    def _check_model",
    ),
    "what is not checked": (
        f"{DEFINED} -k not_understood", PLACES, "    if any(mark is kind or", "    if False and any(mark is kind or",
    ),
    "actions without a mark": (
        f"{DEFINED} -k decide_about", PLACES,
        "        if issubclass(found, BoundAction):\n",
        "        if issubclass(found, BoundAction):\n            return NOWHERE\n",
    ),
    "models that change": (f"{DEFINED} -k can_be_changed", PLACES, "if places and not is_frozen:", "if False:"),
    "more than is named": (
        f"{DEFINED} -k can_be_changed", PLACES, 'if model.model_config.get("extra") == "allow":', "if False:",
    ),
    "private values": (
        f"{DEFINED} -k private_values", PLACES,
        "if private := next(iter(model.__private_attributes__), None):", "if private := None:",
    ),
    "constants": (f"{DEFINED} -k private_values", PLACES, "    if holds_widget(value):\n", "    if False:\n"),
    "names that come later": (
        f"{DEFINED} -k defined_later", WIDGET,
        "        if cls._waits:\n            cls._read_fields()",
        "        if cls._waits:\n            cls._places = ()",
    ),
    "overridden names": (f"{DEFINED} -k read_anew", WIDGET, "        _check_names(cls)\n", ""),
    "copies": (
        f"{WAYS} -k unchecked", WIDGET,
        "if name not in fields or (name not in places and type(value) not in ATOMS and holds_widget(value)):",
        "if False:",
    ),
    "what was cached": (
        f"{WAYS} -k forgotten", WIDGET, "for name in kept.keys() - fields.keys():", "for name in set[str]():",
    ),
    "what stands in the wrong place": (
        f"{WAYS} -k later_is_visited", TREE, "    if not isinstance(value, place.held):", "    if False:",
    ),
    "what no field holds": (
        f"{WAYS} -k no_field_holds", RENDER, "        if are_plain(parts):\n", "        if True:\n",
    ),
    "what is written like a word": (
        f"{WAYS} -k 'draws_nothing'", WIDGET, 'return f"<{type(self).__name__}>"', "return repr(self)",
    ),
    "what cannot be without": (
        f"{WAYS} -k without_a_hidden", TREE,
        "return None if place.is_optional and not place.is_item else _GONE",
        "return None if place.is_optional and not place.is_item else value",
    ),
    "lists": (
        f"{CANARIES} -k 'hidden_data and pile'", TREE,
        "    if place.items and (type(value) in _SEQUENCES or is_list(value)):", "    if False:",
    ),
    "mappings": (
        f"{CANARIES} -k 'hidden_data and cabinet'", TREE,
        "    if place.values and is_mapping(value):", "    if False:",
    ),
    "models": (
        f"{CANARIES} -k 'hidden_data and report'", TREE, "    if place.models and is_model(value):", "    if False:",
    ),
    "what stays of a column": (
        f"{CANARIES} -k 'hidden_data and task_board'", BOARD, '{"cards": [], "limit": None,', '{"limit": None,',
    ),
    "decisions about parts": (
        f"{CANARIES} -k 'button and cabinet'", DECIDING, EACH_PART, ROOT_ALONE,
    ),
    "decisions about pieces": (
        f"{CANARIES} -k 'offered_nowhere and catalog'", DECIDING, EACH_PART, ROOT_ALONE,
    ),
    "tiles": (
        f"{CANARIES} -k 'tiles_are_read and cabinet'", WITHHOLDING,
        "    return tile.stand_in(missing) if missing else None", "    return None",
    ),
}  # fmt: skip


@each_guard({name: (tests, Mutation(path, old, new)) for name, (tests, path, old, new) in GUARDS.items()})
async def test_nothing_else_keeps_every_widget_visited(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
