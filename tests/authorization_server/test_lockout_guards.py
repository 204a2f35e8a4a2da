"""Every limit of sign-in is taken away once, and then an attack gets through or locks a user out."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

TESTS = "tests/authorization_server/test_lockout.py"
SERVER = "intarsia/server/auth/authorization_server"
LIMITS, RATE = f"{SERVER}/accounts/sign_in_limits.py", f"{SERVER}/accounts/rate_limit.py"
QUEUE, BROWSERS = f"{SERVER}/accounts/password_queue.py", f"{SERVER}/accounts/known_browsers.py"
LOGIN = f"{SERVER}/pages/login_page.py"
PEERS = "intarsia/server/wire/peers.py"

GUARDS: dict[str, tuple[str, *tuple[Mutation, ...]]] = {
    "t85 by account and network": (
        f"{TESTS} -k locks_out_nobody",
        Mutation(LIMITS, 'f"{attempt.account}\\0{attempt.network}"', "attempt.account"),
    ),
    "t85 known browsers": (f"{TESTS} -k her_own_address", Mutation(LIMITS, "if attempt.browser:", "if False:")),
    "t85 by account": (
        f"{TESTS} -k lock_her_network_out",
        Mutation(LIMITS, "            (self._by_account, attempt.account),\n", ""),
    ),
    "t85 known networks": (
        f"{TESTS} -k lock_her_network_out",
        Mutation(LIMITS, "if self.is_known(attempt):", "if False:"),
    ),
    "t85 by network": (
        f"{TESTS} -k many_names",
        Mutation(LIMITS, "            (self._by_network, attempt.network),\n", ""),
    ),
    "t85 by network of IPv6": (f"{TESTS} -k ipv6", Mutation(PEERS, "_PREFIX_OF_IPV6 = 64", "_PREFIX_OF_IPV6 = 128")),
    "t85 the address of a client": (
        f"{TESTS} -k own_address_does_not",
        Mutation(LOGIN, "network_of(request.scope), is_known", 'request.headers["x-forwarded-for"], is_known'),
    ),
    "t85 at once": (
        f"{TESTS} -k at_once",
        Mutation(
            LOGIN,
            "            counted = self._limits.count(attempt)\n"
            "            account = await self._accounts.authenticate(attempt.account, password, limiter)\n",
            "            account = await self._accounts.authenticate(attempt.account, password, limiter)\n"
            "            counted = self._limits.count(attempt)\n",
        ),
    ),
    "t85 attempts in a known browser": (
        f"{TESTS} -k limited_too",
        Mutation(LIMITS, "self._by_browser = RateLimit(burst=10,", "self._by_browser = RateLimit(burst=10**9,"),
    ),
    "t85 known for its account": (
        f"{TESTS} -k limited_too",
        Mutation(BROWSERS, 'self._signer.verify(("browser", account),', 'self._signer.verify(("browser",),'),
        Mutation(BROWSERS, 'self._signer.sign(("browser", account),', 'self._signer.sign(("browser",),'),
    ),
    "t85 the end of a known browser": (
        f"{TESTS} -k made_up",
        Mutation(BROWSERS, " or int.from_bytes(body[:_TIME_BYTES]) < time():", ":"),
    ),
    "t85 cookies that are made up": (
        f"{TESTS} -k made_up",
        Mutation("intarsia/server/views/view_handles.py",
                 "return body if hmac.compare_digest(mac, self._mac(self._secret, bound, body)) else None",
                 "return body"),
    ),
    "t85 passwords that are too long": (
        f"{TESTS} -k too_long",
        Mutation(LOGIN, "if len(entered.password) > MAX_PASSWORD_LENGTH:", "if False:"),
    ),
    "t85 known hosts": (
        f"{TESTS} -k behind_the_address",
        Mutation(LIMITS, "if attempt.is_known_host:", "if False:"),
    ),
    "t85 by account and known host": (
        f"{TESTS} -k limited_at_a_known_host",
        Mutation(LIMITS, "RateLimit(burst=60, seconds=10)", "RateLimit(burst=10**9, seconds=10)"),
    ),
    "t85 successes": (
        f"{TESTS} -k may_do_so_often",
        Mutation(LIMITS, "            limit.refund(key)\n", "            pass\n"),
    ),
    "t85 the queue": (f"{TESTS} -k short_queue", Mutation(QUEUE, "self._queued.total() >= MAX_QUEUED or ", "")),
    "t85 the queue of known users": (
        f"{TESTS} -k short_queue",
        Mutation(QUEUE, "lane = self._known if is_known else self._strangers", "lane = self._strangers"),
    ),
    "t85 the queue of a network": (
        f"{TESTS} -k leaves_places",
        Mutation(QUEUE, "self._queued[network] >= share", "False"),
    ),
    "t85 flushed": (
        f"{TESTS} -k flushed",
        Mutation(RATE, "        for cell in self._cells(key):\n            self._levels",
                 "        if key.endswith('-19999'):\n"
                 "            self._levels = array('d', bytes(len(self._levels) * 8))\n"
                 "        for cell in self._cells(key):\n            self._levels"),
    ),
}  # fmt: skip


@each_guard(GUARDS)
async def test_a_limit_bites(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
