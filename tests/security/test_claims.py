"""What a token may say: whatever it is, it is taken or refused, and what is taken is in order."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from intarsia.server.auth.resource_server.claims import Bearer, check_claims, check_token_type
from intarsia.server.auth.resource_server.errors import Reason, TokenError
from intarsia.server.auth.resource_server.jws import read_header, read_unverified_claims
from intarsia.server.auth.resource_server.settings import ALGORITHMS, Issuer, ResourceServer

NOW = 1_795_000_000.5
URL = "https://login.example.com"
ISSUER = Issuer(URL)
SERVER = ResourceServer("https://tasks.example.com/mcp", [ISSUER])
GOOD: dict[str, Any] = {
    "iss": URL,
    "aud": SERVER.resource,
    "sub": "ada",
    "exp": int(NOW) + 60,
    "iat": int(NOW),
    "scope": "tasks:read",
}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.sampled_from([URL, "ada"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from([*GOOD, "nbf", "scp", "roles", "client_id", "azp", "cnf", "typ", "nonce"])


def refusal_of(changed: dict[str, Any], issuer: Issuer = ISSUER) -> Reason | None:
    claims = {name: value for name, value in {**GOOD, **changed}.items() if value is not ...}
    try:
        check_claims(claims, issuer, SERVER, NOW)
    except TokenError as error:
        return error.reason
    return None


# The first text takes hypothesis a second: it reads its table of characters.
slow_start = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


@slow_start
@given(st.dictionaries(names, anything, max_size=4))
@example({"aud": [SERVER.resource]})
@example({"roles": {"roles": []}})
def test_whatever_a_token_says_it_is_refused_or_in_order(changed: dict[str, Any]) -> None:
    claims = {**GOOD, **changed}
    try:
        bearer = check_claims(claims, ISSUER, SERVER, NOW)
    except TokenError:
        return

    audience: Any = claims["aud"]
    assert bearer.issuer == claims["iss"] == URL
    assert SERVER.resource in ([audience] if isinstance(audience, str) else audience)
    assert NOW < bearer.expires_at <= NOW + SERVER.lifetime_seconds
    assert bearer.subject.strip()
    assert all(bearer.scopes)
    assert {type(text) for text in (*bearer.scopes, *bearer.roles)} <= {str}
    assert "cnf" not in claims


@slow_start
@given(st.text(max_size=80) | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,20}"))
@example("e30.e30.")
@example("bnVsbA.bnVsbA.")
@example("eyJhbGciOiJSUzI1NiJ9.xxxxxxxxx.")
def test_no_text_makes_reading_a_token_fail_in_another_way(token: str) -> None:
    with suppress(TokenError):
        read_header(token, ALGORITHMS)
    with suppress(TokenError):
        read_unverified_claims(token)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"aud": "other"}, Reason.WRONG_AUDIENCE),
        ({"exp": int(NOW)}, Reason.EXPIRED),
        ({"exp": ...}, Reason.MISSING_EXPIRY),
        ({"exp": 2**62}, Reason.LIFETIME_TOO_LONG),
        ({"exp": "soon"}, Reason.INVALID_TIME),
        ({"nbf": int(NOW) + 31}, Reason.NOT_YET_VALID),
        ({"nbf": int(NOW) + 30}, None),
        ({"iat": int(NOW) + 31}, Reason.ISSUED_IN_FUTURE),
        ({"cnf": {"jkt": "x"}}, Reason.KEY_BOUND),
        ({"sub": ...}, Reason.INVALID_IDENTIFIER),
        ({"sub": " "}, Reason.INVALID_IDENTIFIER),
        ({"sub": "x" * 513}, Reason.INVALID_IDENTIFIER),
        ({"sub": 7}, Reason.INVALID_IDENTIFIER),
        ({"client_id": []}, Reason.INVALID_IDENTIFIER),
        ({"roles": [1]}, Reason.INVALID_ROLES),
        ({"scope": [1]}, Reason.INVALID_SCOPES),
    ],
    ids=repr,
)
def test_the_log_says_what_was_wrong(changed: dict[str, Any], reason: Reason | None) -> None:
    assert refusal_of(changed) is reason


def test_an_issuer_may_call_the_connector_by_another_name() -> None:
    issuer = Issuer(URL, audience="api://tasks")

    assert refusal_of({"aud": "api://tasks"}, issuer) is None
    assert refusal_of({"aud": SERVER.resource}, issuer) is Reason.WRONG_AUDIENCE


@pytest.mark.parametrize(
    ("path", "claims", "roles"),
    list[tuple[str, dict[str, Any], set[str]]](
        [
            ("roles", {"roles": ["admin", "editor"]}, {"admin", "editor"}),
            ("roles", {"roles": "admin"}, {"admin"}),
            ("roles", {}, set()),
            ("realm_access.roles", {"realm_access": {"roles": ["admin"]}}, {"admin"}),
            ("realm_access.roles", {"realm_access": ["admin"]}, set()),
            ("https://example.com/roles", {"https://example.com/roles": ["admin"]}, {"admin"}),
            ("groups", {"roles": ["admin"], "groups": ["staff"]}, {"staff"}),
        ]
    ),
)
def test_roles_are_read_where_the_issuer_writes_them(path: str, claims: dict[str, Any], roles: set[str]) -> None:
    bearer = check_claims({**GOOD, **claims}, Issuer(URL, roles_claim=path), SERVER, NOW)

    assert bearer.roles == roles


@pytest.mark.parametrize(
    ("claims", "client"), [({"client_id": "a", "azp": "b"}, "a"), ({"azp": "b"}, "b"), ({"cid": "c"}, "c"), ({}, "")]
)
def test_the_client_is_read_under_each_of_its_names(claims: dict[str, Any], client: str) -> None:
    assert check_claims({**GOOD, **claims}, ISSUER, SERVER, NOW).client == client


@pytest.mark.parametrize("kind", [None, "JWT", "jwt"])
def test_a_token_that_does_not_name_its_kind_must_grant_scopes(kind: str | None) -> None:
    check_token_type({"scope": ""}, kind)
    check_token_type({"scp": []}, kind)

    others: list[dict[str, Any]] = [{}, {"scope": "openid", "nonce": "n"}, {"scope": "openid", "events": {}}]
    for claims in others:
        with pytest.raises(TokenError, match="not a bearer access token"):
            check_token_type(claims, kind)
    check_token_type({}, "at+jwt")


def test_neither_claims_nor_secrets_are_in_what_is_printed() -> None:
    bearer = check_claims({**GOOD, "email": "ada@example.com"}, ISSUER, SERVER, NOW)

    assert isinstance(bearer, Bearer)
    assert "ada@example.com" not in repr(bearer)
