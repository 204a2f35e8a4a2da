"""The fixtures of the test kit. Slow imports happen when a test needs them."""

import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import pytest

from intarsia.permissions import Grant
from intarsia.testing.faults import Fault
from intarsia.testing.plugin import OUTCOME

if TYPE_CHECKING:
    from playwright.async_api import Browser
    from starlette.applications import Starlette

    from intarsia.server.connector import Connector
    from intarsia.testing.host import Host


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run everything in one asyncio event loop: the server, the host's listeners and the browser's driver."""
    return "asyncio"


@pytest.fixture
def connector(request: pytest.FixtureRequest) -> "Connector":
    """The connector under test: the one that `intarsia_connector` names. Override this fixture to use another."""
    from intarsia.server.connector import Connector  # noqa: PLC0415 - loading it takes a second

    named = str(request.config.getini("intarsia_connector"))
    module, _, name = named.partition(":")
    if not (module and name):
        pytest.fail(
            "Say which connector is tested: intarsia_connector = app:tasks in pytest.ini, or a fixture `connector`.",
            pytrace=False,
        )
    root = str(request.config.rootpath)
    if root not in sys.path:
        sys.path.insert(0, root)
    found = getattr(import_module(module), name, None)
    if not isinstance(found, Connector):
        pytest.fail(f"intarsia_connector = {named}: {module} holds no Connector {name!r}.", pytrace=False)
    return found


@pytest.fixture
async def running_connector(
    anyio_backend: str,  # noqa: ARG001 - an async fixture must name it
    connector: "Connector",
    tmp_path: Path,
) -> AsyncGenerator["Connector"]:
    """The running connector with separate stores for this test, to read and change data beside `host`."""
    with isolated(connector, tmp_path):
        async with connector.running():
            yield connector


@contextmanager
def isolated(connector: "Connector", folder: Path) -> Generator[None]:
    """Use stores in a folder for a connector and those that it includes, while the block runs."""
    stores = {id(one.store): one.store for one in (connector.catalog, *connector.catalog.owners.values())}
    with ExitStack() as given_back:
        for number, store in enumerate(stores.values()):
            given_back.callback(setattr, store, "path", store.path)
            store.path = folder / f"intarsia-{number}.db"
        yield


@pytest.fixture
def connector_app(running_connector: "Connector") -> "Starlette":
    """The served application. Override this fixture to serve your own."""
    return running_connector.app()


@pytest.fixture(scope="session")
async def browser(anyio_backend: str) -> AsyncGenerator["Browser"]:  # noqa: ARG001 - an async session fixture must name it
    """Chromium, started once per worker."""
    from intarsia.testing.chromium import running_chromium  # noqa: PLC0415 - projects without browser tests need none

    async with running_chromium() as running:
        yield running


@pytest.fixture
def intarsia_log() -> Generator[list[str]]:
    """The lines that are logged during the test, including those of the server."""
    from intarsia.testing.report import kept_log  # noqa: PLC0415 - as above

    with kept_log() as lines:
        yield lines


class OpenHost(Protocol):
    """The function that the fixture `open_host` returns."""

    def __call__(self, app: "Starlette", user: Grant | None = None) -> "Host":
        """Create a host for an application.

        Args:
            app: The application that serves `/mcp`.
            user: The default user. Without one, there is no sign-in, and the application is served
                unchanged.
        """
        ...


@pytest.fixture
async def open_host(
    request: pytest.FixtureRequest, browser: "Browser", host_faults: list[Fault], intarsia_log: list[str]
) -> AsyncGenerator[OpenHost]:
    """Create hosts for any application; `host` is one for the connector. Unexpected console messages fail the test."""
    from intarsia.testing.host import Host  # noqa: PLC0415 - as above
    from intarsia.testing.report import report  # noqa: PLC0415 - as above

    hosts: list[Host] = []

    def make(app: "Starlette", user: Grant | None = None) -> Host:
        hosts.append(Host(app, browser, user=user, faults=host_faults, log=intarsia_log))
        return hosts[-1]

    try:
        yield make
        complaints = [line for host in hosts for line in host.complaints()]
        item = cast("pytest.Item", request.node)  # pyright: ignore[reportUnknownMemberType] - pytest does not say
        has_failed = item.stash.get(OUTCOME, False)
        if complaints or has_failed:
            folder = request.config.rootpath / str(request.config.getoption("--intarsia-artifacts"))
            for host in hosts:
                await report(host, item, folder)
        assert not complaints, "The browser's console was told:\n" + "\n".join(complaints)
    finally:
        for host in reversed(hosts):
            await host.close()


@pytest.fixture
def host(running_connector: "Connector", connector_app: "Starlette", open_host: OpenHost) -> "Host":
    """A host in a browser for the connector. The default user granted all scopes; `as_=` sets another."""
    local = running_connector.local
    return open_host(connector_app, Grant("tester", scopes=local.scopes, roles=local.roles))
