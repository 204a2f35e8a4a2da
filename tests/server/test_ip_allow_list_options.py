"""`intarsia serve --allow-ips` in a process of its own, called from an address that headers cannot change."""

from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner

from intarsia.cli import main
from intarsia.errors import SettingError
from tests.commands import running

APP = """
from intarsia import Connector

hello = Connector("Hello")
"""
SERVE = ("serve", "listed_app:hello", "--port", "0", "--allow-ips", "office.txt")
SPOOFED = {"X-Forwarded-For": "203.0.113.1"}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a project whose allow list contains one office, which is elsewhere."""
    (tmp_path / "listed_app.py").write_text(APP)
    (tmp_path / "office.txt").write_text("203.0.113.0/24\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INTARSIA_STATE", str(tmp_path / "state"))
    # uvicorn trusts every peer with this, where its own proxy headers are on.
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")


def statuses(said: str) -> list[int]:
    """Call from this machine, and as if from the office."""
    address = next(word for word in said.split() if word.startswith("http") and word.endswith("/mcp"))
    return [httpx2.get(address, headers=headers, trust_env=False).status_code for headers in ({}, SPOOFED)]


def test_a_header_grants_no_access() -> None:
    with running(*SERVE) as (_, said):
        assert statuses(said) == [403, 403]


def test_the_header_of_a_trusted_proxy_counts() -> None:
    with running(*SERVE, "--trusted-proxy", "127.0.0.0/8") as (_, said):
        assert statuses(said) == [403, 405]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--trusted-proxy", "127.0.0.1"), "allowed addresses with --allow-ips"),
        (("--allow-ips", "never-there.txt"), "cannot be read"),
        (("--allow-ips", "office.txt", "--trusted-proxy", "10.0.0.1/8"), "--trusted-proxy: '10.0.0.1/8'"),
    ],
)
def test_invalid_options_are_reported(options: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(main, ["serve", "listed_app:hello", *options])

    assert result.exit_code != 0
    assert said in (str(result.exception) if isinstance(result.exception, SettingError) else result.output)
