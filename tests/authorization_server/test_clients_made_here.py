"""Apps that cannot register are made by the command, and prove who they are by their secret."""

import base64
import re
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from anyio.to_thread import run_sync
from click.testing import CliRunner

from intarsia.cli import main
from tests.authorization_server.sign_in_site import CALLBACK, Place


def run(file: Path, *arguments: str) -> str:
    result = CliRunner().invoke(main, ["clients", *arguments, "--accounts", str(file)])
    assert "Traceback" not in result.output
    return result.output


async def made(place: Place, *options: str) -> tuple[str, str | None]:
    # The command has an event loop of its own, as it has a process of its own.
    said = await run_sync(lambda: run(place.folder / "accounts.db", "add", "Chat", "--redirect", CALLBACK, *options))
    secret = re.search(r"Client secret  (\S+)", said)
    return said.split()[2], secret[1] if secret else None


async def code_of(place: Place, client_id: str) -> str:
    return (await place.browser().consent(place.asks(client_id)))["code"]


def basic(client_id: str, secret: str) -> dict[str, str]:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@pytest.mark.parametrize("way", ["header", "form"])
async def test_an_app_proves_itself_by_its_secret(place: Place, way: str) -> None:
    client_id, secret = await made(place)
    assert secret is not None
    code = await code_of(place, client_id)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": "a-verifier-that-is-long-enough-for-the-rule-of-43",
    }

    if way == "header":
        answer = await place.post("/token", form, **basic(client_id, secret))
    else:
        answer = await place.post("/token", {**form, "client_id": client_id, "client_secret": secret})

    assert answer.status_code == 200, answer.text
    assert await place.call(answer.json()["access_token"]) == 200


@pytest.mark.parametrize(
    "proof", ["none", "wrong", "in the wrong name", "twice", "no base64"], ids=lambda proof: proof.replace(" ", "-")
)
async def test_nobody_else_redeems_its_codes(place: Place, proof: str) -> None:
    client_id, secret = await made(place)
    other, other_secret = await made(place)
    assert secret is not None
    assert other_secret is not None
    code = await code_of(place, client_id)
    headers = {
        "none": {},
        "wrong": basic(client_id, other_secret),
        "in the wrong name": basic(other, other_secret),
        "twice": basic(client_id, secret),
        "no base64": {"Authorization": "Basic !!!"},
    }[proof]
    twice = secret if proof == "twice" else None

    form = {"grant_type": "authorization_code", "code": code, "client_id": client_id, "client_secret": twice}
    answer = await place.post("/token", form, **headers)

    assert answer.json()["error"] == ("invalid_request" if proof == "twice" else "invalid_client")
    assert secret not in answer.text


async def test_a_public_app_has_no_secret(place: Place) -> None:
    client_id, secret = await made(place, "--public")

    assert secret is None
    answer = await place.redeem(client_id, await code_of(place, client_id))
    assert answer.status_code == 200


def test_an_app_from_beginning_to_end(tmp_path: Path) -> None:
    file = tmp_path / "accounts.db"
    assert run(file, "list") == "There are no apps yet.\n"

    said = run(file, "add", "Chat", "--redirect", CALLBACK)
    client_id, secret = said.split()[2], said.split()[5]

    assert run(file, "list") == f"{client_id}  Chat  preregistered\n"
    assert secret.encode() not in file.read_bytes()
    assert run(file, "remove", client_id) == f"{client_id} is deleted.\n"
    assert "There is no client" in run(file, "remove", client_id)
    assert "'http://a.example/' cannot be a redirect URI" in run(file, "add", "Chat", "--redirect", "http://a.example/")
