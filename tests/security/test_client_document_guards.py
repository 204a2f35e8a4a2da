"""Every guard against T48 and T49 is taken away once, and the attack that it stops gets through."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

TESTS = "tests/authorization_server/test_client_documents.py"
FORMS = "tests/authorization_server/test_client_documents_addresses.py"
CONTENT = "tests/authorization_server/test_client_documents_content.py"
ISSUERS, BOUNDS = "tests/security/test_asking.py", "tests/server/test_bounded_http.py"

ADDRESSES, DOCUMENTS, BOUNDED = (
    "intarsia/server/auth/authorization_server/clients/public_addresses.py",
    "intarsia/server/auth/authorization_server/clients/client_metadata.py",
    "intarsia/server/wire/bounded_http.py",
)

NETWORKS = {
    "unspecified": '        "0.0.0.0/8",',
    "private": '        "10.0.0.0/8",',
    "carrier": '        "100.64.0.0/10",',
    "loopback": '        "127.0.0.0/8",',
    "metadata": '        "168.63.129.16/32",',
    "link-local": '        "169.254.0.0/16",',
    "documentation": '        "2001:db8::/32",',
    "multicast": '        "224.0.0.0/4",',
    "reserved": '        "240.0.0.0/4",',
    "teredo": '        "2001::/23",',
    "6to4": '        "2002::/16",',
}

GUARDS: dict[str, tuple[str, *tuple[Mutation, ...]]] = {
    **{
        f"t48 {kind}": (f"{FORMS} -k 'test_t48_a_name and {kind}'", Mutation(ADDRESSES, line, ""))
        for kind, line in NETWORKS.items()
    },
    "t48 mapped": (
        f"{FORMS} -k 'test_t48_a_name and mapped'",
        Mutation(ADDRESSES, "return address in _PUBLIC_6 and not any(", "return not any("),
    ),
    "t48 nat64": (
        f"{FORMS} -k 'test_t48_a_name and nat64'",
        Mutation(ADDRESSES, "return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))", "return True"),
    ),
    "t48 isatap": (
        f"{FORMS} -k 'test_t48_a_name and isatap'",
        Mutation(ADDRESSES, "0xFFFF_FFFF in _ISATAP", "0xFFFF_FFFF in ()"),
    ),
    "t48 every address": (
        f"{FORMS} -k t48_one_address",
        Mutation(DOCUMENTS, "if not all(may_ask(address)", "if not any(may_ask(address)"),
    ),
    "t48 the first answer": (
        f"{FORMS} -k t48_the_first_answer",
        Mutation(DOCUMENTS, "REFUSED_SECONDS = 30", "REFUSED_SECONDS = -1"),
    ),
    "t48 the resolver": (
        f"{FORMS} -k t48_the_resolver",
        Mutation(DOCUMENTS, "    if not all(may_ask(address) for address in addresses):", "    if False:"),
    ),
    "t48 https": (
        f"{FORMS} -k t48_an_id",
        Mutation(ADDRESSES, '(scheme != "https" or not _NAME.fullmatch(host))', "not _NAME.fullmatch(host)"),
    ),
    "t48 names": (
        f"{FORMS} -k t48_an_id",
        Mutation(ADDRESSES, '(scheme != "https" or not _NAME.fullmatch(host))', 'scheme != "https"'),
    ),
    "t48 numbers": (
        f"{FORMS} -k t48_an_id",
        Mutation(ADDRESSES, "(?=[a-z]){_LABEL}", "{_LABEL}"),
    ),
    "t48 ports": (
        f"{FORMS} -k t48_an_id",
        Mutation(ADDRESSES, "_PORTS = range(1024, 65536)", "_PORTS = range(1, 65536)"),
    ),
    "t48 a path": (
        f"{FORMS} -k t48_an_id",
        Mutation(ADDRESSES, 'return path != "/" and', "return"),
    ),
    "t48 dot segments": (
        f"{FORMS} -k t48_an_id",
        Mutation(ADDRESSES, 'segment in {".", ".."} or ', ""),
    ),
    "t48 hidden separators": (
        f"{FORMS} -k t48_an_id",
        Mutation(ADDRESSES, " or _SEPARATOR_OR_CONTROL.search(segment)", ""),
    ),
    "t48 long ids": (
        f"{FORMS} -k t48_an_id",
        Mutation(ADDRESSES, "MAX_CLIENT_ID_LENGTH = 1024", "MAX_CLIENT_ID_LENGTH = 10_000"),
    ),
    "t48 loopback in development": (
        f"{TESTS} -k loopback",
        Mutation(ADDRESSES, "is_here = allow_loopback and ", "is_here = "),
    ),
    "t48 loopback is loopback": (
        f"{TESTS} -k loopback",
        Mutation(DOCUMENTS, "is_loopback if place.is_here", "(lambda _: True) if place.is_here"),
    ),
    "t49 one look": (
        f"{TESTS} -k t49_the_name",
        Mutation(DOCUMENTS, "            return await _ask_at(place, address, ",
                 "            address = (await resolve(place.name, 0))[0]\n"
                 "            return await _ask_at(place, address, "),
        Mutation(DOCUMENTS,
                 "async def _ask(\n    place: PublicTarget, ", "async def _ask(\n    resolve, place: PublicTarget, "),
        Mutation(DOCUMENTS, "await _ask(place, addresses", "await _ask(resolve, place, addresses"),
    ),
    "t49 the checked address": (
        f"{TESTS} -k t49_the_name",
        Mutation(DOCUMENTS, '{place.scheme}://{number}:', '{place.scheme}://{place.host}:'),
    ),
    "t49 trust": (
        f"{TESTS} -k t49_a_certificate_must_be_trusted",
        Mutation(DOCUMENTS, "verify=context, trust_env=False", "verify=False, trust_env=False"),
    ),
    "t49 the name in the certificate": (
        f"{TESTS} -k t49_a_certificate_must_name",
        Mutation(DOCUMENTS, "    transport = httpx2", "    context.check_hostname = False\n    transport = httpx2"),
    ),
    "t49 looking a name up takes time": (
        f"{TESTS} -k t49_a_resolver",
        Mutation(
            DOCUMENTS,
            "        async with asyncio.timeout(FETCH_SECONDS):\n            addresses = await _checked("
            "place, resolve, is_loopback if place.is_here else may_ask)\n",
            "        addresses = await _checked(place, resolve, is_loopback if place.is_here else may_ask)\n"
            "        async with asyncio.timeout(FETCH_SECONDS):\n",
        ),
    ),
    "t49 redirects": (
        f"{TESTS} -k 't49_a_redirect and 302'",
        Mutation(BOUNDED, "follow_redirects=False", "follow_redirects=True"),
    ),
    "t49 status": (
        f"{TESTS} -k 't49_only_200 and 404'",
        Mutation(DOCUMENTS, "if response.status_code != 200:", "if False:"),
    ),
    "t49 size": (
        f"{TESTS} -k 't49_the_last_byte or t49_a_stream'",
        Mutation(BOUNDED, "if len(body) > max_bytes:", "if False:"),
    ),
    "t49 encodings": (
        f"{TESTS} -k t49_an_encoded",
        Mutation(BOUNDED, "    if is_encoded(response):", "    if False:"),
    ),
    "t49 time": (
        f"{TESTS} -k 't49_a_slow_drip and body'",
        Mutation(DOCUMENTS, "asyncio.timeout(FETCH_SECONDS)", "asyncio.timeout(8)"),
        Mutation(DOCUMENTS, "max_seconds=FETCH_SECONDS", "max_seconds=8"),
    ),
    "t49 types": (
        f"{TESTS} -k 't49_only_json and html'",
        Mutation(DOCUMENTS, "    if not _JSON_TYPE.fullmatch(", "    if not str("),
    ),
    "t49 proxies": (
        f"{TESTS} -k proxy",
        Mutation(DOCUMENTS, "transport=transport, timeout=timeout, trust_env=False", "timeout=timeout, verify=context"),
    ),
    "issuer redirects": (
        f"{ISSUERS} -k 'bounded_and_must_be_json and redirects'",
        Mutation(BOUNDED, "follow_redirects=False", "follow_redirects=True"),
    ),
    "issuer size": (
        f"{ISSUERS} -k 'bounded_and_must_be_json and floods'",
        Mutation(BOUNDED, "if len(body) > max_bytes:", "if False:"),
    ),
    "issuer time": (
        f"{ISSUERS} -k 'bounded_and_must_be_json and drips'",
        Mutation(BOUNDED, "asyncio.timeout(max_seconds)", "asyncio.timeout(60)"),
    ),
    "strict JSON": (
        f"{ISSUERS} -k 'bounded_and_must_be_json and repeats'",
        Mutation(BOUNDED, "value = read_json(body)", "value = __import__('json').loads(body)"),
    ),
    "credentials in errors": (
        f"{BOUNDS} -k credentials",
        Mutation(BOUNDED, 'no valid HTTP response: {type(error).__name__}', "{error} {request.headers}"),
    ),
    "t49 an object": (
        f"{TESTS} -k t49_what_is_no_object",
        Mutation(BOUNDED, " if isinstance(value, dict) else None", ""),
    ),
    "t49 its own id": (
        f"{CONTENT} -k t49_the_id",
        Mutation(DOCUMENTS, 'if fields.get("client_id") != client_id:', "if False:"),
    ),
    "t49 secrets": (
        f"{CONTENT} -k not_in_order",
        Mutation(DOCUMENTS, 'if "client_secret" in fields or "client_secret_expires_at" in fields:', "if False:"),
    ),
    "t49 methods": (
        f"{CONTENT} -k not_in_order",
        Mutation(DOCUMENTS, 'if fields.get("token_endpoint_auth_method", "none") != "none":', "if False:"),
    ),
    "t49 its own site": (
        f"{CONTENT} -k only_its_own_site",
        Mutation(DOCUMENTS, ' or f"{parts.scheme}://{parts.netloc}" == place.origin', ' or parts.scheme == "https"'),
    ),
    "t49 plain addresses to answer to": (
        f"{CONTENT} -k only_its_own_site",
        Mutation(DOCUMENTS, "    if not is_allowed(address):\n        return False\n", ""),
    ),
    "t49 one request for all": (
        f"{CONTENT} -k everybody_who_asks",
        Mutation(DOCUMENTS, "await self._flights.join(client_id, lambda: self._learn(client_id))",
                 "await self._learn(client_id)"),
    ),
    "t49 not too many": (
        f"{CONTENT} -k only_so_many",
        Mutation(DOCUMENTS, "if self._turns.locked():", "if False:"),
    ),
}  # fmt: skip


@each_guard(GUARDS)
async def test_a_guard_bites(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
