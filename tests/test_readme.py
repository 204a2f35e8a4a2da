"""What the README shows works, word for word."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from mcp import Client
from mcp.client import advertise
from mcp_types import CallToolResult, TextContent

from intarsia.host.server import running_server
from intarsia.widgets import Metric
from tests.how_to_pages import read_page

ROOT = Path(__file__).resolve().parent.parent
README = read_page((ROOT / "README.md").read_text(encoding="utf-8"), ROOT)
APPS = advertise("io.modelcontextprotocol/ui", {"mimeTypes": ["text/html;profile=mcp-app"]})


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Write the README's connector to a file."""
    README.write(tmp_path, [Path("app.py")])
    return tmp_path / "app.py"


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """Write the README's own server to a file."""
    README.write(tmp_path, [Path("server.py")])
    return tmp_path / "server.py"


def load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"readme_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_the_connector_of_the_readme_moves_a_card_and_moves_it_back(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTARSIA_STATE", str(tmp_path))
    async with running_server(load(app).tasks.app()) as address, Client(f"{address}/mcp", extensions=[APPS]) as client:
        moved = await client.call_tool("move_card", {"card": "Fix the login", "column": "done", "index": 0})
        board = await client.call_tool("task_board", {})
        assert text_of(moved) == "Moved Fix the login to done."
        undo = (moved.meta or {})["dev.intarsia/done"]["undo"]
        await client.call_tool(undo["tool"], undo["arguments"])
        restored = await client.call_tool("task_board", {})

    assert text_of(board).index("Done") < text_of(board).index("Fix the login")
    assert text_of(restored).index("Fix the login") < text_of(restored).index("Done")


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def test_the_server_of_the_readme_gets_widgets_beside_its_own_tools(
    server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTARSIA_STATE", str(tmp_path))
    module = load(server)

    @module.notes.tool()  # type: ignore[untyped-decorator]
    def note(text: str) -> str:
        """Take a note."""
        return text

    @module.tasks.widget  # type: ignore[untyped-decorator]
    async def open_tasks() -> Metric:
        """Show how many tasks are open."""
        return Metric("Open tasks", 12)

    async with Client(module.notes, extensions=[APPS]) as client:
        tools = {tool.name: tool.meta or {} for tool in (await client.list_tools()).tools}

    assert "ui" in tools["open_tasks"]
    assert tools["note"] == {}


def test_the_programs_of_the_readme_are_well_typed(app: Path, server: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(app), str(server)]

    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout


PAGES = ["README.md", "CONTRIBUTING.md", "docs/decisions/0001-layout.md", "sample_project/README.md"]
HOW_TO = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs/how-to").glob("*.md"))]


@pytest.mark.parametrize("page", [*PAGES, *HOW_TO])
def test_links_between_pages_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]

    assert [target for target in targets if not (ROOT / page).parent.joinpath(target).exists()] == []
