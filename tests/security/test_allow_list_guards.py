"""Each guard of the allow list is removed once, and then somebody gets in who must not."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

TESTS = "tests/server/test_ip_allow_list.py"
ALLOW_LIST = "intarsia/server/http/ip_allow_list.py"

GUARDS = {
    "refusal": (
        f"{TESTS} -k other_addresses",
        Mutation(ALLOW_LIST, "if address is None or address not in self._ranges.current():", "if address is None:"),
    ),
    "the end of a range": (
        f"{TESTS} -k every_address_of_a_range",
        Mutation(ALLOW_LIST, "return at >= 0 and int(address) <= ends[at]", "return at >= 0"),
    ),
    "trusted proxies": (
        f"{TESTS} -k 'without_a_proxy or other_addresses'",
        Mutation(ALLOW_LIST, 'cast("Any", self._check), trusted)', 'cast("Any", self._check), "*")'),
    ),
    "addresses of proxies": (
        f"{TESTS} -k 'last_address or invented_hops'",
        Mutation(ALLOW_LIST, "for written in _as_peers(network)]", "for written in (str(network.network_address),)]"),
    ),
    "proxies in the form of IPv6": (
        f"{TESTS} -k 'last_address or proxy_without_the_header'",
        Mutation(ALLOW_LIST, 'f"::ffff:{network.network_address}/{96 + network.prefixlen}"', '"::1"'),
    ),
    "invalid addresses": (
        f"{TESTS} -k 'last_address or without_a_proxy'",
        Mutation(ALLOW_LIST, "ValueError:\n        return None", "ValueError:\n        return ip_address(1)"),
    ),
    "the header Forwarded": (
        f"{TESTS} -k standard_header",
        Mutation(ALLOW_LIST, "elif self._has_proxies and any(", "elif False and any("),
    ),
    "bits after the prefix": (
        f"{TESTS} -k invalid_line",
        Mutation(ALLOW_LIST, 'if "%" in address or loose.network_address != ip_address(address):', "if False:"),
    ),
    "an empty file": (
        f"{TESTS} -k 'without_a_range or read_again'",
        Mutation(ALLOW_LIST, "    if not found:", "    if False:"),
    ),
    "the last valid file": (
        f"{TESTS} -k read_again",
        Mutation(ALLOW_LIST, "        except SettingError as error:\n            logger",
                 "        except SettingError as error:\n            self._ranges = Ranges([])\n            logger"),
    ),
}  # fmt: skip


@each_guard(GUARDS)
async def test_a_guard_bites(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
