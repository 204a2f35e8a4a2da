"""Serves the host page and its sandbox: two listeners, two origins, one process and one event loop.

The sockets are opened first, so that the addresses are known before the servers start.
"""

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from intarsia.errors import IntarsiaError, SettingError
from intarsia.host.app import host_app
from intarsia.host.connection_limits import LimitedHttpProtocol, allow_open_files
from intarsia.host.connectors.registry import ConnectorRegistry
from intarsia.host.open_requests import OpenRequests
from intarsia.host.sandbox import sandbox_app
from intarsia.host.startup_error import StartupError
from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.server.http.request_limits import LOCAL_HOSTS

logger = logging.getLogger(__name__)

THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})
"""Addresses that are reachable only from this machine."""

GRACE_SECONDS = 2
"""How long open requests may continue after a server is stopped."""

_LAST_RESORT_SECONDS = GRACE_SECONDS + 2
"""When uvicorn cancels the requests that could not be ended. It logs a traceback for each."""

WAKE_SECONDS = 0.1
"""The interval at which waiting calls are completed while a server stops."""


@dataclass(frozen=True)
class HostAddresses:
    """The addresses of a running host."""

    page: str
    """The host page, such as `http://127.0.0.1:8484/`."""
    mcp: str
    """The connector's MCP endpoint, for any other host."""
    sandbox: str
    """The origin of the sandbox proxy."""
    listens_on: str = "127.0.0.1"
    """The address that the listeners are bound to."""


Served = Starlette | Callable[[HostAddresses], Starlette]
"""An application, or a function that creates one when the addresses are known."""


