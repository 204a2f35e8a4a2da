"""T06: forged signatures, in both eras. Nobody is asked anything on the word of a forged token."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from intarsia.host.server import running_server
from tests.security.conftest import Trusting, assert_turned_away, in_both_eras
from tests.security.connector_server import good_claims
from tests.security.issuer import Jwk, make_keys

ATTACKER = make_keys("attacker")


def shown(key: Jwk) -> Jwk:
    """Return what may be shown of a key."""
    return {name: value for name, value in key.items() if name in ("kty", "n", "e", "crv", "x", "y", "kid", "alg")}


def pem_of(key: Jwk) -> bytes:
    public: bytes = jwt.PyJWK(shown(key)).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return public


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def glue(header: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes = b"") -> str:
    return f"{part(dict(header))}.{part(dict(claims))}.{part(signature)}"


def with_secret(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes) -> str:
    head = f"{part(dict(header))}.{part(dict(claims))}"
    return f"{head}.{part(hmac.new(secret, head.encode(), hashlib.sha256).digest())}"


def signed_by(key: Jwk, claims: Mapping[str, Any], header: Mapping[str, Any]) -> str:
    body = json.dumps(claims).encode()
    return jwt.PyJWS().encode(body, jwt.PyJWK(key), algorithm=key["alg"], headers={"typ": "at+jwt", **header})


class Listener:
    """Serves an attacker's keys, and counts who comes for them."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[str]:
        async def answer(request: Request) -> Response:
            self.asked.append(request.url.path)
            return JSONResponse({"keys": [shown(key) for key in ATTACKER]})

        async with running_server(Starlette(routes=[Route("/{anything:path}", answer)])) as address:
            yield address


def unsigned(trusting: Trusting) -> Mapping[str, str]:
    claims = good_claims(trusting.issuer.url)
    kid = trusting.issuer.keys[0]["kid"]
    honest = trusting.issuer.sign(claims)
    head, body, signature = honest.split(".")
    richer = part({**claims, "scope": "tasks:read tasks:write admin", "sub": "eve"})
    return {
        "none": glue({"alg": "none", "typ": "at+jwt"}, claims),
        "None": glue({"alg": "None", "kid": kid}, claims),
        "nOnE": glue({"alg": "nOnE", "kid": kid}, claims, b"x"),
        "no algorithm": glue({"kid": kid}, claims),
        "algorithm of null": glue({"alg": None, "kid": kid}, claims),
        "algorithms in a list": glue({"alg": ["RS256"], "kid": kid}, claims),
        "signature cut off": f"{head}.{body}.",
        "signature of other claims": f"{head}.{richer}.{signature}",
        "one bit of the signature": f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "zeros": glue({"alg": "ES256", "kid": trusting.issuer.keys[1]["kid"]}, claims, bytes(64)),
        "key of the other kind": glue({"alg": "ES256", "kid": kid}, claims, bytes(64)),
    }


def with_public_key_as_secret(trusting: Trusting) -> Mapping[str, str]:
    claims, key = good_claims(trusting.issuer.url), trusting.issuer.keys[0]
    public = pem_of(key)
    secrets = {
        "pem": public,
        "pem without newline": public.strip(),
        "jwk": json.dumps(shown(key)).encode(),
        "empty": b"",
    }
    return {
        f"{algorithm} with {name}": with_secret({"alg": algorithm, "kid": key["kid"]}, claims, secret)
        for name, secret in secrets.items()
        for algorithm in ("HS256", "RS256")
    }


def of_an_unknown_key(trusting: Trusting) -> Mapping[str, str]:
    claims = good_claims(trusting.issuer.url)
    names: dict[str, Any] = {
        "known name": trusting.issuer.keys[0]["kid"],
        "path": "../../../../dev/null",
        "absolute path": "/etc/passwd",
        "address": "http://127.0.0.1:9/keys",
        "injection": "' OR 1=1 --",
        "nothing": "",
        "long": "k" * 4000,
        "number": 7,
        "list": [trusting.issuer.keys[0]["kid"]],
        "null": None,
    }
    bare = {"alg": "RS256", "typ": "at+jwt"}
    return {
        **{name: signed_by(ATTACKER[0], claims, {"kid": kid}) for name, kid in names.items() if isinstance(kid, str)},
        **{
            name: glue({**bare, "kid": kid}, claims, bytes(256))
            for name, kid in names.items()
            if not isinstance(kid, str)
        },
        "no name": signed_by(ATTACKER[0], claims, {}),
        "no name, curve": signed_by(ATTACKER[1], claims, {}),
    }


