"""Every guard of admins who sign in elsewhere is taken away once, and the attack that it stops gets through."""

import pytest

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

HERE, HOUSE = "tests/admin/test_issuer_sign_in.py", "intarsia/server/admin"
PAGES, DOOR, SESSIONS = (
    f"{HOUSE}/issuer_sign_in.py",
    f"{HOUSE}/issuer_client.py",
    "intarsia/server/pages/browsers.py",
)
DRAWING, FLIGHTS = "intarsia/server/pages/templates.py", "intarsia/server/auth/resource_server/cache.py"

ANY_BROWSER = Mutation(
    DOOR, "if attempt is None or not compare_digest(attempt.browser, browser.session):", "if attempt is None:"
)
ANY_ORIGIN = Mutation(
    SESSIONS, "if origin not in (None, self._origin) or site not in (None, *_OWN_PAGES):", "if False:"
)
ANY_FORM = Mutation(SESSIONS, "if not compare_digest(", "if False and not compare_digest(")
ANY_ISSUER = "if issuer != self._issuer and (issuer is not None or is_required):"
ANY_STATE = Mutation(
    DOOR,
    '        attempt = self._attempts.take(digest_of(response.required("state")))\n',
    "        attempt = next((one for _, one in self._attempts._known.values()), None)\n",
)