class Listener(uvicorn.Server):
    """A uvicorn server that does not handle signals and reports when it is ready.

    Args:
        app: The application.
        open_socket: A bound socket; the server closes it.
        proxy_headers: Whether the proxy headers of a proxy on this machine are trusted.
    """

    def __init__(self, app: ASGIApp, open_socket: socket.socket, *, proxy_headers: bool = True) -> None:
        self._startup = StartupError(app)
        self._requests = OpenRequests(self._startup)
        config = uvicorn.Config(
            self._requests,
            http=LimitedHttpProtocol,
            log_level="warning",
            timeout_graceful_shutdown=_LAST_RESORT_SECONDS,
            ws="none",
            proxy_headers=proxy_headers,
        )
        super().__init__(config)
        self.ready = asyncio.Event()
        self._socket = open_socket
        self._open_at_stop = self._ended = 0

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Do not handle signals: of two servers in one process only the last would receive them."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then set `ready`."""
        try:
            await super().startup(sockets=sockets)
        except SystemExit:  # of uvicorn, which would end the event loop before other servers and threads are stopped
            self.should_exit = True
            return
        self.ready.set()

    @property
    def startup_error(self) -> IntarsiaError:
        """Why it did not start."""
        message = "The server could not start. The log above says why."
        return self._startup.error or SettingError(message)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, and complete waiting calls, including those that arrive in the meantime."""
        waking, ending = asyncio.create_task(_wake_again()), asyncio.create_task(self._end_requests())
        try:
            await super().shutdown(sockets=sockets)
        finally:
            waking.cancel()
            ending.cancel()
        if count := max(self._open_at_stop, self._ended):
            message = "Stopped with %d open requests: %d were answered, %d were ended."
            logger.info(message, count, count - self._ended, self._ended)

    async def _end_requests(self) -> None:
        """End the requests that take longer than the grace period."""
        await asyncio.sleep(GRACE_SECONDS)
        self._ended = await self._requests.end(self._transports)

    def _transports(self) -> list[asyncio.BaseTransport | None]:
        return [getattr(connection, "transport", None) for connection in self.server_state.connections]

    async def run_until_stopped(self) -> None:
        """Serve until `stop` is called."""
        await self.serve(sockets=[self._socket])

    def stop(self) -> None:
        """Stop: open requests get `GRACE_SECONDS`; a second call ends them at once.

        Calls that wait for changes are completed now. Those of other servers in this process are too, and poll again.
        """
        self._open_at_stop = self._requests.count
        CHANGE_LOG.wake_all()
        self.force_exit = self.should_exit
        self.should_exit = True


async def _wake_again() -> None:
    while True:
        CHANGE_LOG.wake_all()
        await asyncio.sleep(WAKE_SECONDS)


def open_socket(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address, with a free port if `port` is 0.

    Raises:
        SettingError: The address cannot be used; the message says why.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        message = f"{host!r} is not an address of this machine. Use --host 127.0.0.1."
        raise SettingError(message) from error
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise SettingError(_why_not_bound(host, port, error)) from error
    return bound


def _why_not_bound(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use. Stop the program that uses it, or choose another port with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} of {host} needs more privileges. Choose a port above 1023 with --port."
    return f"Cannot listen on {host} port {port}: {error.strerror}."


@contextlib.asynccontextmanager
async def running(listeners: Sequence[Listener]) -> AsyncGenerator[None]:
    """Run servers while the block runs, then wait until all have stopped.

    Raises:
        SettingError: A server did not start.
    """
    tasks = [asyncio.create_task(listener.run_until_stopped()) for listener in listeners]
    try:
        await asyncio.gather(*(_started(*pair) for pair in zip(listeners, tasks, strict=True)))
        yield
    finally:
        for listener in listeners:
            listener.stop()
        await asyncio.gather(*tasks)


async def _started(listener: Listener, task: "asyncio.Task[None]") -> None:
    ready = asyncio.create_task(listener.ready.wait())
    await asyncio.wait([ready, task], return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    if not listener.started:
        raise listener.startup_error


@contextlib.asynccontextmanager
async def running_host(
    connector_app: Served,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    sandbox_port: int = 0,
    hosts: tuple[str, ...] = LOCAL_HOSTS,
    script: Path | None = None,
) -> AsyncGenerator[HostAddresses]:
    """Run the host page, the sandbox and a connector while the block runs.

    Args:
        connector_app: A Starlette application that serves `/mcp`, or a function that creates it for the addresses.
        host: The address to listen on.
        port: The page's port; 0 selects a free one.
        sandbox_port: The sandbox's port; 0 selects a free one.
        hosts: Host names that requests may name, without port.
        script: Another bundle of the page's script, for tests.

    Returns:
        The addresses.

    Raises:
        SettingError: A port is in use, the page is not bundled, or the application cannot be created for the addresses.
    """
    with contextlib.ExitStack() as opened:
        page_socket = opened.enter_context(open_socket(host, port))
        sandbox_socket = opened.enter_context(open_socket(host, sandbox_port))
        page_port, proxy_port = _port(page_socket), _port(sandbox_socket)
        base = f"http://{_in_url(host)}"
        origin = f"{base}:{page_port}"
        addresses = HostAddresses(f"{origin}/", f"{origin}/mcp", f"{base}:{proxy_port}", listens_on=host)
        app = connector_app if isinstance(connector_app, Starlette) else connector_app(addresses)
        connectors = ConnectorRegistry(addresses.page) if _is_private(host, hosts) else None
        page = host_app(app, sandbox_port=proxy_port, hosts=hosts, script=script, connectors=connectors)
        proxy = sandbox_app(page_port, hosts)
        async with running([Listener(page, page_socket), Listener(proxy, sandbox_socket)]):
            yield addresses


@contextlib.asynccontextmanager
async def running_server(
    app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0, proxy_headers: bool = True
) -> AsyncGenerator[str]:
    """Run one application while the block runs.

    Args:
        app: The application.
        host: The address to listen on.
        port: The port; 0 selects a free one.
        proxy_headers: Whether the proxy headers of a proxy on this machine are trusted.

    Returns:
        Its base address, such as `http://127.0.0.1:8484`.

    Raises:
        SettingError: The port is in use, or the application does not start.
    """
    with open_socket(host, port) as bound:
        async with running([Listener(app, bound, proxy_headers=proxy_headers)]):
            yield f"http://{_in_url(host)}:{_port(bound)}"


def _is_private(host: str, hosts: tuple[str, ...]) -> bool:
    """Return whether only this machine can reach the page, whose visitors can call all added connectors."""
    return host in THIS_MACHINE and set(hosts) <= set(LOCAL_HOSTS)


def _port(bound: socket.socket) -> int:
    return int(bound.getsockname()[1])


def _in_url(host: str) -> str:
    """Return an address for a URL; wildcard addresses become the loopback address."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared with, not bound to
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def serve_host(
    connector_app: Served,
    *,
    host: str = "127.0.0.1",
    port: int = 8484,
    sandbox_port: int = 0,
    hosts: tuple[str, ...] = LOCAL_HOSTS,
    announce: Callable[[HostAddresses], None],
    beside: contextlib.AbstractAsyncContextManager[object] | None = None,
) -> None:
    """Serve a connector with the host page until Ctrl-C or SIGTERM.

    Args:
        connector_app: A Starlette application that serves `/mcp`, or a function that creates it for the addresses.
        host: The address to listen on.
        port: The page's port.
        sandbox_port: The sandbox's port; 0 selects a free one.
        hosts: Host names that requests may name, without port.
        announce: Called with the addresses when everything is ready.
        beside: A context manager that is entered before the start and exited after the end.

    Raises:
        SettingError: A port is in use, or the page is not bundled.
    """

    async def serve() -> None:
        running_now = running_host(connector_app, host=host, port=port, sandbox_port=sandbox_port, hosts=hosts)
        async with beside or contextlib.nullcontext(), running_now as addresses:
            announce(addresses)
            await asked_to_stop()

    asyncio.run(serve())


def serve_connector(
    app: ASGIApp, *, host: str, port: int, announce: Callable[[str], None], proxy_headers: bool = True
) -> None:
    """Serve a connector alone until Ctrl-C or SIGTERM.

    Args:
        app: The connector's application.
        host: The address to listen on.
        port: The port to listen on.
        announce: Called with the base address when the server is ready.
        proxy_headers: Whether the proxy headers of a proxy on this machine are trusted.

    Raises:
        SettingError: The port is in use, or the connector does not start.
    """

    async def serve() -> None:
        allow_open_files()
        async with running_server(app, host=host, port=port, proxy_headers=proxy_headers) as address:
            _freeze_modules()
            announce(address)
            await asked_to_stop()

    asyncio.run(serve())


def _freeze_modules() -> None:
    """Exclude what is loaded by now from garbage collection, which would take 0.1 seconds each time to look at it."""
    gc.collect()
    gc.freeze()


async def asked_to_stop() -> None:
    """Wait for Ctrl-C or SIGTERM. A second signal ends the process as usual."""
    loop, asked = asyncio.get_running_loop(), asyncio.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number, handler in before.items():
            signal.signal(number, handler)
        loop.call_soon_threadsafe(asked.set)

    for number in before:
        signal.signal(number, stop)
    await asked.wait()