@in_both_eras
@pytest.mark.parametrize("forge", [unsigned, with_public_key_as_secret, of_an_unknown_key])
async def test_t06_what_the_issuer_did_not_sign_is_refused(trusting: Trusting, era: str, forge: Any) -> None:
    for name, token in forge(trusting).items():
        response = await trusting.served.call(era, token=token)

        assert response.status_code == 401, name
        assert_turned_away(trusting, response)


def offering_keys(trusting: Trusting, address: str) -> Mapping[str, str]:
    claims = good_claims(trusting.issuer.url)
    keys = f"{address}/keys"
    chain = base64.b64encode(b"not even a certificate").decode()
    offers: dict[str, dict[str, Any]] = {
        "jku": {"jku": keys},
        "x5u": {"x5u": keys},
        "jwk": {"jwk": shown(ATTACKER[0])},
        "x5c": {"x5c": [chain]},
        "jku in kid": {"kid": keys},
    }
    kid = trusting.issuer.keys[0]["kid"]
    forged = {
        f"{name}, forged": signed_by(ATTACKER[0], claims, {"kid": kid, **offer}) for name, offer in offers.items()
    }
    unknown = {
        f"{name}, unknown": signed_by(ATTACKER[0], claims, {"kid": "x", **offer}) for name, offer in offers.items()
    }
    # Even from the issuer itself: who once lets such a header pass will one day follow it.
    honest = {f"{name}, honest": trusting.issuer.sign(claims, header=offer) for name, offer in offers.items()}
    return {**forged, **unknown, **honest}


@in_both_eras
async def test_t06_keys_that_a_token_brings_along_are_neither_used_nor_fetched(trusting: Trusting, era: str) -> None:
    listener = Listener()
    async with listener.running() as address:
        await trusting.served.http.get(f"{address}/alive")
        for name, token in offering_keys(trusting, address).items():
            response = await trusting.served.call(era, token=token)

            assert response.status_code == 401, name
            assert_turned_away(trusting, response)

    assert listener.asked == ["/alive"]


@in_both_eras
@pytest.mark.parametrize(
    "extension",
    [
        {"crit": ["exp"]}, {"crit": ["b64"], "b64": True}, {"crit": []}, {"crit": None}, {"crit": ["x"], "x": 1},
        {"b64": True}, {"crit": "exp"},
    ],
    ids=json.dumps,
)  # fmt: skip
async def test_t06_an_extension_that_must_be_understood_is_refused(
    trusting: Trusting, era: str, extension: dict[str, Any]
) -> None:
    claims = good_claims(trusting.issuer.url)
    key = trusting.issuer.keys[0]
    header = {"alg": "RS256", "typ": "at+jwt", "kid": key["kid"], **extension}
    head = f"{part(header)}.{part(claims)}"
    made = jwt.PyJWK(key)
    token = f"{head}.{part(made.Algorithm.sign(head.encode(), made.key))}"

    assert_turned_away(trusting, await trusting.served.call(era, token=token))


@in_both_eras
@pytest.mark.parametrize("kind", ["id_token", "logout+jwt", "secevent+jwt", "dpop+jwt", "token-introspection+jwt", ""])
async def test_t06_a_signed_token_of_another_kind_is_refused(trusting: Trusting, era: str, kind: str) -> None:
    claims = good_claims(trusting.issuer.url)
    token = (
        trusting.issuer.sign({**claims, "nonce": "n", "at_hash": "h"}, header={"typ": "JWT"})
        if kind == "id_token"
        else trusting.issuer.sign(claims, header={"typ": kind or 7})
    )

    assert_turned_away(trusting, await trusting.served.call(era, token=token))


@in_both_eras
@pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", None])
@pytest.mark.parametrize("key", [0, 1], ids=["RS256", "ES256"])
async def test_t06_what_the_issuer_signed_is_taken(trusting: Trusting, era: str, kind: str | None, key: int) -> None:
    token = trusting.issuer.sign(good_claims(trusting.issuer.url), key=key, header={"typ": kind})

    assert (await trusting.served.call(era, token=token)).status_code == 200


@in_both_eras
async def test_t06_made_up_names_of_keys_do_not_send_the_server_asking(trusting: Trusting, era: str) -> None:
    assert (await trusting.served.call(era, token=trusting.token("signed"))).status_code == 200
    await trusting.issuer.tell("count")
    before, started = trusting.issuer.asked["/jwks"], monotonic()

    tokens = [
        signed_by(ATTACKER[1], good_claims(trusting.issuer.url), {"kid": f"made up {number}"}) for number in range(100)
    ]
    for token in tokens:
        assert (await trusting.served.call(era, token=token)).status_code == 401

    await trusting.issuer.tell("count")
    assert trusting.issuer.asked["/jwks"] - before <= monotonic() - started + 2
