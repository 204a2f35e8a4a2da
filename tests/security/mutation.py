"""Takes guards away from a copy of the source, and runs the attack tests against the copy.

A test that says that an attack is stopped is worth something only if it goes red without what stops it:

    mutation = Mutation("intarsia/…/claims.py", "<= now", "< 0")
    await mutants.assert_bites("tests/security/test_tokens.py -k t02", mutation)

Each copy is imported by a process of its own. These are forked from one that has loaded the libraries already, and
nothing of Intarsia: so a mutation costs a second or two. The product itself has no way to turn a guard off.
"""

import asyncio
import json
import shlex
import shutil
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120
"""After how long a run of tests counts as hung."""


class MutationError(AssertionError):
    """A mutation that does not fit the source."""


@dataclass(frozen=True)
class Mutation:
    """One change of one file. A guard that stands twice is taken away by two."""

    path: str
    """The file, from the root of the repository."""
    old: str
    """What is there, exactly once."""
    new: str
    """What comes in its place."""

    def apply(self, folder: Path) -> None:
        """Change the file in a copy.

        Raises:
            MutationError: The text is not there, or there more than once.
        """
        file = folder / self.path
        text = file.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            message = f"{self.path} holds {self.old!r} {text.count(self.old)} times, and should once."
            raise MutationError(message)
        # A file that a cache of bytecode knows must not look like the one that it was made from.
        file.unlink()
        file.write_text(text.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class Outcome:
    """How a run of tests ended."""

    passed: int
    failed: int
    broken: int
    """How many could not run at all."""
    said: str


class Mutants:
    """Runs tests against copies of the source.

    Args:
        process: Forks the processes that run them.
        folder: Where the copies are made.
    """

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._count = 0
        self._turn = asyncio.Lock()

    async def run(self, tests: str, *mutations: Mutation) -> Outcome:
        """Run tests against a copy of the source.

        Args:
            tests: What pytest is told, such as `tests/security/test_tokens.py -k t02`.
            mutations: What is changed in the copy.
        """
        async with self._turn:
            self._count += 1
            folder = self._folder / str(self._count)
            shutil.copytree(ROOT / "intarsia", folder / "intarsia")
            for mutation in mutations:
                mutation.apply(folder)
            try:
                return await self._run_in(folder, shlex.split(tests))
            finally:
                shutil.rmtree(folder)

    async def _run_in(self, folder: Path, tests: Sequence[str]) -> Outcome:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        results, said = folder / "results.xml", folder / "said.txt"
        job = {"folder": str(folder), "said": str(said), "arguments": [*tests, f"--junitxml={results}"]}
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        await self._process.stdin.drain()
        async with asyncio.timeout(SECONDS):
            answer = await self._process.stdout.readline()
        text = said.read_text(encoding="utf-8")
        assert answer in (b"0\n", b"1\n"), f"pytest did not run the tests ({answer!r}):\n{text}"
        suite = next(ET.parse(results).iter("testsuite"))  # noqa: S314 - pytest wrote it a moment ago
        failed, broken = int(suite.attrib["failures"]), int(suite.attrib["errors"])
        return Outcome(int(suite.attrib["tests"]) - failed - broken, failed, broken, text)

    async def assert_bites(self, tests: str, *mutations: Mutation) -> None:
        """Check that tests go red without their guards, and that nothing but an attack that got through made them.

        Args:
            tests: The attacks that the guard stops.
            mutations: Take the guard away.
        """
        assert mutations, "Name what is taken away."
        outcome = await self.run(f"{tests} -x", *mutations)

        assert outcome.failed, f"No attack got through; it is not this that stops them:\n{outcome.said}"
        assert not outcome.broken, f"The tests could not run:\n{outcome.said}"


@asynccontextmanager
async def mutating(folder: Path) -> AsyncGenerator[Mutants]:
    """Make copies of the source while the block runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        Path(__file__).with_name("mutation_process.py"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Mutants(process, folder)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
