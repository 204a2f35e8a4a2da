"""Every guard of the allow list is taken away once, and somebody gets in who should not."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

TESTS = "tests/server/test_ip_allow_list.py"
ALLOW_LIST = "intarsia/server/http/ip_allow_list.py"

GUARDS = {
    "refusal": (
        f"{TESTS} -k who_is_not_in",
        Mutation(ALLOW_LIST, "if address is not None and address in self._ranges.current():", "if address:"),
    ),
    "the end of a range": (
        f"{TESTS} -k every_address_of_a_range",
        Mutation(ALLOW_LIST, "return at >= 0 and int(address) <= ends[at]", "return at >= 0"),
    ),
    "who is a proxy": (
        f"{TESTS} -k 'without_a_proxy or who_is_not_in'",
        Mutation(ALLOW_LIST, "or peer not in proxies:\n        return peer", "or False:\n        return peer"),
    ),
    "from the right": (
        f"{TESTS} -k 'rightmost or made_up_hops'",
        Mutation(ALLOW_LIST, "for hop in reversed(hops):", "for hop in hops:"),
    ),
    "the first that is no proxy": (
        f"{TESTS} -k 'rightmost or made_up_hops'",
        Mutation(ALLOW_LIST, "if address is None or address not in proxies:", "if address is None:"),
    ),
    "what is no address": (
        f"{TESTS} -k rightmost",
        Mutation(ALLOW_LIST, "        address = _address(hop)\n", "        address = _address(hop) or address\n"),
    ),
    "two headers": (
        f"{TESTS} -k two_headers",
        Mutation(ALLOW_LIST, "if simple and standard:", "if False:"),
    ),
    "one for in an element": (
        f"{TESTS} -k standard_header",
        Mutation(ALLOW_LIST, "if len(set(names)) < len(names):", "if False:"),
    ),
    "prefixes with bits behind": (
        f"{TESTS} -k broken_line",
        Mutation(ALLOW_LIST, 'if "%" in address or loose.network_address != ip_address(address):', "if False:"),
    ),
    "an empty file": (
        f"{TESTS} -k 'without_a_range or read_again'",
        Mutation(ALLOW_LIST, "    if not found:", "    if False:"),
    ),
    "the last good file": (
        f"{TESTS} -k read_again",
        Mutation(ALLOW_LIST, "        except SettingError as error:\n            logger",
                 "        except SettingError as error:\n            self._ranges = Ranges([])\n            logger"),
    ),
}  # fmt: skip


@each_guard(GUARDS)
async def test_a_guard_bites(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
