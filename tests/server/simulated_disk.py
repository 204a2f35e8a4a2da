"""A disk that loses power: what a process wrote, synced and printed is recorded, and played again up to a cut."""

import os
import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.commands import ROOT

COMPILER = shutil.which("cc")
SECTOR_BYTES = 512
"""What a disk writes whole or not at all."""

_HEAD = struct.Struct("=c3xIQQ")


@dataclass(frozen=True)
class Operation:
    """One thing that the process did: `w` write, `t` truncate, `s` sync, `u` unlink, or `p` print."""

    kind: str
    path: str
    offset: int
    data: bytes


def record(folder: Path, command: Sequence[str], lines: int) -> list[Operation]:
    """Run a Python command until it has printed so many lines, and kill it.

    Args:
        folder: The folder of the files to record.
        command: The arguments of Python.
        lines: How many lines to wait for.

    Returns:
        What the process did, in order.
    """
    assert COMPILER is not None
    library, recorded = folder.parent / "recorder.so", folder.parent / "record"
    source = Path(__file__).with_name("disk_recorder.c")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl", "-lpthread"], check=True)
    environment = {
        **os.environ, "LD_PRELOAD": str(library), "DISK_FOLDER": str(folder), "DISK_RECORD": str(recorded),
        "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for _ in range(lines):
            assert process.stdout.readline()
        process.kill()
    return list(_operations(recorded.read_bytes()))


def _operations(recorded: bytes) -> Iterator[Operation]:
    at = 0
    while at + _HEAD.size <= len(recorded):
        kind, path, offset, length = _HEAD.unpack_from(recorded, at)
        at += _HEAD.size
        name, data = recorded[at : at + path], recorded[at + path : at + path + length]
        at += path + length
        yield Operation(kind.decode(), Path(name.decode()).name, offset, data)


@dataclass
class Disk:
    """The files as they would be after a power cut."""

    chance: random.Random
    synced: dict[str, bytearray] = field(default_factory=dict[str, bytearray])
    cached: dict[str, list[Operation]] = field(default_factory=dict[str, list[Operation]])
    """What was done to each file since it was synced."""

    def do(self, operation: Operation) -> None:
        """Play an operation."""
        path = operation.path
        if operation.kind == "s":
            for each in self.cached.pop(path, []):
                _apply(self.synced.setdefault(path, bytearray()), each)
        elif operation.kind == "u":
            self.synced.pop(path, None)
            self.cached.pop(path, None)
        elif operation.kind in "wt":
            self.synced.setdefault(path, bytearray())
            self.cached.setdefault(path, []).append(operation)

    def cut(self, folder: Path) -> None:
        """Write the files of a disk that lost power now: what was not synced is there, torn, or not."""
        for path, content in self.synced.items():
            left = bytearray(content)
            for operation in self.cached.get(path, []):
                for part in self._parts(operation):
                    _apply(left, part)
            (folder / path).write_bytes(left)

    def _parts(self, operation: Operation) -> list[Operation]:
        """Return what of an operation reached the disk: all, nothing, or some of its sectors."""
        fate = self.chance.random()
        if fate < 0.4:
            return [operation]
        if fate < 0.7 or operation.kind == "t":
            return []
        return [
            Operation("w", operation.path, operation.offset + at, operation.data[at : at + SECTOR_BYTES])
            for at in range(0, len(operation.data), SECTOR_BYTES)
            if self.chance.random() < 0.5
        ]


def _apply(content: bytearray, operation: Operation) -> None:
    if operation.kind == "t":
        del content[operation.offset :]
        content.extend(bytes(operation.offset - len(content)))
        return
    end = operation.offset + len(operation.data)
    content.extend(bytes(max(0, end - len(content))))
    content[operation.offset : end] = operation.data
