"""Prefab beside Intarsia: in an environment of its own, asked through a pipe, left out where it cannot be had."""

import asyncio
import json
import subprocess
import sys
import venv
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from benchmarks.measuring import Measure
from benchmarks.samples import STAGES, Task, make_tasks

VERSION = "0.21.1"
WORKER = Path(__file__).with_name("prefab_worker.py")

Form = Literal["tree", "foreach"]

_LINE_BYTES = 8 * 1024 * 1024
"""The longest answer of the worker: a whole tree is far under it."""


class Prefab:
    """A running process that makes boards with Prefab.

    Args:
        process: The worker.
        renderer: Prefab's bundled page, which shows what the worker makes.
    """

    def __init__(self, process: Process, renderer: Path) -> None:
        self._process = process
        self.renderer = renderer
        self.sizes: dict[str, int] = {}

    def measure(self, form: Form) -> Measure:
        """Return what makes the board in one form and says how many milliseconds of CPU it took."""

        async def make() -> float:
            answer = await self._ask({"form": form})
            self.sizes[form] = answer["bytes"]
            return float(answer["ms"])

        return make

    async def wire(self, form: Form) -> dict[str, Any]:
        """Return the board as Prefab sends it."""
        wire: dict[str, Any] = (await self._ask({"form": form, "wire": True}))["wire"]
        return wire

    async def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        to_worker, from_worker = self._process.stdin, self._process.stdout
        assert to_worker is not None
        assert from_worker is not None
        to_worker.write(json.dumps(order).encode() + b"\n")
        await to_worker.drain()
        line = await from_worker.readline()
        if not line:
            message = "The process with Prefab ended; its reason is above."
            raise RuntimeError(message)
        answer: dict[str, Any] = json.loads(line)
        return answer


@asynccontextmanager
async def running_prefab(folder: Path) -> AsyncGenerator[Prefab | None]:
    """Run Prefab while the block runs; `None` where it cannot be installed.

    Args:
        folder: Where its environment is kept from run to run.
    """
    python = await asyncio.to_thread(install, folder)
    if python is None:
        yield None
        return
    process = await asyncio.create_subprocess_exec(python, WORKER, stdin=PIPE, stdout=PIPE, limit=_LINE_BYTES)
    to_worker = process.stdin
    assert to_worker is not None
    try:
        to_worker.write(json.dumps(stages_of(make_tasks())).encode() + b"\n")
        yield Prefab(process, await asyncio.to_thread(_find_renderer, folder))
    finally:
        to_worker.close()
        await process.wait()


def _find_renderer(folder: Path) -> Path:
    (renderer,) = folder.glob("lib/python*/site-packages/prefab_ui/renderer/app.html")
    return renderer


def install(folder: Path) -> Path | None:
    """Install Prefab into an environment of its own, unless it is there; return its Python, or `None` if it fails."""
    python, stamp = folder / "bin" / "python", folder / "installed"
    if stamp.is_file() and stamp.read_text() == VERSION:
        return python
    try:
        venv.create(folder, clear=True, with_pip=True)
        pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"prefab-ui=={VERSION}"]
        subprocess.run([python, *pip], check=True, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError):
        return None
    stamp.write_text(VERSION)
    return python


def stages_of(tasks: list[Task]) -> list[dict[str, Any]]:
    """Return the cards as plain data: stages with their cards, each with what is shown of it."""
    return [
        {"title": title, "cards": [_plain(task) for task in tasks if task.stage == stage]} for stage, title in STAGES
    ]


def _plain(task: Task) -> dict[str, Any]:
    priority = task.priority if task.priority != "normal" else None
    facts = [fact for fact in (task.due, priority, task.label, task.assignee) if fact]
    return {"id": task.id, "title": task.title, "version": 1, "facts": facts}
