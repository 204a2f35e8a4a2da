"""The settings of the limits for requests and calls."""

from dataclasses import dataclass
from typing import cast

from intarsia.errors import SettingError
from intarsia.server.http.ip_allow_list import Ranges, range_of


@dataclass(frozen=True)
class Limits:
    """How much one person, one address and all callers together may use at once.

    Calls above `max_calls` and `max_calls_per_person` wait, and persons take turns. Calls above the numbers of waiting
    calls are refused with the number of seconds after which to try again.

    Args:
        max_calls: How many calls run at once in this process.
        max_calls_per_person: How many calls of one person run at once.
        max_shared_calls_per_person: The same while others call too and the processor is busy. It decides how much
            slower one person can make the calls of others.
        max_waiting_calls: How many calls wait in total.
        max_waiting_calls_per_person: How many calls of one person wait.
        max_polls_per_person: How many long polls of one person's open Views wait for changes. They are no calls: they
            count for nothing else.
        known_hosts: The address ranges of hosts that call for many people, such as `160.79.104.0/21`. The limits for
            one address do not apply to them. An IP allow list makes all allowed addresses known.

    Raises:
        SettingError: A number is below 1, or a range is malformed.
    """

    max_calls: int = 32
    max_calls_per_person: int = 8
    max_shared_calls_per_person: int = 1
    max_waiting_calls: int = 1_000
    max_waiting_calls_per_person: int = 32
    max_polls_per_person: int = 100
    known_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the settings."""
        for name, value in vars(self).items():
            if isinstance(value, int) and value < 1:
                message = f"Limits: {name} must be at least 1, not {value}."
                raise SettingError(message)
        if isinstance(cast("object", self.known_hosts), str):
            message = f"Limits: known_hosts must be a tuple of ranges, such as ({self.known_hosts!r},), not a string."
            raise SettingError(message)
        _ = self.known_ranges

    @property
    def known_ranges(self) -> Ranges:
        """The ranges of known hosts."""
        return Ranges(range_of(written, "Limits.known_hosts") for written in self.known_hosts)
