"""`intarsia serve` with sign-in: from options and from the environment, as a process of its own."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner

from intarsia.cli import main
from intarsia.cli.issuer_options import SECRET, SignInOptions
from intarsia.errors import SettingError
from tests.commands import running
from tests.security.connector_server import RESOURCE, good_claims
from tests.security.issuer import ASKING, RunningIssuer

APP = '''
from intarsia import Connector
from intarsia.widgets import Text

hello = Connector("Hello")


@hello.widget(scopes={"hello:read"})
async def greeting() -> Text:
    """Greet somebody."""
    return Text("Hello!")
'''

CALL: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "greeting", "arguments": {}},
}
HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "guarded_app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INTARSIA_STATE", str(tmp_path / "state"))
    for name in (
        "INTARSIA_RESOURCE",
        "INTARSIA_ISSUER",
        "INTARSIA_AUDIENCE",
        "INTARSIA_ROLES_CLAIM",
        "INTARSIA_INTROSPECTION_CLIENT_ID",
        SECRET,
    ):
        monkeypatch.delenv(name, raising=False)


def statuses(said: str, *tokens: str | None) -> list[int]:
    address = next(word for word in said.split() if word.startswith("http") and word.endswith("/mcp"))
    headers = [HEADERS | ({"Authorization": f"Bearer {token}"} if token else {}) for token in tokens]
    return [httpx2.post(address, json=CALL, headers=one).status_code for one in headers]


async def test_the_issuer_is_given_by_options(issuer: RunningIssuer) -> None:
    good = issuer.sign(good_claims(issuer.url, scope="hello:read"))
    less = issuer.sign(good_claims(issuer.url, scope="openid"))

    options = ("--resource", RESOURCE, "--issuer", issuer.url)
    with running("serve", "guarded_app:hello", "--port", "0", *options) as (process, said):
        assert statuses(said, good, less, None, "garbage") == [200, 403, 401, 401]
        process.kill()
        assert process.stdout is not None
        rest = process.stdout.read()

    assert f"Sign-in at  {issuer.url}" in rest
    assert "An access token was rejected: it is opaque, and no issuer accepts opaque tokens." in rest
    assert "A call of greeting was denied: hello:read is missing." in rest
    assert [piece for token in (good, less) for piece in token.split(".")[1:] if piece in rest] == []


async def test_the_issuer_is_given_by_the_environment(issuer: RunningIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    token = (await issuer.sign_in("ada", "tasks:read", RESOURCE, "opaque"))["access_token"]
    for name, value in {
        "INTARSIA_RESOURCE": RESOURCE,
        "INTARSIA_ISSUER": issuer.url,
        "INTARSIA_INTROSPECTION_CLIENT_ID": ASKING[0],
        SECRET: ASKING[1],
    }.items():
        monkeypatch.setenv(name, value)

    with running("serve", "guarded_app:hello", "--port", "0") as (_, said):
        assert statuses(said, token, None) == [403, 401]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--issuer", "https://login.example.com"), "--resource https://tasks.example.com/mcp"),
        (("--resource", RESOURCE), "--issuer https://login.example.com"),
        (("--resource", RESOURCE, "--issuer", "http://login.example.com"), "must use https"),
        (("--resource", RESOURCE, "--issuer", "https://a.example.com", "--introspection-client-id", "x"), SECRET),
        (("--roles-claim", "groups"), "--resource"),
    ],
)
def test_half_a_sign_in_is_refused_before_anything_is_served(options: tuple[str, ...], words: str) -> None:
    result = CliRunner().invoke(main, ["serve", "guarded_app:hello", *options])

    assert result.exit_code == 1
    assert words in result.output
    assert "Traceback" not in result.output


def test_without_options_nobody_signs_in() -> None:
    assert SignInOptions().resource_server() is None


def test_a_secret_alone_is_no_introspection() -> None:
    options = SignInOptions(resource=RESOURCE, issuers=["https://a.example.com"], client_secret="made-up")

    with pytest.raises(SettingError, match="--introspection-client-id"):
        options.resource_server()
