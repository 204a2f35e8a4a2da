"""Ships the head of an audit log, the hash of its last row, to a place that the machine's users cannot rewrite.

A log that was cut off at its end, or written anew as a whole, is a chain without a gap. Only a head that is kept
elsewhere shows that something is missing. docs/how-to/audit.md says where to ship them to.
"""

import asyncio
import inspect
import json
import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import anyio

from intarsia.errors import SettingError
from intarsia.server.audit.log import AuditLog
from intarsia.server.storage.shared_lifetime import background

logger = logging.getLogger(__name__)

ACCOUNTS_LOG = "accounts"
"""The name of the log of sign-ins and grants."""

SHIP_SECONDS = 60.0
"""How often a head is shipped if there are new rows. Rows that are cut off within that time cannot be missed."""

MAX_STOP_SECONDS = 5.0
"""How long a stopping server waits until its last head is shipped."""


@dataclass(frozen=True)
class AuditHead:
    """The head of an audit log at one time.

    Args:
        log: The name of the log: the slug of the connector's name, such as `team-tasks`, or `accounts`.
        n: The number of the last row.
        hash: The hash of that row, in hexadecimal digits.
        at: When the row was written, in Unix time.
    """

    log: str
    n: int
    hash: str
    at: float


HeadSink = str | Path | Callable[[AuditHead], Awaitable[None] | None]
"""Where heads go: a file to append to, or a function."""


class HeadShipper:
    """Ships the heads of one log while its store is open.

    Args:
        log: The name of the log.
        audit: The log.
        sink: A file, to which heads are appended as lines of JSON, or a function, `async` or not. A plain function runs
            in a thread. `None` ships nothing.

    Raises:
        SettingError: `sink` is neither a path nor a function.
    """

    def __init__(self, log: str, audit: AuditLog, sink: HeadSink | None = None) -> None:
        self._log = log
        self._audit = audit
        self._shipped = 0
        check_sink(sink)
        self.sink = sink

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Ship heads in the background of a block, and the last one at its end."""
        if self.sink is None:
            yield
            return
        try:
            async with background(self._keep_shipping()):
                yield
        finally:
            await self._ship_last()

    async def ship(self) -> None:
        """Ship the head, if rows were written since the last time."""
        row = next(iter(await self._audit.rows(limit=1)), None)
        if row is None or row.n == self._shipped or self.sink is None:
            return
        await _send(self.sink, AuditHead(self._log, row.n, row.hash.hex(), row.at))
        self._shipped = row.n

    async def _ship_last(self) -> None:
        with anyio.move_on_after(MAX_STOP_SECONDS, shield=True) as scope:
            await self._try_to_ship()
        if scope.cancelled_caught:
            logger.error(
                "The last head of the audit log %r was not shipped in %g seconds.", self._log, MAX_STOP_SECONDS
            )

    async def _keep_shipping(self) -> None:
        while True:
            await self._try_to_ship()
            await anyio.sleep(SHIP_SECONDS)

    async def _try_to_ship(self) -> None:
        try:
            await self.ship()
        # The place that heads are shipped to may be down for a while; the next head vouches for all rows before it.
        except Exception:
            logger.exception("The head of the audit log %r could not be shipped. It is tried again.", self._log)


def check_sink(sink: object) -> None:
    """Check where heads are shipped to.

    Raises:
        SettingError: It is neither `None` nor a path nor a function.
    """
    is_path = isinstance(sink, str | Path) and bool(str(sink)) and "://" not in str(sink)
    if sink is not None and not callable(sink) and not is_path:
        message = f"audit_heads must be the path of a file or a function that takes an AuditHead, not {sink!r}."
        raise SettingError(message)


async def _send(sink: HeadSink, head: AuditHead) -> None:
    if isinstance(sink, str | Path):
        await asyncio.to_thread(append_head, sink, head)
    elif inspect.iscoroutinefunction(sink) or inspect.iscoroutinefunction(getattr(sink, "__call__", None)):  # noqa: B004 - an object with an `async` call
        await _awaited(sink(head))
    else:
        await _awaited(await asyncio.to_thread(sink, head))


async def _awaited(result: Awaitable[None] | None) -> None:
    if result is not None:
        await result


def append_head(file: str | Path, head: AuditHead) -> None:
    """Append a head to a file as a line of JSON, and wait until it is on the disk."""
    line, file = json.dumps(asdict(head)) + "\n", Path(file).expanduser()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_heads(file: Path, log: str = "") -> list[AuditHead]:
    """Return the heads of a log in a file.

    Args:
        file: The file that heads were appended to.
        log: The name of the log; by default the only one in the file.

    Raises:
        SettingError: The file cannot be read, a line is no head, no head is of this log, or it has several logs and
            none is named.
    """
    heads = _all_heads(file)
    logs = sorted({head.log for head in heads})
    if not log and len(logs) > 1:
        message = (
            f"{file} has heads of several logs ({', '.join(logs)}). Name the log with MODULE:CONNECTOR or --accounts."
        )
        raise SettingError(message)
    found = [head for head in heads if log in ("", head.log)]
    if not found:
        known = f" It has: {', '.join(logs)}." if logs else ""
        message = f"{file} has no head of the log {log!r}.{known}" if log else f"{file} has no head."
        raise SettingError(message)
    return found


def _all_heads(file: Path) -> list[AuditHead]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"The heads in {file} cannot be read: {error}."
        raise SettingError(message) from error
    # What stands after the last line break is a line that a killed process did not finish.
    return [_head_of(line, f"{file}:{number}") for number, line in enumerate(text.split("\n")[:-1], 1) if line.strip()]


def _head_of(line: str, place: str) -> AuditHead:
    try:
        fields = json.loads(line)
        return AuditHead(str(fields["log"]), int(fields["n"]), str(fields["hash"]).lower(), float(fields["at"]))
    except (ValueError, KeyError, TypeError) as error:
        message = f"{place} is no head of an audit log. Each line is a JSON object with log, n, hash and at."
        raise SettingError(message) from error
