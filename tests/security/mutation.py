"""Takes guards away from a copy of the source, and runs the attack tests against the copy.

A test that says that an attack is stopped is worth something only if it goes red without what stops it:

    EXPIRED = Mutation("intarsia/…/claims.py", "<= now", "< 0")
    GUARDS = {"t02 expired": ("tests/security/test_tokens.py -k t02", EXPIRED)}

    @each_guard(GUARDS)
    async def test_the_guards_bite(mutants: Mutants, guard: Guard) -> None:
        await mutants.assert_bites(guard)

`make test` runs the guards whose files changed since they were last proved (`tests/guard_record.py`); `make test-slow`
runs the others. Each copy is imported by a process of its own. These are forked from one that has loaded the libraries
already, and nothing of Intarsia, so a mutation costs a second or two. The product itself has no way to turn a guard
off.
"""

import asyncio
import json
import shlex
import shutil
import sys
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

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
        mutated = self.mutated(file.read_text(encoding="utf-8"))
        # A file that a cache of bytecode knows must not look like the one that it was made from.
        file.unlink()
        file.write_text(mutated, encoding="utf-8")

    def mutated(self, text: str) -> str:
        """Return what the file holds afterwards.

        Raises:
            MutationError: The text is not there, or there more than once.
        """
        if text.count(self.old) != 1:
            message = f"{self.path} holds {self.old!r} {text.count(self.old)} times, and should once."
            raise MutationError(message)
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Guard:
    """One guard: the attack that it stops, and the mutations that remove it from the source."""

    name: str
    attack: str
    """The arguments for pytest that select the attack, such as `tests/security/test_tokens.py -k t02`."""
    mutations: tuple[Mutation, ...]

    def files(self, root: Path = ROOT) -> frozenset[str]:
        """The files that its verdict rests on: mutated ones, those of the attack, and the conftest.py beside these."""
        attacks = [Path(word.partition("::")[0]) for word in shlex.split(self.attack) if word.startswith("tests/")]
        beside = [path.parent / "conftest.py" for path in attacks]
        known = [*attacks, *(path for path in beside if (root / path).is_file())]
        return frozenset([*(mutation.path for mutation in self.mutations), *map(Path.as_posix, known)])

    def check(self, root: Path = ROOT) -> None:
        """Check without running anything that the guard is still there to be removed.

        Raises:
            MutationError: A mutation does not fit the source, or a file of the attack is gone.
        """
        texts: dict[str, str] = {}
        for path in sorted(self.files(root)):
            if not (root / path).is_file():
                message = f"{self.name}: {path} is not there."
                raise MutationError(message)
            texts[path] = (root / path).read_text(encoding="utf-8")
        for mutation in self.mutations:
            texts[mutation.path] = mutation.mutated(texts[mutation.path])


def each_guard(
    guards: Mapping[str, tuple[str, *tuple[Mutation | Iterable[Mutation], ...]]],
) -> pytest.MarkDecorator:
    """Parametrize a test with guards; its argument `guard` is a `Guard`.

    Args:
        guards: By name: the attack, and the mutations that remove the guard.
    """
    made = [Guard(name, attack, tuple(_flat(mutations))) for name, (attack, *mutations) in guards.items()]
    return pytest.mark.parametrize("guard", [pytest.param(guard, id=guard.name) for guard in made])


def _flat(mutations: Iterable[Mutation | Iterable[Mutation]]) -> Iterator[Mutation]:
    for each in mutations:
        if isinstance(each, Mutation):
            yield each
        else:
            yield from each


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

    async def assert_bites(self, guard: Guard) -> None:
        """Check that the attack succeeds without the guard, and that the tests fail for no other reason."""
        assert guard.mutations, "Name what is taken away."
        outcome = await self.run(f"{guard.attack} -x", *guard.mutations)

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
