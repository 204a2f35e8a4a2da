"""The official conformance suite of MCP, asked about the authorization server."""

import asyncio
import json
import re
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from intarsia import EmbeddedIssuer
from intarsia.host.server import Listener, open_socket, running
from scripts.conformance import NODE, PROGRAM, RUN_SECONDS, install_suite
from tests.authorization_server.accounts import with_account
from tests.authorization_server.browser import opened
from tests.security.connector_server import build_connector

pytestmark = [pytest.mark.conformance, pytest.mark.xdist_group("conformance")]

PASSES = {"authorization-code-grant", "authorization-server-metadata", "authorization-server-metadata-cimd"}

_SHOWN = re.compile(rb"https?://\S+/authorize\?\S+")


@pytest.fixture(scope="module", autouse=True)
def suite() -> None:
    install_suite()


@asynccontextmanager
async def running_connector_server(folder: Path) -> AsyncGenerator[str]:
    await with_account(folder / "accounts.db", "ada")
    with open_socket("127.0.0.1", 0) as bound:
        origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
        issuer = EmbeddedIssuer(origin, accounts=folder / "accounts.db")
        async with running([Listener(build_connector(folder / "store.db", []).app(auth=issuer), bound)]):
            yield origin


def free_port() -> int:
    with open_socket("127.0.0.1", 0) as bound:
        port: int = bound.getsockname()[1]
        return port


async def register(origin: str, port: int) -> str:
    async with httpx2.AsyncClient() as http:
        metadata = {"client_name": "Suite", "redirect_uris": [f"http://127.0.0.1:{port}/callback"]}
        client_id: str = (await http.post(f"{origin}/register", json=metadata)).json()["client_id"]
        return client_id


async def consent(origin: str, address: str) -> None:
    """Do what a person does in a browser, whose page goes on to the app."""
    async with opened(origin) as browser:
        page = await browser.decide(await browser.arrive(address))
        await browser.http.get(page.response.headers["refresh"].partition("url=")[2])


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
async def test_the_suite_finds_nothing_wrong(tmp_path: Path, version: str) -> None:
    port, results = free_port(), tmp_path / "results"
    async with running_connector_server(tmp_path) as origin, asyncio.timeout(RUN_SECONDS):
        process = await asyncio.create_subprocess_exec(
            NODE, PROGRAM, "authorization", "--url", origin, "--client-id", await register(origin, port),
            "--resource", f"{origin}/mcp", "--port", str(port), "--spec-version", version, "--output-dir", results,
            stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        said = b""
        async for line in process.stdout:
            said += line
            shown = _SHOWN.search(line)
            if shown:
                await consent(origin, shown[0].decode())
        await process.wait()

    checks = [check for file in results.glob("*/checks.json") for check in json.loads(file.read_bytes())]
    wrong = {check["id"]: check.get("errorMessage") for check in checks if check["status"] in ("FAILURE", "WARNING")}
    assert wrong == {}, said.decode()
    assert {check["id"] for check in checks if check["status"] == "SUCCESS"} == PASSES
