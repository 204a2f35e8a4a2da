"""The command line: what it serves, and what it says when it cannot."""

import re
import signal
import socket
import sys
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner

from intarsia.cli import main
from tests.commands import running

APP = '''
from intarsia import Connector
from intarsia.widgets import Text

hello = Connector("Hello")


@hello.widget
async def greeting(name: str = "world") -> Text:
    """Greet somebody."""
    return Text(f"Hello, {name}!")
'''

SECONDS = 60


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hello_app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("INTARSIA_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def complaint(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code != 0, result.output
    assert "Traceback" not in result.output
    return result.output


@pytest.mark.parametrize("command", ["dev", "serve"])
@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("hello_app.py:hello", "Write MODULE:CONNECTOR"),
        ("helo_app:hello", "There is no module 'helo_app'"),
        ("helo_app:hello", "Did you mean 'hello_app'?"),
        ("hello_app:helo", "'helo' in 'hello_app' does not exist. Did you mean 'hello'? It has: hello."),
        ("hello_app:greeting", "'greeting' in 'hello_app' is no connector"),
        ("json", "'json' holds no connector"),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_wrong_connector_is_named_with_what_there_is(command: str, target: str, said: str) -> None:
    assert said in complaint(command, target)


@pytest.mark.usefixtures("project")
def test_a_missing_import_inside_the_module_is_not_taken_for_the_module() -> None:
    Path("needy_app.py").write_text("import package_that_is_not_there\n")
    assert "it imports 'package_that_is_not_there', which is not installed" in complaint("serve", "needy_app:x")


@pytest.mark.parametrize("command", ["dev", "serve"])
@pytest.mark.usefixtures("project")
def test_a_port_in_use_is_said_plainly(command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = complaint(command, "hello_app:hello", "--port", str(port))
    assert (
        f"Port {port} of 127.0.0.1 is in use. Stop the program that uses it, or choose another port with --port."
        in said
    )


@pytest.mark.usefixtures("project")
def test_an_address_of_another_machine_is_said_plainly() -> None:
    assert "Cannot listen on 192.0.2.1" in complaint("serve", "hello_app:hello", "--host", "192.0.2.1")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.usefixtures("project")
def test_serve_answers_at_mcp_alone_and_ends_at_once_when_asked(number: signal.Signals) -> None:
    with running("serve", "hello_app:hello", "--port", "0") as (process, said):
        [base] = re.findall(r"(http://\S+)/mcp", said)
        assert httpx2.get(f"{base}/").status_code == 404
        assert httpx2.get(f"{base}/mcp").status_code == 405
        process.send_signal(number)
        assert process.wait(SECONDS) == 0
        assert process.stdout is not None
        assert process.stdout.read() == ""


@pytest.mark.usefixtures("project")
def test_dev_prints_the_page_and_the_connector_and_serves_both() -> None:
    with running("dev", "hello_app:hello", "--port", "0") as (process, said):
        page, connector = re.findall(r"http://\S+", said)
        assert connector == f"{page}mcp"
        answer = httpx2.get(page)
        assert "<title>Intarsia host</title>" in answer.text
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert httpx2.get(page, headers={"Host": "evil.example"}).status_code == 421
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0


@pytest.mark.usefixtures("project")
def test_a_host_name_is_answered_to_when_it_is_allowed() -> None:
    with running("dev", "hello_app:hello", "--port", "0", "--allow-host", "widgets.example") as (_, said):
        page = re.findall(r"http://\S+", said)[0]
        asked = httpx2.get(f"{page}host/config.json", headers={"Host": "widgets.example:80"})
        assert asked.json()["sandbox"].startswith("http://widgets.example:")
