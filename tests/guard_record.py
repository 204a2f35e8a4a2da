"""The record of proved guards: which guard was seen to stop its attack, with which files.

`proved_guards.txt` holds a line for each: a digest of everything that the verdict rests on, and the name of the test
for people who read it. Only the digest counts, so a line that is left over is harmless, and git may merge the file by
taking the lines of both sides (`.gitattributes`).
"""

import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from tests.security.mutation import ROOT, Guard

RECORD = Path(__file__).with_name("proved_guards.txt")
HEADING = "# Written by `make guards`; docs/decisions/0034-tests-in-tiers.md says what for.\n"


def digest_of_file(path: Path) -> str:
    """Return a digest of a file; an empty one if there is none."""
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def digest_of(guard: Guard, root: Path = ROOT, *, read: Callable[[Path], str] = digest_of_file) -> str:
    """Return a digest of what a verdict rests on: the attack, the mutations, and `Guard.files()`.

    Args:
        guard: The guard.
        root: Where its files are.
        read: Returns the digest of a file, of which many guards may be in one.
    """
    files = [(path, read(root / path)) for path in sorted(guard.files(root))]
    mutations = [(mutation.path, mutation.old, mutation.new) for mutation in guard.mutations]
    return sha256(json.dumps([guard.attack, mutations, files]).encode()).hexdigest()[:32]


def read_record(path: Path = RECORD) -> frozenset[str]:
    """Return the digests of the guards that were proved."""
    return frozenset(digest for digest, _name in _lines(path))


def write_record(now: Mapping[str, str], proved: Iterable[str], path: Path = RECORD) -> None:
    """Write the guards that were proved now or before, and forget those that have changed or are gone.

    Args:
        now: The digest of every guard that was collected, by the name of its test. What the record says of files that
            were not collected stays as it is.
        proved: Digests of those that were proved now.
        path: The file.
    """
    before = _lines(path)
    known = {digest for digest, _name in before} | {*proved}
    collected = {_file_of(name) for name in now}
    kept = {(name, digest) for digest, name in before if _file_of(name) not in collected}
    kept |= {(name, digest) for name, digest in now.items() if digest in known}
    path.write_text(HEADING + "".join(f"{digest} {name}\n" for name, digest in sorted(kept)), encoding="utf-8")


def _lines(path: Path) -> list[tuple[str, str]]:
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    parted = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return [(digest, name) for digest, _space, name in parted]


def _file_of(name: str) -> str:
    return name.partition("::")[0]
