"""How often somebody may try to sign in, limited so that strangers lock nobody out (OWASP: device cookies)."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from intarsia.server.auth.authorization_server.accounts.rate_limit import RateLimit

MAX_ACCOUNTS = 10_000
MAX_NETWORKS_PER_ACCOUNT = 8

Counted = Sequence[tuple[RateLimit, str]]


@dataclass(frozen=True)
class SignInAttempt:
    """One attempt to sign in."""

    account: str
    """The name that was entered, whether or not there is such an account."""
    network: str
    """Where the request came from: see `network_of`."""
    is_known_host: bool = False
    """Whether many users share the network."""
    browser: str = ""
    """The ID of the browser if the account has signed in there before; otherwise empty."""


class SignInLimits:
    """Limits attempts by account and network, by account, and by network.

    * A browser in which the account has signed in before has a limit of its own, whatever others do.
    * In a network from which the account has signed in before, only attempts at this account from there count.
    * All others are strangers. Their attempts count for the account and the network together, for the account, and for
      the network. One network alone cannot use up the limit of an account.
    * Behind the address of a known host are many users. Attempts from there count for the account and the network
      together only, in a larger bucket, so that one of the users cannot keep the others out.

    Successful attempts count for nothing, so many users may sign in from one network.
    """

    def __init__(self) -> None:
        self._by_browser = RateLimit(burst=10, seconds=60)
        self._by_account_and_network = RateLimit(burst=5, seconds=60)
        self._by_account = RateLimit(burst=60, seconds=20)
        self._by_network = RateLimit(burst=50, seconds=5)
        self._by_account_and_known_host = RateLimit(burst=60, seconds=10)
        self._networks = _KnownNetworks()

    def is_known(self, attempt: SignInAttempt) -> bool:
        """Return whether the account has signed in from this browser or network before."""
        return bool(attempt.browser) or self._networks.has(attempt.account, attempt.network)

    def wait_seconds(self, attempt: SignInAttempt) -> int:
        """Return in how many seconds the attempt is allowed; 0 if it is allowed now."""
        return max(limit.wait_seconds(key) for limit, key in self._limits(attempt))

    def count(self, attempt: SignInAttempt) -> Counted:
        """Count an attempt, before the password is verified; otherwise parallel requests could exceed the limits.

        Returns:
            What was counted, for `succeed`.
        """
        counted = self._limits(attempt)
        for limit, key in counted:
            limit.count(key)
        return counted

    def succeed(self, attempt: SignInAttempt, counted: Counted) -> None:
        """Take back a successful attempt, and remember its network.

        Args:
            attempt: The attempt.
            counted: What `count` returned for it.
        """
        for limit, key in counted:
            limit.refund(key)
        self._networks.add(attempt.account, attempt.network)

    def _limits(self, attempt: SignInAttempt) -> Counted:
        if attempt.browser:
            return [(self._by_browser, attempt.browser)]
        pair = f"{attempt.account}\0{attempt.network}"
        if attempt.is_known_host:
            return [(self._by_account_and_known_host, pair)]
        if self.is_known(attempt):
            return [(self._by_account_and_network, pair)]
        return [
            (self._by_account_and_network, pair),
            (self._by_account, attempt.account),
            (self._by_network, attempt.network),
        ]


class _KnownNetworks:
    """The networks from which each account signed in last. Only successful attempts add to it, so strangers cannot."""

    def __init__(self) -> None:
        self._by_account: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()

    def has(self, account: str, network: str) -> bool:
        return network in self._by_account.get(account, ())

    def add(self, account: str, network: str) -> None:
        networks = self._by_account.setdefault(account, OrderedDict())
        networks[network] = None
        networks.move_to_end(network)
        self._by_account.move_to_end(account)
        if len(networks) > MAX_NETWORKS_PER_ACCOUNT:
            networks.popitem(last=False)
        if len(self._by_account) > MAX_ACCOUNTS:
            self._by_account.popitem(last=False)
