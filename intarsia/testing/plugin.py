"""The pytest plugin: what pytest loads in every project where `intarsia[testing]` is installed, so it imports little.

The fixtures are in `intarsia.testing.fixtures`, registered after those of other plugins, which would otherwise hide
them.
"""

import inspect
from collections.abc import Generator
from importlib import import_module

import pytest

FIXTURES = frozenset({"browser", "connector", "connector_app", "host", "open_host", "running_connector", "tools"})

OUTCOME = pytest.StashKey[bool]()
"""Whether a test failed while it ran; fixtures read it when they end."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a project say which connector it tests, and a run where pictures of failures go."""
    parser.addini("intarsia_connector", "The connector that is tested, such as app:tasks.", default="")
    parser.getgroup("intarsia").addoption(
        "--intarsia-artifacts",
        default=".intarsia-failures",
        metavar="FOLDER",
        help="Where screenshots of failed tests go.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the fixtures."""
    for name in ("fixtures", "in_memory", "faults"):
        config.pluginmanager.register(import_module(f"intarsia.testing.{name}"), f"intarsia-{name}")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(name: str, obj: object) -> None:
    """Let anyio run the async tests that use a fixture of ours: a project needs no setting for them."""
    if not (name.startswith("test") and inspect.iscoroutinefunction(obj)):
        return
    if FIXTURES & set(inspect.signature(obj).parameters):
        pytest.mark.anyio(obj)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note whether a test failed."""
    report = yield
    if call.when == "call":
        item.stash[OUTCOME] = report.failed
    return report
