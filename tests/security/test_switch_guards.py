"""Every guard of the switches is taken away once, and its test goes red."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

RUN, READER = "intarsia/server/calls/run_action.py", "intarsia/server/calls/reader.py"
CALLS, ADAPTER = "intarsia/server/calls/handler.py", "intarsia/server/mcp_server/server.py"
DECIDING, GUARD = (
    "intarsia/server/rendering/control_permissions.py",
    "intarsia/server/auth/resource_server/middleware.py",
)
POSITIONS, SWITCHES = "intarsia/server/switches/positions.py", "intarsia/server/switches/service.py"
TESTS = "tests/server/test_switches.py"

GUARDS: dict[str, tuple[str, list[Mutation]]] = {
    "listed and called": (
        f"{TESTS} -k neither_listed",
        [Mutation("intarsia/server/catalog.py", " or positions.is_available(name, grant)", " or True")],
    ),
    "text only": (
        f"{TESTS} -k text_only_leaves",
        [
            Mutation(
                CALLS,
                "shows_widget = self._catalog.switches.positions.shows_widget(tool.name, call.grant)\n",
                "shows_widget = True\n",
            )
        ],
    ),
    "the document": (
        f"{TESTS} -k read_by_nobody",
        [
            Mutation(
                ADAPTER,
                "or not self._shows_anything(self._caller()):\n            return None",
                ":\n            return None",
            )
        ],
    ),
    "t45 an open View": (
        f"{TESTS} -k 't45 and open_view'",
        [
            Mutation(
                CALLS,
                "if is_from_view and name != VIEW_TOOL and (off := self._reader.turned_off(call)):",
                "if off := None:",
            )
        ],
    ),
    "t45 which View": (
        f"{TESTS} -k 't45 and forging'",
        [
            Mutation(
                READER,
                "shown = shown_by(call.view, self._catalog.tools) if call.view else None",
                "shown = call.seen.tool if call.seen else None",
            )
        ],
    ),
    "actions in widgets": (
        f"{TESTS} -k actions_in_widgets",
        [Mutation(RUN, "(positions.all_on or positions.allows_user_actions(call.grant))", "True")],
    ),
    "actions in widgets, drawn": (
        f"{TESTS} -k actions_in_widgets",
        [Mutation(DECIDING, "and positions.allows_user_actions(grant)", "")],
    ),
    "actions by the model": (
        f"{TESTS} -k by_the_model",
        [
            Mutation(
                CALLS,
                "may_act = is_from_view or self._catalog.switches.positions.allows_model_actions(call.grant)",
                "may_act = True",
            )
        ],
    ),
    "the most restrictive": (
        f"{TESTS} -k most_restrictive",
        [Mutation(POSITIONS, "return max(found, key=_ORDER.index)", "return list(found)[-1]")],
    ),
    "t44 two at once": (
        f"{TESTS} -k t44",
        [Mutation(SWITCHES, "if change.expected_version not in (None, version):", "if False:")],
    ),
    "new tools": (
        f"{TESTS} -k not_seen_before",
        [Mutation(SWITCHES, "if position is not Position.ON:\n", "if False:\n")],
    ),
    "other processes": (f"{TESTS} -k another_process", [Mutation(SWITCHES, "if await self._read():", "if False:")]),
    "in front of the protocol": (
        "tests/security/test_audit_of_people.py -k off",
        [Mutation(GUARD, "tool = catalog.offered(", "tool = (lambda name, _grant: catalog.tools.get(name))(")],
    ),
}


@each_guard(GUARDS)
async def test_the_guards_bite(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