GUARDS: dict[str, tuple[str, *tuple[Mutation, ...]]] = {
    "t15 the address to go to": (
        f"{HERE} -k 't15 and parameter and next'",
        Mutation(PAGES, 'redirect_to("/admin", HEADERS)', 'redirect_to(before.account or "/admin", HEADERS)'),
        Mutation(PAGES, "return await self._start(bearer, token, before)",
                 'return await self._start(bearer, token, Browser(before.cookie, request.query_params.get("next")))'),
    ),
    "t15 what the issuer says went wrong": (
        f"{HERE} -k 't15 and error'",
        Mutation(PAGES, 'f"{self._issuer} did not sign you in.")',
                 'request.query_params["error_description"])'),
    ),
    "t16 t42 another browser": (f"{HERE} -k 't16_t42 and another_browser'", ANY_BROWSER),
    "t16 t42 no browser": (f"{HERE} -k 't16_t42 and without_any_cookie'", ANY_BROWSER),
    "t16 t42 any state": (f"{HERE} -k 't16_t42 and not_ours and made-up'", ANY_STATE),
    "t16 t42 a state twice": (
        f"{HERE} -k 't16_t42 and used_once'",
        Mutation(DOOR, "attempt = self._attempts.take(", "attempt = self._attempts.get("),
    ),
    "t16 t42 a state for ever": (
        f"{HERE} -k 't16_t42 and last'",
        Mutation(FLIGHTS, "return value if until > monotonic() else None", "return value"),
    ),
    "t16 another issuer": (
        f"{HERE} -k 't16 and another_issuer and evil'",
        Mutation(DOOR, ANY_ISSUER, "if issuer is None and is_required:"),
    ),
    "t16 no issuer": (
        f"{HERE} -k 't16 and another_issuer and None'",
        Mutation(DOOR, ANY_ISSUER, "if issuer not in (None, self._issuer):"),
    ),
    "t16 any code": (
        f"{HERE} -k 't16 and somebody_else'",
        Mutation(DOOR, '"state": state, "code_challenge": pair.code_challenge, "code_challenge_method": "S256",',
                 '"state": state, "code_challenge": _SAME.code_challenge, "code_challenge_method": "S256",'),
        Mutation(DOOR, '"code_verifier": verifier,', '"code_verifier": _SAME.code_verifier,'),
        Mutation(DOOR, "SIGN_IN_SECONDS = 600\n", "SIGN_IN_SECONDS = 600\n_SAME = PKCEParameters.generate()\n"),
    ),
    "t34 a cookie that stays": (
        f"{HERE} -k 't34 and new_session'",
        Mutation(PAGES, "browser = Browser(token_urlsafe(32), person)", "browser = Browser(before.cookie, person)"),
    ),
    "t34 a session that stays": (
        f"{HERE} -k 't34 and sign_out'",
        Mutation(PAGES, "        token = self._tokens.take(browser.session)\n        if token is not None:",
                 "        token = self._tokens.get(browser.session)\n        if token is not None:"),
    ),
    "t34 a token of yesterday": (
        f"{HERE} -k 't34 and taken_back'",
        Mutation(PAGES, "            bearer = await self._verifier.verify(token)\n        except TokenError as error:\n"
                        '            logger.info("The access token of an admin is',
                 "            bearer = self._seen = getattr(self, '_seen', None) or await self._verifier.verify(token)"
                 "\n"
                 '        except TokenError as error:\n            logger.info("The access token of an admin is'),
    ),
    "t42 forms from elsewhere": (f"{HERE} -k 't42 and elsewhere'", ANY_ORIGIN),
    "t42 forms of another browser": (f"{HERE} -k 't42 and token_of_another'", ANY_FORM),
    "t42 no check of forms": (
        f"{HERE} -k 't42 and elsewhere and switches'",
        Mutation(PAGES, "        self._cookies.verify_csrf(request, form, request.scope[_BROWSER])\n",
                 "        del request, form\n"),
    ),
    "t42 no check at sign-out": (
        f"{HERE} -k 't42 and elsewhere and sign-out'",
        Mutation(PAGES, "            self._cookies.verify_csrf(request, await read_form(request), browser)\n",
                 "            await read_form(request)\n"),
    ),
    "t43 frames": (
        f"{HERE} -k 't43'",
        Mutation(DRAWING, "; frame-ancestors 'none'", ""),
    ),
    "t44 anybody at sign-in": (
        f"{HERE} -k 't44 and lacks'",
        Mutation(PAGES, "        if ADMIN not in bearer.roles:\n            # Another",
                 "        if False:\n            # Another"),
        Mutation(PAGES, "        if ADMIN not in bearer.roles:\n            self._tokens.take(browser",
                 "        if False:\n            self._tokens.take(browser"),
    ),
    "t44 who was an admin": (
        f"{HERE} -k 't44 and lost'",
        Mutation(PAGES, "        if ADMIN not in bearer.roles:\n            self._tokens.take(browser",
                 "        if False:\n            self._tokens.take(browser"),
    ),
    "t44 a session that waits for the role": (
        f"{HERE} -k 't44 and lost'",
        Mutation(PAGES, "            self._tokens.take(browser.session)\n            return self._forbidden(bearer)",
                 "            return self._forbidden(bearer)"),
    ),
    "t47 a cookie for scripts": (
        f"{HERE} -k 't47'",
        Mutation(SESSIONS, "            httponly=True,\n            samesite",
                 "            httponly=False,\n            samesite"),
    ),
    "t47 a cookie in the clear": (
        f"{HERE} -k 't47'",
        Mutation(PAGES, 'return self.public_url.startswith("https:")', "return False"),
    ),
    "t47 a cookie for all sites": (
        f"{HERE} -k 't47'",
        Mutation(SESSIONS, 'samesite="lax",  # not', 'samesite="none",  # not'),
    ),
    "sessions without end": (
        f"{HERE} -k 'outlast'",
        Mutation(PAGES, "monotonic() + self.settings.session_seconds", 'float("inf")'),
    ),
    "tokens in a file": (
        f"{HERE} -k 'logged'",
        Mutation(PAGES, '"sign_in", person, bearer.client)', '"sign_in", person, bearer.client, what=token)'),
    ),
    "an issuer that is away": (
        f"{HERE} -k 'away and nobody'",
        Mutation(PAGES, "        except IssuerError:\n            return self._unavailable()\n        if ADMIN",
                 '        except IssuerError:\n            return Admin("?", "?", "?")\n        if ADMIN'),
    ),
}  # fmt: skip


@each_guard(GUARDS)
async def test_an_attack_gets_through_without_its_guard(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)


@pytest.mark.slow
async def test_a_copy_with_all_its_guards_lets_no_attack_through(mutants: Mutants) -> None:
    outcome = await mutants.run(f"{HERE} -k 't15 or t16 or t34 or t42 or t43 or t47'")

    assert (outcome.failed, outcome.broken) == (0, 0), outcome.said
    assert outcome.passed > 25
