"""The process of `mutation.py`: loads libraries once, and forks for each job. A job is a line of JSON."""

import importlib
import json
import os
import sys
import traceback
from typing import Any

import pytest

LIBRARIES = (
    "anyio.pytest_plugin", "cryptography.hazmat.primitives.asymmetric.rsa", "httptools", "httpx2",
    "hypothesis", "jinja2", "jwt", "mcp", "mcp.client.streamable_http", "mcp.server.apps", "mcp.server.lowlevel",
    "mcp.server.streamable_http_manager", "playwright.async_api", "sqlalchemy.ext.asyncio", "starlette.applications",
    "uvicorn",
)  # fmt: skip
STRANGE = 99
"""What a job ends with that did not run on its copy."""

QUIET = (
    "-q", "--tb=short", "-p", "no:cacheprovider", "-p", "no:randomly",
    # It is about libraries that are loaded already, and those have no asserts of tests.
    "-W", "ignore::pytest.PytestAssertRewriteWarning",
)  # fmt: skip


def run(job: dict[str, Any]) -> int:
    """Run pytest on a copy of the source, in a process that may be spoiled."""
    said = os.open(job["said"], os.O_WRONLY | os.O_CREAT)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.path.insert(0, job["folder"])
    # Of its own: pytest tidies the shared folder while other processes make and remove theirs in it.
    own = ("--basetemp", f"{job['folder']}/t")
    code = pytest.main([*QUIET, *own, "-o", f"pythonpath={job['folder']} .", *job["arguments"]])
    copy = sys.modules.get("intarsia")
    is_copy = copy is not None and str(copy.__file__).startswith(job["folder"])
    return int(code) if is_copy else STRANGE


def main() -> None:
    """Do jobs until the input ends."""
    for name in LIBRARIES:
        importlib.import_module(name)
    assert "intarsia" not in sys.modules
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = STRANGE
            try:
                code = run(json.loads(line))
            except BaseException:  # noqa: BLE001 - nothing of this process may go on in the child
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - this is how it answers


if __name__ == "__main__":
    main()
