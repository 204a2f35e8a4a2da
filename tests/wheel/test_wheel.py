"""Looks into the wheel, installs it into an empty environment without Node, and lets it serve a widget."""

import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client
from mcp.client import advertise
from mcp_types import TextContent, TextResourceContents

from tests.storage.old_store_files import old_store
from tests.wheel.environments import make_environment, pip

CONNECTOR = '''
from intarsia import Connector
from intarsia.widgets import Metric

tiny = Connector("Tiny")


@tiny.widget
async def open_tasks() -> Metric:
    """Show how many tasks are open."""
    return Metric("Open tasks", 12)
'''

pytestmark = [pytest.mark.wheel, pytest.mark.xdist_group("wheel")]


@pytest.fixture(scope="module")
def address(workshop: Path, wheel: Path) -> Iterator[str]:
    """Install the wheel into an empty environment, and serve a connector from there with no Node in reach."""
    binaries = make_environment(workshop / "empty")
    pip(binaries / "python", "install", wheel)
    (workshop / "tiny.py").write_text(CONNECTOR, encoding="utf-8")
    environment = {"PATH": str(binaries), "HOME": str(workshop), "PYTHONUNBUFFERED": "1"}
    assert shutil.which("node", path=environment["PATH"]) is None
    with subprocess.Popen(
        [binaries / "intarsia", "serve", "tiny:tiny", "--port", "0"],
        cwd=workshop,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            yield announced_address(server)
        finally:
            server.terminate()


def test_the_wheel_migrates_an_old_store(address: str, workshop: Path) -> None:
    assert address
    accounts = old_store("accounts", workshop / "accounts.db")
    environment = {"PATH": str(workshop / "empty/bin"), "HOME": str(workshop)}
    command = [str(workshop / "empty/bin/intarsia"), "migrate", "--accounts", str(accounts)]

    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert f"{accounts} is migrated." in said


def announced_address(server: "subprocess.Popen[str]") -> str:
    """Read what a server prints until it says where it is; its end ends the wait."""
    assert server.stdout is not None
    said: list[str] = []
    for line in server.stdout:
        said.append(line)
        found = re.search(r"http://127\.0\.0\.1:\d+/mcp", line)
        if found:
            return found.group()
    pytest.fail(f"The server ended without an address:\n{''.join(said)}")


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.partition("/")[0] for name in names} == {"intarsia", "intarsia-0.1.0.dist-info"}
    assert [name for name in names if name.endswith((".ts", ".db")) or re.search("(^|/)tests?[_/]", name)] == []
    assert "intarsia/py.typed" in names
    assert "intarsia-0.1.0.dist-info/licenses/LICENSE" in names


@pytest.mark.parametrize(
    "bundle",
    [
        "intarsia/ui_templates/view/dist/view.js",
        "intarsia/ui_templates/view/dist/view.css",
        "intarsia/host/dist/host.js",
        "intarsia/host/dist/host.css",
        "intarsia/host/dist/sandbox.js",
        "intarsia/testing/dist/axe.js",
        "intarsia/server/admin/dist/admin.js",
        "intarsia/server/admin/dist/admin.css",
    ],
)
def test_the_wheel_holds_each_bundle(wheel: Path, bundle: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.getinfo(bundle).file_size > 0


@pytest.mark.parametrize(
    ("licenses", "packages"),
    [
        ("intarsia/testing/dist/axe.licenses.txt", ["axe-core 4.14.1 (MPL-2.0)"]),
        ("intarsia/ui_templates/view/dist/view.licenses.txt", ["htmx.org 4.0.1 (BSD-0-Clause)"]),
        ("intarsia/server/admin/dist/admin.licenses.txt", ["htmx.org 4.0.1 (BSD-0-Clause)"]),
        (
            "intarsia/host/dist/host.licenses.txt",
            ["@modelcontextprotocol/client 2.4.0", "@modelcontextprotocol/ext-apps 2.0.4", "zod 4.6.7 (MIT)"],
        ),
    ],
)
def test_the_wheel_holds_the_licenses_of_what_is_bundled(wheel: Path, licenses: str, packages: list[str]) -> None:
    text = zipfile.ZipFile(wheel).read(licenses).decode()

    assert [package for package in packages if package not in text] == []
    assert "ext-apps 1.7.5" not in text


def test_the_wheel_needs_no_build_tool_where_it_is_used(wheel: Path) -> None:
    metadata = zipfile.ZipFile(wheel).read("intarsia-0.1.0.dist-info/METADATA").decode()
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]

    assert [line for line in required if re.search("node|hatch|playwright|psutil", line)] == []


async def test_the_installed_wheel_serves_a_widget(address: str) -> None:
    apps = advertise("io.modelcontextprotocol/ui", {"mimeTypes": ["text/html;profile=mcp-app"]})
    async with Client(address, extensions=[apps]) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        result = await client.call_tool("open_tasks", {})
        link = (tools["open_tasks"].meta or {})["ui"]["resourceUri"]
        view = (await client.read_resource(link)).contents[0]

    assert not result.is_error
    assert isinstance(result.content[0], TextContent)
    assert "Open tasks" in result.content[0].text
    assert "Open tasks" in str((result.meta or {})["dev.intarsia/parts"])
    assert isinstance(view, TextResourceContents)
    assert view.mime_type == "text/html;profile=mcp-app"
    assert "<script" in view.text
