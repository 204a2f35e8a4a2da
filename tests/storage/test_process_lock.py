"""One process serves from a store. A second one is refused, unless both say that they share it."""

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from intarsia import Connector
from intarsia.cli import main
from intarsia.cli.store_options import set_store_options
from intarsia.errors import StoreError
from intarsia.server.storage import process_lock
from intarsia.server.storage.store import Store
from intarsia.widgets import Text
from tests.commands import ROOT, running
from tests.storage.old_store_files import dump_of, old_store

IN_USE = r"in use by another process.*shared_store=True"
HOLDING = """
import asyncio, sys
from pathlib import Path
from typing import Any
from intarsia.server.storage.store import Store

async def main():
    store = Store(Path(sys.argv[1]), is_shared=sys.argv[2] == "shared")
    try:
        async with store.open(beside=sys.argv[2] == "beside"):
            print("open", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
    except Exception as error:
        print(error, flush=True)

asyncio.run(main())
"""


@contextmanager
def other_process(store: Path, how: str) -> Generator[tuple["subprocess.Popen[str]", str]]:
    """Open a store in another process while the block runs, and return what that process says of it."""
    command = [sys.executable, "-c", HOLDING, str(store), how]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_lock, "WAIT_SECONDS", 0.05)


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        ("alone", "alone", True),
        ("alone", "shared", True),
        ("shared", "alone", True),
        ("shared", "shared", False),
        ("alone", "beside", False),
        ("shared", "beside", False),
    ],
)
async def test_a_second_process_is_refused_unless_both_share_the_store(
    first: str, second: str, *, is_refused: bool, tmp_path: Path
) -> None:
    path = tmp_path / "store.db"
    with other_process(path, first) as (_, said):
        assert said == "open\n"
        with ExitStack() as expected:
            if is_refused:
                expected.enter_context(pytest.raises(StoreError, match=IN_USE))
            opening = Store(path, is_shared=second == "shared").open(beside=second == "beside")
            async with opening as store, store.read() as connection:
                assert (await connection.exec_driver_sql("SELECT 1")).scalar_one() == 1


async def test_a_process_that_is_killed_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with other_process(path, "alone") as (process, said):
        assert said == "open\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
        async with Store(path).open():
            with other_process(path, "alone") as (_, refused):
                assert "in use by another process" in refused
    with other_process(path, "alone") as (_, opened):
        assert opened == "open\n"


async def test_a_successor_waits_for_a_process_that_is_about_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.db"
    monkeypatch.setattr(process_lock, "WAIT_SECONDS", 60)
    with other_process(path, "alone") as (process, _):
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        async with Store(path).open():
            pass


async def test_an_opening_that_is_cancelled_leaves_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.db"
    monkeypatch.setattr(process_lock, "WAIT_SECONDS", 60)
    asked = asyncio.Event()
    loop, acquire = asyncio.get_running_loop(), process_lock._acquire  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # to see it wait

    def ask(*arguments: Any, **options: Any) -> bool:
        loop.call_soon_threadsafe(asked.set)
        return acquire(*arguments, **options)

    monkeypatch.setattr(process_lock, "_acquire", ask)
    with other_process(path, "alone"):
        opening = asyncio.create_task(open_once(path))
        await asked.wait()
        opening.cancel()
        await asyncio.wait([opening])
    assert opening.cancelled()
    async with asyncio.timeout(30):
        while (said := await asyncio.to_thread(open_in_other_process, path)) != "open\n":
            assert "in use" in said


async def open_once(path: Path) -> None:
    async with Store(path).open():
        pass


def open_in_other_process(path: Path) -> str:
    with other_process(path, "alone") as (_, said):
        return said


async def test_stores_of_one_process_share_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with Store(path).open():
        async with Store(path).open():
            pass
        with other_process(path, "alone") as (_, said):
            assert "in use" in said
    with other_process(path, "alone") as (_, said):
        assert said == "open\n"


async def test_opening_a_store_again_keeps_the_locks_that_sqlite_has_on_it(tmp_path: Path) -> None:
    """POSIX drops all locks of a process on a file when it closes any descriptor of that file."""
    path = tmp_path / "store.db"
    async with Store(path).open() as store, store.write() as connection:
        await connection.exec_driver_sql("INSERT INTO intarsia_seen_tools VALUES ('a', 1)")
        async with Store(path).open():
            pass
        said = await asyncio.to_thread(write_in_other_process, path)

    assert "database is locked" in said


def write_in_other_process(path: Path) -> str:
    command = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    words = [sys.executable, "-c", command, str(path)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60).stderr


async def test_a_store_is_migrated_only_while_no_other_process_uses_it(tmp_path: Path) -> None:
    path = old_store("connector", tmp_path / "store.db")
    before = dump_of(path)
    with closing(sqlite3.connect(f"{path}.lock", isolation_level=None)) as holder:  # as an older process would not
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match=r"has to be migrated \(store 0001, store 0002\) while no other process"):
            async with Store(path).open(beside=True):
                pass
        assert dump_of(path) == before
    async with Store(path, is_shared=True).open():
        pass
    assert dump_of(path) != before


APP = """
from intarsia import Connector
from intarsia.widgets import Text

hello = Connector("Hello", store="hello.db")


@hello.widget()
async def greeting() -> Text:
    '''Greet somebody.'''
    return Text("Hello!")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "locked_app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("INTARSIA_STATE", str(tmp_path / "state"))
    yield
    sys.modules.pop("locked_app", None)


def run(*arguments: str, text: str = "") -> str:
    result = CliRunner().invoke(main, arguments, input=text)
    assert "Traceback" not in result.output
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.usefixtures("project")
def test_commands_work_beside_a_running_server_and_a_second_server_does_not() -> None:
    server = ("serve", "locked_app:hello", "--sign-in", "--port")
    with running(*server, free_port()):
        assert "ada can sign in." in run("users", "add", "ada", text="a long enough password\n")
        assert "ada" in run("users", "list")
        assert "There are no apps" in run("clients", "list")
        run("switches", "set", "locked_app:hello", "greeting", "off")
        assert "greeting" in run("audit", "show", "locked_app:hello")
        assert "intact" in run("audit", "verify", "--accounts")
        assert "is up to date" in run("migrate", "locked_app:hello", "--check")
        second = refused_server(*server, free_port())
        assert second.splitlines()[0].endswith("Application startup failed. Exiting.")
        assert len(second.splitlines()) == 2
        assert "accounts.db is in use by another process" in second
        assert "--shared-store" in second


def test_the_options_of_serve_reach_all_stores_and_their_logs(tmp_path: Path) -> None:
    connector, included = Connector("All", store=tmp_path / "all.db"), Connector("Part", store=tmp_path / "part.db")

    @included.widget
    async def greeting() -> Text:
        """Greet somebody."""
        return Text("Hello!")

    connector.include(included)
    assert greeting.name in connector.tools
    set_store_options(connector, shared_store=True, audit_heads=tmp_path / "heads.jsonl")

    assert connector.store.is_shared
    assert included.store.is_shared
    assert {connector.catalog.heads.sink, included.catalog.heads.sink} == {tmp_path / "heads.jsonl"}


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def refused_server(*arguments: str) -> str:
    """Run a server that must not start, and return what it says."""
    command = [sys.executable, "-c", "from intarsia.cli import main; main()", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


async def test_a_connector_can_say_that_it_shares_its_store(tmp_path: Path) -> None:
    connector = Connector("Hello", store=tmp_path / "store.db", shared_store=True)
    async with connector.running():
        with other_process(tmp_path / "store.db", "shared") as (_, said):
            assert said == "open\n"
