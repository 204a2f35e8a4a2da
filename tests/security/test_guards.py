"""Every guard against T01 to T09 is taken away once, and the attack that it stops gets through."""

from pathlib import Path

import pytest

from tests.security.mutation import Guard, Mutants, Mutation, MutationError, each_guard

TOKENS, SIGNATURES = "tests/security/test_tokens.py", "tests/security/test_signatures.py"
SCOPES, REVOCATION = "tests/security/test_scopes.py", "tests/security/test_revocation.py"

CLAIMS, GUARD = "intarsia/server/auth/resource_server/claims.py", "intarsia/server/auth/resource_server/middleware.py"
HEADERS, VERIFIER = "intarsia/server/auth/resource_server/jws.py", "intarsia/server/auth/resource_server/verifier.py"
KEYS, ASKING = "intarsia/server/auth/resource_server/jwks.py", "intarsia/server/auth/resource_server/introspection.py"

ANY_HEADER = Mutation(HEADERS, 'if "crit" in header or "b64" in header:', "if False:")
ANY_ALGORITHM = Mutation(HEADERS, 'if header.get("alg") not in tuple(algorithms):', "if False:")
UNSIGNED = Mutation(
    HEADERS,
    "_JWS.decode_complete(token, key, algorithms=[key.algorithm_name])",
    '_JWS.decode_complete(token, options={"verify_signature": False})',
)
# What libraries did that took the key for whatever the token's header said it was.
ANY_KEY = Mutation(
    HEADERS,
    "    key_type, curve = _KEY_TYPES.get",
    "    if algorithm == 'HS256':\n        return True\n    key_type, curve = _KEY_TYPES.get",
)
KEY_OF_ITS_OWN_KIND = Mutation(HEADERS, "jwt.PyJWK(dict(key), algorithm)", "jwt.PyJWK(dict(key))")
SHARED_SECRET = Mutation(
    HEADERS,
    "_JWS.decode_complete(token, key, algorithms=[key.algorithm_name])",
    """_JWS.decode_complete(token, options={"verify_signature": False})
        import base64, hashlib, hmac
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
        secret = key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        head, _, signature = token.rpartition(".")
        made = base64.urlsafe_b64encode(hmac.new(secret, head.encode(), hashlib.sha256).digest())
        if made.rstrip(b"=").decode() != signature:
            raise TokenError(Reason.INVALID_SIGNATURE)
        payload = _JWS.decode_complete(token, options={"verify_signature": False})""",
)
ANY_ISSUER = Mutation(CLAIMS, 'if claims.get("iss") != issuer.url:', "if False:")
FIRST_ISSUER = Mutation(
    VERIFIER,
    'self._authorities.get(str(read_unverified_claims(token).get("iss")))',
    "next(iter(self._authorities.values()))",
)
ANY_NUMBER = (
    Mutation(CLAIMS, "type(value) is not int", "not isinstance(value, int | float)"),
    Mutation(CLAIMS, 'expires_at=claims["exp"]', 'expires_at=int(claims["exp"])'),
)
ANYBODY = Mutation("intarsia/server/mcp_server/server.py", "if grant is None and self._signs_in:", "if False:")

