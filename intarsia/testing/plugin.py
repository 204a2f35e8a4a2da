"""The pytest plugin. pytest loads it in every project with `intarsia[testing]`, so it imports little.

The fixtures are in `intarsia.testing.fixtures`, registered after those of other plugins, which would otherwise
override them.
"""

import inspect
from collections.abc import Generator
from importlib import import_module

import pytest

FIXTURES = frozenset({"browser", "connector", "connector_app", "host", "open_host", "running_connector", "tools"})

OUTCOME = pytest.StashKey[bool]()
"""Whether a test failed; fixtures read it at teardown."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting for the connector and the option for the folder of screenshots."""
    parser.addini("intarsia_connector", "The connector under test, such as app:tasks.", default="")
    parser.getgroup("intarsia").addoption(
        "--intarsia-artifacts",
        default=".intarsia-failures",
        metavar="FOLDER",
        help="The folder for screenshots of failed tests.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the fixtures."""
    for name in ("fixtures", "in_memory", "faults"):
        config.pluginmanager.register(import_module(f"intarsia.testing.{name}"), f"intarsia-{name}")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(name: str, obj: object) -> None:
    """Run async tests that use our fixtures with anyio, so that projects need no setting."""
    if not (name.startswith("test") and inspect.iscoroutinefunction(obj)):
        return
    if FIXTURES & set(inspect.signature(obj).parameters):
        pytest.mark.anyio(obj)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Record whether a test failed."""
    report = yield
    if call.when == "call":
        item.stash[OUTCOME] = report.failed
    return report
