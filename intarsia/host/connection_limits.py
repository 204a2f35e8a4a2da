"""Limits of connections, which uvicorn does not have: time-outs for headers and for readers, and one request at a time.

Other programs can use it as `uvicorn --http intarsia.host.connection_limits:LimitedHttpProtocol`. The bodies of
requests are limited by `intarsia.server.http.body_limits`.
"""

import asyncio
import logging
import sys
from collections import OrderedDict
from typing import Any, cast
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from intarsia.server.wire.counted_log import CountedLog
from intarsia.server.wire.peers import network_of

HEADER_SECONDS = 10
"""The time limit for the headers of a request, from its first byte or from the opening of the connection."""
WRITE_SECONDS = 15
"""How often the progress of a client is checked that does not read as fast as it is sent to."""
MIN_READ_BYTES = 64 * 1024
"""How much such a client must read in `WRITE_SECONDS`, unless it reads all that is left."""
READ_BYTES = 16 * 1024
"""How much is read at once. More of a body is read only when the application asks for it."""
LINGER_SECONDS = 5
"""How long the rest of a body may take whose request was answered already. It is thrown away."""
MAX_CONNECTIONS = 10_000
MAX_IDLE_PER_NETWORK = 1_000
"""How many connections of one network may be open without a request that is being handled."""
MAX_UNSENT_BYTES = 64 * 1024 * 1024
"""How much of responses waits in all for clients that do not read."""

_SPARE_FILES = 256
"""How many files the process opens beside connections: its databases, and connections to other servers."""

_LOG = CountedLog(logging.getLogger(__name__), logging.WARNING)


class LimitedHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with limits for clients that send or read too slowly, too much, or too many at once."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._table = _TABLES.setdefault(self.server_state, _ConnectionTable())
        self._waiting: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._lingering: asyncio.TimerHandle | None = None
        self._is_body_complete = True
        self._is_pipelined = False
        self.network = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Start the timer for the first request, and make room for the connection."""
        super().connection_made(transport)
        # Any byte that waits pauses the application, so that one response waits at most.
        transport.set_write_buffer_limits(high=0)
        if hasattr(transport, "max_size"):  # those of asyncio have it, and read 256 KB at once otherwise
            cast("Any", transport).max_size = READ_BYTES
        self.network = network_of({"client": self.client})
        self._table.add(self)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Process data, and start the timer if a request has begun."""
        if self._is_pipelined:
            return
        super().data_received(data)
        if not self._is_answered():
            if not self._is_body_complete:
                self.flow.pause_reading()  # until the application asks for more
        elif self._lingering is None:
            self._wait()

    def on_message_begin(self) -> None:
        """Begin a request, unless the last one is not finished: then the connection ends with its response.

        RFC 9112 lets servers close it, and clients that pipeline send the rest again. Requests that wait would hold
        memory for as long as the client does not read.
        """
        if not self._is_answered() or self.flow.write_paused:
            self._is_pipelined = True
            self.cycle.keep_alive = False
            _LOG.note("A client sent a request before it had read the last response. Its connection is closed.")
            if self._is_answered():
                self.transport.close()
            return
        self._is_body_complete = False
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take the target of a request."""
        if not self._is_pipelined:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header of a request."""
        if not self._is_pipelined:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop the timer: the application handles the rest."""
        if not self._is_pipelined:
            self._stop_waiting()
            self._table.mark_busy(self)
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body of a request."""
        if not self._is_pipelined:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        if not self._is_pipelined:
            self._is_body_complete = True
            self._stop_lingering()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Let go of what was received, and do not wait long for the rest of a body that nobody reads any more."""
        self.cycle.body = bytearray()
        super().on_response_complete()
        self._table.mark_idle(self)
        if not self._is_body_complete and not self.transport.is_closing():
            self._lingering = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def pause_writing(self) -> None:
        """Start to watch whether the client reads."""
        super().pause_writing()
        unsent = self.transport.get_write_buffer_size()
        self._table.add_unsent(self, unsent)
        self._watch_writing(unsent)

    def resume_writing(self) -> None:
        """Stop watching: the client has read everything."""
        self._stop_writing()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers: the connection is closed."""
        self._stop_waiting()
        self._stop_writing()
        self._stop_lingering()
        self._table.remove(self)
        super().connection_lost(exc)

    def abort(self, reason: str) -> None:
        """End the connection at once, without what was not sent yet.

        Args:
            reason: A sentence for the log.
        """
        _LOG.note(reason)
        self.transport.abort()

    def _is_answered(self) -> bool:
        """Return whether there is no request whose response is not complete."""
        cycle: Any = self.cycle  # there is none before the first request
        return cycle is None or bool(cycle.response_complete)

    def _watch_writing(self, unsent: int) -> None:
        self._writing = self.loop.call_later(WRITE_SECONDS, self._check_progress, unsent)

    def _check_progress(self, before: int) -> None:
        unsent = self.transport.get_write_buffer_size()
        if before - unsent < MIN_READ_BYTES:
            self.abort(f"A client that read less than {MIN_READ_BYTES:,} bytes in {WRITE_SECONDS} s was disconnected.")
        else:
            self._watch_writing(unsent)

    def _wait(self) -> None:
        # Started once per request, so that a slow client cannot extend it by single bytes.
        if self._waiting is None and not self.transport.is_closing():
            self._waiting = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _stop_writing(self) -> None:
        self._table.remove_unsent(self)
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _stop_lingering(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None


class _ConnectionTable:
    """The open connections of one server, and what they hold together.

    A connection is idle while it has no request that is being handled. Only idle ones are closed to make room: the
    oldest of the network that has the most.
    """

    def __init__(self) -> None:
        self._open: set[LimitedHttpProtocol] = set()
        self._idle: dict[str, OrderedDict[LimitedHttpProtocol, None]] = {}
        self._unsent: OrderedDict[LimitedHttpProtocol, int] = OrderedDict()
        self._unsent_bytes = 0

    def add(self, connection: LimitedHttpProtocol) -> None:
        """Add a connection, and close another one if there are too many."""
        self._open.add(connection)
        self.mark_idle(connection)
        if len(self._idle[connection.network]) > MAX_IDLE_PER_NETWORK:
            self._close_oldest(connection.network)
        elif len(self._open) > min(MAX_CONNECTIONS, _max_files() - _SPARE_FILES):
            self._close_oldest(max(self._idle, key=lambda network: len(self._idle[network])))

    def _close_oldest(self, network: str) -> None:
        connection = next(iter(self._idle[network]))
        self.mark_busy(connection)  # so that it is not chosen again before it is closed
        connection.abort("There are too many connections. The oldest one without a request was closed.")

    def mark_idle(self, connection: LimitedHttpProtocol) -> None:
        """Note that a connection has no request that is being handled."""
        if connection in self._open:
            self._idle.setdefault(connection.network, OrderedDict())[connection] = None

    def mark_busy(self, connection: LimitedHttpProtocol) -> None:
        """Note that a connection has a request, or is closed."""
        found = self._idle.get(connection.network)
        if found is not None:
            found.pop(connection, None)
            if not found:
                del self._idle[connection.network]

    def remove(self, connection: LimitedHttpProtocol) -> None:
        """Remove a connection that is closed."""
        self._open.discard(connection)
        self.mark_busy(connection)

    def add_unsent(self, connection: LimitedHttpProtocol, count: int) -> None:
        """Count what waits for a client, and end the connection that waits for longest if it is too much."""
        self._unsent[connection] = count
        self._unsent_bytes += count
        while self._unsent_bytes > MAX_UNSENT_BYTES:
            oldest = next(iter(self._unsent))
            self.remove_unsent(oldest)
            oldest.abort("Too much waits for clients that do not read. The slowest was disconnected.")

    def remove_unsent(self, connection: LimitedHttpProtocol) -> None:
        """Stop counting what waits for a client."""
        self._unsent_bytes -= self._unsent.pop(connection, 0)


_TABLES: "WeakKeyDictionary[Any, _ConnectionTable]" = WeakKeyDictionary()
"""By the state of the server, which uvicorn gives to each connection."""


def _max_files() -> int:
    if sys.platform == "win32":
        return MAX_CONNECTIONS + _SPARE_FILES
    import resource  # noqa: PLC0415  # Windows has no such module

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def allow_open_files() -> None:
    """Let this process open as many files as `MAX_CONNECTIONS` needs, as far as the system allows."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  # Windows has no such module

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + _SPARE_FILES
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