GUARDS: dict[str, tuple[str, *tuple[Mutation, ...]]] = {
    "t01 a token is asked for": (
        f"{TOKENS} -k 't01 and no_token'",
        Mutation(GUARD, "        if isinstance(bearer, AuthRefusal):\n            await",
                 "        if isinstance(bearer, AuthRefusal) and bearer.status != 401:\n            await"),
        Mutation(GUARD, "        authenticated = _authenticated(",
                 "        authenticated = scope if isinstance(bearer, AuthRefusal) else _authenticated("),
        Mutation(GUARD, "ACCESS_WATCH.set(self._resource.watch_access(scope, bearer))", "ACCESS_WATCH.set(None)"),
        ANYBODY,
    ),
    "t01 every route": (
        f"{TOKENS} -k 't01 and every_route'",
        Mutation(GUARD, 'route_path(scope) in self._public', 'scope["path"] != "/mcp"'),
    ),
    "t01 a token that is refused": (
        f"{TOKENS} -k 't01 and garbage'",
        Mutation(GUARD, '_LOG.note(f"An access token was rejected: {error}.")',
                 'return Bearer("anybody", "", self._scopes(), frozenset(), "", 2**40)'),
    ),
    "t01 the length of headers": (
        f"{TOKENS} -k 't01 and 64_kb'",
        Mutation("intarsia/server/http/request_limits.py",
                 "MAX_HEADER_BYTES = 32 * 1024", "MAX_HEADER_BYTES = 32 * 1024 * 1024"),
    ),
    "t01 a call of nobody": (
        f"{TOKENS} -k 't01 and nobody'",
        ANYBODY,
    ),
    "t02 expired": (
        f"{TOKENS} -k 't02 and expires_soon'",
        Mutation(CLAIMS, "if expires <= now:", "if False:"),
        Mutation(VERIFIER, "if bearer.expires_at <= time():", "if False:"),
    ),
    "t02 expired meanwhile": (
        f"{TOKENS} -k 't02 and was_taken'",
        Mutation(VERIFIER, "if bearer.expires_at <= time():", "if False:"),
    ),
    "t02 never expires": (
        f"{TOKENS} -k 't02 and Ellipsis'",
        Mutation(CLAIMS, "if expires is None:\n        raise TokenError(Reason.MISSING_EXPIRY)",
                 "if expires is None:\n        claims = {**claims}; expires = int(now) + 60"),
        Mutation(CLAIMS, 'expires_at=claims["exp"]', 'expires_at=claims.get("exp", int(now) + 60)'),
    ),
    "t02 expires far ahead": (
        f"{TOKENS} -k 't02 and expires_soon'",
        Mutation(CLAIMS, "if expires > now + server.lifetime_seconds:", "if False:"),
    ),
    "t02 a time that is none": (f"{TOKENS} -k 't02 and expires_soon'", *ANY_NUMBER),
    "t03 not yet": (
        f"{TOKENS} -k 't03 and minute'",
        Mutation(CLAIMS, "time > now + server.leeway_seconds", "False"),
    ),
    "t03 more leeway": (
        f"{TOKENS} -k 't03 and minute'",
        Mutation(CLAIMS, "time > now + server.leeway_seconds", "time > now + 4 * server.leeway_seconds"),
    ),
    "t03 no leeway": (
        f"{TOKENS} -k 't03 and minute'",
        Mutation(CLAIMS, "time > now + server.leeway_seconds", "time > now"),
    ),
    "t03 leeway for what has expired": (
        f"{TOKENS} -k 't03 and minute'",
        Mutation(CLAIMS, "if expires <= now:", "if expires <= now - server.leeway_seconds:"),
        Mutation(VERIFIER, "if bearer.expires_at <= time():", "if False:"),
    ),
    "t03 a time that is none": (f"{TOKENS} -k 't03 and whole_number'", *ANY_NUMBER),
    "t04 any audience": (
        f"{TOKENS} -k 't04'",
        Mutation(CLAIMS, "    _check_audience(claims.get", "    (claims.get"),
    ),
    "t04 an audience that begins alike": (
        f"{TOKENS} -k 't04'",
        Mutation(CLAIMS, "isinstance(name, str) and name == expected",
                 "isinstance(name, str) and name.startswith(expected)"),
    ),
    "t04 an audience without its end": (
        f"{TOKENS} -k 't04'",
        Mutation(CLAIMS, "isinstance(name, str) and name == expected",
                 "isinstance(name, str) and bool(name) and expected.startswith(name)"),
    ),
    "t04 an audience in other letters": (
        f"{TOKENS} -k 't04'",
        Mutation(CLAIMS, "isinstance(name, str) and name == expected",
                 "isinstance(name, str) and name.lower() == expected.lower()"),
    ),
    "t05 any issuer of an opaque token": (f"{TOKENS} -k 't05 and opaque'", ANY_ISSUER),
    "t05 any issuer of a signed token": (f"{TOKENS} -k 't05 and signed'", ANY_ISSUER, FIRST_ISSUER),
    "t05 a trusted issuer that speaks for another": (f"{TOKENS} -k 't05 and speaks'", ANY_ISSUER, FIRST_ISSUER),
    "t05 an issuer with a slash": (
        f"{TOKENS} -k 't05 and opaque'",
        Mutation(CLAIMS, 'if claims.get("iss") != issuer.url:', 'if str(claims.get("iss")).rstrip("/") != issuer.url:'),
    ),
    "t06 unsigned": (f"{SIGNATURES} -k 't06 and unsigned'", UNSIGNED),
    "t06 any key of that name": (f"{SIGNATURES} -k 't06 and unknown_key'", UNSIGNED),
    "t06 any algorithm": (f"{SIGNATURES} -k 't06 and unsigned'", ANY_ALGORITHM, UNSIGNED),
    "t06 a secret that everybody knows": (
        f"{SIGNATURES} -k 't06 and public_key_as_secret'",
        ANY_ALGORITHM,
        ANY_KEY,
        KEY_OF_ITS_OWN_KIND,
        SHARED_SECRET,
    ),
    "t06 a key that the token brings along": (
        f"{SIGNATURES} -k 't06 and brings_along'",
        Mutation(HEADERS, "if _KEY_PARAMETERS & header.keys():", "if False:"),
    ),
    "t06 an extension": (f"{SIGNATURES} -k 't06 and extension'", ANY_HEADER),
    "t06 an ID token": (
        f"{SIGNATURES} -k 't06 and another_kind'",
        Mutation(CLAIMS, 'name != "jwt" or _ID_TOKEN_CLAIMS & claims.keys()', 'name != "jwt"'),
    ),
    "t06 a token of any kind": (
        f"{SIGNATURES} -k 't06 and another_kind'",
        Mutation(VERIFIER, "        check_token_type(claims, header.get(\"typ\"))\n", ""),
    ),
    "t06 keys are fetched for every name": (
        f"{SIGNATURES} -k 't06 and made_up'",
        Mutation(KEYS, "cached = await self._at_most(MIN_REFETCH_SECONDS)", "cached = await self._at_most(0)"),
    ),
    "t07 answers are kept": (
        f"{REVOCATION} -k 't07 and disabled'",
        Mutation(ASKING, "ANSWER_SECONDS = 4", "ANSWER_SECONDS = 9"),
    ),
    "t07 keys are kept": (
        f"{REVOCATION} -k 't07 and rotated_out'",
        Mutation("intarsia/server/auth/resource_server/settings.py",
                 "keys_seconds: float = 4", "keys_seconds: float = 9"),
    ),
    "t07 what keys proved is kept": (
        f"{REVOCATION} -k 't07 and rotated_out'",
        Mutation(KEYS, "return key, cached.requested_at + self._seconds", "return key, cached.requested_at + 9"),
    ),
    "t07 nobody is asked about signed tokens": (
        f"{REVOCATION} -k 't07 and stops_too'",
        Mutation(VERIFIER, "if settings is None or not settings.signed_tokens:", "if True:"),
    ),
    "t07 what is not active": (
        f"{REVOCATION} -k 't07 and stops_too'",
        Mutation(ASKING, 'if response.get("active") is not True:', "if False:"),
    ),
    "t07 scopes that were taken back": (
        f"{REVOCATION} -k 't07 and taken_back_from'",
        Mutation(VERIFIER, "scopes=bearer.scopes & scopes", "scopes=bearer.scopes"),
    ),
    "t07 somebody else's token": (
        f"{REVOCATION} -k 't07 and taken_back_from'",
        Mutation(VERIFIER, 'if response.get("sub", bearer.subject) != bearer.subject', "if False"),
    ),
    "t08 a token in the address": (
        f"{TOKENS} -k 't08 and anywhere'",
        Mutation(GUARD,
                 'headers = [value for name, value in scope["headers"] if name == b"authorization"]\n        # Two',
                 'headers = [b"Bearer " + scope["query_string"].partition(b"=")[2]]\n        # Two'),
    ),
    "t08 a token in a cookie": (
        f"{TOKENS} -k 't08 and anywhere'",
        Mutation(GUARD, 'if name == b"authorization"]\n        # Two',
                 'if name in (b"authorization", b"cookie")]\n        # Two'),
        Mutation(GUARD, "_BEARER.fullmatch(headers[0]", "_BEARER.search(headers[0]"),
    ),
    "t08 two headers": (
        f"{TOKENS} -k 't08 and two'",
        Mutation(GUARD, "if len(headers) > 1:", "if False:"),
    ),
    "t09 scopes before the tool": (
        f"{SCOPES} -k 't09 and named'",
        Mutation(GUARD, "        if not call or not missing:\n", "        if True:\n"),
    ),
    "t09 all scopes in the challenge": (
        f"{SCOPES} -k 't09 and named'",
        Mutation(GUARD, "required = (bearer.scopes & self._scopes()) | missing", "required = missing"),
    ),
    "t09 only ours in the challenge": (
        f"{SCOPES} -k 't09 and named'",
        Mutation(GUARD, "required = (bearer.scopes & self._scopes()) | missing", "required = bearer.scopes | missing"),
    ),
    "t09 any white space separates": (
        f"{SCOPES} -k 't09 and named'",
        Mutation(CLAIMS, 'value.split(" ")', "value.split()"),
    ),
    "t09 scopes in any letters": (
        f"{SCOPES} -k 't09 and named'",
        Mutation(CLAIMS, 'value.split(" ")', 'value.lower().split(" ")'),
    ),
    "t09 the body rules": (
        f"{SCOPES} -k 't09 and header'",
        Mutation(GUARD, 'name: object = params.get("name")', 'name: object = ""'),
        Mutation("intarsia/server/wire/messages.py", "    if decision.missing_scopes:\n", "    if False:\n"),
        Mutation("intarsia/server/calls/reader.py", "    if not decision.allowed:\n", "    if False:\n"),
    ),
    "t09 drafts": (
        f"{SCOPES} -k 't09 and draft'",
        Mutation(GUARD, 'catalog.offered(str(arguments.get("tool")) if name', "catalog.offered(name if name"),
    ),
}  # fmt: skip


@each_guard(GUARDS)
async def test_an_attack_gets_through_without_its_guard(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)


@pytest.mark.slow
async def test_a_copy_with_all_its_guards_lets_no_attack_through(mutants: Mutants) -> None:
    outcome = await mutants.run(f"{TOKENS} {SIGNATURES} {SCOPES} -k 't05 or unsigned or t09'")

    assert (outcome.failed, outcome.broken) == (0, 0), outcome.said
    assert outcome.passed > 50


@pytest.mark.parametrize("old", ["never there", "import "])
def test_a_mutation_that_does_not_fit_is_an_error(tmp_path: Path, old: str) -> None:
    (tmp_path / "source.py").write_text("import one\nimport two\n")

    with pytest.raises(MutationError, match="and should once"):
        Mutation("source.py", old, "").apply(tmp_path)


async def test_a_mutation_that_opens_nothing_is_told(mutants: Mutants) -> None:
    harmless = Mutation(CLAIMS, "MAX_NAME_LENGTH = 512", "MAX_NAME_LENGTH = 513")

    with pytest.raises(AssertionError, match="No attack got through"):
        await mutants.assert_bites(Guard("harmless", f"{TOKENS} -k 't04 and several'", (harmless,)))
