"""The addresses of the tracker and the connector, and the encryption of secrets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from json import dumps, loads
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from intarsia.errors import SettingError


@dataclass(frozen=True)
class Settings:
    """The settings of a deployment.

    Args:
        tracker: The base address of the tracker (`TRACKER_URL`).
        public: Where people's browsers reach this connector (`ISSUE_TRACKER_URL`).
        client: What the tracker calls this connector (`TRACKER_CLIENT`).
        keys: Fernet keys, newest first, parted by commas (`ISSUE_TRACKER_KEYS`); by default one is made and kept in a
            file beside the store.
    """

    tracker: str = "http://127.0.0.1:8401"
    public: str = "http://127.0.0.1:8484"
    client: str = "Intarsia issue tracker"
    keys: str = ""

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the settings from the environment."""
        named = {
            "tracker": "TRACKER_URL",
            "public": "ISSUE_TRACKER_URL",
            "client": "TRACKER_CLIENT",
            "keys": "ISSUE_TRACKER_KEYS",
        }
        return cls(**{name: os.environ[variable] for name, variable in named.items() if variable in os.environ})


class Sealer:
    """Encrypts values in files and URLs with Fernet."""

    def __init__(self) -> None:
        self._fernet: MultiFernet | None = None

    def open(self, keys: str, file: Path) -> None:
        """Load keys: the given ones, or the one in a file that only its owner can read.

        Args:
            keys: Fernet keys, newest first, parted by commas. What an older one sealed can still be read.
            file: Where a key of its own is kept; made when it is not there.

        Raises:
            SettingError: A key is none.
        """
        if not keys and not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
                opened.write(Fernet.generate_key())
        try:
            self._fernet = MultiFernet([Fernet(key.strip()) for key in (keys or file.read_text()).split(",")])
        except ValueError:
            where = "ISSUE_TRACKER_KEYS" if keys else str(file)
            message = f"{where} must hold keys as `Fernet.generate_key()` makes them, parted by commas."
            raise SettingError(message) from None

    def seal(self, purpose: str, values: Mapping[str, Any]) -> str:
        """Encrypt and authenticate values."""
        return self._opened().encrypt(dumps([purpose, dict(values)]).encode()).decode()

    def unseal(self, purpose: str, sealed: str, seconds: int | None = None) -> dict[str, Any] | None:
        """Decrypt values; `None` if they were not encrypted here for this purpose, or have expired."""
        try:
            found, values = loads(self._opened().decrypt(sealed.encode(), ttl=seconds))
        except InvalidToken:
            return None
        return values if found == purpose else None

    def _opened(self) -> MultiFernet:
        assert self._fernet is not None, "the connector does not run"  # noqa: S101 - for the type checker
        return self._fernet
