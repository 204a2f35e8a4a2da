"""Every guard of sign-in and consent is taken away once, and the attack that it stops gets through."""

import pytest

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

HERE, SERVER = "tests/authorization_server", "intarsia/server/auth/authorization_server"
CODES, REDIRECTS, CONSENT = f"{HERE}/test_codes.py", f"{HERE}/test_redirects.py", f"{HERE}/test_consent.py"
REFRESHING, REGISTERING = f"{HERE}/test_refreshing.py", f"{HERE}/test_registering.py"
WITHDRAWING, ACCOUNTS = f"{HERE}/test_withdrawing.py", f"{HERE}/test_accounts.py"

LEDGER = f"{SERVER}/oauth/grants.py"
ENDPOINTS = f"{SERVER}/oauth/token_endpoint.py"
ASKING = f"{SERVER}/oauth/authorization_request.py"
KEPT_SESSIONS = f"{SERVER}/accounts/sessions.py"
SESSIONS = "intarsia/server/pages/browsers.py"
ASKED = f"{SERVER}/pages/consent_page.py"
LEADING = f"{SERVER}/clients/redirect_uris.py"
DRAWING = "intarsia/server/pages/templates.py"
CLIENTS = f"{SERVER}/clients/clients.py"
REGISTERS = f"{SERVER}/oauth/registration.py"
GATE = "intarsia/server/http/request_limits.py"
ENTERING = f"{SERVER}/pages/login_page.py"
FORMS = "intarsia/server/pages/forms.py"

ANY_CODE = Mutation(LEDGER, "if row is not None and row.used:", "if False:")
ANY_ORIGIN = Mutation(
    SESSIONS, "if origin not in (None, self._origin) or site not in (None, *_OWN_PAGES):", "if False:"
)
ANY_FORM = Mutation(SESSIONS, "if not compare_digest(", "if False and not compare_digest(")
ANY_SESSION = Mutation(ASKING, "_TABLE.c.session == session, _TABLE.c.expires_at", "_TABLE.c.expires_at")
ANY_CHARACTER = (
    Mutation(LEADING, "or not _PRINTABLE_ASCII.fullmatch(address)", ""),
    Mutation(LEADING, "if _FORBIDDEN & set(address) or ", "if "),
)
PREFIX = Mutation(LEADING, "address == other or", "address.startswith(other) or")

