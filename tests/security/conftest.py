"""One independent issuer for all, and one connector that trusts it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any

import httpx2
import pytest

from intarsia import Introspection, Issuer, ResourceServer
from intarsia.host.server import running_server
from tests.security.connector_server import (
    ERAS,
    RESOURCE,
    Answers,
    Served,
    challenge,
    good_claims,
    running_connector_server,
)
from tests.security.issuer import RunningIssuer, make_keys, running_issuer

METADATA = "https://tasks.example.com/.well-known/oauth-protected-resource/mcp"

in_both_eras = pytest.mark.parametrize("era", ERAS)
of_both_kinds = pytest.mark.parametrize("kind", ["signed", "opaque"])


@pytest.fixture(scope="session")
async def issuer(anyio_backend: str) -> AsyncIterator[RunningIssuer]:  # noqa: ARG001 - an async session fixture must name it
    async with running_issuer(make_keys("1")) as running:
        yield running


@dataclass(frozen=True)
class Trusting:
    """A connector that takes the issuer's signed tokens, and opaque ones that its introspection vouches for."""

    served: Served
    issuer: RunningIssuer
    answers: Answers

    def token(self, kind: str, **changed: Any) -> str:
        """Return a token whose claims are in order but for some: truly signed, or truly vouched for."""
        claims = good_claims(self.issuer.url, **changed)
        if kind == "signed":
            return self.issuer.sign(claims)
        token = token_urlsafe(32)
        self.answers.by_token[token] = {"active": True, "token_type": "Bearer", **claims}
        return token


@pytest.fixture(scope="module")
async def _trusting(issuer: RunningIssuer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Trusting]:
    answers = Answers()
    async with running_server(answers.app()) as address:
        asks = Introspection(
            client_id="intarsia", client_secret="made-up", endpoint=f"{address}/introspect", signed_tokens=False
        )
        auth = ResourceServer(RESOURCE, [Issuer(issuer.url, introspection=asks)])
        async with running_connector_server(auth, tmp_path_factory.mktemp("served")) as served:
            yield Trusting(served, issuer, answers)


@pytest.fixture
def trusting(_trusting: Trusting) -> Trusting:
    _trusting.served.entered.clear()
    return _trusting


def assert_turned_away(trusting: Trusting, response: httpx2.Response, *, was_sent: bool = True) -> None:
    assert response.status_code == 401, response.text
    asked = challenge(response)
    assert asked["resource_metadata"] == METADATA
    assert asked["scope"] == "tasks:read tasks:write"
    assert asked.get("error") == ("invalid_token" if was_sent else None)
    assert trusting.served.entered == []