GUARDS: dict[str, tuple[str, *tuple[Mutation, ...]]] = {
    "t12 a code twice": (f"{CODES} -k 't12 and takes_back'", ANY_CODE),
    "t12 what a code was worth": (
        f"{CODES} -k 't12 and access_tokens'",
        Mutation(LEDGER, 'await _revoke(connection, GRANTS.c.id == row.grant, "authorization code reused")', "pass"),
    ),
    "t12 another app": (
        f"{CODES} -k 't12 and another_app'",
        Mutation(LEDGER, "row.client == redemption.client and ", ""),
    ),
    "t12 another address": (
        f"{CODES} -k 't12 and redirect'",
        Mutation(LEDGER, "redemption.redirect_uri in (None, row.redirect_uri)", "True"),
    ),
    "t12 expired": (f"{CODES} -k 't12 and minute'", Mutation(LEDGER, " and bool(row.expires_at > time())", "")),
    "t12 another try": (
        f"{CODES} -k 't12 and wrong_try'",
        Mutation(LEDGER, "            if row is not None:\n                # Used up",
                 "            if row is not None and _matches(row, redemption):\n                # Used up"),
    ),
    "t13 any method": (
        f"{CODES} -k 't13 and s256'",
        Mutation(ASKING, 'query.one("code_challenge_method") != "S256"', "False"),
        Mutation(ASKING, '_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")', '_CHALLENGE = re.compile(r".*")'),
    ),
    "t13 no challenge": (
        f"{CODES} -k 't13 and without_a_challenge'",
        Mutation(ASKING, 'not _CHALLENGE.fullmatch(query.one("code_challenge") or "")', "False"),
    ),
    "t13 any verifier": (
        f"{CODES} -k 't13 and a_wrong_verifier'",
        Mutation(LEDGER, " and row.challenge == redemption.challenge", ""),
    ),
    "t13 no verifier": (
        f"{CODES} -k 't13 and no_verifier'",
        Mutation(ENDPOINTS, '_challenge_of(form.required("code_verifier"))', 'form.one("code_verifier") or ""'),
        Mutation(LEDGER, " and row.challenge == redemption.challenge", ""),
    ),
    "t13 the challenge itself": (
        f"{CODES} -k 't13 and is_no_verifier'",
        Mutation(LEDGER, " and row.challenge == redemption.challenge", ""),
    ),
    "t14 any address": (
        f"{REDIRECTS} -k 't14 and not_the_apps'",
        Mutation(ASKED, "if not is_registered(address, client.redirect_uris):", "if False:"),
    ),
    "t14 any address for an app that has a document": (
        f"{HERE}/test_described_apps.py -k t14",
        Mutation(ASKED, "if not is_registered(address, client.redirect_uris):", "if False:"),
    ),
    "t14 an address that begins alike": (f"{REDIRECTS} -k 't14 and not_the_apps'", PREFIX),
    "t14 any port": (
        f"{REDIRECTS} -k 't14 and not_the_apps and port'",
        Mutation(LEADING, "    return is_loopback and is_same", "    return is_same"),
    ),
    "t14 any scheme": (
        f"{REDIRECTS} -k 't14 and registers_such'",
        Mutation(LEADING, 'return parts.scheme in _NATIVE_SCHEMES or "." in parts.scheme', "return True"),
    ),
    "t14 users in addresses": (
        f"{REDIRECTS} -k 't14 and registers_such and user'",
        Mutation(LEADING, ' and "@" not in parts.netloc', ""),
        Mutation(LEADING, "_HOST = re.compile(r\"(", "_HOST = re.compile(r\"(.*|"),
    ),
    "t14 characters that browsers read in their own way": (
        f"{REDIRECTS} -k 't14 and registers_such and backslash'",
        *ANY_CHARACTER,
        Mutation(LEADING, ' and "@" not in parts.netloc', ""),
        Mutation(LEADING, "_HOST = re.compile(r\"(", "_HOST = re.compile(r\"(.*|"),
    ),
    "t14 fragments": (
        f"{REDIRECTS} -k 't14 and registers_such and fragment'",
        Mutation(LEADING, ' or "#" in address:', ":"),
    ),
    "t15 another page after sign-in": (
        f"{REDIRECTS} -k 't15 and comes_after and sign-in'",
        Mutation(ENTERING,
                 'f"/authorize?{entered.authorize_query}" if entered.authorize_query else entered.next_path',
                 'entered.authorize_query or "/apps"'),
    ),
    "t15 a redirect after an error": (
        f"{REDIRECTS} -k 't15 and sends_nobody'",
        Mutation(ASKED, '"notice", status=400,', '"notice", status=400, headers={"Refresh": f"0; url={link}"},'),
    ),
    "t16 forms without a token": (f"{CONSENT} -k 't16 and without_its_token'", ANY_FORM),
    "t16 a question twice": (
        f"{CONSENT} -k 't16 and sent_twice'",
        Mutation(ASKING, "found = delete(_TABLE).where(",
                 "found = _TABLE.update().values(expires_at=2**40).where("),
    ),
    "t16 forms of others": (f"{CONSENT} -k 't16 and form_of_another'", ANY_FORM, ANY_SESSION),
    "t16 questions of others": (f"{CONSENT} -k 't16 and question_of_another'", ANY_SESSION),
    "t16 a cookie that stays": (
        f"{CONSENT} -k 't16 and somebody_else_set'",
        Mutation(KEPT_SESSIONS, "browser = Browser(token_urlsafe(32), account)",
                 "browser = Browser(before.cookie, account)"),
    ),
    "t16 a session that stays": (
        f"{CONSENT} -k 't16 and signed_out'",
        Mutation(ENTERING, "        await self._sessions.end(browser)\n", ""),
    ),
    "t16 t42 forms of other sites": (f"{CONSENT} -k 't16_t42'", ANY_ORIGIN),
    "t17 markup": (f"{CONSENT} -k 't17 and is_text'", Mutation(DRAWING, "autoescape=True", "autoescape=False")),
    "t17 hidden characters": (
        f"{CONSENT} -k 't17 and hides'",
        Mutation(CLIENTS, "if unicodedata.category(character) not in _INVISIBLE", ""),
    ),
    "t17 t43 frames": (
        f"{CONSENT} -k 't17_t43'",
        Mutation(DRAWING, "; frame-ancestors 'none'", ""),
    ),
    "t18 silent consent": (
        f"{CONSENT} -k 't18'",
        Mutation(ASKED,
                 "        return await self._show(browser, client, authorization, authorize_query=request.url.query)\n",
                 """        if await self._services.grants.active_grants(browser.account):
            scopes, challenge = frozenset(authorization.scopes), authorization.challenge
            consent = Consent(browser.account, client.id, scopes, True, redirect_uri, challenge)
            code = await self._services.grants.create(consent)
            return self._continue_to_app(client.name, authorization, code=code)
        return await self._show(browser, client, authorization, authorize_query=request.url.query)
"""),
    ),
    "t19 a token twice": (
        f"{REFRESHING} -k 't19 and used_again'",
        Mutation(LEDGER, 'await _revoke(connection, GRANTS.c.id == row.grant, "refresh token reused")',
                 "pass"),
    ),
    "t19 a successor that was used": (
        f"{REFRESHING} -k 't19 and successor'",
        Mutation(LEDGER, "is_unused and text", "text"),
        Mutation(LEDGER, "where(predecessor).values(response=None)", "where(predecessor).values(used_at=time())"),
    ),
    "t19 another app": (f"{REFRESHING} -k 't19 and another_app'", Mutation(LEDGER, "row.client != client or ", "")),
    "t19 a longer grace": (
        f"{REFRESHING} -k 't19 and used_again'",
        Mutation(LEDGER, "row.used_at + GRACE_SECONDS < time()", "row.used_at + 9 * GRACE_SECONDS < time()"),
    ),
    "t20 no grace": (
        f"{REFRESHING} -k 't20'",
        Mutation(LEDGER, "row.used_at + GRACE_SECONDS < time()", "True"),
    ),
    "t21 many addresses": (
        f"{REGISTERING} -k 't21 and addresses'",
        Mutation(REGISTERS, "0 < len(addresses) <= MAX_REDIRECT_URIS", "0 < len(addresses)"),
    ),
    "t21 large descriptions": (
        f"{REGISTERING} -k 't21 and megabytes'",
        Mutation(REGISTERS, "if len(await request.body()) > MAX_BYTES:", "if False:"),
    ),
    "t21 a flood": (
        f"{REGISTERING} -k 't21 and one_sender'",
        Mutation(REGISTERS, "            if wait:\n", "            if False:\n"),
    ),
    "t21 a flood from everywhere": (
        f"{REGISTERING} -k 't21 and displaces'",
        Mutation(CLIENTS, "where(is_registered, is_unused, is_old)", "where(is_registered, is_old)"),
    ),
    "t21 a flood from everywhere, of young apps": (
        f"{REGISTERING} -k 't21 and honest'",
        Mutation(CLIENTS, "where(is_registered, is_unused, is_old)", "where(is_registered, is_unused)"),
    ),
    "t21 a known host": (
        f"{REGISTERING} -k 't21 and known_host'",
        Mutation(REGISTERS, "self._by_known_host if is_known_host(request.scope) else self._by_network",
                 "self._by_network"),
    ),
    "t21 no end": (f"{REGISTERING} -k 't21 and no_more'", Mutation(CLIENTS, "if count < MAX_REGISTERED:", "if True:")),
    "t22 the issuer": (
        f"{REDIRECTS} -k 't22 and carries'",
        Mutation(ASKED, "link = add_parameters(redirect_uri, **parameters, iss=issuer)",
                 "link = add_parameters(redirect_uri, **parameters)"),
    ),
    "t22 an unknown app": (
        f"{REDIRECTS} -k 't22 and not_repeated'",
        Mutation(ASKED, "return self._error_page(error)\n",
                 "return self._error_page(error, redirect_uri=query.one('redirect_uri') or '')\n"),
    ),
    "t42 somebody signed in as somebody else": (f"{CONSENT} -k 't42 and somebody_else'", ANY_FORM),
    "t42 forms that pages of others can send as text": (
        f"{CONSENT} -k 't42 and nothing_else'",
        Mutation(GATE, "if kind.strip() != wanted.encode() or charset not in", "if charset not in"),
    ),
    "t46 answers for other origins": (
        f"{CONSENT} -k 't46 and no_other_site and GET'",
        Mutation(GATE, 'raise RequestRejectedError(403, "This origin may not call.")', "pass"),
    ),
    "t46 cookies for other origins": (
        f"{CONSENT} -k 't46 and never'",
        Mutation("intarsia/server/auth/authorization_server/server.py", '        allow_origins=["*"],',
                 '        allow_origins=["*"], allow_credentials=True,'),
    ),
    "t47 a cookie for scripts": (
        f"{CONSENT} -k 't47 and no_script'",
        Mutation(SESSIONS, "            httponly=True,\n            samesite",
                 "            httponly=False,\n            samesite"),
    ),
    "t47 a cookie in the clear": (
        f"{CONSENT} -k 't47 and no_script'",
        Mutation(SESSIONS, "            secure=self._settings.is_https,\n            httponly",
                 "            secure=False,\n            httponly"),
    ),
    "t47 a cookie that anybody can set": (
        f"{CONSENT} -k 't47 and no_script'",
        Mutation(SESSIONS, 'f"__Host-{name}" if', "name if"),
    ),
    "t47 a cookie for all sites": (
        f"{CONSENT} -k 't47 and no_script'",
        Mutation(SESSIONS, 'samesite="lax",  # not', 'samesite="none",  # not'),
    ),
    "withdrawal": (
        f"{WITHDRAWING} -k 'take_it_back'",
        Mutation(LEDGER, 'await _revoke(connection, of_client, f"by the admin {by}" if by else "done")', "pass"),
    ),
    "others' grants": (
        f"{WITHDRAWING} -k 'nobody_sees_or_takes'",
        Mutation(LEDGER, "(GRANTS.c.account == account) & (GRANTS.c.client == client)\n            await",
                 "(GRANTS.c.client == client)\n            await"),
    ),
    "others' tokens": (
        f"{WITHDRAWING} -k 'another_holds'",
        Mutation(LEDGER, "GRANTS.c.id.in_(grants) & (GRANTS.c.client == client)", "GRANTS.c.id.in_(grants)"),
    ),
    "t34 sessions of a password": (
        f"{WITHDRAWING} -k 't34'",
        Mutation("intarsia/server/auth/authorization_server/accounts/accounts.py",
                 "await connection.execute(delete(SESSIONS).where(SESSIONS.c.account == account))", "pass"),
    ),
    "closed accounts": (
        f"{WITHDRAWING} -k 'out_at_once and disable'",
        Mutation(LEDGER, 'if row is None or row.state != "active":', "if row is None:"),
    ),
    "passwords without end": (
        f"{ACCOUNTS} -k 'without_end'",
        Mutation(ENTERING, "if wait := self._limits.wait_seconds(attempt):", "if wait := 0:"),
    ),
    "fields that stand twice": (f"{CODES} -k 'stands_twice'", Mutation(FORMS, "if len(values) > 1:", "if False:")),
    "secrets of apps": (
        f"{HERE}/test_clients_made_here.py -k 'nobody_else and wrong'",
        Mutation(ENDPOINTS, "or not client.verify_secret(secret)", ""),
    ),
    "apps without their secrets": (
        f"{HERE}/test_clients_made_here.py -k 'nobody_else and none'",
        Mutation(CLIENTS, "return secret is not None and compare_digest(digest_of(secret), self.secret)",
                 "return secret is None or compare_digest(digest_of(secret), self.secret)"),
    ),
    "t48 strangers": (
        f"{HERE}/test_described_apps.py -k 't48'",
        Mutation(ASKED, "await self._services.clients.fetch(client_id) if browser.account else None",
                 "await self._services.clients.fetch(client_id)"),
    ),
    "another resource": (
        f"{CODES} -k 'not_redeemed_for'",
        Mutation(ENDPOINTS, 'if form.one("resource") not in (None, self._services.settings.resource):', "if False:"),
    ),
}  # fmt: skip


@each_guard(GUARDS)
async def test_an_attack_gets_through_without_its_guard(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)


@pytest.mark.slow
async def test_a_copy_with_all_its_guards_lets_no_attack_through(mutants: Mutants) -> None:
    outcome = await mutants.run(f"{CODES} {REFRESHING} {CONSENT} -k 't12 or t13 or t16 or t19 or t20'")

    assert (outcome.failed, outcome.broken) == (0, 0), outcome.said
    assert outcome.passed > 30
